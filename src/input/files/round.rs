//! A round of reading: a turn for each of some files. One thread opens them, finds out what they are, and sees to what came
//! of it; where there is much to read, others read with it.

use crate::input::feed::EngineGone;
use crate::time::Time;

use super::disk::{Disk, DiskFile};
use super::input::FilesInput;
use super::lanes::Load;
use super::marks::{self, HEAD_BYTES};
use super::position::{Generation, read_exactly};
use super::tail::Settled;
use super::turn::{QUANTUM_BYTES, TailError, Turn};

/// What is to be done with a file that may have grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prepared {
    /// It is read.
    ToRead,
    /// It waits for another file's turn.
    Waits,
    /// There is nothing to read of it for now.
    Rests,
}

impl<D: Disk> FilesInput<D> {
    /// A turn for each of these; returns whether any has more.
    pub(super) fn round(&mut self, some: &[Generation], now: Time) -> Result<bool, EngineGone> {
        let mut more = false;
        if !self.lanes.are_several() {
            for generation in some {
                more |= match self.prepare(*generation, now) {
                    Prepared::ToRead => self.read(*generation, now)?,
                    Prepared::Waits => true,
                    Prepared::Rests => false,
                };
            }
            return Ok(more);
        }
        let mut files = Vec::new();
        for generation in some {
            match self.prepare(*generation, now) {
                Prepared::ToRead => files.extend(self.foresee(*generation, now)),
                Prepared::Waits => more = true,
                Prepared::Rests => {}
            }
        }
        self.heads.clear();
        let threads = self.lanes.worth(files.iter().map(|(_, bytes)| *bytes));
        if threads > 1 {
            return Ok(more | self.read_at_once(files, threads, now)?);
        }
        for (generation, _) in files {
            more |= self.read(generation, now)?;
        }
        Ok(more)
    }

    fn prepare(&mut self, generation: Generation, now: Time) -> Prepared {
        if !self.open(generation, now) {
            return Prepared::Rests;
        }
        match self.settle(generation, now) {
            Ok(Settled::Own) => Prepared::ToRead,
            Ok(Settled::Not) => Prepared::Waits,
            Ok(Settled::CopyOf(..)) => {
                if let Some(tail) = self.tails.get_mut(&generation) {
                    tail.read = now;
                }
                self.rest(generation);
                Prepared::Rests
            }
            Err(error) => {
                self.failed(generation, &error, now);
                Prepared::Rests
            }
        }
    }

    /// How much is to be read of it in this turn. What it begins with is noted, where nothing is known of that yet: until
    /// it is read, another file that begins so can't be told from it. `None`: it can't be read.
    fn foresee(&mut self, generation: Generation, now: Time) -> Option<(Generation, u64)> {
        let tail = self.tails.get(&generation)?;
        let file = tail.file.as_ref()?;
        let foreseen = file.facts().and_then(|facts| {
            let unknown = tail.position.marks.whole_head().is_none() && facts.size >= HEAD_BYTES;
            let head = if unknown { read_exactly(file, 0, HEAD_BYTES as usize)? } else { None };
            Ok((facts.size.saturating_sub(tail.end).min(QUANTUM_BYTES), head))
        });
        match foreseen {
            Ok((bytes, head)) => {
                self.heads.extend(head.map(|head| marks::head(&head)));
                Some((generation, bytes))
            }
            Err(error) => {
                self.failed(generation, &error, now);
                None
            }
        }
    }

    fn read(&mut self, generation: Generation, now: Time) -> Result<bool, EngineGone> {
        let Some(tail) = self.tails.get_mut(&generation) else { return Ok(false) };
        let last_line = tail.last_line_now(now, self.patience);
        let turn = tail.read(&mut self.feed, &mut self.cutter, last_line, now);
        self.after(generation, turn, now)
    }

    /// The same of several files, by so many threads.
    fn read_at_once(
        &mut self,
        files: Vec<(Generation, u64)>,
        threads: usize,
        now: Time,
    ) -> Result<bool, EngineGone> {
        // What was done with these files so far comes before what is read of them now.
        self.feed.flush()?;
        let mut loads: Vec<Load<D::File>> = (0..threads).map(|_| Load::default()).collect();
        for (generation, bytes) in files {
            let least = loads.iter_mut().min_by_key(|load| load.bytes);
            if let (Some(load), Some(tail)) = (least, self.tails.remove(&generation)) {
                load.add(tail, bytes);
            }
        }
        self.lanes.read(&mut loads, &mut self.feed, &mut self.cutter, self.patience, now);
        let (mut more, mut turns) = (false, Vec::new());
        for Load { waiting, read, .. } in loads {
            more |= !waiting.is_empty();
            let read = read.into_iter().map(|(tail, turn)| {
                turns.push((tail.generation, turn));
                tail
            });
            self.tails.extend(read.chain(waiting).map(|tail| (tail.generation, tail)));
        }
        // That a file holds something else is handed on with what was made of it: nothing may come between.
        turns.sort_by_key(|(generation, turn)| (!matches!(turn, Ok(Turn::Replaced(_))), *generation));
        for (generation, turn) in turns {
            more |= self.after(generation, turn, now)?;
        }
        self.feed.flush_if_full()?;
        Ok(more)
    }

    /// Sees to how a turn ended; returns whether there is more to read.
    fn after(
        &mut self,
        generation: Generation,
        turn: Result<Turn, TailError>,
        now: Time,
    ) -> Result<bool, EngineGone> {
        let turn = match turn {
            Ok(turn) => turn,
            Err(TailError::EngineGone(gone)) => return Err(gone),
            Err(TailError::Read(error)) => {
                self.feed.count(|count| count.errors += 1);
                self.failed(generation, &error, now);
                return Ok(false);
            }
            Err(error @ TailError::Unmarked(_)) => {
                self.refuse(generation, &error, now);
                return Ok(false);
            }
        };
        if let Some(tail) = self.tails.get_mut(&generation)
            && tail.trouble.take().is_some()
        {
            tracing::info!(input = %self.name, path = %tail.path().display(), "can be read again");
        }
        match turn {
            Turn::More => return Ok(true),
            Turn::AtEnd => {}
            Turn::Replaced(old) => {
                self.replaced(generation, *old);
                return Ok(true);
            }
        }
        self.rest(generation);
        if self.is_done(generation, now) {
            self.close(generation, now);
        }
        Ok(false)
    }
}
