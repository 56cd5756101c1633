//! A test of a rule: lines, and the messages that they must cause.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::rule::Mention;
use crate::time::Time;

/// A test as the configuration states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The rule whose messages are looked at.
    pub rule: Arc<str>,
    /// Which of the rule's tests in its file it is, from 1.
    pub number: usize,
    /// The file that states it, and the line in it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The time of the first line.
    pub at: Option<Time>,
    /// In order.
    pub entries: Vec<Entry>,
    /// All messages, in order.
    pub expect: Vec<Expected>,
}

/// What happens in a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A line comes.
    Line(String),
    /// Time passes.
    Wait(Duration),
}

/// A message, by the parts that are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Each with what it must say.
    pub parts: Vec<(Part, String)>,
}

/// What of a message can be compared; its name is the key under `expect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// What sort of message it is.
    Kind,
    /// The headline.
    Title,
    /// The text below it.
    Text,
    /// The text above.
    Pretext,
    /// Where the title leads.
    Link,
    /// Whom it calls.
    Mention,
    /// Its severity.
    Severity,
    /// The webhooks that get it.
    Webhook,
    /// Occurrences in all.
    Count,
    /// Occurrences since the last message.
    Suppressed,
    /// One field of the key.
    Key(Arc<str>),
    /// One value of the table, or a field of the line.
    Field(Arc<str>),
}

impl Part {
    /// Whom a message calls, as text: in one order, `nobody` where it calls none.
    pub fn mentions(mentions: &[Mention]) -> String {
        let mut names: Vec<String> = mentions.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    }

    /// Webhooks as text, in one order.
    pub fn webhooks(webhooks: &[Arc<str>]) -> String {
        let mut names: Vec<&str> = webhooks.iter().map(|name| &**name).collect();
        names.sort_unstable();
        names.join(", ")
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("kind"),
            Self::Title => f.write_str("title"),
            Self::Text => f.write_str("text"),
            Self::Pretext => f.write_str("pretext"),
            Self::Link => f.write_str("link"),
            Self::Mention => f.write_str("mention"),
            Self::Severity => f.write_str("severity"),
            Self::Webhook => f.write_str("webhook"),
            Self::Count => f.write_str("count"),
            Self::Suppressed => f.write_str("suppressed"),
            Self::Key(name) => write!(f, "key.{name}"),
            Self::Field(name) => write!(f, "fields.{name}"),
        }
    }
}
