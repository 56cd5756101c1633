//! The latest line of an episode or a key: as it came, or as it was stored.

use serde::{Deserialize, Serialize};

use crate::around::Awaited;
use crate::event::{Match, Texts};
use crate::rule::{Rule, Severity};
use crate::time::Time;

use super::alert::{Alert, Kind, Snapshot};
use super::key::Key;
use super::outlet::{fields, fingerprint, fingerprint_texts};
use super::records::Redact;
use super::snapshot::snapshot;

/// A line that a message may have to show later.
#[derive(Debug, Clone)]
pub(super) enum Last {
    /// It came since the start; a message takes from it what it shows.
    Live(Match),
    /// It came before the start.
    Stored(Box<Stored>),
}

/// What is stored of a line, without secrets: what a message shows, and the keys, which can't be read from a line that was
/// cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) snapshot: Snapshot,
    pub(super) throttle: Key,
    pub(super) fingerprint: Key,
    /// The fields of the fingerprint with their values.
    pub(super) key: Texts,
    pub(super) severity: Severity,
}

impl Last {
    pub(super) fn snapshot(&self, rule: &Rule, host: &str) -> Snapshot {
        match self {
            Self::Live(found) => snapshot(found, rule, host),
            Self::Stored(stored) => stored.snapshot.clone(),
        }
    }

    /// The lines after it that a message of the rule shows.
    pub(super) fn awaited(&self, rule: &Rule) -> Option<Awaited> {
        let lines = rule.context.after;
        match self {
            Self::Live(found) if lines > 0 => found.around.clone().map(|around| Awaited { around, lines }),
            Self::Live(_) | Self::Stored(_) => None,
        }
    }

    pub(super) fn time(&self) -> Time {
        match self {
            Self::Live(found) => found.event.time,
            Self::Stored(stored) => stored.snapshot.time,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Live(found) => found.severity,
            Self::Stored(stored) => stored.severity,
        }
    }

    pub(super) fn shape(&self) -> String {
        match self {
            Self::Live(found) => found.event.shape().to_owned(),
            Self::Stored(stored) => stored.snapshot.shape.clone(),
        }
    }

    /// What tells the episode of the line from others.
    pub(super) fn fingerprint(&self, rule: &Rule, host: &str) -> Key {
        match self {
            Self::Live(found) => fingerprint(rule, &fields(rule, host, found)),
            Self::Stored(stored) => stored.fingerprint.clone(),
        }
    }

    /// The fields of the fingerprint with their values.
    pub(super) fn key(&self, rule: &Rule, host: &str) -> Texts {
        match self {
            Self::Live(found) => fingerprint_texts(rule, &fields(rule, host, found)),
            Self::Stored(stored) => stored.key.clone(),
        }
    }

    /// The key of the rule's throttle; empty where it has none.
    pub(super) fn throttle_key(&self, rule: &Rule, host: &str) -> Key {
        match self {
            Self::Live(found) => {
                let by = rule.throttle.as_ref().map(|throttle| &*throttle.by).unwrap_or_default();
                Key::of(by, &fields(rule, host, found))
            }
            Self::Stored(stored) => stored.throttle.clone(),
        }
    }

    /// As it is stored.
    pub(super) fn store(&self, rule: &Rule, host: &str, redact: Redact<'_>) -> Option<Stored> {
        if let Self::Stored(stored) = self {
            return Some((**stored).clone());
        }
        let mut alert = Alert {
            event: Some(self.snapshot(rule, host)),
            key: self.key(rule, host),
            ..Alert::blank(Kind::Opened, rule, self.time())
        };
        redact(&mut alert, rule);
        Some(Stored {
            snapshot: alert.event?,
            throttle: self.throttle_key(rule, host).without_secrets(rule),
            fingerprint: self.fingerprint(rule, host).without_secrets(rule),
            key: alert.key,
            severity: self.severity(),
        })
    }
}
