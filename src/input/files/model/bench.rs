//! A file, its reader, and what is handed on of it: played step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Receiver;

use crate::input::batch::Batch;
use crate::line::LineSpec;
use crate::notice::Notice;
use crate::store::Record;
use crate::time::Time;

use super::super::input::FilesInput;
use super::world::{ModelDisk, Shared, World};
use super::{Manner, reader, rules};

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const PATH: &str = "/l/a.log";

/// What happens between two pieces of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Poll,
    Commit,
    Crash,
    /// Nothing comes for so long that lines wait no longer for the rest of their event.
    Quiet,
}

/// The file, its reader, and what was handed on for good.
pub(super) struct Bench {
    pub(super) world: Shared,
    pub(super) manner: Manner,
    pub(super) input: Option<(FilesInput<ModelDisk>, Receiver<Batch>)>,
    pending: Vec<Batch>,
    stored: BTreeMap<String, Record>,
    pub(super) given: Vec<Vec<u8>>,
    pub(super) notices: Vec<Notice>,
    /// After how many lines it was quiet, and that is committed, or not yet.
    pub(super) breaks: BTreeSet<usize>,
    pending_breaks: Vec<usize>,
}

impl Bench {
    pub(super) fn new(line: LineSpec) -> Self {
        let world = World { now: 1_000 * SECOND, device: 1, ..World::default() };
        let mut bench = Self {
            world: Shared::new(world),
            manner: Manner::plain(line),
            input: None,
            pending: Vec::new(),
            stored: BTreeMap::new(),
            given: Vec::new(),
            notices: Vec::new(),
            breaks: BTreeSet::new(),
            pending_breaks: Vec::new(),
        };
        // What comes after the first look is read from its beginning.
        bench.poll();
        bench.commit();
        bench.world.borrow_mut().create(PATH, 1);
        bench
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        let mut world = self.world.borrow_mut();
        world.now += SECOND / 1000;
        let inode = world.inode(PATH.as_ref()).expect("it is there");
        world.change(inode, |content| content.extend_from_slice(bytes));
    }

    pub(super) fn poll(&mut self) {
        let now = Time::from_nanos(self.world.borrow().now);
        let (input, receiver) = self.input.get_or_insert_with(|| {
            let stored: Vec<Record> = self.stored.values().cloned().collect();
            reader(&self.world, &rules(), self.manner.clone(), &stored)
        });
        input.look(now);
        while input.turn(&BTreeSet::new(), now).expect("we are here") {
            self.pending.extend(receiver.try_iter());
        }
        self.pending.extend(receiver.try_iter());
    }

    pub(super) fn quiet(&mut self) {
        self.poll();
        let lines = {
            let mut world = self.world.borrow_mut();
            world.now += SECOND + SECOND / 1000;
            let inode = world.inode(PATH.as_ref()).expect("it is there");
            memchr::memchr_iter(b'\n', &world.files[&inode].bytes).count()
        };
        self.poll();
        self.pending_breaks.push(lines);
    }

    pub(super) fn commit(&mut self) {
        self.breaks.extend(self.pending_breaks.drain(..));
        self.store(usize::MAX);
    }

    /// Of what was handed on and is not stored, only the first batches are; returns whether that is not all.
    pub(super) fn crash_after(&mut self, batches: usize) -> bool {
        let is_all = self.pending.len() <= batches;
        self.store(batches);
        self.take(Step::Crash);
        !is_all
    }

    fn store(&mut self, batches: usize) {
        for batch in self.pending.drain(..batches.min(self.pending.len())) {
            for record in batch.positions {
                match record.value {
                    Some(_) => self.stored.insert(record.key.to_string(), record),
                    None => self.stored.remove(&*record.key),
                };
            }
            self.given.extend(batch.matches.into_iter().map(|found| found.event.line.to_vec()));
            self.notices.extend(batch.notices);
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Poll => self.poll(),
            Step::Commit => self.commit(),
            Step::Crash => {
                self.pending.clear();
                self.pending_breaks.clear();
                self.input = None;
            }
            Step::Quiet => self.quiet(),
        }
    }
}
