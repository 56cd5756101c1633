//! `on_exit` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, OneOrMany, Text, kind};

/// What is posted when the program of `hooktail exec` ends.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawOnExit {
    /// The webhooks that hear of it; with several, required.
    #[schemars(with = "OneOrMany<kind::Webhook>")]
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
    /// The severity of its message.
    #[schemars(with = "kind::Severity", extend("default" = "critical"))]
    pub(in crate::config) severity: Option<Text>,
    /// Whom it mentions.
    #[schemars(with = "OneOrMany<kind::Mention>", extend("examples" = ["here"]))]
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// How many of the program's last lines are shown.
    #[schemars(extend("default" = 20, "minimum" = 1, "maximum" = 100))]
    pub(in crate::config) lines: Option<Count>,
    /// The exit statuses of which nobody is told.
    #[schemars(extend("default" = [0, 143]))]
    pub(in crate::config) ok: Option<OneOrMany<Count>>,
}
