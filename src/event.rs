//! What flows: a line as an [`Event`], and a [`Match`] of a rule on it. No I/O, no clock.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::around::Around;
use crate::captures::Captures;
use crate::severity::Severity;
use crate::shape::shape;
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

/// Parsed fields by name, as JSON: nested ones are maps in maps.
pub type Parsed = serde_json::Map<String, serde_json::Value>;

/// What the input's parser made of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Parse {
    /// The input has none: the line is text.
    #[default]
    Text,
    /// Its fields.
    Fields(Box<ParsedLine>),
    /// It could not read the line, which counts as text.
    Failed,
}

/// A line that a parser could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedLine {
    /// All that was read.
    pub fields: Parsed,
    /// Whether the values have kinds.
    pub kinds: Kinds,
    /// What the line says; `None`: the line is the message.
    pub message: Option<Box<[u8]>>,
}

/// Whether parsed values are what they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// Numbers, truth values and texts are told apart, as in JSON.
    Told,
    /// All are text; what looks like a number is one to an expression.
    Text,
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
    /// What was read from it.
    pub parse: Parse,
    /// Its shape, once somebody has asked.
    pub shape: Shape,
}

/// The shape of a message, found out once: every rule that takes the event asks.
#[derive(Debug, Clone, Default)]
pub struct Shape(OnceLock<String>);

impl PartialEq for Shape {
    /// It follows from the message.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shape {}

impl Event {
    /// The message with what varies masked ([`crate::shape`]).
    pub fn shape(&self) -> &str {
        self.shape.0.get_or_init(|| shape(self.message()))
    }

    /// The line as text; invalid bytes are U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.line)
    }

    /// The parsed message, else the line.
    pub fn message(&self) -> &[u8] {
        self.parsed().and_then(|parsed| parsed.message.as_deref()).unwrap_or(&self.line)
    }

    /// What a parser read from it.
    pub fn parsed(&self) -> Option<&ParsedLine> {
        match &self.parse {
            Parse::Fields(parsed) => Some(parsed),
            Parse::Text | Parse::Failed => None,
        }
    }
}

/// How an input stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputState {
    /// Its files have not been read to their ends yet.
    Behind,
    /// All there is has been read.
    CaughtUp,
    /// Something of it can't be read.
    Unreadable,
}

/// What an event is to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is taken: a match.
    Match,
    /// `resolve` names it: it ends an episode.
    Resolution,
    /// `not_followed_by` names it: what waits for it waits no longer.
    FollowUp,
}

/// An event that a rule takes, or waits for.
#[derive(Debug, Clone)]
pub struct Match {
    /// The rule that takes it.
    pub rule: RuleId,
    /// What it is to the rule.
    pub role: Role,
    /// The line; shared with the other rules that take it.
    pub event: Arc<Event>,
    /// What the named groups of the pattern caught.
    pub captures: Captures,
    /// The rule's, or what the event says where the rule reads it from a field.
    pub severity: Severity,
    /// The lines around, where the rule shows them.
    pub around: Option<Arc<Around>>,
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
