//! What the reader is made to do: polls and parts of them, commits, crashes, and what the world does to its reading.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use regex::bytes::Regex;

use crate::line::join::{Joins, Multiline};
use crate::line::{Ansi, LineSpec};
use crate::store::Record;

use super::super::super::input::FilesInput;
use super::super::super::tail::Settled;
use super::super::world::ModelDisk;
use super::super::{Manner, reader};
use super::{Play, SECOND};

/// Where lines are joined, two of three belong to the one before them.
const STARTS: &str = "^(?:#|L[0-9]{6}[0369])";

impl Play {
    pub(super) fn start(&mut self) {
        let multiline = self.joins().then(|| Multiline {
            by: Joins::Start(Regex::new(STARTS).expect("a good regex")),
            timeout: Duration::from_secs(1),
            lines_max: 4,
        });
        let line = LineSpec { line_bytes_max: 200, ansi: Ansi::Keep, multiline, ..LineSpec::default() };
        let open_max = if self.seed.is_multiple_of(3) { 2 } else { 100 };
        let stored: Vec<Record> = self.stored.values().cloned().collect();
        let manner = Manner { line, open_max, threads: self.threads, batch_lines: 3 };
        self.input = Some(reader(&self.world, &self.rules, manner, &stored));
        self.note("start".into());
        if self.stored.is_empty() {
            // An empty world: what comes is read from its beginning.
            self.poll();
            self.commit();
        }
    }

    fn turns(&mut self) {
        let now = self.now();
        let (input, receiver) = self.input.as_mut().expect("it runs");
        for round in 0.. {
            let more = input.turn(&BTreeSet::new(), now).expect("we are here");
            self.pending.extend(receiver.try_iter());
            if input.look_again {
                input.look(now);
            }
            if !more {
                return;
            }
            if round > 1000 {
                self.fail("it doesn't come to rest");
            }
        }
    }

    /// A look and all that is to be read; what is there now is seen by it.
    pub(super) fn poll(&mut self) {
        self.note("poll".into());
        let now = self.now();
        let (input, _) = self.input.as_mut().expect("it runs");
        input.look(now);
        self.turns();
        self.look_at_given();
        self.look_at_held();
        self.look_at_seen();
    }

    /// Only some of it: what hints would cause.
    pub(super) fn glance(&mut self) {
        let now = self.now();
        let paths: BTreeSet<PathBuf> = {
            let world = self.world.borrow();
            world.names.keys().filter(|_| self.random.bool()).cloned().collect()
        };
        self.note("glance".into());
        let (input, receiver) = self.input.as_mut().expect("it runs");
        input.turn(&paths, now).expect("we are here");
        self.pending.extend(receiver.try_iter());
        self.look_at_given();
    }

    pub(super) fn commit(&mut self) {
        self.note("commit".into());
        let batches = std::mem::take(&mut self.pending);
        self.store(batches);
        for line in self.lines.iter_mut().filter(|line| line.seen && !line.held) {
            line.owed = true;
        }
        for file in self.files.values_mut() {
            file.committed = file.polled;
            file.known |= file.polled > 0;
            if std::mem::take(&mut file.found) {
                file.truncated = None;
            }
        }
    }

    pub(super) fn crash(&mut self) {
        // The engine had taken some of it, and stored that.
        let stored = self.tears.usize(..=self.pending.len());
        self.note(format!("crash after {stored} of {} batches", self.pending.len()));
        let batches = std::mem::take(&mut self.pending);
        self.store(batches.into_iter().take(stored).collect());
        self.input = None;
        for line in self.lines.iter_mut().filter(|line| !line.owed) {
            (line.seen, line.held) = (false, false);
        }
        for file in self.files.values_mut() {
            file.polled = file.committed;
            file.found = false;
            if let Some(first) = &mut file.truncated {
                *first = None;
            }
        }
    }

    pub(super) fn fail_reads(&mut self) {
        let count = self.random.u32(1..6);
        self.note(format!("{count} reads fail"));
        self.world.borrow_mut().failing = count;
    }

    /// What a network file system says of sizes is wrong for less than a second.
    pub(super) fn lie(&mut self) {
        self.poll();
        let unsure = |(input, _): &(FilesInput<ModelDisk>, _)| {
            let mut tails = input.tails.values();
            tails.any(|tail| matches!(tail.settled, Settled::CopyOf(..)) || tail.trouble.is_some())
        };
        if self.world.borrow().failing > 0 || self.input.as_ref().is_some_and(unsure) {
            // How much of a new file was read elsewhere is known by its size.
            return;
        }
        self.note("sizes are wrong".into());
        self.world.borrow_mut().lie = self.random.u64(1..200);
        for _ in 0..self.random.usize(1..4) {
            self.pass(SECOND / 5);
            if self.random.bool() { self.poll() } else { self.glance() }
        }
        self.world.borrow_mut().lie = 0;
        self.note("and right again".into());
        self.poll();
        // What looked shorter is looked at once more.
        self.pass(SECOND);
        self.poll();
    }
}
