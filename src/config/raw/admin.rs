//! `admin` as it is written.

use serde::Deserialize;

use super::Text;

/// The endpoint for health, metrics, the state and silences.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawAdmin {
    /// The address and port that it listens on: `127.0.0.1:9321`.
    pub(in crate::config) listen: Option<Text>,
    /// A file that holds what somebody must show who changes something over the network.
    pub(in crate::config) token_file: Option<Text>,
}
