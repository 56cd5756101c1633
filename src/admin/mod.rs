//! What an operator asks of the running agent, and tells it: health, metrics, the state as JSON, silences. Over the
//! address of `admin.listen`, and over a socket in the state directory.
//!
//! All of it is drawn from one [`Board`](crate::board::Board), to which the stations publish; nothing here holds them up.

mod api;
mod bounded;
pub mod client;
mod doors;
mod metrics;
mod page;
mod past;
mod server;
mod silence;
pub mod token;

use std::net::SocketAddr;

use token::Token;

pub use doors::{DoorError, Doors, SOCKET};
pub use metrics::{METRICS, Metric};
pub use past::{PastAlert, Received};
pub use server::Server;
pub use silence::Asked;

/// `admin`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSpec {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What somebody must show who changes something; without one nobody can over the network.
    pub token: Option<Token>,
}
