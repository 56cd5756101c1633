//! A turn of reading a generation: from its position on, as far as whole lines reach.

use std::io;

use crate::input::feed::{EngineGone, Feed, Taken};
use crate::line::encoding::{Encoding, Unmarked};
use crate::line::split::Piece;
use crate::time::Time;

use super::cutter::Cutter;
use super::disk::DiskFile;
use super::kept::Kept;
use super::marks::{self, HEAD_BYTES};
use super::nuls::{self, Nuls};
use super::position::{Holds, Position, Told};
use super::tail::{SHRUNK_FOR, Settled, Tail};

/// How much is read of one file before the others have their turn. After each turn the engine is told of it, which wakes
/// its thread.
pub(super) const QUANTUM_BYTES: u64 = 1024 * 1024;

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

/// What becomes of a last line without an end, and of lines that wait for the rest of their event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLine {
    /// They wait.
    Waits,
    /// It was quiet: if it still is, the lines that have an end wait no longer.
    QuietGroup,
    /// It was quiet for longer: if it still is, all is handed on as [`Self::Told`] has it.
    Quiet,
    /// It is handed on as it is; when it grows, it is handed on again if no rule took it.
    Told,
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
        cutter: &mut Cutter,
        last_line: LastLine,
        now: Time,
    ) -> Result<Turn, TailError> {
        let Some(file) = self.file.take() else { return Ok(Turn::AtEnd) };
        self.read = now;
        let turn = self.read_from(&file, feed, cutter, last_line, now);
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
        cutter: &mut Cutter,
        last_line: LastLine,
        now: Time,
    ) -> Result<Turn, TailError> {
        self.facts = file.facts()?;
        self.hollow = false;
        if self.position.unseen {
            self.begin_at_a_line(file, feed.line_spec())?;
        }
        let (began, marks) = match &self.kept {
            Some(kept) => (kept.end, &kept.marks),
            None => (self.position.offset, &self.position.marks),
        };
        if self.facts.size < began {
            return self.check_truncation(file, feed, now);
        }
        self.shrunk = None;
        let reach = marks::reach(began);
        let named = feed.line_spec().encoding;
        self.position.encoding = named.unwrap_or(self.position.encoding);
        cutter.resume(&self.position);
        let room = cutter.splitter.room();
        let read = read_some(file, room, began - reach as u64)?;
        if read < reach {
            // It was truncated since its size was asked for.
            self.shrunk = Some(now);
            return Ok(Turn::AtEnd);
        }
        // It was too short to be known by its content, and has grown since: perhaps it is a copy that is being made.
        let unknown = self.settled == Settled::Not && began == 0 && read as u64 >= HEAD_BYTES;
        // Where sizes are not told, as in `/proc`, it never is: that is read as it comes.
        if unknown && last_line != LastLine::Told && file.facts()?.size >= HEAD_BYTES {
            return Ok(Turn::More);
        }
        let begins = reach as u64 != began || marks.begin(&room[..reach]);
        if !begins || !marks.hold(&room[..reach]) {
            return Ok(self.replaced(feed));
        }
        cutter.begin(read, reach, began);
        if let Some(beginning) = &cutter.beginning {
            self.learn_encoding(named, beginning)?;
        }
        cutter.splitter.read_as(self.position.encoding);
        match self.kept.take() {
            Some(kept) => cutter.go_on_with(*kept, self.position.offset),
            None => self.pass_mark(cutter),
        }
        let turn = self.read_on(file, feed, cutter, last_line, now);
        self.kept = Kept::of(cutter, &self.position.marks);
        self.held = cutter.splitter.held() as u64;
        turn
    }

    fn read_on(
        &mut self,
        file: &F,
        feed: &mut Feed,
        cutter: &mut Cutter,
        last_line: LastLine,
        now: Time,
    ) -> Result<Turn, TailError> {
        let (began, offset, known_end) = (cutter.at, self.position.offset, self.end);
        loop {
            self.note_growth(cutter.at, feed, now);
            if self.pass_nuls(file, feed, cutter)? {
                return Ok(Turn::More);
            }
            if self.hollow {
                break;
            }
            self.hand_on(feed, cutter)?;
            if cutter.at - began >= QUANTUM_BYTES && self.position.offset > offset {
                return Ok(Turn::More);
            }
            let mut kept = [0; OVERLAP_BYTES];
            let overlap = cutter.splitter.kept().min(OVERLAP_BYTES);
            let room = cutter.splitter.room_after(overlap);
            kept[..overlap].copy_from_slice(&room[..overlap]);
            let read = read_some(file, room, cutter.at - overlap as u64)?;
            let same = read >= overlap && room[..overlap] == kept[..overlap];
            room[..overlap].copy_from_slice(&kept[..overlap]);
            if !same {
                // It was truncated during this turn; the next one finds what the lines so far lead to.
                return Ok(Turn::More);
            }
            if read == overlap {
                break;
            }
            cutter.filled(read - overlap);
        }
        let quiet = cutter.at == known_end;
        if cutter.at < known_end {
            // It is shorter than it was, or said to be: what stands there is not to be trusted yet.
            self.grown = now;
        }
        self.end = cutter.at;
        match last_line {
            LastLine::QuietGroup | LastLine::Quiet if !quiet => {}
            // What follows is not written yet.
            LastLine::QuietGroup | LastLine::Quiet if self.hollow => self.finish_group(feed, cutter),
            _ if self.hollow => {}
            other => self.last_line(feed, cutter, other),
        }
        Ok(Turn::AtEnd)
    }

    /// Passes the mark that a file begins with; and half a character, where it was read as something else before.
    fn pass_mark(&mut self, cutter: &mut Cutter) {
        let Position { offset, encoding, .. } = self.position;
        let mark = cutter.beginning.as_deref().and_then(Encoding::by_mark).filter(|(by, _)| *by == encoding);
        let mark = mark.map_or(0, |(_, length)| (length as u64).saturating_sub(offset));
        let passed = mark + (offset + mark) % encoding.unit_bytes() as u64;
        if passed > 0 && passed <= cutter.splitter.pending() as u64 {
            cutter.splitter.pass(passed as usize);
            self.advance(cutter);
        }
    }

    /// The lines of which the end was read.
    fn hand_on(&mut self, feed: &mut Feed, cutter: &mut Cutter) -> Result<(), EngineGone> {
        let splitter = &mut cutter.splitter;
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
        while cutter.hand_on(&self.origin, feed).is_some() {
            if feed.is_full() {
                self.advance(cutter);
                self.save(feed);
                feed.flush()?;
            }
        }
        self.advance(cutter);
        Ok(())
    }

    fn finish_group(&mut self, feed: &mut Feed, cutter: &mut Cutter) {
        cutter.finish_group(&self.origin, feed);
        self.advance(cutter);
    }

    /// The line that the file ends in, and lines that wait for what follows.
    fn last_line(&mut self, feed: &mut Feed, cutter: &mut Cutter, what: LastLine) {
        let pending = cutter.splitter.pending() as u64;
        match what {
            LastLine::Waits => return,
            LastLine::QuietGroup => return self.finish_group(feed, cutter),
            _ if pending == 0 => return self.finish_group(feed, cutter),
            LastLine::Quiet | LastLine::Told => {}
        }
        let before = self.position.told;
        if before.is_none_or(|told| !told.taken && told.length < pending) {
            let hash = marks::head(cutter.splitter.waiting());
            let taken = cutter.hand_on_unfinished(&self.origin, feed) == Taken::ByARule;
            self.advance(cutter);
            if before.is_some() {
                feed.count(|count| count.lines -= 1);
            }
            self.position.told = Some(Told { length: pending, hash, taken });
            self.unsaved = true;
        }
    }

    fn advance(&mut self, cutter: &mut Cutter) {
        let offset = cutter.offset();
        if offset > self.position.offset || cutter.splitter.is_skipping() != self.position.skipping {
            self.position.offset = offset;
            self.mark(cutter);
        }
    }

    fn mark(&mut self, cutter: &mut Cutter) {
        let Position { offset, marks, skipping, size, .. } = &mut self.position;
        if let Some(known) = cutter.known.take() {
            *marks = known;
        }
        marks.set(*offset, cutter.beginning.as_deref(), cutter.splitter.before_held());
        *skipping = cutter.splitter.is_skipping();
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

    /// Passes the bytes that were never written, before the line that follows them; what waits for a further line ends
    /// there. Returns whether reading is to begin anew behind them.
    fn pass_nuls(&mut self, file: &F, feed: &mut Feed, cutter: &mut Cutter) -> io::Result<bool> {
        let splitter = &mut cutter.splitter;
        let zeros = splitter.leading_nuls();
        if zeros == 0 || splitter.is_skipping() {
            return Ok(false);
        }
        if zeros < splitter.pending() {
            // What is read again from the beginning of its event has them within it.
            if splitter.held() == 0 {
                splitter.pass(zeros);
                feed.count(|count| count.nul_bytes += zeros as u64);
                self.settled = Settled::Own;
                self.position.offset = cutter.offset();
                self.mark(cutter);
            }
            return Ok(false);
        }
        match nuls::after(file, cutter.at, self.facts.size)? {
            Nuls::Until(text) => {
                self.finish_group(feed, cutter);
                // The first byte of a character may be one of them.
                let text = text - text % self.position.encoding.unit_bytes() as u64;
                feed.count(|count| count.nul_bytes += text - self.position.offset);
                self.settled = Settled::Own;
                self.position.offset = text;
                self.end = self.end.max(text);
                // What lies before it is known without reading it.
                let splitter = &mut cutter.splitter;
                splitter.resume(false, self.position.encoding);
                let before = marks::reach(text);
                splitter.room()[..before].fill(0);
                splitter.filled(before);
                splitter.pass(before);
                self.mark(cutter);
                Ok(true)
            }
            Nuls::ToTheEnd => {
                self.hollow = true;
                Ok(false)
            }
        }
    }

    /// The file is shorter than what was read of it.
    fn check_truncation(&mut self, file: &F, feed: &mut Feed, now: Time) -> Result<Turn, TailError> {
        let since = *self.shrunk.get_or_insert(now);
        let other = self.read_to().held_by(file, self.facts.size)? == Holds::Other;
        Ok(if other || now.since(since) >= SHRUNK_FOR { self.replaced(feed) } else { Turn::AtEnd })
    }

    /// Nothing more belongs to what waits, and it can't be read again.
    pub(super) fn finish_kept(&mut self, feed: &mut Feed) {
        if let Some(kept) = &self.kept {
            feed.take_joined(&self.origin, kept.group.joined());
            self.pass_kept();
        }
    }

    fn replaced(&mut self, feed: &mut Feed) -> Turn {
        self.finish_kept(feed);
        let mut old = self.position.clone();
        old.file = None;
        self.held = 0;
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
