//! `notices` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Flag, Text, kind};

/// Where hooktail tells about itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawNotices {
    /// The webhook that hears of it; without it, the first.
    #[schemars(with = "kind::Webhook")]
    pub(in crate::config) webhook: Option<Text>,
    /// Whether starts and stops are told too.
    #[schemars(extend("default" = false))]
    pub(in crate::config) lifecycle: Option<Flag>,
}
