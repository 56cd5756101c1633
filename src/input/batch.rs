//! What readers hand on to the engine, and the way it goes: what rules took, and how far was read with it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::event::{InputState, Match, RuleId};
use crate::notice::Notice;
use crate::rule::Rule;
use crate::scan::{Cost, Scanned};
use crate::store::Record;

/// How many batches wait for the engine before reading waits: enough to keep it busy, few enough for the memory.
const BATCHES_WAITING: usize = 8;

/// What was read from one input since its last batch. One of no input rings: the engine's thread is to look up.
#[derive(Debug, Default)]
pub struct Batch {
    /// The input's name.
    pub input: Arc<str>,
    /// Those that the matches are of: a reload may have come between.
    pub rules: Arc<[Rule]>,
    /// In order of reading.
    pub matches: Vec<Match>,
    /// How far it was read with this batch: stored together with what its matches cause.
    pub positions: Vec<Record>,
    /// What is to be told about the reading itself.
    pub notices: Vec<Notice>,
    /// How the input stands after this, where that has changed.
    pub state: Option<InputState>,
    /// What was read.
    pub read: Read,
    /// What it cost the rules that lines were shown to.
    pub costs: Vec<(RuleId, Cost)>,
}

impl Batch {
    /// The next one, of which there is nothing yet. It is likely to have as many matches.
    pub(super) fn next(&self) -> Self {
        let matches = Vec::with_capacity(self.matches.len());
        Self { input: self.input.clone(), rules: self.rules.clone(), matches, ..Self::default() }
    }

    /// Only rings.
    pub fn bell() -> Self {
        Self::default()
    }

    /// Whether it is of no input.
    pub fn is_bell(&self) -> bool {
        self.input.is_empty()
    }

    /// What was read beside it comes after it.
    pub(super) fn append(&mut self, other: Self) {
        let Self { input: _, rules: _, matches, positions, notices, state, read, costs } = other;
        self.matches.extend(matches);
        self.positions.extend(positions);
        self.notices.extend(notices);
        self.state = state.or(self.state);
        self.read.add(read);
        self.costs.extend(costs);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.matches.is_empty()
            && self.positions.is_empty()
            && self.notices.is_empty()
            && self.state.is_none()
            && self.read == Read::default()
            && self.costs.is_empty()
    }
}

/// What was read from an input, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Read {
    /// Lines, the cut ones included.
    pub lines: u64,
    /// Bytes, line ends included.
    pub bytes: u64,
    /// Lines that were longer than `max_line`.
    pub truncated: u64,
    /// Bytes of unfinished lines that were lost with a truncation.
    pub dropped_bytes: u64,
    /// Bytes that nobody wrote: holes, and zeros before a line.
    pub nul_bytes: u64,
    /// Reading a file failed.
    pub errors: u64,
    /// What scanning could not do.
    pub scanned: Scanned,
}

impl Read {
    /// Adds what another batch read.
    pub fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.truncated += other.truncated;
        self.dropped_bytes += other.dropped_bytes;
        self.nul_bytes += other.nul_bytes;
        self.errors += other.errors;
        self.scanned.add(other.scanned);
    }
}

/// The readers' end of the channel and the engine's.
pub fn channel() -> (SyncSender<Batch>, Receiver<Batch>) {
    sync_channel(BATCHES_WAITING)
}
