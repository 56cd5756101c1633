//! `notices` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Flag, Scalar, Text, kind};

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
    /// A URL that is fetched while all is well, so that somebody else notices when it is not.
    pub(in crate::config) heartbeat: Option<RawHeartbeat>,
}

/// A URL that is fetched while all is well.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["url"]))]
pub(in crate::config) struct RawHeartbeat {
    /// The URL: of a service that tells when it is not fetched in time.
    #[schemars(with = "kind::Url", extend("examples" = ["${HEARTBEAT_URL}"]))]
    pub(in crate::config) url: Option<Text>,
    /// How often.
    #[schemars(with = "kind::Duration", extend("default" = "1m"))]
    pub(in crate::config) every: Option<Scalar>,
}
