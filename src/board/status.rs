//! The whole of it as documents: what the API answers, the page shows, the metrics count and `hooktail status` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::deliver::tally::LastAnswer;
use crate::engine::{Alert, Counters, Kind, Silence};
use crate::reload::{Outcome, Reload};
use crate::report::{CostReport, InputReport};
use crate::rule::Severity;

use super::gauge::Gauged;
use super::health::Problem;
use super::process::Process;
use super::timeline::Part;

/// How the agent stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of hooktail.
    pub version: String,
    /// The machine's name in messages.
    pub host: String,
    /// When this was drawn, in RFC 3339, as all times here.
    pub time: String,
    /// When the agent started.
    pub started: String,
    /// For how long it has run.
    pub uptime_seconds: f64,
    /// Nothing is wrong that keeps it from what it is for.
    pub ready: bool,
    /// What somebody should mend, the gravest first.
    pub problems: Vec<Problem>,
    /// What the process uses.
    pub process: Process,
    /// Where state is kept.
    pub store: StoreStatus,
    /// By the order of the configuration.
    pub inputs: Vec<InputStatus>,
    /// By the order of the configuration.
    pub rules: Vec<RuleStatus>,
    /// How many episodes are open.
    pub open_episodes: u64,
    /// By the order of the configuration.
    pub webhooks: Vec<WebhookStatus>,
    /// What nothing is posted of.
    pub silences: Vec<SilenceStatus>,
    /// What came of the last change of the configuration.
    pub last_reload: Option<LastReload>,
}

/// Of the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Where; `null`: state is in memory.
    pub directory: Option<String>,
    /// The state's files, without the history.
    pub state_bytes: u64,
    /// The history's files.
    pub history_bytes: u64,
    /// Alerts in the history.
    pub history_alerts: u64,
    /// Alerts that left it because of its bounds, since the start.
    pub history_left: u64,
    /// Alerts that it could not take, since the start.
    pub history_missing: u64,
    /// The disk is full: reading waits.
    pub full: bool,
}

/// Of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputStatus {
    /// Its name.
    pub name: String,
    /// `files`, `stdin`, …
    pub source: String,
    /// What was read of it, as in the report of a run.
    #[serde(flatten)]
    pub read: InputReport,
    /// How its files stand; `null`: it has none.
    pub gauge: Option<Gauged>,
}

/// Of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// Its name.
    pub name: String,
    /// Where the line does not say another.
    pub severity: Severity,
    /// At which gate its matches ended, ever.
    pub gates: Gates,
    /// What finding its lines cost, since the start.
    pub cost: CostReport,
    /// Open episodes.
    pub open_episodes: u64,
    /// When it last matched, to the second.
    pub last_match: Option<String>,
    /// When it last made an alert.
    pub last_alert: Option<String>,
    /// Matches and alerts of the last hour, minute by minute, the oldest first; only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hour: Option<Series>,
    /// Of the last day, by quarters of an hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub day: Option<Series>,
}

/// A rule's counters.
pub type Gates = Counters;

/// Numbers over time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Matches.
    pub matches: Vec<u32>,
    /// Alerts.
    pub alerts: Vec<u32>,
}

/// Of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookStatus {
    /// Its name.
    pub name: String,
    /// Its URL, masked.
    pub url: String,
    /// Alerts that wait.
    pub queue: u64,
    /// For how long the oldest has waited.
    pub oldest_seconds: Option<f64>,
    /// Messages that it took, since the start.
    pub messages: u64,
    /// Attachments in them.
    pub attachments: u64,
    /// Messages that were sent again.
    pub retries: u64,
    /// Alerts that were set aside.
    pub dead: u64,
    /// Alerts that found the outbox full.
    pub overflowed: u64,
    /// What its receiver said last.
    pub last_answer: Option<Answered>,
    /// Why it takes nothing until somebody mends it.
    pub broken: Option<String>,
    /// Where its alerts go meanwhile.
    pub fallback: Option<String>,
    /// Nothing is sent before, though something waits.
    pub waits_until: Option<String>,
}

/// A receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When.
    pub at: String,
    /// Whether it took the message.
    pub taken: bool,
    /// In its words.
    pub words: String,
}

/// Of a silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceStatus {
    /// By it, it is ended.
    pub id: String,
    /// The expression.
    #[serde(rename = "where")]
    pub filter: String,
    /// When it ends.
    pub until: String,
    /// Why.
    pub why: String,
    /// It stands in the configuration, and is ended there.
    pub configured: bool,
}

/// What came of a changed configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReload {
    /// When.
    pub at: String,
    /// Whether it holds now.
    pub taken: bool,
    /// All that is wrong with it, as `check` prints it; empty where it holds.
    pub text: String,
}

impl From<Reload> for LastReload {
    fn from(Reload { at, outcome }: Reload) -> Self {
        let (taken, text) = match outcome {
            Outcome::Taken => (true, String::new()),
            Outcome::Refused(whole) => (false, whole),
        };
        Self { at: at.to_rfc3339(), taken, text }
    }
}

/// The first line of what is wrong: what a person begins with.
pub(super) fn first(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// An open episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Its own id, which `why` and `silence` take as that of its first alert.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// It holds now.
    pub severity: Severity,
    /// The fields that tell it from the rule's others.
    pub key: BTreeMap<String, String>,
    /// When it opened.
    pub opened: String,
    /// When it last occurred, by the lines' own times.
    pub last_seen: String,
    /// Occurrences.
    pub count: u64,
    /// Of them, since its last message.
    pub suppressed: u64,
    /// The webhooks that hear of it.
    pub webhooks: Vec<String>,
    /// The last line.
    pub line: Option<String>,
}

impl Episode {
    pub(super) fn of(alert: &Alert) -> Self {
        debug_assert_eq!(alert.kind, Kind::Summary);
        let key = alert.key.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Self {
            id: format!("{:032x}", alert.episode.0),
            rule: alert.rule.to_string(),
            severity: alert.severity,
            key: key.collect(),
            opened: (alert.decided - alert.lasted).to_rfc3339(),
            last_seen: alert.last_seen.to_rfc3339(),
            count: alert.count,
            suppressed: alert.suppressed,
            webhooks: alert.webhooks.iter().map(ToString::to_string).collect(),
            line: alert.event.as_ref().map(|event| event.line.clone()),
        }
    }
}

impl From<&Silence> for SilenceStatus {
    fn from(silence: &Silence) -> Self {
        Self {
            id: silence.id.to_string(),
            filter: silence.filter.source().trim().to_owned(),
            until: silence.until.to_rfc3339(),
            why: silence.why.clone(),
            configured: silence.is_configured(),
        }
    }
}

impl From<LastAnswer> for Answered {
    fn from(LastAnswer { at, taken, words }: LastAnswer) -> Self {
        Self { at: at.to_rfc3339(), taken, words }
    }
}

impl Series {
    pub(super) fn of(parts: &[Part]) -> Self {
        Self {
            matches: parts.iter().map(|part| part.matches).collect(),
            alerts: parts.iter().map(|part| part.alerts).collect(),
        }
    }
}
