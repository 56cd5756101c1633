//! Files that globs name: discovery says what is there, tails read it, hints say when to look. One thread for all; where
//! there is much to read, others read with it.

mod cutter;
mod descriptors;
mod discover;
mod disk;
mod identity;
mod input;
mod kept;
mod lanes;
mod look;
mod marks;
mod measure;
#[cfg(test)]
mod model;
mod nuls;
mod open;
mod position;
mod rotation;
mod round;
mod said;
mod tail;
mod trouble;
mod turn;
mod turnover;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::board::Gauge;
use crate::event::Texts;
use crate::store::Record;
use crate::time::Time;

use super::FilesSpec;
use super::feed::{EngineGone, Feed};
use super::waker::Waker;

use disk::RealDisk;
use input::{FilesInput, Setup};
use lanes::Lanes;
use measure::Gauges;
use watch::Watch;

pub use turnover::Turnover;

/// How often everything is looked at where events come: they are hints, and hints get lost.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where names come and go all the time, looking takes at most the tenth part of the time, and is put off by no more
/// than this.
const LOOK_SHARE: u32 = 10;
const LOOK_PUT_OFF_MAX: Duration = Duration::from_secs(1);

/// When reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When the reader is stopped.
    Stopped,
    /// At the end that each file has when it is reached; each is read from its stored position, or its beginning.
    Eof,
}

/// What one input is read with.
#[derive(Debug)]
pub struct Reading {
    /// Which files, and how.
    pub spec: FilesSpec,
    /// Added to each event.
    pub labels: Texts,
    /// The input's name.
    pub name: Arc<str>,
    /// Its way to the engine.
    pub feed: Feed,
    /// What its [`Feed::position`] has stored before this start.
    pub positions: Vec<Record>,
    /// How long a deleted file is held open.
    pub deleted_max: Duration,
    /// So many of its files are read at once.
    pub threads: usize,
    /// Where its reader says how it stands.
    pub gauge: Arc<Gauge>,
}

/// Why reading files ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A glob that the configuration should have refused.
    #[error("failed to compile a glob")]
    Glob(#[from] globset::Error),
    /// The system refused to wait.
    #[error("failed to wait for files")]
    Wait(#[from] std::io::Error),
    /// There is nobody to read for.
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
}

/// Reads the inputs of files of `first` until `until`; where it follows them, those of `turnovers` after that, until one
/// leaves none.
///
/// # Errors
/// A glob is wrong, the system refuses to wait, or the engine has stopped. What is wrong with a single file is logged
/// and counted, and never ends the reading of the others.
pub fn run(
    first: Turnover,
    until: Until,
    waker: &Arc<Waker>,
    turnovers: Receiver<Turnover>,
) -> Result<(), FilesError> {
    let mut reader = Reader {
        inputs: Vec::new(),
        until,
        turnovers,
        looking: None,
        gauges: Gauges::default(),
        watch: Watch::new(waker.clone()),
        all_watched: false,
    };
    reader.turn_over(first)?;
    match until {
        Until::Eof => reader.read_to_ends(waker),
        Until::Stopped => reader.follow(waker),
    }
}

/// How many files each of so many inputs may have open.
fn open_max(inputs: usize) -> usize {
    (descriptors::raise_limit() / inputs.max(1)).max(1)
}

fn setup(reading: Reading, until: Until, open_max: usize) -> (Setup, Vec<Record>) {
    let Reading { spec, labels, name, feed, positions, deleted_max, threads, gauge } = reading;
    let lanes = Lanes::new(threads);
    (Setup { name, labels, spec, feed, lanes, until, deleted_max, open_max, gauge }, positions)
}

#[derive(Debug)]
struct Reader {
    inputs: Vec<FilesInput<RealDisk>>,
    until: Until,
    turnovers: Receiver<Turnover>,
    /// Until the first look after a turnover: who waits for it, and what is brought then.
    looking: Option<(oneshot::Sender<Vec<Record>>, Vec<Record>)>,
    gauges: Gauges,
    watch: Watch,
    all_watched: bool,
}

impl Reader {
    fn follow(&mut self, waker: &Arc<Waker>) -> Result<(), FilesError> {
        let mut next_look = Instant::now();
        let mut not_before = next_look;
        loop {
            if let Ok(turnover) = self.turnovers.try_recv() {
                self.turn_over(turnover)?;
                if self.inputs.is_empty() {
                    self.look();
                    return Ok(());
                }
                next_look = Instant::now();
            }
            let hints = self.watch.take();
            if hints.look {
                next_look = next_look.min(not_before);
            }
            let began = Instant::now();
            if began >= next_look {
                let again = self.look();
                let ended = Instant::now();
                not_before = ended + (ended.duration_since(began) * LOOK_SHARE).min(LOOK_PUT_OFF_MAX);
                next_look = if again { not_before } else { ended + self.look_interval() };
            }
            let mut more = false;
            for input in &mut self.inputs {
                let now = input.feed.now();
                more |= input.turn(&hints.touched, now)?;
                if input.look_again {
                    next_look = next_look.min(not_before);
                }
            }
            if waker.stopped() {
                return self.last_turn();
            }
            let until_measured = self.gauges.measure(&self.inputs);
            if !more {
                self.inputs.iter_mut().try_for_each(FilesInput::stand)?;
                let until_look = next_look.saturating_duration_since(Instant::now());
                waker.wait(None, Some(until_look.min(self.due_in()).min(until_measured)))?;
            }
        }
    }

    /// What is there at a stop, a quantum of each file: an application's last lines are the ones that matter. A line
    /// that a file still ends in is left to the next start; of an old file, which that may not find, it is read.
    fn last_turn(&mut self) -> Result<(), FilesError> {
        self.look();
        for input in &mut self.inputs {
            let now = input.feed.now();
            input.turn(&BTreeSet::new(), now)?;
            input.finish(|tail| tail.detached.is_some(), now)?;
        }
        Ok(())
    }

    fn read_to_ends(&mut self, waker: &Arc<Waker>) -> Result<(), FilesError> {
        self.look();
        while !waker.stopped() {
            let mut more = false;
            for input in &mut self.inputs {
                let now = input.feed.now();
                more |= input.turn(&BTreeSet::new(), now)?;
                if input.look_again {
                    input.look(now);
                }
            }
            self.gauges.measure(&self.inputs);
            let in_doubt =
                self.inputs.iter().any(|input| input.tails.values().any(|tail| tail.is_in_doubt()));
            match (more, in_doubt) {
                (true, _) => {}
                (false, true) => drop(waker.wait(None, Some(self.due_in()))?),
                (false, false) => break,
            }
        }
        if !waker.stopped() {
            self.inputs.iter_mut().try_for_each(FilesInput::stand)?;
            for input in &mut self.inputs {
                let now = input.feed.now();
                input.finish(|_| true, now)?;
            }
        }
        Ok(())
    }

    /// Returns whether to look again at once: a directory that is watched only now may have got files unseen.
    fn look(&mut self) -> bool {
        let mut directories = BTreeSet::new();
        for input in &mut self.inputs {
            let now = input.feed.now();
            directories.extend(input.look(now));
        }
        let watched = self.watch.set(&directories);
        self.all_watched = watched.all;
        if let Some((done, positions)) = self.looking.take() {
            // Whether somebody waits for it is not our business.
            let _ = done.send(positions);
        }
        watched.more
    }

    /// Where something can't be watched, looking leads.
    fn look_interval(&self) -> Duration {
        let blind = |input: &&FilesInput<RealDisk>| !self.all_watched || input.needs_looking();
        let polls = self.inputs.iter().filter(blind).map(|input| input.spec.poll);
        polls.min().map_or(LOOK_EVERY, |poll| poll.min(LOOK_EVERY))
    }

    /// How long until a file wants to be looked at by itself.
    fn due_in(&self) -> Duration {
        let due = self.inputs.iter().filter_map(|input| {
            let due: Time = input.due()?;
            Some(due.since(input.feed.now()))
        });
        due.min().unwrap_or(LOOK_EVERY)
    }
}
