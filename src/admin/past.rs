//! An alert of the past as a document, and as `why` tells it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rule::Severity;
use crate::store::{Entry, Receipt};

/// An alert of the past, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastAlert {
    /// The whole id; messages show its first six digits.
    pub id: String,
    /// By it, older ones are asked for.
    pub place: i64,
    /// The rule.
    pub rule: String,
    /// `opened`, `summary`, …
    pub kind: String,
    /// It had this severity.
    pub severity: Severity,
    /// When it was decided.
    pub decided: String,
    /// Its episode's id.
    pub episode: String,
    /// The fields that tell the episode from the rule's others.
    pub key: BTreeMap<String, String>,
    /// Occurrences of the episode so far.
    pub count: u64,
    /// Of them, since the message before.
    pub suppressed: u64,
    /// The first occurrence's own time.
    pub first_seen: String,
    /// The latest occurrence's own time.
    pub last_seen: String,
    /// The webhooks that it was for.
    pub webhooks: Vec<String>,
    /// Its line, without secrets.
    pub line: Option<String>,
    /// Where the line was read.
    pub source: Option<String>,
    /// What was held back before it and is told with it, and by what.
    pub held_back: Option<(String, u64)>,
    /// What became of it, by webhook; a webhook that is missing has it waiting.
    pub receipts: Vec<Received>,
    /// Its message, drawn; only where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub html: Option<String>,
}

/// What became of it at a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The webhook.
    pub webhook: String,
    /// When.
    pub at: String,
    /// `delivered`, `set_aside`, `folded` or `left_to_fallback`.
    pub fate: String,
    /// The receiver's words.
    pub answer: String,
}

impl From<&Entry> for PastAlert {
    fn from(Entry { place, alert, receipts }: &Entry) -> Self {
        let event = alert.event.as_ref();
        Self {
            id: alert.id.to_string(),
            place: *place,
            rule: alert.rule.to_string(),
            kind: alert.kind.name().to_owned(),
            severity: alert.severity,
            decided: alert.decided.to_rfc3339(),
            episode: format!("{:032x}", alert.episode.0),
            key: alert.key.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            count: alert.count,
            suppressed: alert.suppressed,
            first_seen: alert.first_seen.to_rfc3339(),
            last_seen: alert.last_seen.to_rfc3339(),
            webhooks: alert.webhooks.iter().map(ToString::to_string).collect(),
            line: event.map(|event| event.line.clone()),
            source: event.map(|event| event.file.as_ref().unwrap_or(&event.input).to_string()),
            held_back: alert.held_back.as_ref().map(|held| (held.by.name().to_owned(), held.count)),
            receipts: receipts.iter().map(Received::from).collect(),
            html: None,
        }
    }
}

impl From<&Receipt> for Received {
    fn from(Receipt { webhook, at, fate, answer }: &Receipt) -> Self {
        Self {
            webhook: webhook.to_string(),
            at: at.to_rfc3339(),
            fate: fate.name().to_owned(),
            answer: answer.clone(),
        }
    }
}
