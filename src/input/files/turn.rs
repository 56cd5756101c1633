//! A turn of reading a generation: from its position on, as far as whole lines reach.

use std::io;

use crate::input::feed::{EngineGone, Feed, Taken};
use crate::line::encoding::{Encoding, Unmarked};
use crate::line::split::{KEPT_BYTES, Piece, Splitter};
use crate::time::Time;

use super::disk::DiskFile;
use super::marks;
use super::nuls::{self, Nuls};
use super::position::{Holds, Position, Told};
use super::tail::{SHRUNK_FOR, Settled, Tail};

/// How much is read of one file before the others have their turn.
const QUANTUM_BYTES: u64 = 256 * 1024;

/// How many bytes are read once more where reading goes on within a turn.
const OVERLAP_BYTES: usize = 256;

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
    Unmarked(#[from] Unmarked),
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
}

impl<F: DiskFile> Tail<F> {
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
            self.begin_at_a_line(file, feed.line_spec())?;
        }
        if self.facts.size < self.position.offset {
            return self.check_truncation(file, now);
        }
        self.shrunk = None;
        let (began, known_end) = (self.position.offset, self.end);
        let reach = marks::reach(began);
        self.position.encoding = feed.line_spec().encoding.unwrap_or(self.position.encoding);
        splitter.resume(self.position.skipping, self.position.encoding);
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
        if let Some(beginning) = &beginning {
            self.learn_encoding(feed.line_spec().encoding, beginning)?;
        }
        splitter.read_as(self.position.encoding);
        let mut at = began + (read - reach) as u64;
        self.pass_mark(splitter, at, beginning.as_deref());
        loop {
            self.note_growth(at, feed, now);
            if !splitter.is_skipping() && splitter.leading_nuls() > 0 {
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

    /// Passes the mark that a file begins with; and half a character, where it was read as something else before.
    fn pass_mark(&mut self, splitter: &mut Splitter, at: u64, beginning: Option<&[u8]>) {
        let Position { offset, encoding, .. } = self.position;
        let mark = beginning.and_then(Encoding::by_mark).filter(|(by, _)| *by == encoding);
        let mark = mark.map_or(0, |(_, length)| (length as u64).saturating_sub(offset));
        let passed = mark + (offset + mark) % encoding.unit_bytes() as u64;
        if passed > 0 && passed <= splitter.pending() as u64 {
            splitter.pass(passed as usize);
            self.advance(at - splitter.pending() as u64, splitter, beginning);
        }
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
            let hash = marks::head(splitter.waiting());
            let taken = splitter.unfinished().map(|line| feed.take(&self.origin, Piece::One(line)));
            if before.is_some() {
                feed.count(|count| count.lines -= 1);
            }
            self.position.told = Some(Told { length: pending, hash, taken: taken == Some(Taken::ByARule) });
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
        let zeros = splitter.leading_nuls();
        if zeros < waiting.len() {
            splitter.pass(zeros);
            feed.count(|count| count.nul_bytes += zeros as u64);
            self.settled = Settled::Own;
            self.position.offset = at - splitter.pending() as u64;
            return Ok(false);
        }
        match nuls::after(file, at, self.facts.size)? {
            Nuls::Until(text) => {
                // The first byte of a character may be one of them.
                let text = text - text % self.position.encoding.unit_bytes() as u64;
                feed.count(|count| count.nul_bytes += text - self.position.offset);
                self.settled = Settled::Own;
                self.position.offset = text;
                self.end = self.end.max(text);
                // What lies before it is known without reading it.
                splitter.resume(false, self.position.encoding);
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
