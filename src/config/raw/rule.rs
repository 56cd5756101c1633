//! `rules[]` and `defaults` as they are written.

use serde::Deserialize;

use super::{Count, Flag, Named, Number, OffOr, OneOrMany, RawTest, Scalar, Text, TextOr};

/// A rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRule {
    /// Unique; letters, digits, `-`, `_`, `.`.
    pub(in crate::config) name: Option<Text>,
    /// The inputs that it reads; without it, all.
    pub(in crate::config) input: Option<OneOrMany<Text>>,
    /// A regex, regexes by field of which all must match, or a list of which any must match.
    #[serde(rename = "match")]
    pub(in crate::config) matching: Option<OneOrMany<TextOr<Named<Text>>>>,
    /// The same forms: what one of them matches is not taken.
    pub(in crate::config) ignore: Option<OneOrMany<TextOr<Named<Text>>>>,
    /// An expression over the fields that must hold.
    #[serde(rename = "where")]
    pub(in crate::config) filter: Option<Text>,
    /// How many matches make an alert; without it, every one.
    pub(in crate::config) when: Option<RawWhen>,
    /// `critical`, `error`, `warning` or `info`, or where to read it.
    pub(in crate::config) severity: Option<TextOr<RawSeverity>>,
    /// `good`, `warning`, `danger` or `"#rrggbb"`, in place of the severity's.
    pub(in crate::config) color: Option<Text>,
    /// The webhooks that its messages go to.
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
    /// Who is mentioned in the message that opens an episode.
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// How repeats are folded, or `off`.
    pub(in crate::config) dedup: Option<OffOr<RawDedup>>,
    /// At most how many openings and summaries.
    pub(in crate::config) throttle: Option<RawThrottle>,
    /// What happens when a problem goes on.
    pub(in crate::config) escalate: Option<OneOrMany<RawStep>>,
    /// What ends a problem with a green message.
    pub(in crate::config) resolve: Option<RawResolve>,
    /// What the message says.
    pub(in crate::config) message: Option<RawMessage>,
    /// How many neighbouring lines the messages show.
    pub(in crate::config) context: Option<RawContext>,
    /// A URL, the title's link.
    pub(in crate::config) runbook: Option<Text>,
    /// What is taken out of the rule's texts, beside the top level's.
    pub(in crate::config) redact: Option<RawRuleRedact>,
    /// A schedule: outside it, the rule is silent.
    pub(in crate::config) active_during: Option<Text>,
    /// Extra fields; they win over the input's.
    pub(in crate::config) labels: Option<Named<Scalar>>,
    /// Cases for `hooktail test`.
    pub(in crate::config) tests: Option<Vec<Option<RawTest>>>,
    /// `false` leaves the rule out.
    pub(in crate::config) enabled: Option<Flag>,
}

/// A severity that the line says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawSeverity {
    /// The field that holds the level.
    pub(in crate::config) from: Option<Text>,
    /// What is below it is left out.
    pub(in crate::config) min: Option<Text>,
    /// Values with their severities, beside the usual names.
    pub(in crate::config) map: Option<Named<Text>>,
    /// The severity of a value that is unknown.
    #[serde(rename = "else")]
    pub(in crate::config) otherwise: Option<Text>,
}

/// Which matches make an alert: one of these spellings.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawWhen {
    /// So many matches, or different values of `distinct`,
    pub(in crate::config) count: Option<Count>,
    /// within this time,
    pub(in crate::config) within: Option<Scalar>,
    /// for each value of these fields.
    pub(in crate::config) by: Option<OneOrMany<Text>>,
    /// The field whose different values are counted.
    pub(in crate::config) distinct: Option<Text>,
    /// No match for so long.
    pub(in crate::config) absent: Option<Scalar>,
    /// So many times the matches of the time before.
    pub(in crate::config) spike: Option<Number>,
    /// So many times fewer matches than in the time before.
    pub(in crate::config) drop: Option<Number>,
    /// How many there are at least where there are more.
    pub(in crate::config) min: Option<Count>,
    /// A number above this.
    pub(in crate::config) above: Option<Number>,
    /// A number below this.
    pub(in crate::config) below: Option<Number>,
    /// The field with the number.
    pub(in crate::config) of: Option<Text>,
    /// `last`, `avg`, `min`, `max`, `sum`, `rate` or `pNN` over the time.
    pub(in crate::config) agg: Option<Text>,
    /// For how long it must be so.
    #[serde(rename = "for")]
    pub(in crate::config) lasting: Option<Scalar>,
    /// How many numbers there must be.
    pub(in crate::config) samples: Option<Count>,
    /// A regex: a match that no line follows that it matches.
    pub(in crate::config) not_followed_by: Option<Text>,
    /// The field whose new values alert.
    pub(in crate::config) new: Option<Text>,
    /// For how long a value is known.
    pub(in crate::config) remember: Option<Scalar>,
    /// For how long values are only remembered at first.
    pub(in crate::config) learn: Option<Scalar>,
    /// The field whose changes alert.
    pub(in crate::config) changed: Option<Text>,
}

/// What ends an episode with a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawResolve {
    /// So long without a match.
    pub(in crate::config) after: Option<Scalar>,
    /// A regex: a line that it matches.
    #[serde(rename = "match")]
    pub(in crate::config) matching: Option<Text>,
}

/// How repeats are folded.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawDedup {
    /// The fields that tell episodes apart.
    pub(in crate::config) by: Option<OneOrMany<Text>>,
    /// How long repeats are folded at first.
    pub(in crate::config) window: Option<Scalar>,
    /// By what the window grows after a summary.
    pub(in crate::config) backoff: Option<Number>,
    /// What it grows to at most.
    pub(in crate::config) max: Option<Scalar>,
    /// Whether what was folded is told in a summary.
    pub(in crate::config) summary: Option<Flag>,
}

/// At most how many openings and summaries.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawThrottle {
    /// How many in what time: `6/m`.
    pub(in crate::config) rate: Option<Scalar>,
    /// How many at once; without it, the rate's number.
    pub(in crate::config) burst: Option<Count>,
    /// The fields that have a rate each.
    pub(in crate::config) by: Option<OneOrMany<Text>>,
}

/// A step of escalation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawStep {
    /// At the occurrence that makes so many.
    pub(in crate::config) count: Option<Count>,
    /// At the first alert so long after the opening.
    pub(in crate::config) after: Option<Scalar>,
    /// Whom the step's message mentions.
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// The severity from then on.
    pub(in crate::config) severity: Option<Text>,
    /// Webhooks that hear of it from then on.
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
}

/// What the message says: templates over the alert's fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawMessage {
    /// The headline; without it, the rule's name.
    pub(in crate::config) title: Option<Text>,
    /// The text; without it, the line.
    pub(in crate::config) text: Option<Text>,
    /// Above the attachment.
    pub(in crate::config) pretext: Option<Text>,
    /// In place of rule, host and file.
    pub(in crate::config) footer: Option<Text>,
    /// A table of named values; without it, the captures.
    pub(in crate::config) fields: Option<Vec<Option<RawField>>>,
    /// The title's link.
    pub(in crate::config) link: Option<Text>,
}

/// A named value in the message's table.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawField {
    /// Its name, to the letter.
    pub(in crate::config) title: Option<Scalar>,
    /// A template.
    pub(in crate::config) value: Option<Scalar>,
    /// Two short fields stand side by side.
    pub(in crate::config) short: Option<Flag>,
}

/// Neighbouring lines of the same file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawContext {
    /// How many before the line.
    pub(in crate::config) before: Option<Count>,
    /// How many after it.
    pub(in crate::config) after: Option<Count>,
}

/// What is taken out of the rule's texts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRuleRedact {
    /// Regexes: what they match, or what their groups match, becomes `[redacted]`.
    pub(in crate::config) patterns: Option<OneOrMany<Text>>,
}
