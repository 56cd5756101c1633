//! One generation that is being read, in turns. It holds no text: the beginning of a line that has no end yet is read
//! again with the rest, so that nothing is glued to what it does not belong to, and ten thousand quiet files cost next to
//! nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::event::Origin;
use crate::input::feed::Feed;
use crate::line::LineSpec;
use crate::line::encoding::{self, Encoding};
use crate::time::Time;

use super::disk::{DiskFile, Facts};
use super::kept::Kept;
use super::marks::{self, HEAD_BYTES};
use super::position::{Generation, Position, read_exactly};
use super::trouble::Trouble;
use super::turn::{LastLine, TailError};

/// How long a file must look shorter than what was read of it, where nothing else shows that it was truncated: what
/// network file systems say of a size is not always true.
pub(super) const SHRUNK_FOR: Duration = Duration::from_secs(1);

/// A last line without an end is handed on when the file has not grown for so long.
const PARTIAL_AFTER: Duration = Duration::from_secs(5);

/// A generation that is being read.
#[derive(Debug)]
pub(super) struct Tail<F> {
    pub(super) generation: Generation,
    pub(super) position: Position,
    /// Not while it can't be opened, nor while it is quiet and descriptors are short.
    pub(super) file: Option<F>,
    pub(super) origin: Arc<Origin>,
    /// What was last known of it.
    pub(super) facts: Facts,
    /// The end of what was looked at: the position, and what follows it of a line without an end.
    pub(super) end: u64,
    /// So many bytes behind the position are whole lines, which wait for the rest of their event.
    pub(super) held: u64,
    /// These lines.
    pub(super) kept: Option<Box<Kept>>,
    /// When it last grew.
    pub(super) grown: Time,
    /// Since when no path of the globs leads to it.
    pub(super) detached: Option<Time>,
    /// It can't be opened or read.
    pub(super) trouble: Option<Box<Trouble>>,
    /// What it may be a copy of is decided.
    pub(super) settled: Settled,
    /// It seems to be shorter than what was read of it, since then.
    pub(super) shrunk: Option<Time>,
    /// It ends in bytes that are not written yet: whoever writes them may change neither size nor time.
    pub(super) hollow: bool,
    /// When it was last read.
    pub(super) read: Time,
    /// The position is not as it was stored.
    pub(super) unsaved: bool,
}

/// Whether it is known that a file from whose beginning nothing was handed on holds new lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It was not looked at yet.
    Not,
    /// So far it is a copy of what was read of that generation, up to that size.
    CopyOf(Generation, u64),
    /// It is read on its own.
    Own,
}

impl<F: DiskFile> Tail<F> {
    pub(super) fn new(
        generation: Generation,
        position: Position,
        file: Option<F>,
        facts: Facts,
        origin: Arc<Origin>,
        now: Time,
    ) -> Self {
        let end = position.offset;
        let settled = if end > 0 { Settled::Own } else { Settled::Not };
        Self {
            generation,
            position,
            file,
            origin,
            facts,
            end,
            held: 0,
            kept: None,
            grown: now,
            detached: None,
            trouble: None,
            settled,
            shrunk: None,
            hollow: false,
            read: now,
            unsaved: true,
        }
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.position.path
    }

    /// Bytes of a line that was not handed on, before the content was replaced.
    pub(super) fn take_dropped(&mut self, old: &Position) -> u64 {
        let dropped = if old.told.is_some() { 0 } else { self.end.saturating_sub(old.offset) };
        self.end = 0;
        dropped
    }

    /// How its text is written: what the configuration has `named`, else what the file's beginning says.
    pub(super) fn learn_encoding(
        &mut self,
        named: Option<Encoding>,
        beginning: &[u8],
    ) -> Result<(), TailError> {
        let before = self.position.encoding;
        self.position.encoding = match Encoding::of(named, beginning) {
            Some((encoding, _)) => encoding,
            None => match Encoding::unmarked(beginning) {
                Some(unmarked) if unmarked.0 != before => return Err(unmarked.into()),
                // Its mark went with a truncation, or what is there is too little to tell.
                _ if beginning.contains(&0) => before,
                _ => Encoding::default(),
            },
        };
        self.unsaved |= self.position.encoding != before;
        Ok(())
    }

    /// Where the line begins that the file ended in when it was found.
    pub(super) fn begin_at_a_line(&mut self, file: &F, spec: &LineSpec) -> Result<(), TailError> {
        self.learn_encoding_of(file, spec)?;
        let size = self.position.offset.min(self.facts.size);
        let offset = start_of_last_line(file, size, spec.line_bytes_max, self.position.encoding)?;
        Ok(self.continue_at(file, offset)?)
    }

    fn learn_encoding_of(&mut self, file: &F, spec: &LineSpec) -> Result<(), TailError> {
        let beginning = read_exactly(file, 0, self.facts.size.min(encoding::HEAD_BYTES as u64) as usize)?;
        self.learn_encoding(spec.encoding, &beginning.unwrap_or_default())
    }

    /// Goes on at `offset`, whatever lies before it.
    pub(super) fn continue_at(&mut self, file: &F, offset: u64) -> io::Result<()> {
        self.position.rewind();
        let beginning = read_exactly(file, 0, offset.min(HEAD_BYTES) as usize)?;
        let reach = marks::reach(offset);
        let before = read_exactly(file, offset - reach as u64, reach)?;
        let (Some(beginning), Some(before)) = (beginning, before) else { return Ok(()) };
        self.position.marks.grow(&beginning);
        self.position.marks.drop_anchor(&before);
        self.position.offset = offset;
        (self.settled, self.unsaved, self.end) = (Settled::Own, true, offset);
        Ok(())
    }

    /// Goes on with the line that `size` lies in, of a file whose lines before were handed on.
    pub(super) fn continue_behind(&mut self, file: &F, size: u64, spec: &LineSpec) -> Result<(), TailError> {
        self.learn_encoding_of(file, spec)?;
        let encoding = self.position.encoding;
        let start = start_of_last_line(file, size, spec.line_bytes_max, encoding)?;
        let unit = encoding.unit_bytes();
        let before = start.checked_sub(unit as u64).map(|end| read_exactly(file, end, unit)).transpose()?;
        let cut = before.flatten().is_some_and(|before| encoding.line_end(&before).is_none());
        self.continue_at(file, if cut { encoding.whole(size as usize) as u64 } else { start })?;
        // The beginning of an over-long line was handed on.
        self.position.skipping = cut;
        Ok(())
    }

    /// How far it was read, lines included that wait for the rest of their event, if they are kept.
    pub(super) fn read_to(&self) -> Position {
        let mut position = self.position.clone();
        if let Some(kept) = &self.kept {
            (position.offset, position.marks) = (kept.end, kept.marks.clone());
        }
        position
    }

    /// What waits is no longer waited with here.
    pub(super) fn pass_kept(&mut self) {
        if let Some(kept) = self.kept.take() {
            (self.position.offset, self.position.marks) = (kept.end, kept.marks);
            (self.held, self.unsaved) = (0, true);
        }
    }

    /// Goes on where another generation of the same content was read to.
    pub(super) fn continue_as(&mut self, other: &Position) {
        let Position { offset, ref marks, encoding, skipping, told, .. } = *other;
        self.position.offset = offset;
        self.position.marks = marks.clone();
        (self.position.encoding, self.position.skipping) = (encoding, skipping);
        self.position.told = told;
        (self.settled, self.unsaved, self.end) = (Settled::Own, true, offset);
    }

    /// Stores how far it was read, with what was handed on.
    pub(super) fn save(&mut self, feed: &mut Feed) {
        if std::mem::take(&mut self.unsaved) {
            feed.position(self.position.record(&self.origin.input, self.generation));
        }
    }

    /// A path of the globs leads to it. Returns whether it may have changed.
    pub(super) fn attach(&mut self, path: &PathBuf, facts: &Facts) -> bool {
        self.detached = None;
        if self.position.path != *path {
            self.position.path.clone_from(path);
            self.unsaved = true;
        }
        // The same name and number, and another birth: what is open is an older layer of an overlay.
        if self.facts.born != facts.born && self.file.is_some() {
            self.file = None;
            self.position.born = facts.born;
        }
        let unread = self.file.is_none() && self.end != facts.size;
        let changed = self.facts != *facts;
        self.facts = *facts;
        changed || unread
    }

    /// Whether a file of these facts is the one that was found: not another one to which its number was given.
    pub(super) fn is_of(&self, facts: &Facts) -> bool {
        self.position.file == Some(facts.file) && self.position.born == facts.born
    }

    /// No path of the globs leads to it any more; it is read on for a while.
    pub(super) fn detach(&mut self, now: Time) {
        if self.detached.is_none() {
            tracing::debug!(file = %self.path().display(), "the name leads elsewhere now: reading the old file to its end");
            self.detached = Some(now);
        }
    }

    /// Whether it ends in a line that waits to be handed on without its end.
    fn has_untold(&self) -> bool {
        let pending = self.end.saturating_sub(self.position.offset + self.held);
        let untold = self.position.told.is_none_or(|told| !told.taken && told.length < pending);
        pending > 0 && !self.position.skipping && !self.hollow && untold
    }

    /// What becomes of its last lines now; those that wait for the rest of their event do so for `patience`.
    pub(super) fn last_line_now(&self, now: Time, patience: Duration) -> LastLine {
        let quiet = now.since(self.grown);
        if self.has_untold() && quiet >= PARTIAL_AFTER.max(patience) {
            LastLine::Quiet
        } else if self.held > 0 && quiet >= patience {
            LastLine::QuietGroup
        } else {
            LastLine::Waits
        }
    }

    /// Whether all that it holds was read elsewhere.
    pub(super) const fn is_copy(&self) -> bool {
        matches!(self.settled, Settled::CopyOf(_, verified) if verified > 0)
    }

    /// Whether only time will show if it was truncated.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.shrunk.is_some()
    }

    /// When it wants to be looked at though nothing is known to have happened.
    pub(super) fn due(&self, poll: Duration, patience: Duration) -> Option<Time> {
        let shrunk = self.shrunk.map(|since| since + SHRUNK_FOR);
        let partial = self.has_untold().then(|| self.grown + PARTIAL_AFTER.max(patience));
        let group = (self.held > 0).then(|| self.grown + patience);
        let trouble = self.trouble.as_ref().map(|trouble| trouble.again);
        let in_doubt = matches!(self.settled, Settled::CopyOf(_, 0));
        let unseen = (self.hollow || in_doubt || self.detached.is_some()).then(|| self.read + poll);
        [shrunk, partial, group, trouble, unseen].into_iter().flatten().min()
    }
}

/// Where the line begins that the byte before `size` belongs to: reading from there neither repeats a finished line
/// nor cuts the one that is being written.
///
/// # Errors
/// Reading failed.
pub(super) fn start_of_last_line(
    file: &impl DiskFile,
    size: u64,
    line_bytes_max: usize,
    encoding: Encoding,
) -> io::Result<u64> {
    let unit = encoding.unit_bytes() as u64;
    let from = size.saturating_sub(line_bytes_max as u64).next_multiple_of(unit).min(size);
    let Some(tail) = read_exactly(file, from, (size - from) as usize)? else { return Ok(0) };
    // A longer unfinished line than is kept is read from here: its beginning is gone either way.
    Ok(encoding.last_line_end(&tail).map_or(from, |newline| from + newline as u64 + unit))
}
