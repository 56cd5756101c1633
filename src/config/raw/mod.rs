//! The configuration as it is written: plain structs, a field a key, nothing checked but the kind of each value.
//!
//! The comment of a field is what the JSON schema says of the key.

mod admin;
mod input;
mod kind;
mod leaf;
mod leaf_schema;
mod notices;
mod on_exit;
mod rule;
mod schedule;
mod test;
mod webhook;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use admin::RawAdmin;
pub(super) use input::{RawInput, RawMultiline, RawParse, RawTime};
pub(super) use leaf::{Count, Flag, Named, Number, OffOr, OneOrMany, Scalar, Text, TextOr};
pub(super) use notices::{RawHeartbeat, RawNotices};
pub(super) use on_exit::RawOnExit;
pub(super) use rule::{RawDedup, RawField, RawMessage, RawRule, RawSeverity, RawStep, RawWhen};
pub(super) use schedule::RawHours;
pub(super) use test::{RawExpected, RawTest, RawTestFile, RawWait};
pub(super) use webhook::RawWebhook;

/// The rule file of hooktail.
// It can't be printed: a webhook's URL is in it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawFile {
    /// Where alerts go, by name.
    #[schemars(extend("propertyNames" = kind::names()))]
    pub(super) webhooks: Option<Named<RawWebhook>>,
    /// Where lines come from, by name.
    #[schemars(extend("propertyNames" = kind::names()))]
    pub(super) inputs: Option<Named<RawInput>>,
    /// What is worth telling someone.
    pub(super) rules: Option<Vec<Option<RawRule>>>,
    /// Any of a rule's keys but `name`, `match` and `tests`, for the rules of this file; the main file's hold for included
    /// files too. Maps are merged key by key, lists and single values replaced; `labels` and `redact` add up.
    pub(super) defaults: Option<RawRule>,
    /// What each severity looks like, and whom it wakes. A rule's own `color` and `mention` win.
    #[schemars(with = "kind::Looks")]
    pub(super) severities: Option<Named<RawLook>>,
    /// Hours of the week, by name: one or several of them.
    #[schemars(extend("propertyNames" = kind::names()))]
    pub(super) schedules: Option<Named<OneOrMany<RawHours>>>,
    /// What becomes `[redacted]` in what is stored and posted.
    pub(super) redact: Option<RawRedact>,
    /// How often a webhook's messages may call a whole channel, and when.
    pub(super) mentions: Option<RawMentions>,
    /// What nothing is posted of for a time.
    pub(super) silences: Option<Vec<Option<RawSilence>>>,
    /// Where hooktail tells about itself.
    pub(super) notices: Option<RawNotices>,
    /// The endpoint for health, metrics, the state and silences; without it, there is none.
    pub(super) admin: Option<RawAdmin>,
    /// What is posted when the program of `hooktail exec` ends.
    pub(super) on_exit: Option<RawOnExit>,
    /// This machine's name in messages; without it, the host name.
    #[schemars(extend("examples" = ["${NODE_NAME}"]))]
    pub(super) host: Option<Scalar>,
    /// Where state is kept: read positions, the rules' state, alerts that wait. Without it, `$STATE_DIRECTORY`, else a
    /// folder named after the file.
    #[schemars(with = "kind::Path", extend("examples" = ["/var/lib/hooktail"]))]
    pub(super) state_dir: Option<Text>,
    /// How many threads look through files at once, where there is much to read: as many as there are cores to use.
    #[schemars(extend("default" = 1, "minimum" = 1, "maximum" = 256))]
    pub(super) threads: Option<Count>,
    /// The bounds of what is kept.
    pub(super) limits: Option<RawLimits>,
    /// Globs of further files with `webhooks`, `inputs`, `rules`, `schedules`, `silences` and `defaults`.
    #[schemars(with = "OneOrMany<kind::Glob>", extend("examples" = ["rules.d/*.yaml"]))]
    pub(super) include: Option<OneOrMany<Text>>,
}

/// A severity's look.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLook {
    /// The colour of the bar: `good`, `warning`, `danger` or `"#rrggbb"`, in quotes.
    #[schemars(with = "kind::Color")]
    pub(super) color: Option<Text>,
    /// Whom the message that opens an episode mentions: `here`, `channel`, `everyone`, or the id of a user (`U…`, `W…`) or
    /// of a group (`S…`).
    #[schemars(with = "OneOrMany<kind::Mention>", extend("examples" = ["here", ["U024BE7LH"]]))]
    pub(super) mention: Option<OneOrMany<Text>>,
}

/// What is taken out of what is stored and posted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRedact {
    /// Passwords, tokens, keys and card numbers, as hooktail knows them.
    #[schemars(extend("default" = true))]
    pub(super) builtin: Option<Flag>,
    /// Regexes: what they match, or what their groups match, becomes `[redacted]`.
    #[schemars(with = "OneOrMany<kind::Regex>")]
    pub(super) patterns: Option<OneOrMany<Text>>,
}

/// How often a webhook's messages may call a whole channel, and when.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMentions {
    /// How many messages with `here`, `channel` or `everyone` a webhook gets. What is critical is not held to it.
    #[schemars(with = "kind::Rate", extend("default" = "12/h"))]
    pub(super) budget: Option<Scalar>,
    /// How old an event may be when it is decided on and still mention somebody.
    #[schemars(with = "kind::Duration", extend("default" = "15m"))]
    pub(super) late: Option<Scalar>,
    /// A schedule in which only what is critical mentions somebody.
    #[schemars(with = "kind::Schedule")]
    pub(super) quiet_hours: Option<Text>,
}

/// A time in which nothing is posted of some alerts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["where", "until"]))]
pub(super) struct RawSilence {
    /// An expression over the fields of an alert: where it holds, nothing is posted.
    #[serde(rename = "where")]
    #[schemars(with = "kind::Expression", extend("examples" = ["rule == \"disk\""]))]
    pub(super) filter: Option<Text>,
    /// When it ends.
    #[schemars(with = "kind::Instant", extend("examples" = ["2026-12-01T00:00:00Z"]))]
    pub(super) until: Option<Text>,
    /// Why, for people.
    pub(super) why: Option<Scalar>,
}

/// The bounds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLimits {
    /// How many keys a rule keeps.
    #[schemars(extend("default" = 100_000, "minimum" = 1))]
    pub(super) keys: Option<Count>,
    /// How many alerts wait for a webhook; further ones are folded into a digest of each rule.
    #[schemars(extend("default" = 2_000, "minimum" = 1))]
    pub(super) outbox: Option<Count>,
    /// How large a compiled regex may be.
    #[schemars(with = "kind::Size", extend("default" = "10MiB"))]
    pub(super) regex: Option<Scalar>,
    /// How long a deleted file is held open.
    #[schemars(with = "kind::Duration", extend("default" = "5m"))]
    pub(super) deleted_file: Option<Scalar>,
    /// How long an alert stays in the history.
    #[schemars(with = "kind::Duration", extend("default" = "30d"))]
    pub(super) history: Option<Scalar>,
    /// How many alerts stay in the history; the oldest leave first.
    #[schemars(extend("default" = 100_000, "minimum" = 1))]
    pub(super) history_alerts: Option<Count>,
}
