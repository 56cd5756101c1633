//! What the engine hands on: an [`Alert`], with all that its message will be rendered from.
//!
//! It is stored (redacted) and rendered only when it is sent, so that waiting alerts can still be put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::around::Awaited;
use crate::event::{Parsed, Stream, Texts};
use crate::rule::{Mention, Rule, Severity};
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
    /// A problem that was resolved is there again.
    Reopened,
    /// What was folded since the last message.
    Summary,
    /// A step of `escalate` was reached.
    Escalated,
    /// The problem is over.
    Resolved,
    /// How many the throttle or a silence held back.
    HeldBack,
    /// Many alerts of the rule, told as one because too many waited.
    Digest,
    /// Something about hooktail itself.
    Notice,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Opened, Self::Reopened, Self::Summary, Self::Escalated, Self::Resolved, Self::HeldBack];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Summary => "summary",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
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
    /// How old the event was when it was decided on, where that is too old to mention somebody.
    #[serde(default)]
    pub late: Option<Duration>,
    /// How long the problem has lasted since it began; of `absent` since the last match.
    #[serde(default)]
    pub lasted: Duration,
    /// In a reminder: what still holds.
    #[serde(default)]
    pub still: Option<Still>,
    /// How often the problem came back after it had been resolved.
    #[serde(default)]
    pub reopened: u64,
    /// What `above` or `below` made of the numbers.
    #[serde(default)]
    pub value: Option<String>,
    /// The input ended before what was waited for.
    #[serde(default)]
    pub input_ended: bool,
    /// How many problems more one resolution ends.
    #[serde(default)]
    pub more_resolved: u64,
    /// The lines after its own that may still come.
    #[serde(skip)]
    pub awaited: Option<Awaited>,
}

impl Alert {
    /// Takes in the lines that have come after its own. Returns until when further ones are waited for, if they are.
    pub fn follow(&mut self, now: Time) -> Option<Time> {
        let Awaited { around, lines } = self.awaited.as_ref()?;
        let (until, is_settled) = (around.until(), around.is_settled(*lines, now));
        if let Some(event) = &mut self.event {
            event.context.after = around.after_lines(*lines);
        }
        if is_settled {
            self.awaited = None;
        }
        (!is_settled).then_some(until)
    }

    /// The same; nothing further is waited for.
    pub fn settle(&mut self, now: Time) {
        self.follow(now);
        self.awaited = None;
    }

    /// One of `rule` without anything to tell yet, and without an id.
    pub fn blank(kind: Kind, rule: &Rule, now: Time) -> Self {
        Self::of(kind, rule.name.clone(), rule.severity, rule.webhooks.clone(), now)
    }

    /// The same for any name.
    pub(super) fn of(
        kind: Kind,
        name: Arc<str>,
        severity: Severity,
        webhooks: Vec<Arc<str>>,
        now: Time,
    ) -> Self {
        Self {
            id: AlertId(0),
            episode: EpisodeId(0),
            kind,
            rule: name,
            severity,
            mention: Vec::new(),
            webhooks,
            decided: now,
            key: Texts::new(),
            event: None,
            count: 0,
            suppressed: 0,
            first_seen: now,
            last_seen: now,
            since_last: Duration::ZERO,
            folded: None,
            held_back: None,
            late: None,
            lasted: Duration::ZERO,
            still: None,
            reopened: 0,
            value: None,
            input_ended: false,
            more_resolved: 0,
            awaited: None,
        }
    }

    /// From the first occurrence to the latest.
    pub fn elapsed(&self) -> Duration {
        self.last_seen.since(self.first_seen)
    }
}

/// What still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Still {
    /// Nothing matches.
    Missing,
    /// A number is above a threshold, which is given as text.
    Above(String),
    /// A number is below one.
    Below(String),
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
    /// The lines around it, where the rule shows them.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub context: Context,
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

/// The lines around one, each cut to what an alert keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The nearest is the last.
    pub before: Vec<String>,
    /// The nearest is the first.
    pub after: Vec<String>,
}

impl Context {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
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

/// What was held back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// By what.
    #[serde(default)]
    pub by: HeldBy,
    /// How many openings and summaries.
    pub count: u64,
    /// The five commonest keys among them.
    pub keys: Vec<(String, u64)>,
}

/// What holds alerts back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// The rule's throttle.
    #[default]
    Throttle,
    /// A silence.
    Silence,
    /// The rule's schedule.
    Schedule,
}

impl HeldBy {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Silence => "silence",
            Self::Schedule => "schedule",
        }
    }
}
