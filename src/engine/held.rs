//! What is held back and no message has told yet.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Texts;
use crate::time::Time;

use super::alert::{HeldBack, HeldBy};
use super::top::TopCounts;

/// How soon what the throttle holds back is told in a message of its own; then after twice as long each time.
const FIRST: Duration = Duration::from_secs(60);

/// At most one such message in this time.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How many keys such a message names.
const KEYS: usize = 5;

/// How many, and the commonest of their keys.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    count: u64,
    keys: TopCounts,
}

impl Tally {
    pub(super) fn add(&mut self, key: &Texts) {
        self.count += 1;
        let values: Vec<&str> = key.iter().map(|(_, value)| &**value).collect();
        self.keys.add(&values.join(", "));
    }

    /// What was counted, to be told; held back by a silence, where nothing else is said.
    pub(super) fn take(&mut self) -> Option<HeldBack> {
        let Self { count, keys } = std::mem::take(self);
        (count > 0).then(|| HeldBack { by: HeldBy::Silence, count, keys: keys.top(KEYS) })
    }

    pub(super) fn map(&self, rename: impl Fn(&str) -> String) -> Self {
        Self { count: self.count, keys: self.keys.map(rename) }
    }
}

/// Openings and summaries of a rule that its throttle holds back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held {
    tally: Tally,
    /// How long until the next message of its own.
    interval: Duration,
    /// When that is due.
    pub(super) due: Option<Time>,
}

impl Default for Held {
    fn default() -> Self {
        Self { tally: Tally::default(), interval: FIRST, due: None }
    }
}

impl Held {
    /// One more, of an episode with this key. Returns when a message of its own is due, where it wasn't before.
    pub(super) fn add(&mut self, key: &Texts, now: Time) -> Option<Time> {
        self.tally.add(key);
        if self.due.is_some() {
            return None;
        }
        self.due = Some(now + self.interval);
        self.due
    }

    /// What was held back, to be told with the rule's next message.
    pub(super) fn take(&mut self) -> Option<HeldBack> {
        self.tally.take().map(|held| HeldBack { by: HeldBy::Throttle, ..held })
    }

    /// A message of its own is due: what it tells, if no other has told it, and the next will be later.
    pub(super) fn take_due(&mut self, now: Time) -> Option<HeldBack> {
        self.due = None;
        let Some(held) = self.take() else {
            self.interval = FIRST;
            return None;
        };
        self.interval = (self.interval * 2).min(LONGEST);
        self.due = Some(now + self.interval);
        Some(held)
    }

    /// The keys as they may be stored.
    pub(super) fn without_secrets(&self, clean: impl Fn(&str) -> String) -> Self {
        Self { tally: self.tally.map(clean), ..self.clone() }
    }

    /// A stored due time is at most as far away as it was.
    pub(super) fn settle(&mut self, now: Time) {
        self.due = self.due.map(|due| due.min(now + self.interval));
    }
}
