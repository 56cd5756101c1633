//! `on_exit` as it is written.

use serde::Deserialize;

use super::{Count, OneOrMany, Text};

/// What is posted when the program of `hooktail exec` ends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawOnExit {
    /// The webhooks that hear of it.
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
    /// `critical`, unless it says another one.
    pub(in crate::config) severity: Option<Text>,
    /// Whom it mentions.
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// How many of the program's last lines are shown.
    pub(in crate::config) lines: Option<Count>,
    /// The exit statuses of which nobody is told.
    pub(in crate::config) ok: Option<OneOrMany<Count>>,
}
