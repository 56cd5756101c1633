//! What flows: a line as an [`Event`], and a [`Match`] of a rule on it. No I/O, no clock.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// The place of a rule in [`crate::config::Config::rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

/// Names and their texts, in the order in which they were given.
pub type Texts = Vec<(Arc<str>, Arc<str>)>;

/// Finds a text by its name. The lists are short: a walk is faster than a map.
pub fn find<'a>(texts: &'a [(Arc<str>, Arc<str>)], name: &str) -> Option<&'a Arc<str>> {
    texts.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
}

/// Which of a program's two streams a line was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Its name in the field `stream`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Where lines come from; shared by all the events of one file or stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin {
    /// The input's name in the configuration.
    pub input: Arc<str>,
    /// The path, for people: invalid bytes are U+FFFD.
    pub file: Option<Arc<str>>,
    /// The stream, where a program's output is read.
    pub stream: Option<Stream>,
    /// The input's `labels`.
    pub labels: Texts,
}

/// One line, decoded and without terminal codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it was read.
    pub origin: Arc<Origin>,
    /// Its bytes, without the line's end; not necessarily UTF-8.
    pub line: Box<[u8]>,
    /// It was longer than `max_line`: this is its beginning.
    pub truncated: bool,
    /// Its own time where it has one, else when it was read.
    pub time: Time,
}

impl Event {
    /// The line as text; invalid bytes are U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.line)
    }
}

/// An event that a rule takes.
#[derive(Debug, Clone)]
pub struct Match {
    /// The rule that takes it.
    pub rule: RuleId,
    /// The line; shared with the other rules that take it.
    pub event: Arc<Event>,
    /// What the named groups of the pattern caught, in the pattern's order; a group that took no part is absent.
    pub captures: Texts,
}

/// The names that captures may not take: what `config.md` calls reserved.
pub const RESERVED: &[&str] = &[
    "line",
    "message",
    "shape",
    "input",
    "file",
    "host",
    "time",
    "stream",
    "rule",
    "severity",
    "count",
    "suppressed",
    "first_seen",
    "last_seen",
    "elapsed",
    "key",
    "value",
    "runbook",
    "context",
    "labels",
    "fields",
    "captures",
];

/// The reserved names that only an alert has; an event being matched does not.
pub const EPISODE_FIELDS: &[&str] =
    &["count", "suppressed", "first_seen", "last_seen", "elapsed", "key", "value", "runbook", "context"];
