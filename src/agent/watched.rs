//! How the agent is watched: what its service manager and its heartbeat are told.

use std::convert::Infallible;

use crate::board::Board;
use crate::deliver::brief::Transport;
use crate::herald::Herald;
use crate::supervisor::Supervisor;

use super::inputs::Turning;

/// The heartbeat, while the board knows of nothing that keeps the agent from what it is for. What is drawn has none.
pub(super) async fn heartbeat(herald: &Herald, board: &Board, transport: &Transport) -> Infallible {
    let Transport::Http(clients) = transport else { return std::future::pending().await };
    herald.beat(clients, || board.is_ready()).await
}

/// Once each reader has looked at what is there: what is written from then on is read.
pub(super) async fn tell_ready(supervisor: &Supervisor, begun: Turning, status: &str) -> Infallible {
    if begun.await.is_ok() {
        supervisor.ready(status);
    }
    std::future::pending().await
}
