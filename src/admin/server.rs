//! Serves by each door, until it is stopped.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONNECTION, HeaderValue};
use axum::response::Response;
use axum::{Router, middleware};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::board::Board;
use crate::web::HEADERS;

use super::api::{self, Changes, Way};
use super::bounded::Bounded;
use super::doors::{Doors, Socket};

/// How long open connections get to end.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// The running servers; they end with the value.
#[derive(Debug)]
pub struct Server {
    tasks: JoinSet<io::Result<()>>,
    stop: watch::Sender<bool>,
    /// Removed at the end.
    _socket: Option<Socket>,
}

impl Server {
    /// Answers by these doors what `board` knows. To be called in a runtime.
    ///
    /// # Errors
    /// The runtime can't take the listeners.
    pub fn start(doors: Doors, board: &Arc<Board>) -> io::Result<Self> {
        let Doors { network, socket } = doors;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if let Some((listener, spec)) = network {
            let changes = spec.token.map_or(Changes::Nobody, Changes::WithToken);
            let address = listener.local_addr()?;
            let way = Way { loopback: address.ip().is_loopback(), changes };
            let listener = Bounded::new(TcpListener::from_std(listener)?);
            tracing::info!(%address, "the admin endpoint listens");
            let router = headers(api::router(board.clone(), way));
            tasks.spawn(
                axum::serve(listener, router).with_graceful_shutdown(flagged(stopped.clone())).into_future(),
            );
        }
        if let Some(socket) = &socket {
            let way = Way { loopback: false, changes: Changes::Anybody };
            let listener = Bounded::new(UnixListener::from_std(socket.listener.try_clone()?)?);
            let router = headers(api::router(board.clone(), way));
            tasks.spawn(axum::serve(listener, router).with_graceful_shutdown(flagged(stopped)).into_future());
        }
        Ok(Self { tasks, stop, _socket: socket })
    }

    /// Takes no more requests, and lets those at hand end.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        // What takes longer is a client that never ends its request.
        let _ = tokio::time::timeout(STOP_GRACE, ended).await;
    }
}

/// Ends when the flag is raised or its owner is gone.
async fn flagged(mut flag: watch::Receiver<bool>) {
    // An error means that the owner is gone, which ends it as well.
    let _ = flag.wait_for(|raised| *raised).await;
}

/// What goes with each answer, also with those that no handler gave; a connection is for one request.
fn headers(router: Router) -> Router {
    router.layer(middleware::map_response(async |mut response: Response| {
        for (name, value) in HEADERS {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }))
}
