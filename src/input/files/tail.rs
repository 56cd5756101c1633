//! One file that is being read: from a position on, in pieces, until it is gone and drained.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::event::Origin;
use crate::input::feed::{EngineGone, Feed};
use crate::line::split::Splitter;

/// How much is read of one file before the others have their turn.
const QUANTUM_BYTES: u64 = 256 * 1024;

/// A file that has lost its name is read on until it was quiet for so long: writers keep a rotated file open.
const LINGER: Duration = Duration::from_secs(30);

/// A deleted file is given up after so long even if it grows: it holds the disk's space.
const DELETED_MAX: Duration = Duration::from_secs(300);

/// How a turn of reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There may be more to read now.
    More,
    /// The file's end, for now.
    AtEnd,
}

/// Why a turn of reading failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TailError {
    #[error(transparent)]
    Read(#[from] std::io::Error),
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
}

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) path: PathBuf,
    /// It may have grown: it wants its turn.
    pub(super) ready: bool,
    file: File,
    position: u64,
    splitter: Splitter,
    origin: Arc<Origin>,
    /// Since when no path of the globs leads to it, and since when it is quiet.
    detached: Option<Instant>,
    quiet_since: Instant,
}

impl Tail {
    /// Reads `file` from `position` on.
    pub(super) fn new(
        path: PathBuf,
        file: File,
        position: u64,
        origin: Arc<Origin>,
        feed: &Feed,
        now: Instant,
    ) -> Self {
        Self {
            path,
            ready: true,
            file,
            position,
            splitter: Splitter::new(feed.line_spec().line_bytes_max),
            origin,
            detached: None,
            quiet_since: now,
        }
    }

    /// Reads what has come, up to a quantum, and hands on its lines.
    pub(super) fn read(&mut self, feed: &mut Feed, now: Instant) -> Result<Turn, TailError> {
        self.check_truncation(feed)?;
        let mut quantum = QUANTUM_BYTES;
        while quantum > 0 {
            let read = match self.file.read_at(self.splitter.room(), self.position) {
                Ok(0) => {
                    self.ready = false;
                    return Ok(Turn::AtEnd);
                }
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.splitter.filled(read);
            self.position += read as u64;
            self.quiet_since = now;
            quantum = quantum.saturating_sub(read as u64);
            feed.count(|count| count.bytes += read as u64);
            while let Some(piece) = self.splitter.next_piece() {
                feed.piece(&self.origin, piece)?;
            }
        }
        Ok(Turn::More)
    }

    /// Hands on a last line that has no end: nothing more comes of this file.
    pub(super) fn finish(&mut self, feed: &mut Feed) -> Result<(), EngineGone> {
        match self.splitter.finish() {
            Some(line) => feed.line(&self.origin, line),
            None => Ok(()),
        }
    }

    /// A path of the globs leads to it.
    pub(super) fn attach(&mut self) {
        self.detached = None;
    }

    /// No path of the globs leads to it any more; it is read on for a while.
    pub(super) fn detach(&mut self, now: Instant) {
        if self.detached.is_none() {
            tracing::debug!(file = %self.path.display(), "the name leads elsewhere now: reading the old file to its end");
            self.detached = Some(now);
            self.quiet_since = now;
        }
    }

    pub(super) const fn is_detached(&self) -> bool {
        self.detached.is_some()
    }

    /// Whether it has lost its name, is drained, and was quiet for long enough.
    pub(super) fn is_done(&self, now: Instant) -> bool {
        let Some(detached) = self.detached else { return false };
        let quiet = !self.ready && now.duration_since(self.quiet_since) >= LINGER;
        let deleted = self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0);
        quiet || deleted && now.duration_since(detached) >= DELETED_MAX
    }

    /// Gives back the memory of a file that is quiet.
    pub(super) fn rest(&mut self) {
        self.splitter.release();
    }

    /// A file that is shorter than what was read of it was truncated: it is read again from its beginning.
    fn check_truncation(&mut self, feed: &mut Feed) -> std::io::Result<()> {
        let size = self.file.metadata()?.len();
        if size >= self.position {
            return Ok(());
        }
        let dropped = self.splitter.clear();
        tracing::info!(
            file = %self.path.display(), read = self.position, size, dropped_bytes = dropped,
            "the file was truncated: reading it from its beginning"
        );
        feed.count(|count| count.dropped_bytes += dropped as u64);
        self.position = 0;
        Ok(())
    }
}

/// Where the line begins that the byte before `size` belongs to: reading from there neither repeats a finished line
/// nor cuts the one that is being written.
///
/// # Errors
/// Reading failed.
pub(super) fn start_of_last_line(file: &File, size: u64, line_bytes_max: usize) -> std::io::Result<u64> {
    let window = size.min(line_bytes_max as u64);
    let mut tail = vec![0; usize::try_from(window).unwrap_or(line_bytes_max)];
    let from = size - window;
    file.read_exact_at(&mut tail, from)?;
    // A longer unfinished line than is kept is read from here: its beginning is gone either way.
    Ok(memchr::memrchr(b'\n', &tail).map_or(from, |newline| from + newline as u64 + 1))
}
