//! `tests` as they are written, within a rule or in a file of their own.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Named, OneOrMany, Scalar, Text, TextOr, kind};

/// A file of tests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTestFile {
    /// The tests, each with the rule that it is of.
    pub(in crate::config) tests: Option<Vec<Option<RawTest>>>,
}

/// Lines, and the messages that they must cause.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["lines", "expect"]))]
pub(in crate::config) struct RawTest {
    /// The rule; only in a file of tests.
    pub(in crate::config) rule: Option<Text>,
    /// The time of the first line; without it, its own, or the beginning of 2026.
    #[schemars(with = "kind::Instant", extend("examples" = ["2026-03-29T01:30:00+01:00"]))]
    pub(in crate::config) at: Option<Text>,
    /// The lines, and `{ wait: 10s }` between them.
    #[schemars(extend("examples" = [["disk sda is full", { "wait": "10s" }]]))]
    pub(in crate::config) lines: Option<OneOrMany<TextOr<RawWait>>>,
    /// All messages, in order, each by the keys given.
    pub(in crate::config) expect: Option<OneOrMany<RawExpected>>,
}

/// Time that passes between two lines.
#[derive(Debug, Default, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["wait"]))]
pub(in crate::config) struct RawWait {
    /// Time that passes.
    #[schemars(with = "kind::Duration")]
    pub(in crate::config) wait: Option<Scalar>,
}

/// A message, by some of what it shows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawExpected {
    /// What sort of message it is.
    #[schemars(with = "kind::Message")]
    pub(in crate::config) kind: Option<Text>,
    /// The headline, with what the kind adds to it.
    pub(in crate::config) title: Option<Scalar>,
    /// The text below the headline, without markup.
    pub(in crate::config) text: Option<Scalar>,
    /// The text above the attachment, without markup.
    pub(in crate::config) pretext: Option<Scalar>,
    /// Where the title leads.
    pub(in crate::config) link: Option<Text>,
    /// Whom it calls; `[]`: nobody.
    #[schemars(with = "OneOrMany<kind::Mention>")]
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// Its severity.
    #[schemars(with = "kind::Severity")]
    pub(in crate::config) severity: Option<Text>,
    /// The webhooks that get it.
    #[schemars(with = "OneOrMany<kind::Webhook>")]
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
    /// Occurrences in all.
    pub(in crate::config) count: Option<Count>,
    /// Occurrences since the last message.
    pub(in crate::config) suppressed: Option<Count>,
    /// Values that tell its episode from others.
    pub(in crate::config) key: Option<Named<Scalar>>,
    /// Values of its table, or fields of its line.
    pub(in crate::config) fields: Option<Named<Scalar>>,
}
