//! `rules[]` and `defaults` as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Flag, Named, Number, OffOr, OneOrMany, RawTest, Scalar, Text, TextOr, kind};

/// A rule.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"], "anyOf" = kind::one_of(&["match", "where"])))]
pub(in crate::config) struct RawRule {
    /// Its name, which no other rule has: letters, digits, `-`, `_`, `.`.
    #[schemars(with = "kind::Name")]
    pub(in crate::config) name: Option<Text>,
    /// The inputs that it reads; without it, all.
    #[schemars(with = "OneOrMany<kind::Input>")]
    pub(in crate::config) input: Option<OneOrMany<Text>>,
    /// A regex on the message, regexes by field of which all must match, or a list of which any must match. Named groups
    /// become fields.
    #[serde(rename = "match")]
    #[schemars(with = "OneOrMany<kind::Either<kind::Regex, Named<kind::Regex>>>", extend("examples" = ["disk (?P<disk>\\S+) is full", {"path": "^/login"}]))]
    pub(in crate::config) matching: Option<OneOrMany<TextOr<Named<Text>>>>,
    /// The same forms: what one of them matches is not taken.
    #[schemars(with = "OneOrMany<kind::Either<kind::Regex, Named<kind::Regex>>>")]
    pub(in crate::config) ignore: Option<OneOrMany<TextOr<Named<Text>>>>,
    /// An expression over the fields that must hold.
    #[serde(rename = "where")]
    #[schemars(with = "kind::Expression", extend("examples" = ["status >= 500 && path != \"/healthz\""]))]
    pub(in crate::config) filter: Option<Text>,
    /// How many matches make an alert; without it, every one.
    pub(in crate::config) when: Option<RawWhen>,
    /// How bad it is, or where to read that.
    #[schemars(with = "kind::Either<kind::Severity, RawSeverity>", extend("default" = "error"))]
    pub(in crate::config) severity: Option<TextOr<RawSeverity>>,
    /// The colour of the bar, in place of the severity's: `good`, `warning`, `danger` or `"#rrggbb"`, in quotes.
    #[schemars(with = "kind::Color")]
    pub(in crate::config) color: Option<Text>,
    /// The webhooks that its messages go to; with several, required.
    #[schemars(with = "OneOrMany<kind::Webhook>")]
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
    /// Who is mentioned in the message that opens an episode: `here`, `channel`, `everyone`, or the id of a user (`U…`, `W…`)
    /// or of a group (`S…`).
    #[schemars(with = "OneOrMany<kind::Mention>", extend("examples" = ["here", ["U024BE7LH"]]))]
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// How repeats are folded, or `off`.
    pub(in crate::config) dedup: Option<OffOr<RawDedup>>,
    /// At most how many openings and summaries. What is over it is counted and told, not sent.
    pub(in crate::config) throttle: Option<RawThrottle>,
    /// What happens when a problem goes on: steps whose counts and times increase.
    pub(in crate::config) escalate: Option<OneOrMany<RawStep>>,
    /// What ends a problem with a green message.
    pub(in crate::config) resolve: Option<RawResolve>,
    /// What the message says.
    pub(in crate::config) message: Option<RawMessage>,
    /// How many neighbouring lines the messages show.
    pub(in crate::config) context: Option<RawContext>,
    /// A URL, the title's link.
    #[schemars(with = "kind::Url", extend("examples" = ["https://runbooks.example.com/disk"]))]
    pub(in crate::config) runbook: Option<Text>,
    /// What is taken out of the rule's texts, beside the top level's.
    pub(in crate::config) redact: Option<RawRuleRedact>,
    /// A schedule: outside it, the rule is silent.
    #[schemars(with = "kind::Schedule")]
    pub(in crate::config) active_during: Option<Text>,
    /// Extra fields; they win over the input's.
    #[schemars(extend("examples" = [{"team": "storage"}]))]
    pub(in crate::config) labels: Option<Named<Scalar>>,
    /// Cases for `hooktail test`.
    pub(in crate::config) tests: Option<Vec<Option<RawTest>>>,
    /// `false` leaves the rule out.
    #[schemars(extend("default" = true))]
    pub(in crate::config) enabled: Option<Flag>,
}

/// A severity that the line says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawSeverity {
    /// The field that holds the level.
    #[schemars(with = "kind::Field")]
    pub(in crate::config) from: Option<Text>,
    /// What is below it is left out.
    #[schemars(with = "kind::Severity")]
    pub(in crate::config) min: Option<Text>,
    /// Values with their severities, beside the usual names of levels.
    #[schemars(with = "Named<kind::Severity>", extend("examples" = [{"E": "error"}]))]
    pub(in crate::config) map: Option<Named<Text>>,
    /// The severity of a value that is unknown.
    #[serde(rename = "else")]
    #[schemars(with = "kind::Severity")]
    pub(in crate::config) otherwise: Option<Text>,
}

/// Which matches make an alert: one of these spellings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawWhen {
    /// So many matches within `within`; with `distinct`, so many different values.
    #[schemars(extend("minimum" = 1, "maximum" = 10_000))]
    pub(in crate::config) count: Option<Count>,
    /// The time over which matches or numbers are looked at.
    #[schemars(with = "kind::Duration", extend("examples" = ["1m"]))]
    pub(in crate::config) within: Option<Scalar>,
    /// Counts for each value of these fields by itself.
    #[schemars(with = "OneOrMany<kind::Field>")]
    pub(in crate::config) by: Option<OneOrMany<Text>>,
    /// The field of which `count` different values within `within` alert.
    #[schemars(with = "kind::Field")]
    pub(in crate::config) distinct: Option<Text>,
    /// Alerts when nothing has matched for so long.
    #[schemars(with = "kind::Duration", extend("examples" = ["10m"]))]
    pub(in crate::config) absent: Option<Scalar>,
    /// Alerts when the last `within` has so many times the matches of the one before, and at least `min`.
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000))]
    pub(in crate::config) spike: Option<Number>,
    /// Alerts when the `within` before the last had so many times its matches, and at least `min`.
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000))]
    pub(in crate::config) drop: Option<Number>,
    /// How many matches there are at least, for `spike` and `drop`, where there are more of them.
    #[schemars(extend("minimum" = 1))]
    pub(in crate::config) min: Option<Count>,
    /// Alerts when the number `of` is above this.
    pub(in crate::config) above: Option<Number>,
    /// Alerts when the number `of` is below this.
    pub(in crate::config) below: Option<Number>,
    /// The field with the number, for `above` and `below`.
    #[schemars(with = "kind::Field")]
    pub(in crate::config) of: Option<Text>,
    /// What of the numbers within `within` is compared; `rate` is the increase of a counter a second, `p95` a percentile.
    #[schemars(with = "kind::Aggregate", extend("default" = "last"))]
    pub(in crate::config) agg: Option<Text>,
    /// For how long the number must be beyond.
    #[serde(rename = "for")]
    #[schemars(with = "kind::Duration", extend("default" = "0s"))]
    pub(in crate::config) lasting: Option<Scalar>,
    /// How many numbers there must be.
    #[schemars(extend("default" = 1, "minimum" = 1))]
    pub(in crate::config) samples: Option<Count>,
    /// Alerts when no line that this regex matches follows a match within `within`.
    #[schemars(with = "kind::Regex")]
    pub(in crate::config) not_followed_by: Option<Text>,
    /// Alerts at a value of this field that was not seen for `remember`.
    #[schemars(with = "kind::Field")]
    pub(in crate::config) new: Option<Text>,
    /// For how long a value of `new` is known.
    #[schemars(with = "kind::Duration", extend("default" = "30d"))]
    pub(in crate::config) remember: Option<Scalar>,
    /// For how long values of `new` are only remembered at first.
    #[schemars(with = "kind::Duration", extend("default" = "1d"))]
    pub(in crate::config) learn: Option<Scalar>,
    /// Alerts when the value of this field is another than the last.
    #[schemars(with = "kind::Field")]
    pub(in crate::config) changed: Option<Text>,
}

/// What ends an episode with a message.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawResolve {
    /// So long without a match.
    #[schemars(with = "kind::Duration", extend("examples" = ["10m"]))]
    pub(in crate::config) after: Option<Scalar>,
    /// A regex: a line that it matches.
    #[serde(rename = "match")]
    #[schemars(with = "kind::Regex")]
    pub(in crate::config) matching: Option<Text>,
}

/// How repeats are folded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawDedup {
    /// The fields that tell episodes apart; without it those of `when.by`, else what of the message doesn't vary.
    #[schemars(with = "OneOrMany<kind::Field>")]
    pub(in crate::config) by: Option<OneOrMany<Text>>,
    /// How long repeats are folded at first.
    #[schemars(with = "kind::Duration", extend("default" = "10m"))]
    pub(in crate::config) window: Option<Scalar>,
    /// By how much each window is longer than the one before.
    #[schemars(extend("default" = 2, "minimum" = 1, "maximum" = 1_000))]
    pub(in crate::config) backoff: Option<Number>,
    /// How long a window gets at most.
    #[schemars(with = "kind::Duration", extend("default" = "4h"))]
    pub(in crate::config) max: Option<Scalar>,
    /// Whether what was folded is told in a summary.
    #[schemars(extend("default" = true))]
    pub(in crate::config) summary: Option<Flag>,
}

/// At most how many openings and summaries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawThrottle {
    /// How many in what time.
    #[schemars(with = "kind::Rate", extend("examples" = ["6/m"]))]
    pub(in crate::config) rate: Option<Scalar>,
    /// How many at once; without it, the rate's number.
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000))]
    pub(in crate::config) burst: Option<Count>,
    /// The fields that have a rate each.
    #[schemars(with = "OneOrMany<kind::Field>")]
    pub(in crate::config) by: Option<OneOrMany<Text>>,
}

/// A step of escalation.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = kind::one_of(&["count", "after"]),
    "anyOf" = kind::one_of(&["mention", "severity", "webhook"])
))]
pub(in crate::config) struct RawStep {
    /// At the occurrence that makes so many.
    #[schemars(extend("minimum" = 1))]
    pub(in crate::config) count: Option<Count>,
    /// At the first alert so long after the opening.
    #[schemars(with = "kind::Duration", extend("examples" = ["1h"]))]
    pub(in crate::config) after: Option<Scalar>,
    /// Whom the step's message mentions.
    #[schemars(with = "OneOrMany<kind::Mention>")]
    pub(in crate::config) mention: Option<OneOrMany<Text>>,
    /// The severity from then on.
    #[schemars(with = "kind::Severity")]
    pub(in crate::config) severity: Option<Text>,
    /// Webhooks that hear of it from then on.
    #[schemars(with = "OneOrMany<kind::Webhook>")]
    pub(in crate::config) webhook: Option<OneOrMany<Text>>,
}

/// What the message says: templates over the alert's fields.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawMessage {
    /// The headline; without it, the rule's name.
    #[schemars(with = "kind::Template", extend("examples" = ["disk {{ disk }} is full"]))]
    pub(in crate::config) title: Option<Text>,
    /// The text; without it, the line.
    #[schemars(with = "kind::Template")]
    pub(in crate::config) text: Option<Text>,
    /// Above the attachment.
    #[schemars(with = "kind::Template")]
    pub(in crate::config) pretext: Option<Text>,
    /// In place of rule, host and file.
    #[schemars(with = "kind::Template")]
    pub(in crate::config) footer: Option<Text>,
    /// A table of named values; without it, the captures.
    #[schemars(extend("maxItems" = 10))]
    pub(in crate::config) fields: Option<Vec<Option<RawField>>>,
    /// The title's link, in place of `runbook`: a template of a URL.
    #[schemars(with = "kind::Template")]
    pub(in crate::config) link: Option<Text>,
}

/// A named value in the message's table.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["title", "value"]))]
pub(in crate::config) struct RawField {
    /// Its name, to the letter.
    pub(in crate::config) title: Option<Scalar>,
    /// A template.
    pub(in crate::config) value: Option<Scalar>,
    /// Two short fields stand side by side.
    #[schemars(extend("default" = false))]
    pub(in crate::config) short: Option<Flag>,
}

/// Neighbouring lines of the same file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawContext {
    /// How many before the line.
    #[schemars(extend("default" = 0, "maximum" = 50))]
    pub(in crate::config) before: Option<Count>,
    /// How many after it.
    #[schemars(extend("default" = 0, "maximum" = 50))]
    pub(in crate::config) after: Option<Count>,
}

/// What is taken out of the rule's texts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRuleRedact {
    /// Regexes: what they match, or what their groups match, becomes `[redacted]`.
    #[schemars(with = "OneOrMany<kind::Regex>")]
    pub(in crate::config) patterns: Option<OneOrMany<Text>>,
}
