//! Matches and the time in, alerts out: a pure state machine. No I/O, no clock, no chance.
//!
//! The same matches at the same times give the same alerts, ids included. Where two things fall on one instant,
//! timers that are due come first, in order of their due time, then matches in order of arrival.

mod alert;
mod counters;
mod digest;
mod episode;
mod folding;
mod held;
mod key;
mod keyed;
mod last;
mod life;
mod notice;
mod outlet;
mod records;
mod reload;
mod rule_state;
mod silence;
mod snapshot;
mod standing;
mod survey;
mod throttle;
mod timers;
mod top;
mod when;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tests_support;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use alert::{
    Alert, AlertId, Common, Context, EpisodeId, Folded, HeldBack, HeldBy, Kind, Snapshot, Still,
};
pub use counters::Counters;
pub use records::{Redact, Restored};
pub use reload::Reloaded;
pub use silence::{OF_THE_FILE, Silence};
pub use survey::Survey;

use crate::event::{InputState, Match, RuleId};
use crate::rule::Rule;
use crate::store::Record;
use crate::time::Time;

use outlet::Outlet;
use records::StoredEngine;
use rule_state::RuleState;
use timers::{Due, Timers};

/// All rules' states, and what they wait for.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<[Rule]>,
    host: Arc<str>,
    states: Vec<RuleState>,
    timers: Timers,
    alerts: Vec<Alert>,
    /// Alerts decided so far: part of each id.
    decided: u64,
    /// The latest time that was told; it never goes back.
    now: Time,
    /// What nothing is posted of.
    silences: Vec<Silence>,
    /// How inputs stand, as far as that was told.
    inputs: BTreeMap<Arc<str>, InputState>,
    /// What changes will be asked for.
    tracked: bool,
    /// Records of what is no longer there, to be taken out of the store.
    gone: Vec<Record>,
    /// What the store has of `decided` and `now`.
    stored: Option<StoredEngine>,
}

impl Engine {
    /// An engine without any state, at `now`, that will not be stored. Each rule keeps at most `keys_max` keys of a sort.
    pub fn new(rules: Arc<[Rule]>, host: Arc<str>, keys_max: usize, now: Time) -> Self {
        let mut engine =
            Self::with_states(rules, host, now, |rule| RuleState::new(rule, keys_max, false, now));
        engine.tracked = false;
        engine.arm();
        engine
    }

    /// The same, of which [`Engine::take_changes`] tells what changes.
    fn tracked(rules: Arc<[Rule]>, host: Arc<str>, keys_max: usize, now: Time) -> Self {
        Self::with_states(rules, host, now, |rule| RuleState::new(rule, keys_max, true, now))
    }

    fn with_states(
        rules: Arc<[Rule]>,
        host: Arc<str>,
        now: Time,
        state: impl FnMut(&Rule) -> RuleState,
    ) -> Self {
        let states = rules.iter().map(state).collect();
        Self {
            rules,
            host,
            states,
            timers: Timers::default(),
            alerts: Vec::new(),
            decided: 0,
            now,
            silences: Vec::new(),
            inputs: BTreeMap::new(),
            tracked: true,
            gone: Vec::new(),
            stored: None,
        }
    }

    /// Sets all timers anew from what they are for.
    fn arm(&mut self) {
        self.timers.clear();
        for rule in 0..self.states.len() {
            self.look(RuleId(rule), RuleState::arm);
        }
    }

    /// When the next timer is due; until then only a match can make an alert.
    pub fn next_due(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Handles what is due up to `now`.
    pub fn advance(&mut self, now: Time) {
        while let Some(timer) = self.timers.pop(now) {
            self.now = self.now.max(timer.at);
            self.with(timer.rule, |state, out| match timer.due {
                Due::Silence => state.silence_due(timer.key.as_str(), out),
                Due::Schedule => state.schedule_due(out),
                Due::Resolution => state.resolution_due(&timer.key, out),
                Due::When => state.when_due(&timer.key, timer.at, out),
                Due::Window => state.window_up(&timer.key, timer.at, out),
                Due::Escalation => state.escalation_due(&timer.key, out),
                Due::HeldBack => state.held_back_due(timer.at, out),
            });
        }
        self.now = self.now.max(now);
    }

    /// Takes a match through the gates, after what is due before it.
    pub fn take(&mut self, found: Match, now: Time) {
        self.advance(now);
        self.with(found.rule, |state, out| state.take(found, out));
    }

    /// An input stands otherwise: `absent` doesn't go on while something of it can't be read, nor windows in slices
    /// while it has not been read to its end. An input of which nothing is told is read as it grows.
    pub fn input(&mut self, name: &Arc<str>, state: InputState, now: Time) {
        match state {
            // What came due while nobody looked waits for what is still to be read.
            InputState::Behind => self.now = self.now.max(now),
            InputState::CaughtUp | InputState::Unreadable => self.advance(now),
        }
        self.inputs.insert(name.clone(), state);
        for rule in 0..self.states.len() {
            if self.rules[rule].inputs.contains(name) {
                self.with(RuleId(rule), |rule, out| {
                    if rule.standing.input(name, state, out.now) {
                        rule.arm_when(out);
                    }
                });
            }
        }
    }

    /// These silences hold from now on, and no others. What one held back that is gone is told.
    pub fn silence(&mut self, silences: Vec<Silence>, now: Time) {
        self.silences = silences;
        self.advance(now);
        for rule in 0..self.states.len() {
            self.with(RuleId(rule), RuleState::silences_changed);
        }
    }

    /// The only input has ended: what was counted is told now. Nothing else fires because of it.
    pub fn end_of_input(&mut self, now: Time) {
        self.advance(now);
        for rule in 0..self.states.len() {
            self.with(RuleId(rule), RuleState::end_of_input);
        }
    }

    /// The alerts decided since the last call, in order.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    /// What became of each rule's matches, in the order of the rules.
    pub fn counters(&self) -> impl Iterator<Item = (&Rule, Counters)> {
        self.rules.iter().zip(self.states.iter().map(RuleState::counters))
    }

    /// What nothing is posted of.
    pub fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// How many episodes are open.
    pub fn open_episodes(&self) -> usize {
        self.states.iter().map(RuleState::open_episodes).sum()
    }

    fn with(&mut self, id: RuleId, act: impl FnOnce(&mut RuleState, &mut Outlet<'_>)) {
        self.states[id.0].touched = true;
        self.look(id, act);
    }

    /// As [`Engine::with`], where only what the maps hold can change.
    fn look(&mut self, id: RuleId, act: impl FnOnce(&mut RuleState, &mut Outlet<'_>)) {
        let mut out = Outlet {
            id,
            rule: &self.rules[id.0],
            host: &self.host,
            now: self.now,
            timers: &mut self.timers,
            alerts: &mut self.alerts,
            decided: &mut self.decided,
            silences: &self.silences,
        };
        act(&mut self.states[id.0], &mut out);
    }
}
