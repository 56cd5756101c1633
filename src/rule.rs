//! What the configuration is compiled to: a [`Rule`], checked, with nothing left to look up or to default.
//!
//! Plain data: no I/O, no clock. `scan` reads the patterns, `engine` the times and counts, `message` the templates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::expr::Expr;
use crate::message::redact::Redactor;
use crate::message::template::Template;
use crate::rate::Rate;

/// One rule of the configuration, with `defaults` and `severities` already worked in.
#[derive(Debug)]
pub struct Rule {
    /// Unique among the rules.
    pub name: Arc<str>,
    /// The names of the inputs that it reads; never empty.
    pub inputs: Vec<Arc<str>>,
    /// Any of them takes the line; the first that matches gives the captures. Empty where only `where` decides.
    pub patterns: Vec<Pattern>,
    /// What one of them matches is not taken.
    pub ignore: Vec<Pattern>,
    /// `where`: an expression that must hold.
    pub filter: Option<Expr>,
    /// Which matches make an alert.
    pub when: When,
    /// The severity it begins with.
    pub severity: Severity,
    /// How each severity looks for this rule and whom it wakes, by [`Severity`] as an index.
    pub looks: [Look; Severity::ALL.len()],
    /// The names of the webhooks that its messages go to; never empty.
    pub webhooks: Vec<Arc<str>>,
    /// `None`: each alert is a message of its own.
    pub dedup: Option<Dedup>,
    /// At most how many openings and summaries.
    pub throttle: Option<Throttle>,
    /// In order; counts increase.
    pub escalate: Vec<Step>,
    /// The message's templates.
    pub message: MessageSpec,
    /// The title's link where `message.link` gives none.
    pub runbook: Option<String>,
    /// Extra fields; they win over the input's.
    pub labels: crate::event::Texts,
    /// What is taken out of the rule's texts before they are stored or posted: the built-in set, the file's and the rule's.
    pub redact: Arc<Redactor>,
}

impl Rule {
    /// How `severity` looks for this rule.
    pub fn look(&self, severity: Severity) -> &Look {
        &self.looks[severity as usize]
    }
}

/// A regex over the bytes of a line, and the names of its groups.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The compiled regex, with Unicode as the `regex` crate has it by default.
    pub regex: regex::bytes::Regex,
    /// Its named groups in their order, with their numbers.
    pub names: Vec<(Arc<str>, usize)>,
}

impl Pattern {
    /// Wraps a compiled regex.
    pub fn new(regex: regex::bytes::Regex) -> Self {
        let names = regex
            .capture_names()
            .enumerate()
            .filter_map(|(number, name)| name.map(|name| (Arc::from(name), number)))
            .collect();
        Self { regex, names }
    }
}

/// How much something matters. The order is by weight: `Info` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Something failed.
    Error,
    /// Somebody should get up.
    Critical,
}

impl Severity {
    /// From the least to the most.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }

    /// Its colour where nothing else is configured.
    pub const fn color(self) -> Color {
        match self {
            Self::Info => Color([0x43, 0x9f, 0xe0]),
            Self::Warning => Color::WARNING,
            Self::Error => Color::DANGER,
            Self::Critical => Color([0x8b, 0, 0]),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a severity looks like and whom its opening message mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The attachment's bar.
    pub color: Color,
    /// Empty: nobody.
    pub mention: Vec<Mention>,
}

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color(pub [u8; 3]);

impl Color {
    /// Slack's `good`, as the hex that its receivers show for the name.
    pub const GOOD: Self = Self([0x2e, 0xb8, 0x86]);
    /// Slack's `warning`, likewise.
    pub const WARNING: Self = Self([0xda, 0xa0, 0x38]);
    /// Slack's `danger`, likewise.
    pub const DANGER: Self = Self([0xa3, 0x02, 0x00]);

    /// Reads `good`, `warning`, `danger` or `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "good" => return Some(Self::GOOD),
            "warning" => return Some(Self::WARNING),
            "danger" => return Some(Self::DANGER),
            _ => {}
        }
        let hex = text
            .strip_prefix('#')
            .filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let rgb = u32::from_str_radix(hex, 16).ok()?;
        let [_, red, green, blue] = rgb.to_be_bytes();
        Some(Self([red, green, blue]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Whom a message calls. The order is by how many it wakes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mention {
    /// One person, by the id that Slack gave (`U…` or `W…`).
    User(String),
    /// A user group, by id (`S…`).
    Group(String),
    /// Who is active in the channel.
    Here,
    /// All of the channel.
    Channel,
    /// All of the workspace, in its general channel.
    Everyone,
}

impl Mention {
    /// Slack's control sequence for it.
    pub fn to_slack(&self) -> String {
        match self {
            Self::User(id) => format!("<@{id}>"),
            Self::Group(id) => format!("<!subteam^{id}>"),
            Self::Here => "<!here>".to_owned(),
            Self::Channel => "<!channel>".to_owned(),
            Self::Everyone => "<!everyone>".to_owned(),
        }
    }

    /// Whether it calls more than those whom it names.
    pub const fn is_broadcast(&self) -> bool {
        matches!(self, Self::Here | Self::Channel | Self::Everyone)
    }
}

impl fmt::Display for Mention {
    /// As the configuration spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(id) | Self::Group(id) => id,
            Self::Here => "here",
            Self::Channel => "channel",
            Self::Everyone => "everyone",
        })
    }
}

/// Which matches make an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Each one.
    Every,
    /// `count` of them within a sliding window, for each value of `by`.
    Count {
        /// 1 to [`When::COUNT_MAX`].
        count: u32,
        /// The window's length.
        within: Duration,
        /// The fields that keep a window each; empty: one for the rule.
        by: Vec<Arc<str>>,
    },
}

impl When {
    /// The largest `count`: so many times are kept a key.
    pub const COUNT_MAX: u32 = 10_000;
}

/// How repeats are folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Dedup {
    /// The fields that tell episodes apart; `None`: as `engine.md`, "The fingerprint".
    pub by: Option<Vec<Arc<str>>>,
    /// How long repeats are folded at first.
    pub window: Duration,
    /// By what the window grows after a summary; at least 1.
    pub backoff: f64,
    /// What it grows to at most.
    pub max: Duration,
    /// Whether what was folded is told in a summary.
    pub summary: bool,
}

/// At most how many openings and summaries of a rule, or of a value of `by`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// How many in what time, and how many at once.
    pub rate: Rate,
    /// The fields that have a rate each; empty: one for the rule.
    pub by: Vec<Arc<str>>,
}

/// A step of escalation, taken once an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// At the occurrence that makes so many.
    pub count: u64,
    /// Whom the step's message calls.
    pub mention: Vec<Mention>,
    /// The severity from then on.
    pub severity: Option<Severity>,
    /// Webhooks that hear of the episode from then on.
    pub webhooks: Vec<Arc<str>>,
}

/// A rule's templates; what is `None` is drawn as `docs/message.md` says.
#[derive(Debug, Default)]
pub struct MessageSpec {
    /// The headline; else the rule's name.
    pub title: Option<Template>,
    /// The attachment's text; else the line in a code block.
    pub text: Option<Template>,
    /// Above the attachment.
    pub pretext: Option<Template>,
    /// In place of rule, host and file.
    pub footer: Option<Template>,
    /// Else the named captures.
    pub fields: Option<Vec<FieldSpec>>,
    /// The title's link.
    pub link: Option<Template>,
}

/// One configured field of an attachment.
#[derive(Debug)]
pub struct FieldSpec {
    /// To the letter.
    pub title: String,
    /// A template.
    pub value: Template,
    /// Two short ones stand side by side.
    pub short: bool,
}
