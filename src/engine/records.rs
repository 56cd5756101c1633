//! The engine's state as records of the store, and back: what changed goes out, what was stored comes in.
//!
//! A rule has one record for what there is one of, and one for each key of each of its maps. What holds a secret is stored
//! without it.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::rule::{Rule, When};
use crate::store::{Record, Space};
use crate::time::Time;

use super::Engine;
use super::alert::Alert;
use super::counters::Counters;
use super::episode::Episode;
use super::held::Held;
use super::key::Key;
use super::keyed::Keyed;
use super::last::{Last, Stored};
use super::rule_state::RuleState;
use super::silence::Silenced;
use super::standing::Standing;
use super::throttle::Throttling;
use super::when::{
    AbsentKey, AbsentState, CountWindow, Counts, DistinctWindow, DropKey, LevelKey, LevelState, Seen,
    SpikeKey, Waiting, WaitingTimes, WhenState,
};

/// Takes the secrets out of an alert of a rule.
pub type Redact<'a> = &'a dyn Fn(&mut Alert, &Rule);

/// The owner of what belongs to no rule; no rule has an empty name.
const ENGINE: &str = "";

/// What a record is of: the first letter of its key.
const RULE: char = 'r';
const WHEN: char = 'w';
const EPISODE: char = 'e';
const FOLDED: char = 'f';
const HOLDER: char = 'h';
const THROTTLE: char = 't';

/// What there is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredEngine {
    pub(super) decided: u64,
    pub(super) now: Time,
}

/// What there is one of in a rule.
#[derive(Debug, Serialize, Deserialize)]
struct StoredRule {
    /// Of what makes the rest meaningless when it changes.
    identity: u64,
    counters: Counters,
    held: Held,
    silenced: Silenced,
    /// For how long the rule's time has gone on; only where `absent` goes by it.
    ran: Option<Duration>,
    /// Of `new`: the time of the rule's first event.
    first: Option<Time>,
}

/// What came of the records of an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Rules that were known and start anew: their `when`, `by` or `dedup.by` changed.
    pub anew: Vec<Arc<str>>,
    /// Rules that are there no longer.
    pub gone: Vec<Arc<str>>,
    /// Records that could not be read: what they held starts anew.
    pub unreadable: usize,
}

/// What must stay the same for a rule's state to go on: `when` with its `by`, `dedup.by`, and whether the severity is
/// part of the fingerprint.
pub(super) fn identity(rule: &Rule) -> u64 {
    let by = rule.dedup.as_ref().and_then(|dedup| dedup.by.as_ref());
    xxh3_64(&serde_json::to_vec(&(&rule.when, by, rule.severity_from.is_some())).unwrap_or_default())
}

/// Writes the records of one rule.
struct Writer<'a> {
    now: Time,
    rule: &'a Rule,
    host: &'a str,
    redact: Redact<'a>,
    records: Vec<Record>,
}

impl<'a> Writer<'a> {
    /// Nothing is written of `rule` but that its keys are gone.
    fn to_forget(rule: &'a Rule) -> Self {
        Self { now: Time::EPOCH, rule, host: "", redact: &|_, _| {}, records: Vec::new() }
    }
}

impl Writer<'_> {
    fn put(&mut self, sort: char, key: &Key, value: Option<impl Serialize>) {
        let key = key.without_secrets(self.rule);
        self.records.push(Record {
            space: Space::Engine,
            owner: self.rule.name.clone(),
            key: format!("{sort}{}", key.as_str()).into(),
            value: value.map(|value| to_json(&value)),
        });
    }

    fn map<V: Serialize>(&mut self, sort: char, map: &mut Keyed<V>) {
        map.take_changes(|key, value| self.put(sort, key, value));
    }

    fn rule(&mut self, state: &mut RuleState) {
        let ran = matches!(state.when, WhenState::Absent(_)).then(|| state.standing.ran(self.now));
        let moved = state.stored_ran != ran;
        if std::mem::take(&mut state.touched) || moved {
            state.stored_ran = ran;
            let clean = |key: &str| self.rule.redact.redact(key).into_owned();
            let stored = StoredRule {
                identity: identity(self.rule),
                counters: state.counters,
                held: state.held.without_secrets(clean),
                silenced: state.silenced.without_secrets(clean),
                ran,
                first: match &state.when {
                    WhenState::New(values) => values.first,
                    _ => None,
                },
            };
            self.put(RULE, &Key::stored(""), Some(stored));
        }
        self.keys(state);
    }

    /// What there is of its keys.
    fn keys(&mut self, state: &mut RuleState) {
        self.when(&mut state.when);
        let (rule, host, redact) = (self.rule, self.host, self.redact);
        state.episodes.take_changes(|key, episode| {
            self.put(EPISODE, key, episode.map(|episode| episode.store(rule, host, redact)));
        });
        state.holders.take_changes(|key, fingerprint| {
            self.put(HOLDER, key, fingerprint.map(|fingerprint| fingerprint.without_secrets(rule)));
        });
        self.map(FOLDED, &mut state.folded);
        if let Some(throttle) = &mut state.throttle {
            self.throttle(throttle);
        }
    }

    fn throttle(&mut self, throttle: &mut Throttling) {
        throttle.take_changes(|key, full_from| self.put(THROTTLE, key, full_from));
    }

    fn when(&mut self, state: &mut WhenState) {
        let (rule, host, redact) = (self.rule, self.host, self.redact);
        let line = |last: &Option<Last>| last.as_ref().and_then(|last| last.store(rule, host, redact));
        match state {
            WhenState::Every => {}
            WhenState::Count(keys) => self.map(WHEN, keys),
            WhenState::Distinct(keys) => keys.take_changes(|key, window| {
                self.put(WHEN, key, window.map(|window| window.map(|value| value.without_secrets(rule))));
            }),
            WhenState::Absent(keys) => keys.take_changes(|key, absent| {
                self.put(WHEN, key, absent.map(|absent| (absent.state, line(&absent.last))));
            }),
            WhenState::Spike(keys) => self.map(WHEN, keys),
            WhenState::Drop(keys) => keys.take_changes(|key, drop| {
                self.put(WHEN, key, drop.map(|drop| (&drop.counts, line(&drop.last))));
            }),
            WhenState::Level(keys) => keys.take_changes(|key, level| {
                self.put(WHEN, key, level.map(|level| (&level.state, line(&level.last))));
            }),
            WhenState::NotFollowedBy(keys) => keys.take_changes(|key, waiting| {
                self.put(WHEN, key, waiting.map(|waiting| (waiting.times, line(&waiting.last))));
            }),
            WhenState::New(values) => self.map(WHEN, &mut values.seen),
            WhenState::Changed(keys) => keys.take_changes(|key, value| {
                self.put(WHEN, key, value.map(|value| value.without_secrets(rule)));
            }),
        }
    }
}

/// Takes out of the store what it has of a rule whose state is dropped.
pub(super) fn forget(mut state: RuleState, rule: &Rule) -> Vec<Record> {
    state.clear();
    let mut writer = Writer::to_forget(rule);
    writer.keys(&mut state);
    writer.put(RULE, &Key::stored(""), None::<()>);
    writer.records
}

/// The same of a throttle that a rule no longer has.
pub(super) fn forget_throttle(mut throttle: Throttling, rule: &Rule) -> Vec<Record> {
    throttle.clear();
    let mut writer = Writer::to_forget(rule);
    writer.throttle(&mut throttle);
    writer.records
}

fn to_json(value: &impl Serialize) -> Box<[u8]> {
    // What fails here is a map with keys that are no text: there is none.
    serde_json::to_vec(value).unwrap_or_default().into()
}

impl Engine {
    /// What changed since the last call, to be stored together with the alerts and positions of the same events.
    pub fn take_changes(&mut self, redact: Redact<'_>) -> Vec<Record> {
        let mut records = std::mem::take(&mut self.gone);
        for (rule, state) in self.rules.iter().zip(&mut self.states) {
            let mut writer = Writer { now: self.now, rule, host: &self.host, redact, records };
            writer.rule(state);
            records = writer.records;
        }
        let stored = StoredEngine { decided: self.decided, now: self.now };
        if self.stored != Some(stored) && (!records.is_empty() || self.stored.is_none()) {
            self.stored = Some(stored);
            records.push(Record {
                space: Space::Engine,
                owner: ENGINE.into(),
                key: "engine".into(),
                value: Some(to_json(&stored)),
            });
        }
        records
    }

    /// An engine that goes on from the `records` that [`Engine::take_changes`] gave in an earlier run, and tells what
    /// changes. What came due in between is handled by the next call of [`Engine::advance`].
    pub fn restore(
        rules: Arc<[Rule]>,
        host: Arc<str>,
        keys_max: usize,
        records: impl IntoIterator<Item = Record>,
        now: Time,
    ) -> (Self, Restored) {
        let mut engine = Self::tracked(rules, host, keys_max, now);
        let mut restored = Restored::default();
        let mut parts = Vec::new();
        let mut known = vec![None; engine.rules.len()];
        for record in records.into_iter().filter(|record| record.space == Space::Engine) {
            let place = engine.rules.iter().position(|rule| rule.name == record.owner);
            match place {
                _ if &*record.owner == ENGINE => engine.restore_engine(&record, &mut restored),
                None => engine.drop_record(&record, &mut restored.gone),
                Some(place) if record.key.starts_with(RULE) => {
                    known[place] = engine.restore_rule(place, &record, now);
                    restored.unreadable += usize::from(known[place].is_none());
                }
                Some(place) => parts.push((place, record)),
            }
        }
        for (place, record) in parts {
            match known[place] {
                Some(Kept::GoesOn) if is_moot(&record, &engine.rules[place]) => {
                    engine.gone.push(Record { value: None, ..record });
                }
                Some(Kept::GoesOn) => {
                    if engine.states[place].restore(&engine.rules[place], &record, now).is_none() {
                        restored.unreadable += 1;
                        engine.gone.push(Record { value: None, ..record });
                    }
                }
                Some(Kept::Anew) => engine.drop_record(&record, &mut restored.anew),
                None => engine.gone.push(Record { value: None, ..record }),
            }
        }
        for (rule, kept) in engine.rules.iter().zip(known) {
            if kept == Some(Kept::Anew) && !restored.anew.contains(&rule.name) {
                restored.anew.push(rule.name.clone());
            }
        }
        engine.arm();
        (engine, restored)
    }

    /// What changes from now on is not asked for: it goes nowhere.
    pub fn untrack(&mut self) {
        self.tracked = false;
        self.states.iter_mut().for_each(RuleState::untrack);
        self.gone.clear();
    }

    fn restore_engine(&mut self, record: &Record, restored: &mut Restored) {
        match from_json::<StoredEngine>(record) {
            Some(stored) => {
                self.decided = stored.decided;
                self.stored = Some(stored);
            }
            None => restored.unreadable += 1,
        }
    }

    fn restore_rule(&mut self, place: usize, record: &Record, now: Time) -> Option<Kept> {
        let stored: StoredRule = from_json(record)?;
        if stored.identity != identity(&self.rules[place]) {
            return Some(Kept::Anew);
        }
        let state = &mut self.states[place];
        state.counters = stored.counters;
        state.held = stored.held;
        state.held.settle(now);
        state.silenced = stored.silenced;
        state.stored_ran = stored.ran;
        state.standing = Standing::new(stored.ran.unwrap_or_default(), now);
        if let WhenState::New(values) = &mut state.when {
            values.first = stored.first.map(|first| first.min(now));
        }
        state.touched = false;
        Some(Kept::GoesOn)
    }

    fn drop_record(&mut self, record: &Record, names: &mut Vec<Arc<str>>) {
        if !names.contains(&record.owner) {
            names.push(record.owner.clone());
        }
        self.gone.push(Record { value: None, ..record.clone() });
    }
}

/// Whether a record belongs to what its rule, which goes on, no longer has.
fn is_moot(record: &Record, rule: &Rule) -> bool {
    match record.key.chars().next() {
        Some(THROTTLE) => rule.throttle.is_none(),
        Some(EPISODE | HOLDER | FOLDED) => rule.dedup.is_none(),
        _ => false,
    }
}

/// What becomes of the state of a rule that was known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    GoesOn,
    Anew,
}

impl RuleState {
    /// Takes one of its parts from the store; `None`: it can't be read, or belongs to nothing that the rule has.
    fn restore(&mut self, rule: &Rule, record: &Record, now: Time) -> Option<()> {
        let sort = record.key.chars().next()?;
        let key = Key::stored(&record.key[sort.len_utf8()..]);
        match sort {
            WHEN => self.restore_when(rule, record, key, now)?,
            EPISODE => {
                let mut episode = Episode::restore(from_json(record)?, now);
                episode.hear(rule);
                self.episodes.restore(key, episode);
            }
            HOLDER => self.holders.restore(key, from_json(record)?),
            FOLDED => self.folded.restore(key, from_json(record)?),
            THROTTLE => self.throttle.as_mut()?.restore(key, from_json(record)?),
            _ => return None,
        }
        Some(())
    }

    fn restore_when(&mut self, rule: &Rule, record: &Record, key: Key, now: Time) -> Option<()> {
        let last = |stored: Option<Stored>| stored.map(|stored| Last::Stored(Box::new(stored)));
        match (&mut self.when, &rule.when) {
            (WhenState::Count(keys), _) => {
                let mut window: CountWindow = from_json(record)?;
                window.settle(now);
                keys.restore(key, window);
            }
            (WhenState::Distinct(keys), _) => {
                let mut window: DistinctWindow = from_json(record)?;
                window.settle(now);
                keys.restore(key, window);
            }
            (WhenState::Absent(keys), _) => {
                let (state, line): (AbsentState, _) = from_json(record)?;
                keys.restore(key, AbsentKey { state, last: last(line) });
            }
            (WhenState::Spike(keys), When::Spike(spec)) => {
                let mut spike: SpikeKey = from_json(record)?;
                spike.settle(spec, now);
                keys.restore(key, spike);
            }
            (WhenState::Drop(keys), When::Drop(spec)) => {
                let (counts, line): (Counts, _) = from_json(record)?;
                let mut drop = DropKey { counts, last: last(line) };
                drop.settle(spec, now);
                keys.restore(key, drop);
            }
            (WhenState::Level(keys), When::Level(spec)) => {
                let (mut state, line): (LevelState, _) = from_json(record)?;
                state.settle(spec, now);
                keys.restore(key, LevelKey { state, last: last(line) });
            }
            (WhenState::NotFollowedBy(keys), _) => {
                let (times, line): (WaitingTimes, _) = from_json(record)?;
                let times = WaitingTimes { since: times.since.min(now), taken: times.taken.min(now) };
                keys.restore(key, Waiting { times, last: last(line) });
            }
            (WhenState::New(values), _) => {
                let Seen(seen) = from_json(record)?;
                values.seen.restore(key, Seen(seen.min(now)));
            }
            (WhenState::Changed(keys), _) => keys.restore(key, from_json(record)?),
            _ => return None,
        }
        Some(())
    }
}

fn from_json<V: DeserializeOwned>(record: &Record) -> Option<V> {
    serde_json::from_slice(record.value.as_deref()?).ok()
}
