//! The latest line of an episode or a key: as it came, or as it was stored.

use serde::{Deserialize, Serialize};

use crate::event::Match;
use crate::fields::Fields;
use crate::rule::Rule;

use super::alert::Snapshot;
use super::key::Key;
use super::snapshot::snapshot;

/// A line that a message may have to show later.
#[derive(Debug, Clone)]
pub(super) enum Last {
    /// It came since the start; a message takes from it what it shows.
    Live(Match),
    /// It came before the start.
    Stored(Box<Stored>),
}

/// What is stored of a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    /// What a message shows of it, without secrets.
    pub(super) snapshot: Snapshot,
    /// The key of the rule's throttle, which can't be read from a line that was cut.
    pub(super) throttle: Key,
}

impl Last {
    pub(super) fn snapshot(&self, rule: &Rule, host: &str) -> Snapshot {
        match self {
            Self::Live(found) => snapshot(found, rule, host),
            Self::Stored(stored) => stored.snapshot.clone(),
        }
    }

    pub(super) fn shape(&self) -> String {
        match self {
            Self::Live(found) => crate::shape::shape(found.event.message()),
            Self::Stored(stored) => stored.snapshot.shape.clone(),
        }
    }

    /// The key of the rule's throttle; empty where it has none.
    pub(super) fn throttle_key(&self, rule: &Rule, host: &str) -> Key {
        match self {
            Self::Live(found) => {
                let by = rule.throttle.as_ref().map(|throttle| &*throttle.by).unwrap_or_default();
                Key::of(by, &Fields::of(rule, found, host))
            }
            Self::Stored(stored) => stored.throttle.clone(),
        }
    }
}
