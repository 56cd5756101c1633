//! Signals as requests to stop, or to read the configuration again.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Requests to stop, of which the first two count.
const REQUESTS: usize = 2;

/// Brings a request for each SIGTERM and SIGINT, and one to `reloads` for each SIGHUP. Where there is nothing to read
/// again SIGHUP is taken too, so that it does not end the process. The set must live as long as signals are to be heard.
///
/// # Errors
/// The system lets no more signals be listened for.
pub(super) fn requests(
    reloads: Option<mpsc::Sender<()>>,
) -> std::io::Result<(mpsc::Receiver<()>, JoinSet<()>)> {
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
                    match &reloads {
                        // One that waits already will see what this one is about.
                        Some(reloads) => drop(reloads.try_send(())),
                        None => tracing::warn!("SIGHUP: there is no configuration to read again"),
                    }
                    continue;
                }
            }
            // Further ones say nothing new.
            let _ = sender.try_send(());
        }
    });
    Ok((receiver, listening))
}
