//! `admin` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Text, kind};

/// The endpoint for health, metrics, the state and silences.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawAdmin {
    /// The address and port that it listens on: `127.0.0.1:9321`.
    #[schemars(extend("examples" = ["127.0.0.1:9321"]))]
    pub(in crate::config) listen: Option<Text>,
    /// A file that holds what somebody must show who changes something over the network.
    #[schemars(with = "kind::Path", extend("examples" = ["/run/secrets/hooktail-admin"]))]
    pub(in crate::config) token_file: Option<Text>,
}
