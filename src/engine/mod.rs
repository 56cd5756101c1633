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
mod notice;
mod records;
mod rule_state;
mod snapshot;
mod throttle;
mod timers;
mod top;
mod when;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tests_support;

use std::sync::Arc;

pub use alert::{Alert, AlertId, Common, EpisodeId, Folded, HeldBack, Kind, Snapshot};
pub use counters::Counters;
pub use records::{Redact, Restored};

use crate::event::{Match, RuleId};
use crate::rule::Rule;
use crate::store::Record;
use crate::time::Time;

use records::StoredEngine;
use rule_state::{Outlet, RuleState};
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
    /// Records of what is no longer there, to be taken out of the store.
    gone: Vec<Record>,
    /// What the store has of `decided` and `now`.
    stored: Option<StoredEngine>,
}

impl Engine {
    /// An engine without any state, at `now`, that will not be stored. Each rule keeps at most `keys_max` keys of a sort.
    pub fn new(rules: Arc<[Rule]>, host: Arc<str>, keys_max: usize, now: Time) -> Self {
        Self::with_states(rules, host, now, |rule| RuleState::new(rule, keys_max, false, now))
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
            gone: Vec::new(),
            stored: None,
        }
    }

    /// Sets all timers anew from what they are for.
    fn arm(&mut self) {
        self.timers.clear();
        for (place, state) in self.states.iter().enumerate() {
            state.arm(RuleId(place), &mut self.timers);
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
                Due::Window => state.window_up(&timer.key, timer.at, out),
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

    /// How many episodes are open.
    pub fn open_episodes(&self) -> usize {
        self.states.iter().map(RuleState::open_episodes).sum()
    }

    fn with(&mut self, id: RuleId, act: impl FnOnce(&mut RuleState, &mut Outlet<'_>)) {
        let mut out = Outlet {
            id,
            rule: &self.rules[id.0],
            host: &self.host,
            now: self.now,
            timers: &mut self.timers,
            alerts: &mut self.alerts,
            decided: &mut self.decided,
        };
        let state = &mut self.states[id.0];
        state.touched = true;
        act(state, &mut out);
    }
}
