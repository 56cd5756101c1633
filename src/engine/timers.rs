//! What is due when: in order of the due time, then of its sort, then of its rule and key.

use std::collections::BTreeSet;

use crate::event::RuleId;
use crate::time::Time;

use super::key::Key;

/// What a timer is for. The order is that of handling at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A silence ends.
    Silence,
    /// A rule's schedule begins or ends.
    Schedule,
    /// A problem is over, or has been over for long enough.
    Resolution,
    /// A `when` wants to look at a key again.
    When,
    /// An episode's dedup window is up.
    Window,
    /// A problem that holds has lasted for long enough for a step.
    Escalation,
    /// What a rule's throttle holds back wants to be told.
    HeldBack,
}

/// Something of a rule that is due at an instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) at: Time,
    pub(super) due: Due,
    pub(super) rule: RuleId,
    /// Of what; empty where a rule has only one.
    pub(super) key: Key,
}

/// The timers of an engine. They are no state of their own: each follows from what it is for, which also knows whether
/// a timer is still wanted when it is due.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<Timer>);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer) {
        self.0.insert(timer);
    }

    /// Rules have other places, or none any more.
    pub(super) fn rename(&mut self, place: impl Fn(RuleId) -> Option<RuleId>) {
        let timers = std::mem::take(&mut self.0).into_iter();
        self.0 = timers.filter_map(|timer| Some(Timer { rule: place(timer.rule)?, ..timer })).collect();
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The next due time.
    pub(super) fn next(&self) -> Option<Time> {
        self.0.first().map(|timer| timer.at)
    }

    /// Takes the first timer that is due at `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Timer> {
        self.0.first().filter(|timer| timer.at <= now)?;
        self.0.pop_first()
    }
}
