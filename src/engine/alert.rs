//! What the engine hands on: an [`Alert`], with all that its message will be rendered from.
//!
//! It is stored (redacted) and rendered only when it is sent, so that waiting alerts can still be put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Parsed, Stream, Texts};
use crate::rule::{Mention, Severity};
use crate::time::Time;

/// 128 bits that name an alert in the message's footer, in our log and in a repeated delivery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub u128);

impl AlertId {
    /// The first six hex digits: what a message shows.
    pub fn short(self) -> String {
        self.to_string()[..6].to_owned()
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlertId({self})")
    }
}

/// One run of a problem: from its opening to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpisodeId(pub u128);

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A problem begins.
    Opened,
    /// What was folded since the last message.
    Summary,
    /// A step of `escalate` was reached.
    Escalated,
    /// How many the throttle held back.
    HeldBack,
    /// Many alerts of the rule, told as one because too many waited.
    Digest,
    /// Something about hooktail itself.
    Notice,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Opened, Self::Summary, Self::Escalated, Self::HeldBack];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Summary => "summary",
            Self::Escalated => "escalated",
            Self::HeldBack => "held_back",
            Self::Digest => "digest",
            Self::Notice => "notice",
        }
    }
}

/// What a rule wants somebody to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its name.
    pub id: AlertId,
    /// The episode that it belongs to.
    pub episode: EpisodeId,
    /// What it says.
    pub kind: Kind,
    /// The rule's name.
    pub rule: Arc<str>,
    /// The severity that holds for the episode now.
    pub severity: Severity,
    /// Whom it calls; empty: nobody.
    pub mention: Vec<Mention>,
    /// The webhooks that get it.
    pub webhooks: Vec<Arc<str>>,
    /// The engine's time when it was decided.
    pub decided: Time,
    /// The fields of the fingerprint or of `by`, with their values.
    pub key: Texts,
    /// The latest line, or the words of a `Notice`; none where nothing but a count is told.
    pub event: Option<Snapshot>,
    /// Occurrences of the episode; of `HeldBack` the number held back, of `Digest` that of the alerts.
    pub count: u64,
    /// Occurrences since the last message of the episode; of `Notice` those of its sort.
    pub suppressed: u64,
    /// The first occurrence's own time.
    pub first_seen: Time,
    /// The latest occurrence's own time.
    pub last_seen: Time,
    /// How long before `decided` the episode's last message was; zero in an opening.
    pub since_last: Duration,
    /// What was folded, shown by example.
    pub folded: Option<Folded>,
    /// What the throttle held back of this rule and no message has told yet.
    pub held_back: Option<HeldBack>,
}

impl Alert {
    /// From the first occurrence to the latest.
    pub fn elapsed(&self) -> Duration {
        self.last_seen.since(self.first_seen)
    }
}

/// A line with what was read from it, as text, cut to what an alert keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The line; of a long one the two ends that [`crate::excerpt`] keeps.
    pub line: String,
    /// Bytes left out between the two.
    pub left_out: u64,
    /// The line was longer than the input's `max_line`.
    pub truncated: bool,
    /// The parsed message, cut likewise; `None`: the line is the message.
    #[serde(default)]
    pub message: Option<String>,
    /// The message with what varies masked.
    pub shape: String,
    /// When it was read, or its own time.
    pub time: Time,
    /// The input's name.
    pub input: Arc<str>,
    /// The file's path.
    pub file: Option<Arc<str>>,
    /// The program's stream.
    pub stream: Option<Stream>,
    /// The input's and the rule's, the rule's winning.
    pub labels: Texts,
    /// What a parser read, as much of it as an alert keeps.
    #[serde(default)]
    pub fields: Parsed,
    /// In the pattern's order.
    pub captures: Texts,
}

impl Snapshot {
    /// The parsed message, else the line.
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(&self.line)
    }
}

/// Examples of what a summary folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Up to three lines that differ in shape, the latest of each; the alert's own `event` is not among them.
    pub samples: Vec<String>,
    /// For up to two captures the commonest values with their counts, the most common first.
    pub common: Vec<Common>,
}

/// The commonest values of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Common {
    /// The capture's name.
    pub capture: Arc<str>,
    /// Values with their counts, at most five.
    pub values: Vec<(String, u64)>,
}

/// What the throttle held back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// How many openings and summaries.
    pub count: u64,
    /// The five commonest keys among them.
    pub keys: Vec<(String, u64)>,
}
