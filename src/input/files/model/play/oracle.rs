//! What must have been handed on by now, and what may not be handed on.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::event::Origin;
use crate::input::batch::Batch;
use crate::store::Record;

use super::super::super::position::Position;
use super::super::super::tail::Settled;
use super::{File, Play, SECOND};

/// From so many bytes on, the content alone tells a file.
const TELLING: usize = 1024;

impl Play {
    /// What is there at a poll is seen by it, unless the reader may not yet know what it is.
    pub(super) fn look_at_seen(&mut self) {
        let (input, _) = self.input.as_ref().expect("it runs");
        let troubled = input.tails.values().any(|tail| tail.trouble.is_some());
        // What may be a copy of what was cut short since is not read before that is known.
        let in_doubt = input.tails.values().filter(|tail| matches!(tail.settled, Settled::CopyOf(_, 0)));
        let in_doubt: HashSet<_> = in_doubt.filter_map(|tail| Some(tail.position.file?.inode)).collect();
        let world = self.world.borrow();
        if troubled || world.lie > 0 {
            return;
        }
        let mut reachable: HashSet<u64> = HashSet::new();
        for path in world.names.keys().filter(|path| named(path)) {
            reachable.extend(world.inode(path).map(|inode| world.files[&inode].serial));
        }
        for (serial, file) in &mut self.files {
            if world.files.get(&file.inode).is_none_or(|content| content.serial != *serial) {
                continue;
            }
            let at = world.now;
            let doubtful = match &mut file.truncated {
                None => false,
                Some(_) if file.found => false,
                Some(first) => at - *first.get_or_insert(at) < SECOND,
            };
            if doubtful || in_doubt.contains(&file.inode) || !reachable.contains(serial) {
                continue;
            }
            file.found = true;
            let bytes = &world.files[&file.inode].bytes;
            file.polled = bytes.len();
            for number in numbers(bytes) {
                self.lines[number].seen = true;
            }
        }
    }

    /// Lines that wait for the rest of their event are owed once they don't.
    pub(super) fn look_at_held(&mut self) {
        let (input, _) = self.input.as_ref().expect("it runs");
        let kept = input.tails.values().filter_map(|tail| tail.kept.as_ref());
        let texts = kept.flat_map(|kept| kept.group.joined().text.split(|byte| *byte == b'\n'));
        let held: HashSet<usize> = texts.filter_map(number).collect();
        for (number, line) in self.lines.iter_mut().enumerate() {
            let before = std::mem::replace(&mut line.held, held.contains(&number));
            line.seen |= before && !line.held;
        }
    }

    /// Whatever was handed on was written; what is not committed may yet be handed on again.
    pub(super) fn look_at_given(&mut self) {
        let texts: Vec<Vec<u8>> = self
            .pending
            .iter()
            .flat_map(|batch| &batch.matches)
            .flat_map(|found| found.event.line.split(|byte| *byte == b'\n').map(<[u8]>::to_vec))
            .collect();
        for text in texts {
            // The rest of a line that a truncation has cut.
            let fragment = text.len() < 8 && b"L0000000".starts_with(&text[..text.len().min(3)]);
            if text.first() != Some(&b'#') && number(&text).is_none() && !fragment {
                self.fail(&format!("nobody wrote {:?}", String::from_utf8_lossy(&text)));
            }
        }
    }

    /// What is stored of these is so for good.
    pub(super) fn store(&mut self, batches: Vec<Batch>) {
        self.look_at_order(&batches);
        for batch in batches {
            for record in batch.positions {
                self.look_back(&record);
                match record.value {
                    Some(_) => self.stored.insert(record.key.to_string(), record),
                    None => self.stored.remove(&*record.key),
                };
            }
            for found in batch.matches {
                tracing::debug!("given {}", String::from_utf8_lossy(&found.event.line));
                let file = found.event.origin.file.clone().unwrap_or_default();
                let when = (self.world.borrow().now - 1_000 * SECOND) as f64 / 1e9;
                for number in found.event.line.split(|byte| *byte == b'\n').filter_map(number) {
                    let line = &mut self.lines[number];
                    line.given.push(format!("{file} at {when:.3}"));
                    if line.given.len() > 1 && !line.may_repeat {
                        let given = line.given.clone();
                        self.fail(&format!("line {number} was handed on twice: {given:?}"));
                    }
                }
            }
        }
    }

    /// The lines of a file are numbered as they were written.
    fn look_at_order(&self, batches: &[Batch]) {
        let mut last: HashMap<*const Origin, usize> = HashMap::new();
        for found in batches.iter().flat_map(|batch| &batch.matches) {
            for number in found.event.line.split(|byte| *byte == b'\n').filter_map(number) {
                let before = last.insert(Arc::as_ptr(&found.event.origin), number).unwrap_or(0);
                if number < before && !self.lines[number].may_repeat {
                    self.fail(&format!("line {number} was handed on after {before}"));
                }
            }
        }
    }

    /// What was read on is not read again but from its beginning, if it is another content.
    fn look_back(&self, record: &Record) {
        let before = self.stored.get(&*record.key).and_then(Position::from_record);
        let (Some((_, before)), Some((_, now))) = (before, Position::from_record(record)) else { return };
        if now.offset < before.offset && now.offset > 0 && !before.unseen {
            self.fail(&format!("{} goes back from {} to {}", record.key, before.offset, now.offset));
        }
    }

    /// A copy that was given the number and the birth of what it is a copy of: nothing tells which of them was read.
    pub(super) fn may_be_taken_for_its_original(&mut self, inode: u64) {
        let world = self.world.borrow();
        let content = &world.files[&inode];
        let alike = |(serial, file): (&u64, &File)| {
            *serial != content.serial && file.inode == inode && file.born == content.born
        };
        if self.files.iter().any(alike) {
            for number in numbers(&content.bytes) {
                self.lines[number].may_repeat = true;
            }
        }
    }

    /// What of a file may be read again, because too little of it was read to know it by.
    pub(super) fn may_repeat(&mut self, inode: u64, all: bool) {
        let serial = self.serial(inode);
        let read = self.files.get(&serial).map_or(0, |file| file.committed.min(file.polled));
        if all || read < TELLING + 320 {
            let bytes = self.world.borrow().files[&inode].bytes.clone();
            for number in numbers(&bytes) {
                self.lines[number].may_repeat = true;
            }
        }
        // The line that it ends in is cut by the copy.
        let bytes = self.world.borrow().files[&inode].bytes.clone();
        let last = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let text = bytes[last..].iter().position(|byte| *byte != 0).map_or(bytes.len(), |at| last + at);
        if let Some(number) = number(&bytes[text..]) {
            self.lines[number].may_repeat = true;
        }
    }
}

/// Whether a glob of the reader names it.
fn named(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.starts_with("/l/") && (path.ends_with(".log") || path.contains(".log.in."))
}

/// The number of a line, or of its beginning if it reaches so far.
fn number(line: &[u8]) -> Option<usize> {
    let digits = line.strip_prefix(b"L")?.get(..7)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The numbers of the whole lines of a file.
pub(super) fn numbers(bytes: &[u8]) -> Vec<usize> {
    let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let text = line.iter().position(|byte| *byte != 0)?;
            number(&line[text..])
        })
        .collect()
}
