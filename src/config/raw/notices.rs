//! `notices` as it is written.

use serde::Deserialize;

use super::{Flag, Text};

/// Where hooktail tells about itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawNotices {
    /// The webhook that hears of it.
    pub(in crate::config) webhook: Option<Text>,
    /// Whether starts and stops are told too.
    pub(in crate::config) lifecycle: Option<Flag>,
}
