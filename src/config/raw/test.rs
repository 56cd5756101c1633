//! `tests` as they are written, within a rule or in a file of their own.

use serde::Deserialize;

use super::{Count, Named, OneOrMany, Scalar, Text, TextOr};

/// A file of tests.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTestFile {
    /// The tests, each with the rule that it is of.
    pub(in crate::config) tests: Option<Vec<Option<RawTest>>>,
}

/// Lines, and the messages that they must cause.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTest {
    /// The rule; only in a file of tests.
    pub(in crate::config) rule: Option<Text>,
    /// The time of the first line; without it, its own, or the beginning of 2026.
    pub(in crate::config) at: Option<Text>,
    /// The lines, and `{ wait: 10s }` between them.
    pub(in crate::config) lines: Option<OneOrMany<TextOr<RawWait>>>,
    /// All messages, in order, each by the keys given.
    pub(in crate::config) expect: Option<OneOrMany<RawExpected>>,
}

/// Time that passes between two lines.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawWait {
    /// So much.
    pub(in crate::config) wait: Option<Scalar>,
}

/// A message, by some of what it shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawExpected {
    /// `opened`, `summary`, `escalated` and so on.
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
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// Its severity.
    pub(in crate::config) severity: Option<Text>,
    /// The webhooks that get it.
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
