//! The engine's thread: where batches, alerts and records meet, and are stored together.
//!
//! A commit holds the positions of exactly the batches that the engine has taken, all that they changed in the engine,
//! and the alerts that came of them. It happens when there is an alert to store, else each second while lines are read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::board::Board;
use crate::clock::Clock;
use crate::engine::{Alert, Counters, Engine};
use crate::herald::Herald;
use crate::input::batch::{Batch, Read};
use crate::message::redact_alert::redact_alert;
use crate::notice::{Notice, Sort};
use crate::pulse::Pulse;
use crate::rule::Rule;
use crate::rules::Rules;
use crate::scan::Cost;
use crate::store::{Keeps, Record, Store, WriteError};

use super::desk::{Desk, Publish};
use super::silences::Silences;
use super::turnover::{Turnover, of_these};
use super::unfinished::Unfinished;

/// What lines changed is stored so often where no alert has it stored at once: with the process, at most so much is
/// lost of what can't be read again.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// How many batches that are there already go into one commit: enough that a flood doesn't wait for the disk at each.
const BATCHES_AT_ONCE: usize = 8;

/// A timer is waited for by a clock that stands still while the machine sleeps, and is due by one that goes on: so often it
/// is asked again.
const CLOCK_LOOKS: Duration = Duration::from_secs(10);

/// How often a full disk is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What the engine's thread works with, and what it leaves.
#[derive(Debug)]
pub(super) struct Decider {
    pub(super) engine: Engine,
    /// What each rule had counted before the start; nothing where it is not here.
    pub(super) counted_before: BTreeMap<Arc<str>, Counters>,
    /// By the input's name; also of inputs that a reload took away.
    pub(super) reads: BTreeMap<Arc<str>, Read>,
    /// What finding each rule's lines cost, by the rules' places.
    pub(super) costs: Vec<Cost>,
    pub(super) rules: Rules,
    pub(super) store: Arc<Store>,
    pub(super) herald: Arc<Herald>,
    pub(super) clock: Arc<Clock>,
    /// Somebody asked to stop: the end of the inputs is none of theirs.
    pub(super) stopping: Arc<AtomicBool>,
    /// Closed when a full disk is not waited for any longer.
    pub(super) patience: Receiver<()>,
    /// Shows that this thread goes on.
    pub(super) pulse: Arc<Pulse>,
    /// How often it must be seen, also where there is nothing to do; `None`: nobody watches.
    pub(super) pulse_every: Option<Duration>,
    pub(super) unstored: Unstored,
    pub(super) silences: Silences,
    pub(super) board: Arc<Board>,
    /// Where somebody may look on.
    pub(super) desk: Option<Desk>,
    /// What a reload brings; a batch of no input rings for it.
    pub(super) turnovers: Receiver<Turnover>,
    pub(super) unfinished: Unfinished,
}

/// What was read and decided since the last commit.
#[derive(Debug, Default)]
pub(super) struct Unstored {
    /// The latest of each input and file.
    positions: BTreeMap<(Arc<str>, Box<str>), Record>,
    /// When the oldest of it was read.
    pub(super) since: Option<Instant>,
}

/// How the engine's thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// All that was read is stored.
    Whole,
    /// The disk stayed full until the stop: what was read since the last commit is read again at the next start.
    GaveUp,
}

impl Decider {
    /// Until the last input is gone.
    ///
    /// # Errors
    /// The state can't be written any more.
    pub(super) fn run(mut self, batches: &Receiver<Batch>) -> Result<(Self, Finish), WriteError> {
        let finish = self.decide(batches)?;
        self.pulse.end();
        Ok((self, finish))
    }

    fn decide(&mut self, batches: &Receiver<Batch>) -> Result<Finish, WriteError> {
        loop {
            let wait = self.wait();
            self.pulse.rest(wait);
            let received = receive(batches, wait);
            self.pulse.beat();
            match received {
                Ok(batch) => {
                    self.take(batch);
                    batches.try_iter().take(BATCHES_AT_ONCE - 1).for_each(|batch| self.take(batch));
                }
                Err(RecvTimeoutError::Timeout) => self.advance(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let gave_up =
                [self.turn_over()?, self.obey()?, self.commit(When::Due)?].contains(&Finish::GaveUp);
            if gave_up {
                return Ok(Finish::GaveUp);
            }
            self.publish(Publish::Due);
        }
        self.last_words()
    }

    /// Nothing is read any more.
    fn last_words(&mut self) -> Result<Finish, WriteError> {
        // A stop keeps everything for the next start. What would not be there then is told now.
        if self.store.keeps() == Keeps::InMemory || !self.stopping.load(Ordering::Relaxed) {
            self.engine.end_of_input(self.clock.now());
        }
        let finish = self.commit(When::Now)?;
        let unfinished = self.unfinished.take_all(self.clock.now());
        self.store.finish(&self.without_secrets(unfinished))?;
        self.publish(Publish::Last);
        // What the rules did since the view before.
        if finish == Finish::Whole { self.commit(When::Now) } else { Ok(finish) }
    }

    /// How long nothing is to be done; `None`: until a batch comes.
    fn wait(&self) -> Option<Duration> {
        let timer = self.engine.next_due().map(|due| due.since(self.clock.now()).min(CLOCK_LOOKS));
        let commit = self.unstored.since.map(|since| COMMIT_EVERY.saturating_sub(since.elapsed()));
        let unfinished = self.unfinished.due().map(|due| due.since(self.clock.now()));
        let waits = [timer, commit, unfinished, self.pulse_every, self.desk_due_in()];
        waits.into_iter().flatten().min()
    }

    /// Time has passed.
    fn advance(&mut self) {
        let now = self.clock.now();
        if self.engine.next_due().is_some_and(|due| due <= now) {
            self.happened();
        }
        self.engine.advance(now);
    }

    /// Whoever looks on is to see it.
    pub(super) fn happened(&mut self) {
        self.desk.iter_mut().for_each(|desk| desk.ledger.happened());
    }

    fn take(&mut self, batch: Batch) {
        if batch.is_bell() {
            return;
        }
        self.happened();
        let now = self.clock.now();
        self.unstored.since.get_or_insert_with(Instant::now);
        self.reads.entry(batch.input.clone()).or_default().add(batch.read);
        for (rule, cost) in batch.costs {
            let Some(place) = self.rules.place_of(&batch.rules, rule) else { continue };
            self.costs[place.0].add(cost);
        }
        batch.notices.into_iter().for_each(|notice| self.herald.tell(notice));
        for record in batch.positions {
            self.unstored.positions.insert((record.owner.clone(), record.key.clone()), record);
        }
        let matches = of_these(batch.matches, &batch.rules, &self.rules);
        matches.into_iter().for_each(|found| self.engine.take(found, now));
        if let Some(state) = batch.state {
            self.engine.input(&batch.input, state, now);
        }
    }

    /// Stores what is unstored, where it is time. On a full disk it waits, and so does reading, whose queue to here is
    /// bounded.
    pub(super) fn commit(&mut self, when: When) -> Result<Finish, WriteError> {
        let now = self.clock.now();
        let mut decided = self.engine.take_alerts();
        let unfinished = self.unfinished.among(&mut decided, now);
        // What is to be sent before them is finished first.
        self.finish(&decided)?;
        let alerts = self.without_secrets(decided);
        let due = self.unstored.since.is_some_and(|since| since.elapsed() >= COMMIT_EVERY);
        if alerts.is_empty() && !due && when == When::Due {
            return Ok(Finish::Whole);
        }
        let Unstored { positions, .. } = std::mem::take(&mut self.unstored);
        let mut records: Vec<Record> = positions.into_values().collect();
        if self.store.keeps() != Keeps::InMemory {
            let redact = |alert: &mut Alert, rule: &Rule| redact_alert(alert, &rule.redact);
            records.extend(self.engine.take_changes(&redact));
            let due = when == When::Now || self.changes_due_in() == Some(Duration::ZERO);
            if let Some(desk) = self.desk.as_mut().filter(|_| due) {
                records.extend(desk.ledger.take_changes(now));
            }
        }
        records.extend(self.silences.take_changes());
        let mut trouble = None;
        loop {
            match self.store.commit(&records, &alerts, self.clock.now()) {
                Ok(()) => break,
                Err(failed @ WriteError::Failed(_)) => return Err(failed),
                Err(passing) => {
                    if trouble.is_none() {
                        self.herald.tell(waiting(&passing));
                        self.board.set_disk_full(true);
                    }
                    trouble = Some(passing);
                }
            }
            // To wait for a full disk is to go on, and not to be well.
            self.pulse.beat();
            // What was stored before is sent on a full disk too.
            self.finish(&[])?;
            if self.patience.recv_timeout(TRY_AGAIN) == Err(RecvTimeoutError::Disconnected) {
                return Ok(Finish::GaveUp);
            }
        }
        self.desk.iter_mut().for_each(|desk| desk.ledger.alerts(&alerts));
        for alert in &unfinished {
            tracing::debug!(alert = %alert.id.short(), rule = %alert.rule, "stored; it waits for the lines after its own");
        }
        self.unfinished.keep(unfinished);
        if trouble.is_some() {
            self.board.set_disk_full(false);
            tracing::info!("the state can be written again: reading goes on");
        }
        Ok(Finish::Whole)
    }

    /// Those that wait for nothing any more, now that these are `decided`, may be sent.
    fn finish(&mut self, decided: &[Alert]) -> Result<(), WriteError> {
        let finished = self.unfinished.take_finished(decided, self.clock.now());
        self.store.finish(&self.without_secrets(finished))
    }

    pub(super) fn without_secrets(&self, mut alerts: Vec<Alert>) -> Vec<Arc<Alert>> {
        for alert in &mut alerts {
            if let Some(rule) = self.rules.named(&alert.rule) {
                redact_alert(alert, &rule.redact);
            }
        }
        alerts.into_iter().map(Arc::new).collect()
    }
}

/// When a commit happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// If there is an alert, or it is a second since.
    Due,
    /// In any case.
    Now,
}

fn receive(batches: &Receiver<Batch>, wait: Option<Duration>) -> Result<Batch, RecvTimeoutError> {
    match wait {
        Some(wait) => batches.recv_timeout(wait),
        None => batches.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn waiting(why: &WriteError) -> Notice {
    let text = format!("{why}: reading waits until it can be written, delivering goes on");
    Notice { sort: Sort::StoreFull, danger: true, text }
}
