//! Whether a rule's inputs are read as they grow, and the time for which they were: what `absent` goes by.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::event::InputState;
use crate::time::Time;

/// How the inputs of one rule stand. Its time goes on while all are read and the rule is active.
#[derive(Debug, Default)]
pub(super) struct Standing {
    behind: BTreeSet<Arc<str>>,
    unreadable: BTreeSet<Arc<str>>,
    inactive: bool,
    /// For how long time went on until it stood still last, and since when it has gone on again.
    ran: Duration,
    since: Option<Time>,
}

impl Standing {
    /// Of a rule whose inputs are read, and whose time went on for `ran` before `now`.
    pub(super) fn new(ran: Duration, now: Time) -> Self {
        Self { ran, since: Some(now), ..Self::default() }
    }

    /// Whether time goes on.
    pub(super) const fn runs(&self) -> bool {
        self.since.is_some()
    }

    /// Whether all there is has been read.
    pub(super) fn is_caught_up(&self) -> bool {
        self.behind.is_empty()
    }

    /// For how long time has gone on.
    pub(super) fn ran(&self, now: Time) -> Duration {
        self.ran + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// An input stands otherwise. Returns whether timers have to be set anew.
    pub(super) fn input(&mut self, name: &Arc<str>, state: InputState, now: Time) -> bool {
        let behind = self.is_caught_up();
        match state {
            InputState::Behind => {
                self.behind.insert(name.clone());
            }
            InputState::CaughtUp => {
                self.behind.remove(name);
                self.unreadable.remove(name);
            }
            InputState::Unreadable => {
                self.unreadable.insert(name.clone());
            }
        }
        let runs = self.update(now);
        runs || behind != self.is_caught_up()
    }

    /// The rule reads these inputs alone. Returns whether timers have to be set anew.
    pub(super) fn reads_only(&mut self, inputs: &[Arc<str>], now: Time) -> bool {
        let behind = self.is_caught_up();
        self.behind.retain(|name| inputs.contains(name));
        self.unreadable.retain(|name| inputs.contains(name));
        let runs = self.update(now);
        runs || behind != self.is_caught_up()
    }

    /// The rule's schedule begins or ends. Returns whether timers have to be set anew.
    pub(super) fn active(&mut self, is_active: bool, now: Time) -> bool {
        self.inactive = !is_active;
        self.update(now)
    }

    fn update(&mut self, now: Time) -> bool {
        let runs = self.behind.is_empty() && self.unreadable.is_empty() && !self.inactive;
        match (runs, self.since) {
            (true, None) => {
                self.since = Some(now);
                true
            }
            (false, Some(_)) => {
                self.ran = self.ran(now);
                self.since = None;
                false
            }
            _ => false,
        }
    }
}
