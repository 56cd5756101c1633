//! `tests`, of a rule and of a file of their own.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{
    Count, Named, OneOrMany, RawExpected, RawTest, RawTestFile, RawWait, Scalar, Text, TextOr,
};
use crate::config::scalar::choice::choice;
use crate::config::scalar::duration::duration;
use crate::config::scalar::mention::mentions;
use crate::config::scalar::name::{known_names, texts};
use crate::engine::Kind;
use crate::event::Texts;
use crate::proof::case::{Case, Entry, Expected, Part};
use crate::time::Time;

use super::look::SEVERITIES;

/// The names that tests may use.
pub(in crate::config) struct Known<'a> {
    pub(in crate::config) rules: Vec<&'a str>,
    pub(in crate::config) webhooks: Vec<&'a str>,
}

/// The tests that stand in the rule `rule`.
pub(super) fn of_rule(
    at: At<'_, Vec<Option<RawTest>>>,
    rule: &Arc<str>,
    known: &Known<'_>,
    report: &mut Report,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, test) in (1..).zip(items(at)) {
        if test.place.has("rule") {
            let label = "leave it out, or write the test into a file of its own";
            report.error(&test.place.key("rule").key_span(), "a rule's test is of that rule").label(label);
        }
        cases.extend(case(test, rule.clone(), number, known, report));
    }
    cases
}

/// The tests of a file of their own.
pub(in crate::config) fn of_file(
    at: At<'_, RawTestFile>,
    known: &Known<'_>,
    report: &mut Report,
) -> Vec<Case> {
    let Some(tests) = at.get("tests", |raw| &raw.tests) else {
        if !at.place.means("tests") {
            let help = "write `tests: [{ rule: NAME, lines: […], expect: […] }]`";
            report.error(&at.place.value_span(), "there are no tests").help(help);
        }
        return Vec::new();
    };
    let mut cases: Vec<Case> = Vec::new();
    for test in items(tests) {
        let Some(rule) = test.get("rule", |raw| &raw.rule) else {
            if !test.place.means("rule") {
                report
                    .error(&test.place.value_span(), "a test in a file of its own needs `rule`")
                    .help("write the name of the rule that it is of");
            }
            continue;
        };
        let one = OneOrMany { items: vec![Some(rule.raw.clone())], list: false };
        let named = known_names(At::new(&one, rule.place), "rule", &known.rules, report);
        let name: Arc<str> = named.first().cloned().unwrap_or_else(|| Arc::from(rule.raw.0.as_str()));
        let number = cases.iter().filter(|case| case.rule == name).count() + 1;
        cases.extend(case(test, name, number, known, report));
    }
    cases
}

/// The items of a list, those that were taken out left out.
fn items<'a, T>(at: At<'a, Vec<Option<T>>>) -> impl Iterator<Item = At<'a, T>> {
    let items = at.raw.iter().enumerate();
    items.filter_map(move |(index, raw)| raw.as_ref().map(|raw| At::new(raw, at.place.item(index))))
}

fn case(
    at: At<'_, RawTest>,
    rule: Arc<str>,
    number: usize,
    known: &Known<'_>,
    report: &mut Report,
) -> Option<Case> {
    for (key, help) in [
        ("lines", "write `lines: [\"…\", { wait: 10s }, \"…\"]`"),
        ("expect", "write `expect: []` where no message is to come"),
    ] {
        if !at.place.means(key) {
            report.error(&at.place.value_span(), format!("a test needs `{key}`")).help(help);
        }
    }
    let start = at.get("at", |raw| &raw.at).map(|at| instant(at, report));
    let lines = at.get("lines", |raw| &raw.lines).map(|at| entries(at, report));
    let expect = at.get("expect", |raw| &raw.expect).map(|at| {
        let expected = texts(at).map(|message| expected(message, known, report));
        expected.collect::<Vec<_>>()
    });
    let span = at.place.value_span();
    let at = match start {
        Some(start) => Some(start?),
        None => None,
    };
    Some(Case {
        rule,
        number,
        file: span.source.name.clone(),
        line: span.line_and_column().0,
        at,
        entries: lines??,
        expect: expect?,
    })
}

fn instant(at: At<'_, Text>, report: &mut Report) -> Option<Time> {
    let time = Time::parse_rfc3339(&at.raw.0);
    if time.is_none() {
        let help = "write it as `2026-03-29T01:30:00+01:00`";
        report.error(&at.place.value_span(), "not a time with its zone").help(help);
    }
    time
}

fn entries(at: At<'_, OneOrMany<TextOr<RawWait>>>, report: &mut Report) -> Option<Vec<Entry>> {
    if at.raw.items.is_empty() {
        report.error(&at.place.key_span(), "a test without lines");
    }
    let mut entries = Some(Vec::new());
    for entry in texts(at) {
        let found = match entry.raw {
            TextOr::Text(text) => lines_of(text),
            TextOr::Map(raw) => {
                wait(At::new(raw, entry.place), report).map_or_else(Vec::new, |wait| vec![wait])
            }
        };
        if let Some(entries) = &mut entries {
            entries.extend(found);
        }
    }
    entries
}

/// A text of several lines is several lines.
fn lines_of(text: &str) -> Vec<Entry> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n').map(|line| Entry::Line(line.to_owned())).collect()
}

fn wait(at: At<'_, RawWait>, report: &mut Report) -> Option<Entry> {
    let Some(wait) = at.get("wait", |raw| &raw.wait) else {
        // What stands there instead was said to be unknown.
        if at.place.keys().is_empty() {
            report
                .error(&at.place.value_span(), "neither a line nor a time to wait")
                .help("write `{ wait: 10s }`");
        }
        return None;
    };
    duration(wait, report).map(Entry::Wait)
}

fn expected(at: At<'_, RawExpected>, known: &Known<'_>, report: &mut Report) -> Expected {
    let mut parts = Vec::new();
    let mut put = |part: Part, value: Option<String>| parts.extend(value.map(|value| (part, value)));
    let kinds = Kind::ALL.map(|kind| (kind.name(), kind));
    if let Some(kind) = at.get("kind", |raw| &raw.kind) {
        put(Part::Kind, choice(kind, "kind", &kinds, report).map(|kind| kind.name().to_owned()));
    }
    put(Part::Title, at.get("title", |raw| &raw.title).map(spelled));
    put(Part::Text, at.get("text", |raw| &raw.text).map(spelled));
    put(Part::Pretext, at.get("pretext", |raw| &raw.pretext).map(spelled));
    put(Part::Link, at.get("link", |raw| &raw.link).map(|at| at.raw.0.clone()));
    if let Some(called) = at.get("mention", |raw| &raw.mention) {
        put(Part::Mention, Some(Part::mentions(&mentions(called, report))));
    }
    if let Some(severity) = at.get("severity", |raw| &raw.severity) {
        let severity = choice(severity, "severity", &SEVERITIES, report);
        put(Part::Severity, severity.map(|severity| severity.name().to_owned()));
    }
    if let Some(webhook) = at.get("webhook", |raw| &raw.webhook) {
        put(Part::Webhook, Some(Part::webhooks(&known_names(webhook, "webhook", &known.webhooks, report))));
    }
    let number = |at: At<'_, Count>| at.raw.0.to_string();
    put(Part::Count, at.get("count", |raw| &raw.count).map(number));
    put(Part::Suppressed, at.get("suppressed", |raw| &raw.suppressed).map(number));
    for (name, value) in at.get("key", |raw| &raw.key).map(named).unwrap_or_default() {
        put(Part::Key(name), Some(value.to_string()));
    }
    for (name, value) in at.get("fields", |raw| &raw.fields).map(named).unwrap_or_default() {
        put(Part::Field(name), Some(value.to_string()));
    }
    if parts.is_empty() && at.place.keys().is_empty() {
        report
            .error(&at.place.value_span(), "a message of which nothing is said")
            .help("write at least its `kind`; `expect: []` where no message is to come");
    }
    Expected { parts }
}

fn named(at: At<'_, Named<Scalar>>) -> Texts {
    let Named(entries) = at.raw;
    let text = |(name, value): &(String, Scalar)| {
        (Arc::from(name.as_str()), Arc::from(spelled(At::new(value, at.place.key(name)))))
    };
    entries.iter().map(text).collect()
}

/// `1.10` is a number to YAML, and would become `1.1`; what is expected is what is written.
fn spelled(at: At<'_, Scalar>) -> String {
    let spelled = at.place.spelled();
    if at.raw.number && !spelled.is_empty() { spelled.to_owned() } else { at.raw.text.clone() }
}
