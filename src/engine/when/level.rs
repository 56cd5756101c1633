//! `when: { above }` and `when: { below }`: a number over a window beyond a threshold, for so long.

use serde::{Deserialize, Serialize};

use crate::event::Match;
use crate::rule::{Level, Side};
use crate::time::Time;

use super::super::key::Key;
use super::super::keyed::Keyed;
use super::super::last::Last;
use super::samples::Samples;
use super::slices::Slicing;
use super::{Instant, Met, Moment, RETRY, Said, Verdict};

/// The numbers of a key, and how they stand.
#[derive(Debug)]
pub(in crate::engine) struct LevelKey {
    pub(in crate::engine) state: LevelState,
    pub(in crate::engine) last: Option<Last>,
}

/// What is stored of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::engine) struct LevelState {
    samples: Samples,
    /// Numbers ever seen: without a window, these are the samples.
    seen: u64,
    /// The latest instant that was judged, by the events' time.
    judged: Time,
    /// What the window was made of when it was judged.
    pub(in crate::engine) value: Option<f64>,
    standing: Standing,
    since: Time,
    pub(in crate::engine) holds: bool,
    /// When an alert was last given out at an instant, by the engine's clock.
    told: Time,
}

/// On which side of the threshold it has been, uninterrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    Beyond,
    Within,
}

impl LevelState {
    fn new(time: Time) -> Self {
        Self {
            samples: Samples::default(),
            seen: 0,
            judged: time,
            value: None,
            standing: Standing::Within,
            since: time,
            holds: false,
            told: Time::EPOCH,
        }
    }

    /// Judges at `time`, which is the latest. `true`: the alert that held is over.
    fn judge(&mut self, spec: &Level, time: Time) -> bool {
        self.judged = time;
        self.value = self.samples.aggregate(spec.aggregate);
        let is_beyond = self.value.is_some_and(|value| match spec.side {
            Side::Above => value > spec.threshold,
            Side::Below => value < spec.threshold,
        });
        let standing = if is_beyond { Standing::Beyond } else { Standing::Within };
        if self.standing != standing {
            self.standing = standing;
            self.since = time;
        }
        let long_enough = time.since(self.since) >= spec.lasting;
        match standing {
            Standing::Beyond => {
                self.holds |= long_enough && self.samples_now(spec) >= spec.samples;
                false
            }
            Standing::Within => {
                let is_over = self.holds && long_enough;
                self.holds &= !long_enough;
                is_over
            }
        }
    }

    fn samples_now(&self, spec: &Level) -> u64 {
        if spec.within.is_some() { self.samples.count() } else { self.seen }
    }

    fn met(&self, spec: &Level) -> Met {
        let first_seen = self.samples.first().unwrap_or(self.judged);
        Met { count: self.samples_now(spec), first_seen }
    }

    /// Whether the end of a slice can change anything.
    fn is_waiting(&self, spec: &Level) -> bool {
        spec.within.is_some() && (!self.samples.is_empty() || self.holds)
    }

    /// A stored time in the future counts as `now`.
    pub(in crate::engine) fn settle(&mut self, spec: &Level, now: Time) {
        if let Some(within) = spec.within {
            self.samples.settle(now, Slicing::of(within));
        }
        self.judged = self.judged.min(now);
        self.since = self.since.min(now);
        self.told = self.told.min(now);
    }
}

/// The end of the slice in which `state` was judged last.
fn next_end(state: &LevelState, slicing: Slicing) -> Time {
    slicing.end(slicing.index(state.judged))
}

pub(super) fn take(
    keys: &mut Keyed<LevelKey>,
    spec: &Level,
    found: &Match,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let Some(number) = moment.number(&spec.of, found) else { return Verdict::Below };
    let key = moment.key(&spec.by, found);
    let time = found.event.time;
    let waited = keys.peek(&key).is_some_and(|level| level.state.is_waiting(spec));
    let new = || LevelKey { state: LevelState::new(time), last: None };
    let Some(LevelKey { state, last }) = moment.see_or_put(keys, &key, new) else { return Verdict::Below };
    *last = Some(Last::Live(found.clone()));
    state.seen += 1;
    let now = time.max(state.judged);
    // Without a window there is one number: the last.
    let slicing = spec.within.map_or(Slicing::ONE, Slicing::of);
    let latest = if spec.within.is_some() { slicing.index(now) } else { slicing.index(time) };
    if spec.within.is_none() {
        state.samples = Samples::default();
    }
    state.samples.add(number, time, slicing, latest, spec.aggregate);
    let is_over = state.judge(spec, now);
    if !waited && state.is_waiting(spec) {
        moment.judge_at(next_end(state, slicing), &key);
    }
    match (is_over, state.holds) {
        (true, _) => Verdict::Over,
        (false, true) => {
            state.told = moment.out.now;
            Verdict::Met(state.met(spec))
        }
        (false, false) => Verdict::Below,
    }
}

/// The slices that are over at `time`, one after the other.
pub(super) fn judge_to(
    keys: &mut Keyed<LevelKey>,
    spec: &Level,
    key: &Key,
    time: Time,
    moment: &mut Moment<'_, '_>,
) -> Vec<Said> {
    let mut said = Vec::new();
    let (Some(within), Some(LevelKey { state, last })) = (spec.within, keys.change(key)) else { return said };
    let slicing = Slicing::of(within);
    while next_end(state, slicing) <= time && state.is_waiting(spec) {
        let mut end = next_end(state, slicing);
        if state.samples.is_empty() {
            // Nothing more happens until it has been so for long enough.
            let over = slicing.end(slicing.ending_from(state.since + spec.lasting));
            end = end.max(over.min(slicing.end(slicing.index(time) - 1)));
        }
        // The window ends with the slice that ends here.
        state.samples.pass(slicing.index(end) - 1);
        let held = state.holds;
        if state.judge(spec, end) {
            said.push(Said::Over);
        } else if state.holds && (!held || moment.out.now.since(state.told) >= RETRY) {
            state.told = moment.out.now;
            said.push(Said::Alert(Instant { met: state.met(spec), last: last.clone(), again: held }));
        }
    }
    if state.is_waiting(spec) {
        moment.judge_at(next_end(state, slicing), key);
    }
    said
}

/// Sets the timer of a key.
pub(super) fn arm(spec: &Level, key: &Key, level: &LevelKey, moment: &mut Moment<'_, '_>) {
    if let Some(within) = spec.within.filter(|_| level.state.is_waiting(spec)) {
        moment.judge_at(next_end(&level.state, Slicing::of(within)), key);
    }
}
