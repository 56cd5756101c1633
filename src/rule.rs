//! What the configuration is compiled to: a [`Rule`], checked, with nothing left to look up or to default.
//!
//! Plain data: no I/O, no clock. `scan` reads the patterns, `engine` the times and counts, `message` the templates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::around::Reach;
use crate::expr::Expr;
use crate::message::redact::Redactor;
use crate::message::template::Template;
use crate::rate::Rate;
use crate::schedule::Schedule;

pub use crate::mention::Mention;
pub use crate::pattern::{On, Pattern};
pub use crate::severity::{Color, Severity};
pub use crate::when::{Aggregate, Level, Novelty, Side, Surge, When};

/// One rule of the configuration, with `defaults` and `severities` already worked in.
#[derive(Debug)]
pub struct Rule {
    /// Unique among the rules.
    pub name: Arc<str>,
    /// The names of the inputs that it reads; never empty.
    pub inputs: Vec<Arc<str>>,
    /// Any of them takes the line; the first that matches gives the captures. Empty where only `where` decides.
    pub patterns: Vec<Matcher>,
    /// What one of them matches is not taken.
    pub ignore: Vec<Matcher>,
    /// `where`: an expression that must hold.
    pub filter: Option<Expr>,
    /// Which matches make an alert.
    pub when: When,
    /// The severity it begins with; where it is read from a field, that of an unknown value.
    pub severity: Severity,
    /// `severity: { from }`: which field says how much a line matters.
    pub severity_from: Option<SeverityFrom>,
    /// How each severity looks for this rule and whom it wakes, by [`Severity`] as an index.
    pub looks: [Look; Severity::ALL.len()],
    /// The names of the webhooks that its messages go to; never empty.
    pub webhooks: Vec<Arc<str>>,
    /// `None`: each alert is a message of its own.
    pub dedup: Option<Dedup>,
    /// At most how many openings and summaries.
    pub throttle: Option<Throttle>,
    /// In order; counts and durations increase.
    pub escalate: Vec<Step>,
    /// What ends an episode; `None`: quiet, silently. What [`When::lasts`] ends by itself.
    pub resolve: Option<Resolve>,
    /// How old an event may be when it is decided on and still mention somebody.
    pub late: Duration,
    /// The message's templates.
    pub message: MessageSpec,
    /// How many neighbouring lines its messages show.
    pub context: Reach,
    /// The title's link where `message.link` gives none.
    pub runbook: Option<String>,
    /// Outside it, the rule is silent; `None`: it never is.
    pub active_during: Option<Arc<Schedule>>,
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

/// Where a match's severity is read. A value that is known neither here nor as a level's usual name has the rule's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityFrom {
    /// The field that holds the level.
    pub field: Arc<str>,
    /// What is below it is not taken.
    pub min: Severity,
    /// Values with their severities; they win over the usual names.
    pub map: Vec<(Arc<str>, Severity)>,
}

impl SeverityFrom {
    /// The severity of the field's value; `None`: unknown.
    pub fn severity(&self, value: &str) -> Option<Severity> {
        let own = self.map.iter().find(|(name, _)| **name == *value).map(|(_, severity)| *severity);
        own.or_else(|| Severity::from_level(value))
    }
}

/// One item of `match` or `ignore`: patterns that must all match, mostly a single one on the message.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Never empty; together they give the captures.
    pub parts: Vec<Pattern>,
}

impl fmt::Display for Matcher {
    /// As the configuration has it: the regex, or `{ FIELD: REGEX }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [pattern @ Pattern { on: On::Message, .. }] = &self.parts[..] {
            return f.write_str(pattern.as_str());
        }
        let parts: Vec<String> =
            self.parts.iter().map(|part| format!("{}: {}", part.on.name(), part.as_str())).collect();
        write!(f, "{{ {} }}", parts.join(", "))
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
    /// When it is taken.
    pub at: StepAt,
    /// Whom the step's message calls.
    pub mention: Vec<Mention>,
    /// The severity from then on.
    pub severity: Option<Severity>,
    /// Webhooks that hear of the episode from then on.
    pub webhooks: Vec<Arc<str>>,
}

/// When a step of escalation is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepAt {
    /// At the occurrence that makes so many.
    Count(u64),
    /// At the first alert so long after the opening; while an alert holds, by the clock.
    After(Duration),
}

/// What ends an episode with a message: one of them at least.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolve {
    /// So long without an occurrence.
    pub after: Option<Duration>,
    /// An event of the rule's inputs that matches.
    pub pattern: Option<Pattern>,
}

/// How old an event may be and still mention somebody, where `mentions.late` says nothing else.
pub const LATE: Duration = Duration::from_secs(15 * 60);

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
