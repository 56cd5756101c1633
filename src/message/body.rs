//! The text of an attachment: the line or what the author makes of it, then what a person would want to know besides.
//!
//! Everything below the line has a budget of its own, small enough that together they leave room for the line.

use super::escape::Mrkdwn;
use super::gutter;
use super::headline::TITLE_CHARS_MAX;
use super::headline::held_by;
use super::markup::{self, Piece};
use super::thousands::Thousands;
use crate::engine::{Alert, Folded, HeldBack, Kind, Snapshot};
use crate::time::Human;

/// What Slack shows of an attachment's text at most.
pub(super) const TEXT_CHARS_MAX: usize = 3_000;

/// Of each example of a summary, after escaping.
const SAMPLE_CHARS_MAX: usize = 200;

/// Of a notice's words.
const WORDS_CHARS_MAX: usize = 500;

/// Of a key or a value in a list.
const VALUE_CHARS_MAX: usize = 40;

/// What went wrong when the templates were rendered.
#[derive(Debug, Clone, Default)]
pub(super) struct Troubles {
    /// Fields that were printed and are not there.
    pub(super) missing: Vec<String>,
    /// Parts whose template failed, and why.
    pub(super) failed: Vec<(&'static str, String)>,
}

/// The text of `alert`'s attachment in at most `max` characters, of which the line has at least a fifth; `own` is what
/// `message.text` gave, `trusted` the rule's runbook.
pub(super) fn text(
    alert: &Alert,
    own: Option<&[Piece]>,
    trusted: Option<&str>,
    troubles: &Troubles,
    max: usize,
) -> Mrkdwn {
    let notes = notes(alert, troubles, max / 5 * 4);
    let room = max - notes.chars();
    let line =
        |event: &Snapshot| match event.line.is_empty() && event.context.is_empty() && event.left_out == 0 {
            true => Mrkdwn::ours("(an empty line)"),
            false => gutter::code(event, room - 1),
        };
    let main = match (own, &alert.event) {
        (Some(own), _) => markup::rich(own, room - 1, trusted),
        (None, Some(event)) if alert.kind == Kind::Notice => words(event, room - 1),
        (None, Some(event)) => line(event),
        (None, None) => Mrkdwn::default(),
    };
    join([main, notes].to_vec())
}

/// A notice's words, where the title has no room for all of them.
fn words(event: &Snapshot, max: usize) -> Mrkdwn {
    let all = Mrkdwn::line_within(&event.line, max.min(WORDS_CHARS_MAX));
    if all.chars() > TITLE_CHARS_MAX { all } else { Mrkdwn::default() }
}

fn join(parts: Vec<Mrkdwn>) -> Mrkdwn {
    let parts: Vec<Mrkdwn> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Mrkdwn::join(&parts, "\n")
}

/// The lines below the line, as many as fit.
fn notes(alert: &Alert, troubles: &Troubles, max: usize) -> Mrkdwn {
    let mut notes = Vec::new();
    if alert.event.as_ref().is_some_and(|event| event.truncated) {
        notes.push(Mrkdwn::ours("The line was cut at the input's `max_line`."));
    }
    if let Some(folded) = &alert.folded {
        notes.extend(samples(folded));
    }
    notes.extend(counts(alert));
    notes.extend(remarks(alert));
    if let Some(folded) = &alert.folded {
        // Where no value occurs twice, none is common.
        let common = folded.common.iter().filter(|common| common.values.iter().any(|(_, n)| *n > 1));
        notes.extend(common.map(|common| {
            let name = Mrkdwn::line_within(&common.capture, VALUE_CHARS_MAX);
            name.then(&Mrkdwn::ours(": ")).then(&list(&common.values))
        }));
    }
    if let Some(held_back) = &alert.held_back {
        notes.extend(throttled(alert.kind, held_back));
    }
    notes.extend(troubles_told(troubles));
    within_budget(notes, max)
}

fn within_budget(notes: Vec<Mrkdwn>, max: usize) -> Mrkdwn {
    let mut used = 0;
    let fits = |note: &Mrkdwn| {
        used += note.chars() + 1;
        used <= max
    };
    join(notes.into_iter().take_while(fits).collect())
}

/// Other lines that were folded.
fn samples(folded: &Folded) -> Option<Mrkdwn> {
    let also: Vec<Mrkdwn> =
        folded.samples.iter().take(3).map(|sample| Mrkdwn::code(sample, SAMPLE_CHARS_MAX, 0)).collect();
    let words = Mrkdwn::ours("Also:\n");
    (!also.is_empty()).then(|| words.then(&Mrkdwn::join(&also, "\n")))
}

/// How many in all and from when to when, where there were several messages' worth.
fn counts(alert: &Alert) -> Option<Mrkdwn> {
    let told = match alert.kind {
        // Of what is missing there is nothing to count.
        _ if alert.count == 0 => return None,
        Kind::Summary if alert.still.is_none() => String::new(),
        Kind::Summary | Kind::Escalated | Kind::Reopened | Kind::Resolved if alert.suppressed > 0 => {
            format!(", {} of them since the last message", Thousands(alert.suppressed))
        }
        Kind::Summary | Kind::Escalated | Kind::Reopened | Kind::Resolved => String::new(),
        Kind::Opened if alert.suppressed > 0 => {
            let text = format!("{} more were folded since the last message.", Thousands(alert.suppressed));
            return Some(Mrkdwn::line(&text));
        }
        Kind::Notice if alert.suppressed > 0 => {
            let (more, ago) = (Thousands(alert.suppressed), Human(alert.since_last));
            return Some(Mrkdwn::line(&format!(
                "{more} more of this sort since the last such message, {ago} ago."
            )));
        }
        Kind::Opened | Kind::HeldBack | Kind::Notice => return None,
        Kind::Digest => ": too many waited to be told one by one".to_owned(),
    };
    let first = alert.first_seen.to_time_of_day(alert.decided);
    let last = alert.last_seen.to_time_of_day(alert.decided);
    let when = if first == last { format!("at {first}") } else { format!("from {first} to {last}") };
    let count = Thousands(alert.count);
    let what = match alert.kind {
        Kind::Digest => format!("The first of {count} alerts"),
        _ => format!("{count} in all"),
    };
    Some(Mrkdwn::line(&format!("{what}, {when}{told}.")))
}

/// What else a person would want to know.
fn remarks(alert: &Alert) -> Vec<Mrkdwn> {
    let mut remarks = Vec::new();
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    if let Some(value) = &alert.value {
        remarks.push(Mrkdwn::ours("Value: ").then(&Mrkdwn::line_within(value, VALUE_CHARS_MAX)));
    }
    if alert.kind == Kind::Resolved && alert.reopened > 0 {
        let n = alert.reopened;
        remarks.push(Mrkdwn::line(&format!("It came back {} time{}.", Thousands(n), plural(n))));
    }
    if alert.more_resolved > 0 {
        let n = alert.more_resolved;
        let are = if n == 1 { "is" } else { "are" };
        let text = format!("{} more problem{} of this rule {are} over too.", Thousands(n), plural(n));
        remarks.push(Mrkdwn::line(&text));
    }
    if alert.input_ended {
        remarks.push(Mrkdwn::ours("The input ended before what was waited for came."));
    }
    remarks
}

/// `root ×31, admin ×8`.
fn list(values: &[(String, u64)]) -> Mrkdwn {
    let values: Vec<Mrkdwn> = values
        .iter()
        .take(5)
        .map(|(value, count)| {
            let value = match value.is_empty() {
                true => Mrkdwn::ours("(none)"),
                false => Mrkdwn::line_within(value, VALUE_CHARS_MAX),
            };
            value.then(&Mrkdwn::ours(" ×")).then(&Mrkdwn::number(*count))
        })
        .collect();
    Mrkdwn::join(&values, ", ")
}

/// What the throttle held back; where that is what the whole message is about, its headline has the number.
fn throttled(kind: Kind, held_back: &HeldBack) -> Option<Mrkdwn> {
    let keys: Vec<(String, u64)> =
        held_back.keys.iter().filter(|(key, _)| !key.is_empty()).cloned().collect();
    let by = Mrkdwn::ours(" held back ").then(&Mrkdwn::ours(held_by(held_back.by)));
    let words = match (kind, keys.is_empty()) {
        (Kind::HeldBack, true) => return None,
        (Kind::HeldBack, false) => Mrkdwn::ours("Most of them: "),
        (_, true) => Mrkdwn::number(held_back.count).then(&by).then(&Mrkdwn::ours(".")),
        (_, false) => Mrkdwn::number(held_back.count).then(&by).then(&Mrkdwn::ours(": ")),
    };
    (kind == Kind::HeldBack || held_back.count > 0).then(|| words.then(&list(&keys)))
}

fn troubles_told(troubles: &Troubles) -> Vec<Mrkdwn> {
    let mut told = Vec::new();
    if !troubles.missing.is_empty() {
        let names = Mrkdwn::line_within(&troubles.missing.join(", "), 200);
        told.push(Mrkdwn::ours("Missing for the template: ").then(&names));
    }
    let shown: Vec<String> = troubles.failed.iter().map(|(part, why)| format!("{part}: {why}")).collect();
    if !shown.is_empty() {
        told.push(Mrkdwn::ours("template failed: ").then(&Mrkdwn::line_within(&shown.join("; "), 300)));
    }
    told
}
