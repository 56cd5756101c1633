//! Which matches make an alert: a state machine for each sort of `when`, a file each.
//!
//! Windows go by the events' own time. A window in slices is judged when time has passed the end of one: by the time of
//! a later event of the key, or by the engine's clock once the rule's inputs have been read to their ends.

mod absent;
mod count;
mod distinct;
mod follow;
mod level;
mod novelty;
mod samples;
mod sketch;
mod slices;
mod surge;

use std::sync::Arc;
use std::time::Duration;

use crate::event::Match;
use crate::rule::{Rule, When};
use crate::time::Time;

use super::counters::Counters;
use super::key::{Key, NONE};
use super::keyed::Keyed;
use super::last::Last;
use super::outlet::Outlet;
use super::standing::Standing;
use super::timers::Due;

pub(super) use absent::{AbsentKey, AbsentState};
pub(super) use count::CountWindow;
pub(super) use distinct::DistinctWindow;
pub(super) use follow::{Waiting, WaitingTimes};
pub(super) use level::{LevelKey, LevelState};
pub(super) use novelty::{NewValues, Seen};
#[cfg(test)]
pub(super) use sketch::taken_for;
pub(super) use slices::Counts;
pub(super) use surge::{DropKey, SpikeKey};

/// How soon an alert that still holds and has no open episode is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// A `when` that is met: how many matches met it, and when the first of them was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) count: u64,
    pub(super) first_seen: Time,
}

/// What a match does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Below,
    Met(Met),
    /// It ends what held before it.
    Over,
}

/// What an instant does.
#[derive(Debug)]
pub(super) enum Said {
    Alert(Instant),
    /// What held before is over.
    Over,
}

/// An alert at an instant.
#[derive(Debug)]
pub(super) struct Instant {
    pub(super) met: Met,
    /// The last match of the key.
    pub(super) last: Option<Last>,
    /// It was given out before, and still holds.
    pub(super) again: bool,
}

/// What a `when` looks at and acts on while it decides.
#[derive(Debug)]
pub(super) struct Moment<'a, 'o> {
    pub(super) out: &'a mut Outlet<'o>,
    pub(super) counters: &'a mut Counters,
    pub(super) standing: &'a Standing,
}

impl Moment<'_, '_> {
    fn key(&self, by: &[Arc<str>], found: &Match) -> Key {
        if by.is_empty() { NONE.clone() } else { Key::of(by, &self.out.fields(found)) }
    }

    /// The key with the value of one field more; `None`: the match has no such field.
    fn value_key(&self, by: &[Arc<str>], of: &str, found: &Match) -> Option<Key> {
        let fields = self.out.fields(found);
        let value = fields.get(of)?;
        let values: Vec<_> = by.iter().map(|name| fields.get(name).unwrap_or_default()).collect();
        Some(Key::new(values.iter().map(|value| &**value).chain([&*value])))
    }

    /// The number in a field. What is none is counted.
    fn number(&mut self, of: &str, found: &Match) -> Option<f64> {
        let text = self.out.fields(found).get(of).map(|text| text.trim().parse::<f64>());
        let number = text.and_then(Result::ok).filter(|number| number.is_finite());
        self.counters.not_numbers += u64::from(number.is_none());
        number
    }

    /// The value of a key that is seen now; a key that is unknown gets `new`.
    fn see_or_put<'k, V>(
        &mut self,
        keys: &'k mut Keyed<V>,
        key: &Key,
        new: impl FnOnce() -> V,
    ) -> Option<&'k mut V> {
        if keys.peek(key).is_none() {
            self.counters.keys_forgotten += keys.put(key.clone(), new());
        }
        keys.see(key)
    }

    /// The key wants to be looked at again then.
    fn judge_at(&mut self, at: Time, key: &Key) {
        self.out.timer(at, Due::When, key);
    }
}

/// What is kept of a rule's `when`.
#[derive(Debug)]
pub(super) enum WhenState {
    Every,
    Count(Keyed<CountWindow>),
    Distinct(Keyed<DistinctWindow>),
    Absent(Keyed<AbsentKey>),
    Spike(Keyed<SpikeKey>),
    Drop(Keyed<DropKey>),
    Level(Keyed<LevelKey>),
    NotFollowedBy(Keyed<Waiting>),
    New(NewValues),
    Changed(Keyed<Key>),
}

impl WhenState {
    pub(super) fn new(rule: &Rule, keys_max: usize, tracked: bool) -> Self {
        match rule.when {
            When::Every => Self::Every,
            When::Count { .. } => Self::Count(Keyed::new(keys_max, tracked)),
            When::Distinct { .. } => Self::Distinct(Keyed::new(keys_max, tracked)),
            When::Absent { .. } => Self::Absent(Keyed::new(keys_max, tracked)),
            When::Spike(_) => Self::Spike(Keyed::new(keys_max, tracked)),
            When::Drop(_) => Self::Drop(Keyed::new(keys_max, tracked)),
            When::Level(_) => Self::Level(Keyed::new(keys_max, tracked)),
            When::NotFollowedBy { .. } => Self::NotFollowedBy(Keyed::new(keys_max, tracked)),
            When::New(_) => Self::New(NewValues { seen: Keyed::new(keys_max, tracked), first: None }),
            When::Changed { .. } => Self::Changed(Keyed::new(keys_max, tracked)),
        }
    }

    /// Forgets all keys.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Every => {}
            Self::Count(keys) => keys.clear(),
            Self::Distinct(keys) => keys.clear(),
            Self::Absent(keys) => keys.clear(),
            Self::Spike(keys) => keys.clear(),
            Self::Drop(keys) => keys.clear(),
            Self::Level(keys) => keys.clear(),
            Self::NotFollowedBy(keys) => keys.clear(),
            Self::New(values) => {
                values.seen.clear();
                values.first = None;
            }
            Self::Changed(keys) => keys.clear(),
        }
    }

    /// At most so many keys from now on.
    pub(super) fn limit(&mut self, keys_max: usize) {
        match self {
            Self::Every => {}
            Self::Count(keys) => keys.limit(keys_max),
            Self::Distinct(keys) => keys.limit(keys_max),
            Self::Absent(keys) => keys.limit(keys_max),
            Self::Spike(keys) => keys.limit(keys_max),
            Self::Drop(keys) => keys.limit(keys_max),
            Self::Level(keys) => keys.limit(keys_max),
            Self::NotFollowedBy(keys) => keys.limit(keys_max),
            Self::New(values) => values.seen.limit(keys_max),
            Self::Changed(keys) => keys.limit(keys_max),
        }
    }

    /// Nobody will ask what changes.
    pub(super) fn untrack(&mut self) {
        match self {
            Self::Every => {}
            Self::Count(keys) => keys.untrack(),
            Self::Distinct(keys) => keys.untrack(),
            Self::Absent(keys) => keys.untrack(),
            Self::Spike(keys) => keys.untrack(),
            Self::Drop(keys) => keys.untrack(),
            Self::Level(keys) => keys.untrack(),
            Self::NotFollowedBy(keys) => keys.untrack(),
            Self::New(values) => values.seen.untrack(),
            Self::Changed(keys) => keys.untrack(),
        }
    }

    /// What the time of an event has passed of its key, before the event itself is looked at.
    pub(super) fn pass(&mut self, found: &Match, moment: &mut Moment<'_, '_>) -> Vec<(Key, Said)> {
        let rule = moment.out.rule;
        let time = found.event.time;
        match (self, &rule.when) {
            (Self::Drop(keys), When::Drop(spec)) => {
                let key = moment.key(&spec.by, found);
                surge::drop_to(keys, spec, &key, time, moment)
                    .into_iter()
                    .map(|said| (key.clone(), said))
                    .collect()
            }
            (Self::Level(keys), When::Level(spec)) => {
                let key = moment.key(&spec.by, found);
                level::judge_to(keys, spec, &key, time, moment)
                    .into_iter()
                    .map(|said| (key.clone(), said))
                    .collect()
            }
            (Self::NotFollowedBy(keys), When::NotFollowedBy { within, by, .. }) => {
                let key = moment.key(by, found);
                follow::overdue(keys, *within, &key, time)
                    .into_iter()
                    .map(|said| (key.clone(), said))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// A match.
    pub(super) fn take(&mut self, found: &Match, moment: &mut Moment<'_, '_>) -> Verdict {
        let rule = moment.out.rule;
        let time = found.event.time;
        match (self, &rule.when) {
            (Self::Count(keys), When::Count { count, within, by }) => {
                let key = moment.key(by, found);
                let add = |window: &mut CountWindow| window.add(time, *count, *within);
                used_up(keys, key, *count, add, moment)
            }
            (Self::Distinct(keys), When::Distinct { of, count, within, by }) => {
                let Some(value) = moment.value_key(&[], of, found) else { return Verdict::Below };
                let key = moment.key(by, found);
                let add = |window: &mut DistinctWindow| window.add(value, time, *count, *within);
                used_up(keys, key, *count, add, moment)
            }
            (Self::Absent(keys), When::Absent { after, by }) => {
                let key = moment.key(by, found);
                absent::take(keys, *after, &key, found, moment)
            }
            (Self::Spike(keys), When::Spike(spec)) => surge::spike(keys, spec, found, moment),
            (Self::Drop(keys), When::Drop(spec)) => surge::drop(keys, spec, found, moment),
            (Self::Level(keys), When::Level(spec)) => level::take(keys, spec, found, moment),
            (Self::NotFollowedBy(keys), When::NotFollowedBy { within, by, .. }) => {
                let key = moment.key(by, found);
                follow::take(keys, *within, &key, found, moment);
                Verdict::Below
            }
            (Self::New(values), When::New(spec)) => novelty::new(values, spec, found, moment),
            (Self::Changed(last), When::Changed { of, by }) => {
                novelty::changed(last, (of, by), found, moment)
            }
            _ => Verdict::Met(Met { count: 1, first_seen: time }),
        }
    }

    /// An event that follows the match that waits.
    pub(super) fn follow(&mut self, found: &Match, moment: &mut Moment<'_, '_>) {
        if let (Self::NotFollowedBy(keys), When::NotFollowedBy { by, .. }) = (self, &moment.out.rule.when) {
            keys.remove(&moment.key(by, found));
        }
    }

    /// A key wanted to be looked at again.
    pub(super) fn due(&mut self, key: &Key, at: Time, moment: &mut Moment<'_, '_>) -> Vec<Said> {
        let rule = moment.out.rule;
        let now = moment.out.now;
        match (self, &rule.when) {
            (Self::Absent(keys), When::Absent { after, .. }) => {
                absent::due(keys, *after, key, moment).into_iter().collect()
            }
            // Lines that are still to be read belong to slices that are over by the clock.
            _ if !moment.standing.is_caught_up() => Vec::new(),
            (Self::Drop(keys), When::Drop(spec)) => surge::drop_to(keys, spec, key, at, moment),
            (Self::Level(keys), When::Level(spec)) => level::judge_to(keys, spec, key, at, moment),
            (Self::NotFollowedBy(keys), When::NotFollowedBy { within, .. }) => {
                follow::due(keys, *within, key, now).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The only input has ended: what waits for a follow-up waits in vain.
    pub(super) fn end(&mut self) -> Vec<Said> {
        match self {
            Self::NotFollowedBy(keys) => follow::end(keys),
            _ => Vec::new(),
        }
    }

    /// Sets the timers that follow from the state, where time goes on.
    pub(super) fn arm(&mut self, moment: &mut Moment<'_, '_>) {
        let rule = moment.out.rule;
        match (self, &rule.when) {
            (Self::Absent(keys), When::Absent { after, by }) => {
                if by.is_empty() && moment.standing.runs() {
                    absent::begin(keys, *after, &NONE, moment);
                }
                for (key, absent) in keys.iter() {
                    absent::arm(*after, key, absent.state.since, moment);
                }
            }
            (Self::Drop(keys), When::Drop(spec)) => {
                keys.iter().for_each(|(key, drop)| surge::arm(spec, key, drop, moment));
            }
            (Self::Level(keys), When::Level(spec)) => {
                keys.iter().for_each(|(key, level)| level::arm(spec, key, level, moment));
            }
            (Self::NotFollowedBy(keys), When::NotFollowedBy { within, .. }) => {
                for (key, waiting) in keys.iter() {
                    moment.judge_at(waiting.times.taken + *within, key);
                }
            }
            _ => {}
        }
    }

    /// What the number of a key was made to when it was judged last.
    pub(super) fn value(&self, key: &Key) -> Option<f64> {
        match self {
            Self::Level(keys) => keys.peek(key)?.state.value,
            _ => None,
        }
    }
}

/// A match in a window that is used up when it is met. What is used up holds nothing: an open window costs memory only
/// while it counts.
fn used_up<W: Default>(
    keys: &mut Keyed<W>,
    key: Key,
    count: u32,
    add: impl FnOnce(&mut W) -> Option<Time>,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let first_seen = match keys.see(&key) {
        Some(window) => add(window),
        None => {
            let mut window = W::default();
            let first_seen = add(&mut window);
            if first_seen.is_none() {
                moment.counters.keys_forgotten += keys.put(key.clone(), window);
            }
            first_seen
        }
    };
    let Some(first_seen) = first_seen else { return Verdict::Below };
    keys.remove(&key);
    Verdict::Met(Met { count: u64::from(count), first_seen })
}
