//! Whether a file from which nothing was read yet holds what was read elsewhere: a copy that rotation makes, a file
//! that was replaced by a longer version of itself, one that came back by another number. Decided by content alone, so
//! only from [`HEAD_BYTES`](super::marks::HEAD_BYTES) on; in doubt it is read, for a repeated line is better than a lost one.

use std::io;

use crate::time::Time;

use super::disk::{Disk, DiskFile};
use super::input::FilesInput;
use super::marks::{self, HEAD_BYTES};
use super::position::{Generation, Holds, Position, read_exactly};
use super::tail::Settled;

/// How much of two files is compared at the end of the shorter one.
const COMPARED_BYTES: u64 = 256;

/// What a candidate says about a new file.
#[derive(Debug)]
enum Verdict {
    /// It is another file.
    Other,
    /// It goes on where that one was read to, and takes its place.
    Successor,
    /// It holds what was read there, and more.
    Longer,
    /// So far it is a copy of what is read there.
    Copy,
    /// That one is to be read to its end first.
    Wait,
    /// What that one holds shows later.
    Doubt,
}

/// What is made of a new file whose content was read elsewhere.
#[derive(Debug)]
enum Choice {
    /// It is a lost one, returned.
    Return(Generation),
    Succeed(Generation),
    GoOnAs(Generation),
    Copy(Generation),
    /// That shows once the other one can be read.
    Doubt(Generation),
}

impl<D: Disk> FilesInput<D> {
    /// Decides what a file is before it is read from its beginning; [`Settled::Not`]: that must wait for another file's
    /// turn.
    pub(super) fn settle(&mut self, generation: Generation, now: Time) -> io::Result<Settled> {
        let Some(tail) = self.tails.get(&generation) else { return Ok(Settled::Not) };
        let Some(file) = &tail.file else { return Ok(Settled::Not) };
        if tail.settled == Settled::Own || tail.position.offset > 0 {
            return Ok(Settled::Own);
        }
        let size = file.facts()?.size;
        if size < HEAD_BYTES {
            // Too little to know it by. A copy that has only begun is longer when it can first be seen.
            return Ok(Settled::Own);
        }
        let Some(head) = read_exactly(file, 0, HEAD_BYTES as usize)? else { return Ok(Settled::Own) };
        let head = marks::head(&head);
        if self.heads.contains(&head) {
            return Ok(Settled::Not);
        }
        let mut best = self.lost_one_held_by(generation, head, size)?;
        for other in self.alike(generation, head) {
            // It may be closed because it is quiet.
            self.open(other, now);
            let choice = match self.compare(generation, other, size)? {
                Verdict::Other => continue,
                Verdict::Successor => Choice::Succeed(other),
                Verdict::Longer => Choice::GoOnAs(other),
                Verdict::Copy => Choice::Copy(other),
                Verdict::Doubt => Choice::Doubt(other),
                Verdict::Wait => {
                    self.ready.insert(other);
                    return Ok(Settled::Not);
                }
            };
            // Where most of it was read.
            let read = self.tails.get(&other).map_or(0, |other| other.position.offset.min(size));
            if best.as_ref().is_none_or(|(most, _)| read >= *most) {
                best = Some((read, choice));
            }
        }
        let settled = match best.map(|(_, choice)| choice) {
            None => Settled::Own,
            Some(Choice::Copy(other)) => Settled::CopyOf(other, size),
            Some(Choice::Doubt(other)) => Settled::CopyOf(other, 0),
            Some(Choice::Succeed(other)) => self.succeed(generation, other, size),
            Some(Choice::GoOnAs(other)) => self.go_on_as(generation, other, size),
            Some(Choice::Return(lost)) => self.succeed_a_lost_one(generation, lost),
        };
        self.set_settled(generation, settled);
        Ok(settled)
    }

    fn set_settled(&mut self, generation: Generation, settled: Settled) {
        if let Some(tail) = self.tails.get_mut(&generation) {
            tail.settled = settled;
            // Stored with what was dropped for it.
            tail.save(&mut self.feed);
        }
    }

    /// The others with this head.
    fn alike(&self, generation: Generation, head: u64) -> Vec<Generation> {
        let others = self.tails.values().filter(|other| other.generation != generation);
        others
            .filter(|other| other.position.marks.whole_head() == Some(head))
            .map(|other| other.generation)
            .collect()
    }

    /// Of the positions whose file is nowhere to be found, the one that reaches furthest in this content.
    fn lost_one_held_by(
        &self,
        generation: Generation,
        head: u64,
        size: u64,
    ) -> io::Result<Option<(u64, Choice)>> {
        let Some(file) = self.tails.get(&generation).and_then(|tail| tail.file.as_ref()) else {
            return Ok(None);
        };
        let mut best = None;
        for (lost, position) in &self.gone {
            let further = best.as_ref().is_none_or(|(most, _)| *most < position.offset);
            let alike = position.marks.whole_head() == Some(head) && further;
            if alike && position.held_by(file, size)? == Holds::All {
                best = Some((position.offset, Choice::Return(*lost)));
            }
        }
        Ok(best)
    }

    fn succeed_a_lost_one(&mut self, generation: Generation, lost: Generation) -> Settled {
        if let (Some(tail), Some(position)) = (self.tails.get_mut(&generation), self.gone.remove(&lost)) {
            tracing::debug!(
                file = %tail.path().display(), before = %position.path.display(), position = position.offset,
                "holds what was read before: going on there"
            );
            tail.continue_as(&position);
            self.drop_record(lost);
        }
        Settled::Own
    }

    fn compare(&self, generation: Generation, other: Generation, size: u64) -> io::Result<Verdict> {
        let (Some(tail), Some(other)) = (self.tails.get(&generation), self.tails.get(&other)) else {
            return Ok(Verdict::Other);
        };
        let Some(file) = &tail.file else { return Ok(Verdict::Other) };
        let holds = other.position.held_by(file, size)?;
        let Some(other_file) = &other.file else {
            return Ok(if holds == Holds::Other { Verdict::Other } else { Verdict::Doubt });
        };
        let facts = other_file.facts()?;
        match holds {
            Holds::Other => Ok(Verdict::Other),
            // It seems truncated: what it may have lost is not waited with.
            Holds::All if facts.size < other.end && size > other.position.offset => Ok(Verdict::Longer),
            _ if facts.size < other.end => Ok(Verdict::Doubt),
            _ if other.end < facts.size => Ok(Verdict::Wait),
            Holds::All if facts.links == 0 => Ok(Verdict::Successor),
            Holds::All if size > other.end => Ok(Verdict::Longer),
            Holds::Less if facts.links == 0 => Ok(Verdict::Other),
            Holds::All | Holds::Less => {
                let length = size.min(COMPARED_BYTES);
                let own = read_exactly(file, size - length, length as usize)?;
                let theirs = read_exactly(other_file, size - length, length as usize)?;
                if own == theirs {
                    return Ok(Verdict::Copy);
                }
                // It may have been truncated since it was asked for its size.
                let is_as_before = other.position.held_by(other_file, facts.size)? == Holds::All;
                Ok(if is_as_before { Verdict::Other } else { Verdict::Wait })
            }
        }
    }

    /// Goes on where another file of the same content is. What waits there for the rest of its event waits no longer:
    /// either of them may go.
    fn go_on_as(&mut self, generation: Generation, other: Generation, size: u64) -> Settled {
        let holds_waiting = self.holds_waiting(generation, other, size);
        let Some(before) = self.tails.get_mut(&other) else { return Settled::Own };
        if holds_waiting {
            before.finish_kept(&mut self.feed);
        }
        let position = before.position.clone();
        if let Some(tail) = self.tails.get_mut(&generation) {
            tail.continue_as(&position);
        }
        Settled::Own
    }

    /// Whether a file holds also those lines that wait, in the other, for the rest of their event.
    fn holds_waiting(&self, generation: Generation, other: Generation, size: u64) -> bool {
        let (Some(tail), Some(before)) = (self.tails.get(&generation), self.tails.get(&other)) else {
            return false;
        };
        let holds = |file| matches!(before.read_to().held_by(file, size), Ok(Holds::All));
        tail.file.as_ref().is_some_and(holds)
    }

    /// Takes the place of a file that has no name any more.
    fn succeed(&mut self, generation: Generation, other: Generation, size: u64) -> Settled {
        let holds_waiting = self.holds_waiting(generation, other, size);
        let Some(mut before) = self.remove(other) else { return Settled::Own };
        self.drop_record(other);
        if let Some(tail) = self.tails.get_mut(&generation) {
            tracing::debug!(
                file = %tail.path().display(), position = before.position.offset,
                "replaced by a file that begins as it did: going on there"
            );
            tail.continue_as(&before.position);
        }
        if !holds_waiting {
            before.finish_kept(&mut self.feed);
        }
        Settled::Own
    }

    /// The generation that copies were waiting for is over: what was read of it is not read from them again.
    pub(super) fn release_copies(&mut self, old: &Position, generation: Generation) {
        let spec = self.feed.line_spec();
        for tail in self.tails.values_mut() {
            let Settled::CopyOf(of, verified) = tail.settled else { continue };
            if of != generation {
                continue;
            }
            self.ready.insert(tail.generation);
            let Some(file) = tail.file.take() else { continue };
            let holds = file.facts().and_then(|facts| Ok((facts.size, old.held_by(&file, facts.size)?)));
            match holds {
                Ok((_, Holds::All)) => tail.continue_as(old),
                // All of it was read there.
                Ok((size, Holds::Less)) if size <= verified => {
                    if tail.continue_behind(&file, size, spec).is_err() {
                        tail.settled = Settled::Own;
                    }
                }
                Ok(_) => tail.settled = Settled::Own,
                // Once it can be read, it is looked for among those that are over.
                Err(_) => tail.settled = Settled::Not,
            }
            tail.file = Some(file);
        }
    }
}
