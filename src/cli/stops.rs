//! Signals as requests to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Requests to stop, of which the first two count.
const REQUESTS: usize = 2;

/// Brings a request for each SIGTERM and SIGINT. SIGHUP is taken too, so that it does not end the process: reloading is
/// not yet supported, and that is said. The set must live as long as signals are to be heard.
///
/// # Errors
/// The system lets no more signals be listened for.
pub(super) fn requests() -> std::io::Result<(mpsc::Receiver<()>, JoinSet<()>)> {
    let (sender, receiver) = mpsc::channel(REQUESTS);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut listening = JoinSet::new();
    listening.spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    tracing::warn!("SIGHUP: reloading is not yet supported; restart to take a changed configuration");
                    continue;
                }
            }
            // Further ones say nothing new.
            let _ = sender.try_send(());
        }
    });
    Ok((receiver, listening))
}
