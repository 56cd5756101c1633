//! Other rules in the place of those that hold: what goes on as it is, and what starts anew.
//!
//! A rule's state goes on where its name, `when`, `by` and `dedup.by` are unchanged. Its timers stay as they are; what
//! else changed of it may want more of them, and one too many is harmless.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::RuleId;
use crate::rule::Rule;
use crate::store::Record;
use crate::time::Time;

use super::Engine;
use super::key::Key;
use super::outlet::Outlet;
use super::records::{forget, forget_throttle, identity};
use super::rule_state::RuleState;
use super::throttle::Throttling;
use super::timers::Due;

/// What became of the rules of before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Rules that were known and start anew: their `when`, `by` or `dedup.by` changed.
    pub anew: Vec<Arc<str>>,
    /// Rules that are there no longer.
    pub gone: Vec<Arc<str>>,
    /// Rules that were not there before.
    pub fresh: Vec<Arc<str>>,
}

impl Engine {
    /// These rules hold from now on, and no others. Whoever calls this has taken the alerts and changes of before, and
    /// tells which silences hold now.
    pub fn reload(&mut self, rules: Arc<[Rule]>, host: Arc<str>, keys_max: usize, now: Time) -> Reloaded {
        self.advance(now);
        let before = std::mem::replace(&mut self.rules, rules.clone());
        self.host = host;
        let mut known: HashMap<&str, (usize, RuleState)> = HashMap::new();
        for (place, state) in std::mem::take(&mut self.states).into_iter().enumerate() {
            known.insert(&before[place].name, (place, state));
        }
        let tracked = self.tracked;
        let mut reloaded = Reloaded::default();
        let mut moved = vec![None; before.len()];
        for (place, rule) in rules.iter().enumerate() {
            let new = || RuleState::new(rule, keys_max, tracked, now);
            let state = match known.remove(&*rule.name) {
                Some((old, mut state)) if identity(&before[old]) == identity(rule) => {
                    moved[old] = Some(RuleId(place));
                    state.go_on(&before[old], rule, (keys_max, tracked), now, &mut self.gone);
                    state
                }
                Some((old, state)) => {
                    reloaded.anew.push(rule.name.clone());
                    self.forget(state, &before[old]);
                    new()
                }
                None => {
                    reloaded.fresh.push(rule.name.clone());
                    new()
                }
            };
            self.states.push(state);
        }
        for (old, rule) in before.iter().enumerate() {
            if let Some((_, state)) = known.remove(&*rule.name) {
                reloaded.gone.push(before[old].name.clone());
                self.forget(state, rule);
            }
        }
        if moved.iter().enumerate().any(|(old, place)| *place != Some(RuleId(old))) {
            self.timers.rename(|rule| moved[rule.0]);
        }
        let from = |place: usize| moved.iter().position(|to| *to == Some(RuleId(place)));
        for place in 0..rules.len() {
            let old = from(place).map(|old| &before[old]);
            self.stand(place, now);
            self.with(RuleId(place), |state, out| match old {
                Some(old) => state.arm_after(old, out),
                None => state.arm(out),
            });
        }
        reloaded
    }

    /// What was kept of a rule is taken out of the store.
    fn forget(&mut self, state: RuleState, rule: &Rule) {
        if self.tracked {
            self.gone.extend(forget(state, rule));
        }
    }

    /// How the inputs of a rule stand, where it may have come to read others.
    fn stand(&mut self, place: usize, now: Time) {
        let rule = &self.rules[place];
        let standing = &mut self.states[place].standing;
        let mut changed = standing.reads_only(&rule.inputs, now);
        for (name, state) in self.inputs.iter().filter(|(name, _)| rule.inputs.contains(name)) {
            changed |= standing.input(name, *state, now);
        }
        if changed {
            self.with(RuleId(place), RuleState::arm_when);
        }
    }
}

impl RuleState {
    /// Nothing is kept of any key any more.
    pub(super) fn clear(&mut self) {
        self.when.clear();
        self.episodes.clear();
        self.holders.clear();
        self.folded.clear();
        if let Some(throttle) = &mut self.throttle {
            throttle.clear();
        }
    }

    /// At most so many keys of a sort from now on.
    pub(super) fn limit(&mut self, keys_max: usize) {
        self.when.limit(keys_max);
        self.episodes.limit(keys_max);
        self.holders.limit(keys_max);
        self.folded.limit(keys_max);
        if let Some(throttle) = &mut self.throttle {
            throttle.limit(keys_max);
        }
    }

    /// The rule is another one from now on, whose state this still is.
    fn go_on(
        &mut self,
        before: &Rule,
        rule: &Rule,
        (keys_max, tracked): (usize, bool),
        now: Time,
        gone: &mut Vec<Record>,
    ) {
        self.touched = true;
        self.limit(keys_max);
        self.throttle = match (self.throttle.take(), &rule.throttle) {
            (Some(throttling), Some(throttle)) if before.throttle.as_ref() == Some(throttle) => {
                Some(throttling)
            }
            (Some(mut throttling), Some(throttle)) => {
                if before.throttle.as_ref().is_none_or(|before| before.by != throttle.by) {
                    throttling.clear();
                }
                Some(throttling.at_rate(throttle.rate, now))
            }
            (None, Some(throttle)) => Some(Throttling::new(throttle.rate, keys_max, tracked, now)),
            (throttling, None) => {
                gone.extend(
                    throttling.into_iter().flat_map(|throttling| forget_throttle(throttling, before)),
                );
                None
            }
        };
        if rule.dedup.is_none() {
            // Nothing would ever end them.
            self.episodes.clear();
            self.holders.clear();
            self.folded.clear();
        }
        // With many episodes open, looking at each takes its time.
        if rule.resolve.is_none() && before.resolve.is_some() {
            let quiet = self.episodes.iter().filter(|(_, episode)| episode.is_quiet());
            let quiet: Vec<Key> = quiet.map(|(key, _)| key.clone()).collect();
            quiet.iter().for_each(|key| drop(self.episodes.remove(key)));
        }
        if !before.is_heard_as(rule) {
            let episodes: Vec<Key> = self.episodes.iter().map(|(key, _)| key.clone()).collect();
            for key in &episodes {
                if let Some(episode) = self.episodes.change(key) {
                    episode.go_on(&before.escalate, rule);
                }
            }
        }
    }

    /// Sets the timers that follow from what changed of the rule.
    fn arm_after(&mut self, before: &Rule, out: &mut Outlet<'_>) {
        let rule = out.rule;
        if before.active_during != rule.active_during {
            self.schedule_changed(out);
        }
        if (&before.dedup, &before.resolve, &before.escalate) != (&rule.dedup, &rule.resolve, &rule.escalate)
        {
            let fingerprints: Vec<Key> = self.episodes.iter().map(|(key, _)| key.clone()).collect();
            fingerprints.iter().for_each(|fingerprint| self.arm_episode(fingerprint, out));
        }
    }

    /// The rule has another schedule, or none. What the former held back is told with the silences that hold now.
    fn schedule_changed(&mut self, out: &mut Outlet<'_>) {
        let schedule = out.rule.active_during.as_ref();
        let is_active = schedule.is_none_or(|schedule| schedule.is_active(out.now));
        if let Some(at) = schedule.and_then(|schedule| schedule.next_change(out.now)) {
            out.timer(at, Due::Schedule, &super::key::NONE);
        }
        if self.standing.active(is_active, out.now) {
            self.arm_when(out);
        }
    }
}

impl Rule {
    /// Whether the same webhooks hear of its episodes, whatever steps were taken.
    fn is_heard_as(&self, other: &Self) -> bool {
        self.webhooks == other.webhooks && self.escalate == other.escalate
    }
}
