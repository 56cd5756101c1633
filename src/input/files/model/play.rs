//! One game: a world, its writers, a reader, and the oracle.

mod oracle;
mod reader;
mod writers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::input::batch::Batch;
use crate::rule::Rule;
use crate::store::Record;
use crate::time::Time;

use super::super::input::FilesInput;
use super::rules;
use super::world::{ModelDisk, Shared, World};
use oracle::numbers;

const SECOND: i64 = 1_000_000_000;

/// What the oracle knows of a line.
#[derive(Debug, Default, Clone)]
struct Line {
    /// It was whole on the disk at a poll.
    seen: bool,
    /// And that was committed: it must be handed on.
    owed: bool,
    /// It waits for the rest of its event: it must be handed on unless there is a crash.
    held: bool,
    may_repeat: bool,
    /// Where it was read, each time.
    given: Vec<String>,
}

/// A file as its writer knows it.
#[derive(Debug, Default, Clone)]
struct File {
    inode: u64,
    born: i64,
    /// Bytes that were there at the last poll, and at the last that is committed.
    polled: usize,
    committed: usize,
    /// It was named by a glob at a committed poll.
    known: bool,
    /// When it lost its name.
    rotated: Option<i64>,
    /// The first poll after it was truncated.
    truncated: Option<Option<i64>>,
    /// That was found since the last commit: a crash brings the doubt back.
    found: bool,
}

pub(super) struct Play {
    seed: u64,
    /// So many read.
    threads: usize,
    random: fastrand::Rng,
    /// After how many batches it crashes: apart, so that a seed's game stays the same.
    tears: fastrand::Rng,
    world: Shared,
    rules: Arc<[Rule]>,
    input: Option<(FilesInput<ModelDisk>, Receiver<Batch>)>,
    /// What the reader handed on since the last commit, and what was stored before.
    pending: Vec<Batch>,
    stored: BTreeMap<String, Record>,
    lines: Vec<Line>,
    /// Lines that are begun: their rests, by serial.
    rests: BTreeMap<u64, Vec<u8>>,
    /// All files that there ever were, by serial.
    files: BTreeMap<u64, File>,
    serials: u64,
    trace: Vec<String>,
}

impl Play {
    pub(super) fn new(seed: u64, threads: usize) -> Self {
        let world = World { now: 1_000 * SECOND, device: 1, ..World::default() };
        let mut play = Self {
            seed,
            threads,
            random: fastrand::Rng::with_seed(seed),
            tears: fastrand::Rng::with_seed(!seed),
            world: Shared::new(world),
            rules: rules(),
            input: None,
            pending: Vec::new(),
            stored: BTreeMap::new(),
            lines: Vec::new(),
            rests: BTreeMap::new(),
            files: BTreeMap::new(),
            serials: 0,
            trace: Vec::new(),
        };
        play.start();
        play
    }

    /// Whether lines are joined in this game.
    const fn joins(&self) -> bool {
        self.seed.is_multiple_of(2)
    }

    pub(super) fn run(mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
        self.world.borrow_mut().failing = 0;
        for _ in 0..4 {
            self.pass(40 * SECOND);
            if self.input.is_none() {
                self.start();
            }
            self.poll();
            self.commit();
        }
        if self.lines.iter().any(|line| line.held) {
            self.fail("lines wait although nothing came for long");
        }
        for (number, line) in self.lines.iter().enumerate() {
            if line.owed && line.given.is_empty() {
                self.fail(&format!("line {number} was lost"));
            }
        }
    }

    fn step(&mut self) {
        let up = self.input.is_some();
        match self.random.u8(..100) {
            0..30 => self.append(),
            30..36 => self.rotate(),
            36..38 => self.truncate(),
            38..41 => self.copytruncate(),
            41..43 => self.delete(),
            43..45 => self.replace(),
            45..46 => self.hard_link(),
            46..47 => self.retarget(),
            47..49 => self.late_write(),
            49..50 => self.remount(),
            50..51 if up => self.fail_reads(),
            51..52 if up => self.lie(),
            52..62 => {
                let nanos = [1_000_000, 100_000_000, SECOND, 6 * SECOND, 40 * SECOND][self.random.usize(..5)];
                self.pass(nanos);
            }
            62..80 if up => self.poll(),
            80..86 if up => self.glance(),
            86..95 if up => self.commit(),
            95..97 if up => self.crash(),
            _ if !up => self.start(),
            _ => {}
        }
    }

    fn note(&mut self, what: String) {
        tracing::debug!("--- {what}");
        self.trace.push(format!("{:>8.3} {what}", (self.world.borrow().now - 1_000 * SECOND) as f64 / 1e9));
    }

    /// Says what happened to a line: its own story, and all that happened about then.
    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let world = self.world.borrow();
        for (path, name) in &world.names {
            let content = world.inode(path).map(|inode| &world.files[&inode]);
            println!(
                "{} {name:?} {:?}",
                path.display(),
                content.map(|it| (it.serial, it.bytes.len(), numbers(&it.bytes)))
            );
        }
        let from = self.trace.len().saturating_sub(600);
        panic!("seed {}: {what}\n{}", self.seed, self.trace[from..].join("\n"));
    }

    fn pass(&mut self, nanos: i64) {
        self.world.borrow_mut().now += nanos;
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.world.borrow().now)
    }
}
