//! At which gate each match of a rule ended.

use serde::{Deserialize, Serialize};

/// Of one rule. `matches` is always the sum of the five that follow it: the gates of `engine.md`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Events that the rule took.
    pub matches: u64,
    /// Of them: `when` was not met.
    pub below_when: u64,
    /// Of them: a silence or a schedule held it back.
    pub silenced: u64,
    /// Of them: an alert that joined an open episode.
    pub joined: u64,
    /// Of them: an opening that the throttle held back.
    pub throttled: u64,
    /// Of them: an opening that was posted.
    pub posted: u64,
    /// Openings at an instant, without a match.
    pub timed: u64,
    /// Keys that were forgotten because there were more than `limits.keys`.
    pub keys_forgotten: u64,
    /// Matches that had no number where `above` or `below` wants one.
    pub not_numbers: u64,
}

impl Counters {
    /// What was counted since these were read.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            matches: self.matches - before.matches,
            below_when: self.below_when - before.below_when,
            silenced: self.silenced - before.silenced,
            joined: self.joined - before.joined,
            throttled: self.throttled - before.throttled,
            posted: self.posted - before.posted,
            timed: self.timed - before.timed,
            keys_forgotten: self.keys_forgotten - before.keys_forgotten,
            not_numbers: self.not_numbers - before.not_numbers,
        }
    }

    /// Adds another rule's.
    pub fn add(&mut self, other: &Self) {
        self.matches += other.matches;
        self.below_when += other.below_when;
        self.silenced += other.silenced;
        self.joined += other.joined;
        self.throttled += other.throttled;
        self.posted += other.posted;
        self.timed += other.timed;
        self.keys_forgotten += other.keys_forgotten;
        self.not_numbers += other.not_numbers;
    }
}
