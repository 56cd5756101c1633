//! Standard input. Reading waits for the engine alone; the writer of the pipe is held up by nothing else.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use crate::event::Origin;
use crate::line::split::Splitter;

use super::feed::{EngineGone, Feed};
use super::waker::Waker;

/// Reads `source` until its end or until `waker` asks to stop; what was read also goes on to `passthrough`, byte for
/// byte and before it is looked at.
///
/// # Errors
/// Reading failed, or the engine has stopped.
pub fn run<S: Read + AsFd>(
    mut source: S,
    mut passthrough: Option<impl Write>,
    origin: Arc<Origin>,
    mut feed: Feed,
    waker: &Waker,
) -> Result<(), StdinError> {
    let mut splitter = Splitter::new(feed.line_spec().line_bytes_max);
    loop {
        if !waker.wait(Some(source.as_fd()), None)? {
            if waker.stopped() {
                break;
            }
            continue;
        }
        let room = splitter.room();
        let read = match source.read(room) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(Err(error)) = passthrough.as_mut().map(|out| pass(out, &room[..read])) {
            tracing::warn!(%error, "standard output takes no more: lines are watched, but no longer passed on");
            passthrough = None;
        }
        splitter.filled(read);
        feed.count(|count| count.bytes += read as u64);
        while let Some(line) = splitter.next_line() {
            feed.line(&origin, line)?;
        }
        feed.flush()?;
    }
    if let Some(line) = splitter.finish() {
        feed.line(&origin, line)?;
    }
    Ok(feed.flush()?)
}

fn pass(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    out.write_all(bytes)?;
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
