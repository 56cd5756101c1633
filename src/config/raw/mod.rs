//! The configuration as it is written: plain structs, a field a key, nothing checked but the kind of each value.
//!
//! The comment of a field is what the JSON schema says of the key.

mod admin;
mod input;
mod leaf;
mod notices;
mod on_exit;
mod rule;
mod schedule;
mod test;
mod webhook;

use serde::Deserialize;

pub(super) use admin::RawAdmin;
pub(super) use input::{RawInput, RawParse, RawTime};
pub(super) use leaf::{Count, Flag, Named, Number, OffOr, OneOrMany, Scalar, Text, TextOr};
pub(super) use notices::RawNotices;
pub(super) use on_exit::RawOnExit;
pub(super) use rule::{RawDedup, RawField, RawMessage, RawRule, RawSeverity, RawStep, RawWhen};
pub(super) use schedule::RawHours;
pub(super) use test::{RawExpected, RawTest, RawTestFile, RawWait};
pub(super) use webhook::RawWebhook;

/// A file of the configuration. It can't be printed: a webhook's URL is in it.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawFile {
    /// Where alerts go, by name.
    pub(super) webhooks: Option<Named<RawWebhook>>,
    /// Where lines come from, by name.
    pub(super) inputs: Option<Named<RawInput>>,
    /// What is worth telling someone.
    pub(super) rules: Option<Vec<Option<RawRule>>>,
    /// Any of a rule's keys but `name` and `match`, for the rules of this file.
    pub(super) defaults: Option<RawRule>,
    /// What each severity looks like, and whom it wakes.
    pub(super) severities: Option<Named<RawLook>>,
    /// When somebody is there, by name.
    pub(super) schedules: Option<Named<OneOrMany<RawHours>>>,
    /// What is taken out of what is stored and posted.
    pub(super) redact: Option<RawRedact>,
    /// How often a webhook's messages may call a whole channel, and when.
    pub(super) mentions: Option<RawMentions>,
    /// What nothing is posted of for a time.
    pub(super) silences: Option<Vec<Option<RawSilence>>>,
    /// Where hooktail tells about itself.
    pub(super) notices: Option<RawNotices>,
    /// The endpoint for health, metrics, the state and silences.
    pub(super) admin: Option<RawAdmin>,
    /// What is posted when the program of `hooktail exec` ends.
    pub(super) on_exit: Option<RawOnExit>,
    /// This machine's name in messages.
    pub(super) host: Option<Scalar>,
    /// Where state is kept: read positions, the rules' state, alerts that wait.
    pub(super) state_dir: Option<Text>,
    /// The bounds.
    pub(super) limits: Option<RawLimits>,
    /// Globs of further files with `webhooks`, `inputs`, `rules`, `schedules`, `silences` and `defaults`.
    pub(super) include: Option<OneOrMany<Text>>,
}

/// A severity's look.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLook {
    /// `good`, `warning`, `danger` or `"#rrggbb"`.
    pub(super) color: Option<Text>,
    /// Whom the message that opens an episode mentions.
    pub(super) mention: Option<OneOrMany<Text>>,
}

/// What is taken out of what is stored and posted.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRedact {
    /// Passwords, tokens, keys and card numbers, as hooktail knows them.
    pub(super) builtin: Option<Flag>,
    /// Regexes: what they match, or what their groups match, becomes `[redacted]`.
    pub(super) patterns: Option<OneOrMany<Text>>,
}

/// How often a webhook's messages may call a whole channel, and when.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMentions {
    /// How many messages with `here`, `channel` or `everyone`: `12/h`. What is critical is not held to it.
    pub(super) budget: Option<Scalar>,
    /// How old an event may be when it is decided on and still mention somebody.
    pub(super) late: Option<Scalar>,
    /// A schedule in which only what is critical mentions somebody.
    pub(super) quiet_hours: Option<Text>,
}

/// A time in which nothing is posted of some alerts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawSilence {
    /// An expression over the fields of an alert.
    #[serde(rename = "where")]
    pub(super) filter: Option<Text>,
    /// When it ends: `2026-12-01T00:00:00Z`.
    pub(super) until: Option<Text>,
    /// Why, for people.
    pub(super) why: Option<Scalar>,
}

/// The bounds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLimits {
    /// Keys a rule.
    pub(super) keys: Option<Count>,
    /// Alerts that wait a webhook.
    pub(super) outbox: Option<Count>,
    /// The size of a compiled regex.
    pub(super) regex: Option<Scalar>,
    /// How long a deleted file is held open.
    pub(super) deleted_file: Option<Scalar>,
    /// How long an alert stays in the history.
    pub(super) history: Option<Scalar>,
    /// How many alerts stay in the history.
    pub(super) history_alerts: Option<Count>,
}
