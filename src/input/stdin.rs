//! Standard input. Reading waits for the engine, and with passthrough for whoever reads standard output, as it would
//! without us between; the writer of the pipe is held up by nothing else.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::event::{Origin, Stream};
use crate::line::encoding::Unmarked;
use crate::line::join::{Joined, Joiner};
use crate::line::split::{Line, Piece, Splitter};
use crate::notice::{Notice, Sort};

use super::feed::{EngineGone, Feed, Tuning};
use super::slot::Slot;
use super::waker::{PIPE_BYTES, Waker};

/// More than a pipe holds: whoever was asked to finish and reads as much reads what was written since.
const PIPE_BYTES_MAX: usize = 1024 * 1024;

/// What follows when nobody takes any more what is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenClosed {
    /// Lines are watched all the same.
    Watch,
    /// Reading ends, so that the writer learns of it as it would without us.
    End,
}

/// A stream that is watched, on its way to the engine.
#[derive(Debug)]
pub struct Watched {
    /// Where its lines come from.
    pub origin: Arc<Origin>,
    /// Its way to the engine.
    pub feed: Feed,
    /// Where a reload leaves what changed.
    pub tunings: Arc<Slot<StreamTuning>>,
}

/// What a reload changes of a stream. How bytes become lines is as it was at the start: some may have been read of a
/// line.
#[derive(Debug)]
pub struct StreamTuning {
    /// Where its lines come from.
    pub origin: Arc<Origin>,
    /// Of its feed.
    pub tuning: Tuning,
}

/// Reads `source` until its end or until `waker` asks to stop or to finish; what was read also goes on to `passthrough`,
/// byte for byte and before it is looked at.
///
/// # Errors
/// Reading failed, or the engine has stopped.
pub fn run<S: Read + AsFd>(
    mut source: S,
    mut passthrough: Option<impl Write + AsFd>,
    when_closed: WhenClosed,
    watched: Watched,
    waker: &Waker,
) -> Result<(), StdinError> {
    let Watched { mut origin, mut feed, tunings } = watched;
    let mut splitter = Splitter::of_stream(feed.line_spec());
    let mut joiner = Joiner::new(feed.line_spec());
    // When something came last.
    let mut grown = Instant::now();
    let mut cut = Cut::default();
    let mut left = PIPE_BYTES_MAX;
    // Asked each time round: a source that always has more must not outlast a stop.
    while !waker.stopped() {
        let finishing = waker.finishing();
        let open = joiner.as_ref().filter(|joiner| joiner.lines() > 0);
        let complete_in = open.map(|joiner| joiner.timeout().saturating_sub(grown.elapsed()));
        let patience = if finishing { Some(Duration::ZERO) } else { complete_in };
        let ready = waker.wait(Some(source.as_fd()), patience)?;
        if finishing && (!ready || left == 0) {
            break;
        }
        if !ready {
            if let Some(joiner) = joiner.as_mut().filter(|joiner| grown.elapsed() >= joiner.timeout()) {
                joiner.finish(|joined| take(&mut feed, &origin, joined));
                feed.flush()?;
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
        grown = Instant::now();
        if finishing {
            left = left.saturating_sub(read);
        }
        let passed = passthrough.as_mut().map_or(Ok(()), |out| pass(out, &room[..read], waker));
        if let Err(error) = &passed {
            passthrough = None;
            if when_closed == WhenClosed::Watch {
                tracing::warn!(%error, "standard output takes no more: lines are watched, but no longer passed on");
            }
        }
        // Looked for after reading: what is written once a reload is done is for the new rules.
        if let Some(StreamTuning { origin: other, tuning }) = tunings.take() {
            origin = other;
            feed.tune(tuning)?;
        }
        splitter.filled(read);
        if let Some(unmarked) = splitter.unmarked() {
            feed.notice(cant_be_matched(unmarked));
        }
        feed.count(|count| count.bytes += read as u64);
        match &mut joiner {
            None => {
                while let Some(piece) = splitter.next_piece() {
                    cut.see(&origin, piece);
                    feed.piece(&origin, piece)?;
                }
            }
            Some(joiner) => {
                while let Some(line) = splitter.next_line() {
                    cut.see(&origin, Piece::One(line));
                    joiner.add(line, |joined| take(&mut feed, &origin, joined));
                    feed.flush_if_full()?;
                }
            }
        }
        feed.flush()?;
        if passed.is_err() && when_closed == WhenClosed::End {
            break;
        }
    }
    while let Some(line) = splitter.finish() {
        cut.see(&origin, Piece::One(line));
        match &mut joiner {
            None => feed.line(&origin, line)?,
            Some(joiner) => joiner.add(line, |joined| take(&mut feed, &origin, joined)),
        }
    }
    if let Some(joiner) = &mut joiner {
        joiner.finish(|joined| take(&mut feed, &origin, joined));
    }
    Ok(feed.flush()?)
}

fn take(feed: &mut Feed, origin: &Arc<Origin>, joined: Joined<'_>) {
    feed.take_joined(origin, joined);
}

/// Nobody can read a stream a second time: it is watched as it is.
fn cant_be_matched(unmarked: Unmarked) -> Notice {
    let text = format!("what is read can't be matched: {unmarked}");
    Notice { sort: Sort::Unreadable, danger: true, text }
}

/// That lines are cut is said once: how many, the report counts.
#[derive(Debug, Default)]
struct Cut {
    told: bool,
}

impl Cut {
    fn see(&mut self, origin: &Origin, piece: Piece<'_>) {
        let Piece::One(Line { truncated: true, bytes }) = piece else { return };
        if !std::mem::replace(&mut self.told, true) {
            tracing::warn!(
                input = %origin.input,
                stream = origin.stream.map(Stream::name),
                kept = bytes.len(),
                "a line is longer than `max_line`: it is cut there, and its rest is skipped, as those of further ones"
            );
        }
    }
}

/// Waits for room before each piece, so that a reader who is stuck holds up no stop.
pub(super) fn pass(out: &mut (impl Write + AsFd), mut bytes: &[u8], waker: &Waker) -> std::io::Result<()> {
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
