//! One generation that is being read, in turns: from its position on, as far as whole lines reach. It holds no text: the
//! beginning of a line that has no end yet is read again with the rest, so that nothing is glued to what it does not
//! belong to, and ten thousand quiet files cost next to nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::event::Origin;
use crate::input::feed::{EngineGone, Feed, Taken};
use crate::line::split::{KEPT_BYTES, Line, Piece, Splitter};
use crate::time::Time;

use super::disk::{DiskFile, Facts};
use super::marks::{self, HEAD_BYTES};
use super::nuls::{self, Nuls};
use super::position::{Generation, Holds, Position, Told, read_exactly};
use super::trouble::Trouble;

/// How much is read of one file before the others have their turn.
const QUANTUM_BYTES: u64 = 256 * 1024;

/// How many bytes are read once more where reading goes on within a turn.
const OVERLAP_BYTES: usize = 256;

/// How long a file must look shorter than what was read of it, where nothing else shows that it was truncated: what
/// network file systems say of a size is not always true.
const SHRUNK_FOR: Duration = Duration::from_secs(1);

/// A last line without an end is handed on when the file has not grown for so long.
const PARTIAL_AFTER: Duration = Duration::from_secs(5);

/// How a turn of reading ended.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    /// There may be more to read now.
    More,
    /// The file's end, for now.
    AtEnd,
    /// The file holds something else than what was read: that position is over, and it is read from its beginning.
    Replaced(Box<Position>),
}

/// What becomes of a last line without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLine {
    /// It waits for its end.
    Waits,
    /// It was quiet: if it still is, it is handed on as [`Self::Told`] has it.
    Quiet,
    /// It is handed on as it is; when it grows, it is handed on again if no rule took it.
    Told,
    /// It is handed on, and done with: nothing more comes of the file.
    Over,
}

/// Why a turn of reading failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TailError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
}

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
    /// When it last grew.
    pub(super) grown: Time,
    /// Since when no path of the globs leads to it.
    pub(super) detached: Option<Time>,
    /// It can't be opened or read.
    pub(super) trouble: Option<Box<Trouble>>,
    /// What it may be a copy of is decided.
    pub(super) settled: Settled,
    /// It seems to be shorter than what was read of it, since then.
    shrunk: Option<Time>,
    /// It ends in bytes that are not written yet: whoever writes them may change neither size nor time.
    hollow: bool,
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

    /// Reads what has come, up to a quantum, and hands on its lines.
    pub(super) fn read(
        &mut self,
        feed: &mut Feed,
        splitter: &mut Splitter,
        last_line: LastLine,
        now: Time,
    ) -> Result<Turn, TailError> {
        let Some(file) = self.file.take() else { return Ok(Turn::AtEnd) };
        self.read = now;
        let turn = self.read_from(&file, feed, splitter, last_line, now);
        if !matches!(turn, Err(TailError::Read(_))) {
            self.file = Some(file);
        }
        self.save(feed);
        turn
    }

    fn read_from(
        &mut self,
        file: &F,
        feed: &mut Feed,
        splitter: &mut Splitter,
        last_line: LastLine,
        now: Time,
    ) -> Result<Turn, TailError> {
        self.facts = file.facts()?;
        self.hollow = false;
        if self.position.unseen {
            self.begin_at_a_line(file, feed.line_spec().line_bytes_max)?;
        }
        if self.facts.size < self.position.offset {
            return self.check_truncation(file, now);
        }
        self.shrunk = None;
        let (began, known_end) = (self.position.offset, self.end);
        let reach = marks::reach(began);
        splitter.resume(self.position.skipping);
        let room = splitter.room();
        let read = read_some(file, room, began - reach as u64)?;
        if read < reach {
            // It was truncated since its size was asked for.
            self.shrunk = Some(now);
            return Ok(Turn::AtEnd);
        }
        let begins = reach as u64 != began || self.position.marks.begin(&room[..reach]);
        if !begins || !self.position.marks.hold(&room[..reach]) {
            return Ok(self.replaced());
        }
        let beginning = (reach as u64 == began).then(|| room[..read.min(KEPT_BYTES)].to_vec());
        splitter.filled(read);
        splitter.pass(reach);
        let mut at = began + (read - reach) as u64;
        loop {
            self.note_growth(at, feed, now);
            if !splitter.is_skipping() && splitter.waiting().first() == Some(&0) {
                if self.skip_nuls(file, splitter, at, feed)? {
                    self.mark(splitter, beginning.as_deref());
                    return Ok(Turn::More);
                }
                if self.hollow {
                    return Ok(Turn::AtEnd);
                }
                self.mark(splitter, beginning.as_deref());
            }
            self.hand_on(at, feed, splitter, beginning.as_deref())?;
            if at - began >= QUANTUM_BYTES && self.position.offset > began {
                return Ok(Turn::More);
            }
            let mut kept = [0; OVERLAP_BYTES];
            let overlap = splitter.kept().min(OVERLAP_BYTES);
            let room = splitter.room_after(overlap);
            kept[..overlap].copy_from_slice(&room[..overlap]);
            let read = read_some(file, room, at - overlap as u64)?;
            let same = read >= overlap && room[..overlap] == kept[..overlap];
            room[..overlap].copy_from_slice(&kept[..overlap]);
            if !same {
                // It was truncated during this turn; the next one finds what the lines so far lead to.
                return Ok(Turn::More);
            }
            if read == overlap {
                break;
            }
            splitter.filled(read - overlap);
            at += (read - overlap) as u64;
        }
        let quiet = at == known_end;
        if at < known_end {
            // It is shorter than it was, or said to be: what stands there is not to be trusted yet.
            self.grown = now;
        }
        self.end = at;
        let last_line = match last_line {
            LastLine::Quiet if !quiet => LastLine::Waits,
            other => other,
        };
        self.last_line(at, feed, splitter, last_line, beginning.as_deref());
        Ok(Turn::AtEnd)
    }

    /// The lines of which the end was read.
    fn hand_on(
        &mut self,
        at: u64,
        feed: &mut Feed,
        splitter: &mut Splitter,
        beginning: Option<&[u8]>,
    ) -> Result<(), EngineGone> {
        if splitter.pending() > 0 {
            self.settled = Settled::Own;
        }
        if let Some(told) = self.position.told
            && let Some(text) = splitter.waiting().get(..told.length as usize)
        {
            if marks::head(text) != told.hash {
                // What was told is no longer there.
                self.position.told = None;
            } else if let Some(line) = splitter.next_line() {
                self.position.told = None;
                if !told.taken {
                    feed.take(&self.origin, Piece::One(line));
                    feed.count(|count| count.lines -= 1);
                }
            }
        }
        while let Some(piece) = splitter.next_piece() {
            feed.take(&self.origin, piece);
            if feed.is_full() {
                self.advance(at - splitter.pending() as u64, splitter, beginning);
                self.save(feed);
                feed.flush()?;
            }
        }
        self.advance(at - splitter.pending() as u64, splitter, beginning);
        Ok(())
    }

    /// The line that the file ends in.
    fn last_line(
        &mut self,
        at: u64,
        feed: &mut Feed,
        splitter: &mut Splitter,
        what: LastLine,
        beginning: Option<&[u8]>,
    ) {
        let pending = splitter.pending() as u64;
        if what == LastLine::Waits || pending == 0 {
            return;
        }
        let before = self.position.told;
        if before.is_none_or(|told| !told.taken && told.length < pending) {
            let line = Line::cut(splitter.waiting(), feed.line_spec().line_bytes_max);
            let taken = feed.take(&self.origin, Piece::One(line)) == Taken::ByARule;
            if before.is_some() {
                feed.count(|count| count.lines -= 1);
            }
            self.position.told = Some(Told { length: pending, hash: marks::head(splitter.waiting()), taken });
            self.unsaved = true;
        }
        if what == LastLine::Over {
            splitter.pass(splitter.pending());
            self.position.told = None;
            self.advance(at, splitter, beginning);
        }
    }

    fn advance(&mut self, offset: u64, splitter: &Splitter, beginning: Option<&[u8]>) {
        if offset > self.position.offset || splitter.is_skipping() != self.position.skipping {
            self.position.offset = offset;
            self.mark(splitter, beginning);
        }
    }

    fn mark(&mut self, splitter: &Splitter, beginning: Option<&[u8]>) {
        let Position { offset, marks, skipping, size, .. } = &mut self.position;
        if let Some(beginning) = beginning {
            let read = (*offset).min(beginning.len() as u64) as usize;
            marks.grow(&beginning[..read]);
        }
        let before = splitter.before();
        marks.drop_anchor(&before[before.len().saturating_sub(marks::reach(*offset))..]);
        *skipping = splitter.is_skipping();
        *size = self.facts.size.max(*offset);
        self.unsaved = true;
    }

    fn note_growth(&mut self, at: u64, feed: &mut Feed, now: Time) {
        if at > self.end {
            let grown = at - self.end;
            feed.count(|count| count.bytes += grown);
            self.end = at;
            self.grown = now;
        }
    }

    /// Passes the bytes that were never written, before the line that follows them. Returns whether the splitter is to
    /// begin anew behind them.
    fn skip_nuls(&mut self, file: &F, splitter: &mut Splitter, at: u64, feed: &mut Feed) -> io::Result<bool> {
        let waiting = splitter.waiting();
        let zeros = waiting.iter().take_while(|byte| **byte == 0).count();
        if zeros < waiting.len() {
            splitter.pass(zeros);
            feed.count(|count| count.nul_bytes += zeros as u64);
            self.settled = Settled::Own;
            self.position.offset = at - splitter.pending() as u64;
            return Ok(false);
        }
        match nuls::after(file, at, self.facts.size)? {
            Nuls::Until(text) => {
                feed.count(|count| count.nul_bytes += text - self.position.offset);
                self.settled = Settled::Own;
                self.position.offset = text;
                self.end = self.end.max(text);
                // What lies before it is known without reading it.
                splitter.resume(false);
                let before = marks::reach(text);
                splitter.room()[..before].fill(0);
                splitter.filled(before);
                splitter.pass(before);
                Ok(true)
            }
            Nuls::ToTheEnd => {
                self.hollow = true;
                Ok(false)
            }
        }
    }

    /// The file is shorter than what was read of it.
    fn check_truncation(&mut self, file: &F, now: Time) -> Result<Turn, TailError> {
        let since = *self.shrunk.get_or_insert(now);
        let other = self.position.held_by(file, self.facts.size)? == Holds::Other;
        Ok(if other || now.since(since) >= SHRUNK_FOR { self.replaced() } else { Turn::AtEnd })
    }

    fn replaced(&mut self) -> Turn {
        let mut old = self.position.clone();
        old.file = None;
        self.position.rewind();
        // Its number may have been given to another file.
        self.position.born = self.facts.born;
        (self.shrunk, self.settled, self.unsaved) = (None, Settled::Not, true);
        Turn::Replaced(Box::new(old))
    }

    /// Bytes of a line that was not handed on, before the content was replaced.
    pub(super) fn take_dropped(&mut self, old: &Position) -> u64 {
        let dropped = if old.told.is_some() { 0 } else { self.end.saturating_sub(old.offset) };
        self.end = 0;
        dropped
    }

    /// Where the line begins that the file ended in when it was found.
    pub(super) fn begin_at_a_line(&mut self, file: &F, line_bytes_max: usize) -> io::Result<()> {
        let size = self.position.offset.min(self.facts.size);
        let offset = start_of_last_line(file, size, line_bytes_max)?;
        self.continue_at(file, offset)
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
    pub(super) fn continue_behind(&mut self, file: &F, size: u64, line_bytes_max: usize) -> io::Result<()> {
        let start = start_of_last_line(file, size, line_bytes_max)?;
        let cut = start > 0 && read_exactly(file, start - 1, 1)?.is_some_and(|byte| byte != *b"\n");
        self.continue_at(file, if cut { size } else { start })?;
        // The beginning of an over-long line was handed on.
        self.position.skipping = cut;
        Ok(())
    }

    /// Goes on where another generation of the same content was read to.
    pub(super) fn continue_as(&mut self, other: &Position) {
        let Position { offset, ref marks, skipping, told, .. } = *other;
        self.position.offset = offset;
        self.position.marks = marks.clone();
        self.position.skipping = skipping;
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

    /// No path of the globs leads to it any more; it is read on for a while.
    pub(super) fn detach(&mut self, now: Time) {
        if self.detached.is_none() {
            tracing::debug!(file = %self.path().display(), "the name leads elsewhere now: reading the old file to its end");
            self.detached = Some(now);
        }
    }

    /// Whether it ends in a line that waits to be handed on without its end.
    fn has_untold(&self) -> bool {
        let pending = self.end.saturating_sub(self.position.offset);
        let untold = self.position.told.is_none_or(|told| !told.taken && told.length < pending);
        pending > 0 && !self.position.skipping && !self.hollow && untold
    }

    /// What becomes of its last line now.
    pub(super) fn last_line_now(&self, now: Time) -> LastLine {
        let due = self.has_untold() && now.since(self.grown) >= PARTIAL_AFTER;
        if due { LastLine::Quiet } else { LastLine::Waits }
    }

    /// Whether only time will show if it was truncated.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.shrunk.is_some()
    }

    /// When it wants to be looked at though nothing is known to have happened.
    pub(super) fn due(&self, poll: Duration) -> Option<Time> {
        let shrunk = self.shrunk.map(|since| since + SHRUNK_FOR);
        let partial = self.has_untold().then(|| self.grown + PARTIAL_AFTER);
        let trouble = self.trouble.as_ref().map(|trouble| trouble.again);
        let in_doubt = matches!(self.settled, Settled::CopyOf(_, 0));
        let unseen = (self.hollow || in_doubt || self.detached.is_some()).then(|| self.read + poll);
        [shrunk, partial, trouble, unseen].into_iter().flatten().min()
    }
}

/// As many bytes as one call gives.
fn read_some(file: &impl DiskFile, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Where the line begins that the byte before `size` belongs to: reading from there neither repeats a finished line
/// nor cuts the one that is being written.
///
/// # Errors
/// Reading failed.
pub(super) fn start_of_last_line(file: &impl DiskFile, size: u64, line_bytes_max: usize) -> io::Result<u64> {
    let window = size.min(line_bytes_max as u64);
    let from = size - window;
    let Some(tail) = read_exactly(file, from, window as usize)? else { return Ok(0) };
    // A longer unfinished line than is kept is read from here: its beginning is gone either way.
    Ok(memchr::memrchr(b'\n', &tail).map_or(from, |newline| from + newline as u64 + 1))
}
