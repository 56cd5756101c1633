//! The name of a webhook, an input or a rule, and a name where it is used.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{OneOrMany, Text};
use crate::config::source::Span;
use crate::config::spelling::nearest;

/// A name of letters, digits, `-`, `_` and `.`.
pub(in crate::config) fn name(name: &str, at: &Span<'_>, report: &mut Report) -> Option<Arc<str>> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(good) {
        return Some(Arc::from(name));
    }
    let help = "a name is made of letters, digits, `-`, `_` and `.`";
    report.error(at, format!("`{name}` is no name")).help(help);
    None
}

/// Names out of `known`, each once. An unknown one is reported as being no `what`.
pub(in crate::config) fn known_names(
    at: At<'_, OneOrMany<Text>>,
    what: &str,
    known: &[&str],
    report: &mut Report,
) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for Text(name) in texts(at).map(|text| text.raw) {
        if known.contains(&name.as_str()) && !names.iter().any(|taken| **taken == **name) {
            names.push(Arc::from(name.as_str()));
        }
    }
    for text in texts(at).filter(|text| !known.contains(&text.raw.0.as_str())) {
        unknown(text, what, known, report);
    }
    names
}

/// The same for a single name.
pub(in crate::config) fn known_name(
    at: At<'_, Text>,
    what: &str,
    known: &[&str],
    report: &mut Report,
) -> Option<Arc<str>> {
    let Text(name) = at.raw;
    if known.contains(&name.as_str()) {
        return Some(Arc::from(name.as_str()));
    }
    unknown(at, what, known, report);
    None
}

fn unknown(at: At<'_, Text>, what: &str, known: &[&str], report: &mut Report) {
    let Text(name) = at.raw;
    let span = at.place.value_span();
    if name.contains('/') {
        let help = format!("name it under `{what}s`, and write that name here");
        report.error(&span, format!("a URL in the place of a {what}'s name")).help(help);
        return;
    }
    let diagnostic = report.error(&span, format!("there is no {what} `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
        None if known.is_empty() => diagnostic.help(format!("there are no `{what}s`")),
        None => {
            let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            diagnostic.help(format!("there are {list}"))
        }
    };
}

/// The items of one or many, each with its place; those that were taken out left out.
pub(in crate::config) fn texts<'a, T>(at: At<'a, OneOrMany<T>>) -> impl Iterator<Item = At<'a, T>> {
    at.raw.items.iter().enumerate().filter_map(move |(index, item)| {
        let place = if at.raw.list { at.place.item(index) } else { at.place };
        item.as_ref().map(|item| At::new(item, place))
    })
}
