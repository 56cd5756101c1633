//! Whether a file from which nothing was read yet holds what was read elsewhere: a copy that rotation makes, a file
//! that was replaced by a longer version of itself, one that came back by another number. Decided by content alone, so
//! only from [`HEAD_BYTES`](super::marks::HEAD_BYTES) on; in doubt it is read, for a repeated line is better than a lost one.

use std::io;

use super::disk::{Disk, DiskFile};
use super::input::FilesInput;
use super::marks::{self, HEAD_BYTES};
use super::position::{Generation, Holds, Position, read_exactly};
use super::tail::{Settled, start_of_last_line};

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
    /// Whether that one was truncated shows later.
    Doubt,
}

impl<D: Disk> FilesInput<D> {
    /// Decides what a file is before it is read from its beginning; [`Settled::Not`]: that must wait for another file's
    /// turn.
    pub(super) fn settle(&mut self, generation: Generation) -> io::Result<Settled> {
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
        if self.succeed_a_lost_one(generation, head, size)? {
            return Ok(Settled::Own);
        }
        let candidates = self.tails.values().filter(|other| other.generation != generation);
        let candidates: Vec<Generation> = candidates
            .filter(|other| other.position.marks.whole_head() == Some(head))
            .map(|other| other.generation)
            .collect();
        let mut settled = Settled::Own;
        for other in candidates {
            match self.compare(generation, other, size)? {
                Verdict::Other => {}
                Verdict::Successor => {
                    self.succeed(generation, other);
                    settled = Settled::Own;
                    break;
                }
                Verdict::Longer => {
                    self.go_on_as(generation, other);
                    settled = Settled::Own;
                    break;
                }
                Verdict::Copy => settled = Settled::CopyOf(other, size),
                Verdict::Wait => {
                    self.ready.insert(other);
                    return Ok(Settled::Not);
                }
                Verdict::Doubt => {
                    settled = Settled::CopyOf(other, 0);
                    break;
                }
            }
        }
        if let Some(tail) = self.tails.get_mut(&generation) {
            tail.settled = settled;
        }
        Ok(settled)
    }

    /// Of the positions whose file is nowhere to be found, the one that reaches furthest in this content.
    fn succeed_a_lost_one(&mut self, generation: Generation, head: u64, size: u64) -> io::Result<bool> {
        let Some(tail) = self.tails.get_mut(&generation) else { return Ok(false) };
        let Some(file) = tail.file.take() else { return Ok(false) };
        let mut best: Option<Generation> = None;
        let mut result = Ok(());
        for (lost, position) in &self.gone {
            let further = best.is_none_or(|best| self.gone[&best].offset < position.offset);
            if position.marks.whole_head() != Some(head) || !further {
                continue;
            }
            match position.held_by(&file, size) {
                Ok(Holds::All) => best = Some(*lost),
                Ok(_) => {}
                Err(error) => result = Err(error),
            }
        }
        tail.file = Some(file);
        result?;
        let Some(position) = best.and_then(|best| self.gone.remove(&best).map(|position| (best, position)))
        else {
            return Ok(false);
        };
        let (lost, position) = position;
        tracing::debug!(
            file = %tail.path().display(), before = %position.path.display(), position = position.offset,
            "holds what was read before: going on there"
        );
        tail.continue_as(&position);
        self.drop_record(lost);
        Ok(true)
    }

    fn compare(&self, generation: Generation, other: Generation, size: u64) -> io::Result<Verdict> {
        let (Some(tail), Some(other)) = (self.tails.get(&generation), self.tails.get(&other)) else {
            return Ok(Verdict::Other);
        };
        let (Some(file), Some(other_file)) = (&tail.file, &other.file) else {
            return Ok(if self.ready.contains(&other.generation) { Verdict::Wait } else { Verdict::Other });
        };
        let facts = other_file.facts()?;
        match other.position.held_by(file, size)? {
            Holds::Other => Ok(Verdict::Other),
            _ if facts.size < other.end => Ok(Verdict::Doubt),
            _ if other.end < facts.size => Ok(Verdict::Wait),
            Holds::All if facts.links == 0 => Ok(Verdict::Successor),
            Holds::All if size > other.end => Ok(Verdict::Longer),
            Holds::Less if facts.links == 0 => Ok(Verdict::Other),
            Holds::All | Holds::Less => {
                let length = size.min(COMPARED_BYTES);
                let own = read_exactly(file, size - length, length as usize)?;
                let theirs = read_exactly(other_file, size - length, length as usize)?;
                Ok(if own == theirs { Verdict::Copy } else { Verdict::Other })
            }
        }
    }

    /// Goes on where another file of the same content is.
    fn go_on_as(&mut self, generation: Generation, other: Generation) {
        let Some(position) = self.tails.get(&other).map(|other| other.position.clone()) else { return };
        if let Some(tail) = self.tails.get_mut(&generation) {
            tail.continue_as(&position);
        }
    }

    /// Takes the place of a file that has no name any more.
    fn succeed(&mut self, generation: Generation, other: Generation) {
        let Some(before) = self.remove(other) else { return };
        self.drop_record(other);
        if let Some(tail) = self.tails.get_mut(&generation) {
            tracing::debug!(
                file = %tail.path().display(), position = before.position.offset,
                "replaced by a file that begins as it did: going on there"
            );
            tail.continue_as(&before.position);
        }
    }

    /// The generation that copies were waiting for is over: what was read of it is not read from them again.
    pub(super) fn release_copies(&mut self, old: &Position, generation: Generation) {
        let line_bytes_max = self.feed.line_spec().line_bytes_max;
        for tail in self.tails.values_mut() {
            let Settled::CopyOf(of, verified) = tail.settled else { continue };
            if of != generation {
                continue;
            }
            self.ready.insert(tail.generation);
            let Some(file) = tail.file.take() else { continue };
            let size = file.facts().map_or(0, |facts| facts.size);
            match old.held_by(&file, size) {
                Ok(Holds::All) => tail.continue_as(old),
                // All of it was read there.
                Ok(Holds::Less) if verified == size => {
                    let start = start_of_last_line(&file, size, line_bytes_max);
                    if start.and_then(|start| tail.continue_at(&file, start)).is_err() {
                        tail.settled = Settled::Own;
                    }
                }
                _ => tail.settled = Settled::Own,
            }
            tail.file = Some(file);
        }
    }
}
