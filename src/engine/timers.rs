//! What is due when: in order of the due time, then of its sort, then of its setting.

use std::collections::BTreeMap;

use crate::event::RuleId;
use crate::time::Time;

use super::key::Key;

/// What a timer is for. The order is that of handling at one instant.
#[derive(Debug)]
pub(super) enum Due {
    /// An episode's dedup window is up.
    Window { rule: RuleId, fingerprint: Key, set: u64 },
    /// What a rule's throttle holds back wants to be told.
    HeldBack { rule: RuleId },
}

impl Due {
    const fn sort(&self) -> u8 {
        match self {
            Self::Window { .. } => 1,
            Self::HeldBack { .. } => 3,
        }
    }
}

/// The timers of an engine. One that is no longer wanted stays until it is due; its owner sees that by `set`.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeMap<(Time, u8, u64), Due>,
    last_set: u64,
}

impl Timers {
    /// A number that no timer had.
    pub(super) fn next_set(&mut self) -> u64 {
        self.last_set += 1;
        self.last_set
    }

    pub(super) fn set(&mut self, at: Time, due: Due) {
        let set = self.next_set();
        self.queue.insert((at, due.sort(), set), due);
    }

    /// The next due time.
    pub(super) fn next(&self) -> Option<Time> {
        self.queue.first_key_value().map(|((at, ..), _)| *at)
    }

    /// Takes the first timer that is due at `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<(Time, Due)> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        let at = entry.key().0;
        Some((at, entry.remove()))
    }
}
