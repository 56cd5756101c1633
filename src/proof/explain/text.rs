//! An explanation for a person: what was caught is marked under the line.

use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use super::{Caught, End, Explanation, View, shown_key, shown_message};
use crate::config::alerts;
use crate::message::draw::visible;
use crate::rule::Matcher;
use crate::time::Spelled;

/// Of a longer line the captures are listed, not marked.
const MARKED_COLUMNS_MAX: usize = 160;

/// `explanation` in whole lines; control characters of the line are shown, not sent.
pub fn words(explanation: &Explanation<'_>) -> String {
    let line = shown(&explanation.line);
    let mut out = format!("{line}\n  shape: {}\n", visible(&explanation.shape));
    for view in &explanation.rules {
        let verdict = if view.end.taken() { "takes it" } else { "does not take it" };
        let _ = writeln!(out, "\n{}: {verdict}", view.rule.name);
        let mut put = |gate: &str, words: &str| {
            let _ = writeln!(out, "  {gate:<8} {words}");
        };
        if let Some(found) = &view.matched {
            put("match", &format!("`{}`", found.matcher));
            found.parts.iter().flat_map(marks).collect::<Vec<_>>().iter().for_each(|line| put("", line));
        }
        if let (Some(filter), false) = (
            &view.rule.filter,
            matches!(view.end.gate(), "where" | "input" | "match" | "ignore" | "severity"),
        ) {
            put("where", &format!("`{}` holds", filter.source().trim()));
        }
        put(view.end.gate(), &why(view));
        if let End::Ignored(found) = &view.end {
            found.parts.iter().flat_map(marks).collect::<Vec<_>>().iter().for_each(|line| put("", line));
        }
        if let End::Posted(messages) = &view.end {
            for shown in messages.iter().skip(1) {
                put("", &shown_message(shown));
            }
        }
    }
    out
}

/// Why the line ended where it did.
pub(super) fn why(view: &View<'_>) -> String {
    let rule = view.rule;
    match &view.end {
        End::OtherInput => format!("it reads {}, not `{}`", listed(rule.inputs.iter(), "and"), view.input),
        End::NoMatch => {
            let patterns: Vec<String> = rule.patterns.iter().map(Matcher::to_string).collect();
            match &patterns[..] {
                [only] => format!("`{only}` does not match"),
                _ => format!("none matches of {}", listed(patterns.iter(), "and")),
            }
        }
        End::Ignored(found) => format!("`{}` matches", found.matcher),
        End::BelowMin => {
            let from = rule.severity_from.as_ref();
            from.map_or_else(String::new, |from| format!("`{}` says less than {}", from.field, from.min))
        }
        End::WhereFails(fields) => {
            let source = rule.filter.as_ref().map_or("", |filter| filter.source().trim());
            let values: Vec<String> = fields
                .iter()
                .map(|(name, value)| match value {
                    Some(value) => format!("{name} is {}", visible(value)),
                    None => format!("there is no {name}"),
                })
                .collect();
            let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
            format!("`{source}` does not hold{values}")
        }
        End::WhereError(error) => {
            let source = rule.filter.as_ref().map_or("", |filter| filter.source().trim());
            format!("`{source}` can't be told, so it does not hold: {error}")
        }
        End::BelowWhen(so_far, key) => {
            let rule_says = alerts(&rule.when).unwrap_or_default();
            let of = if key.is_empty() { String::new() } else { format!(" of {}", visible(&shown_key(key))) };
            format!("{rule_says}: {so_far} so far{of}")
        }
        End::Silenced(None) => "a silence holds it back".to_owned(),
        End::Silenced(Some(until)) => {
            let schedule = rule.active_during.as_ref();
            let name =
                schedule.map_or_else(String::new, |schedule| format!("`{}`: {schedule}", schedule.name));
            let until =
                until.map_or_else(String::new, |until| format!("; silent until {}", until.to_rfc3339()));
            format!("outside {name}{until}")
        }
        End::Joined => {
            let window = rule.dedup.as_ref().map_or_else(String::new, |dedup| {
                format!(", which tells in a summary {} after its last message", Spelled(dedup.window))
            });
            format!("it joins an open episode{window}")
        }
        End::Throttled => "the throttle holds it back; the rule's next message says so".to_owned(),
        End::Posted(messages) => messages.first().map_or_else(String::new, |shown| {
            let to = listed(shown.alert.webhooks.iter(), "and");
            format!("{}, to {to}", shown_message(shown))
        }),
    }
}

fn listed(names: impl Iterator<Item = impl std::fmt::Display>, last: &str) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

/// Invalid bytes are U+FFFD, characters that would act are shown.
fn shown(line: &[u8]) -> String {
    visible(&String::from_utf8_lossy(line))
}

/// The text, what matched underlined, and below it the names of what was caught.
fn marks(found: &Caught) -> Vec<String> {
    let line = &found.text[..];
    let whole = shown(line);
    if whole.contains('\n') || whole.width() > MARKED_COLUMNS_MAX {
        let text = |range: &Range<usize>| shown(line.get(range.clone()).unwrap_or_default());
        return found.captures.iter().map(|(name, range)| format!("{name} = {}", text(range))).collect();
    }
    let columns = |range: &Range<usize>| {
        let column = |at: usize| shown(line.get(..at).unwrap_or(line)).width();
        column(range.start)..column(range.end)
    };
    let mut under = " ".repeat(whole.width()).into_bytes();
    let mut mark = |range: Range<usize>, with: u8| {
        if let Some(part) = under.get_mut(range) {
            part.fill(with);
        }
    };
    mark(columns(&found.range), b'~');
    let captures: Vec<(&Arc<str>, Range<usize>)> =
        found.captures.iter().map(|(name, range)| (name, columns(range))).collect();
    captures.iter().for_each(|(_, range)| mark(range.clone(), b'^'));
    let under = String::from_utf8_lossy(&under).trim_end().to_owned();
    let mut lines = vec![whole, under];
    lines.extend(names(&captures));
    lines.retain(|line| !line.is_empty());
    lines
}

/// Each name below what it caught; one that would run into its neighbour goes a line further down.
fn names(captures: &[(&Arc<str>, Range<usize>)]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut in_order: Vec<&(&Arc<str>, Range<usize>)> = captures.iter().collect();
    in_order.sort_by_key(|(_, range)| range.start);
    for (name, range) in in_order {
        let fits = |row: &String| row.is_empty() || row.width() < range.start;
        let place = rows.iter().position(fits).unwrap_or_else(|| {
            rows.push(String::new());
            rows.len() - 1
        });
        let row = &mut rows[place];
        let gap = range.start.saturating_sub(row.width());
        row.push_str(&" ".repeat(gap));
        row.push_str(name);
    }
    rows
}
