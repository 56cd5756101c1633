//! Standard input. Reading waits for the engine, and with passthrough for whoever reads standard output, as it would
//! without us between; the writer of the pipe is held up by nothing else.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use crate::event::Origin;
use crate::line::split::Splitter;

use super::feed::{EngineGone, Feed};
use super::waker::{PIPE_BYTES, Waker};

/// Reads `source` until its end or until `waker` asks to stop; what was read also goes on to `passthrough`, byte for
/// byte and before it is looked at.
///
/// # Errors
/// Reading failed, or the engine has stopped.
pub fn run<S: Read + AsFd>(
    mut source: S,
    mut passthrough: Option<impl Write + AsFd>,
    origin: Arc<Origin>,
    mut feed: Feed,
    waker: &Waker,
) -> Result<(), StdinError> {
    let mut splitter = Splitter::new(feed.line_spec().line_bytes_max);
    // Asked each time round: a source that always has more must not outlast a stop.
    while !waker.stopped() {
        if !waker.wait(Some(source.as_fd()), None)? {
            continue;
        }
        let room = splitter.room();
        let read = match source.read(room) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(Err(error)) = passthrough.as_mut().map(|out| pass(out, &room[..read], waker)) {
            tracing::warn!(%error, "standard output takes no more: lines are watched, but no longer passed on");
            passthrough = None;
        }
        splitter.filled(read);
        feed.count(|count| count.bytes += read as u64);
        while let Some(piece) = splitter.next_piece() {
            feed.piece(&origin, piece)?;
        }
        feed.flush()?;
    }
    if let Some(line) = splitter.finish() {
        feed.line(&origin, line)?;
    }
    Ok(feed.flush()?)
}

/// Waits for room before each piece, so that a reader who is stuck holds up no stop.
fn pass(out: &mut (impl Write + AsFd), mut bytes: &[u8], waker: &Waker) -> std::io::Result<()> {
    while !bytes.is_empty() {
        if !waker.wait_to_write(out.as_fd())? {
            if waker.stopped() {
                return Err(std::io::Error::other(
                    "hooktail was asked to stop while it waited for its reader",
                ));
            }
            continue;
        }
        match out.write(&bytes[..bytes.len().min(PIPE_BYTES)]) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

/// Why reading standard input ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum StdinError {
    /// Reading failed.
    #[error("failed to read standard input")]
    Read(#[from] std::io::Error),
    /// There is nobody to read for.
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
}
