//! A match as an alert keeps it: text, cut to a bound.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Match, Texts};
use crate::excerpt;
use crate::fields::Fields;
use crate::rule::Rule;
use crate::shape::shape;

use super::alert::Snapshot;

/// The line with what was read from it.
pub(super) fn snapshot(found: &Match, rule: &Rule, host: &str) -> Snapshot {
    let event = &found.event;
    let (line, left_out) = keep(&event.text());
    let fields = Fields { rule, event, captures: &found.captures, host };
    Snapshot {
        line,
        left_out,
        truncated: event.truncated,
        shape: shape(&event.line),
        time: event.time,
        input: event.origin.input.clone(),
        file: event.origin.file.clone(),
        stream: event.origin.stream,
        labels: fields.labels(),
        captures: keep_all(&found.captures),
    }
}

/// The beginning and the end of `text` as an alert keeps them, and how many bytes between them are left out.
pub(super) fn keep(text: &str) -> (String, u64) {
    match excerpt::ends(text) {
        None => (text.to_owned(), 0),
        Some((head, tail)) => (format!("{head}{tail}"), (text.len() - head.len() - tail.len()) as u64),
    }
}

fn keep_all(texts: &Texts) -> Texts {
    let kept = |text: &Arc<str>| match keep(text) {
        (_, 0) => text.clone(),
        (cut, _) => Arc::from(Cow::Owned::<str>(cut)),
    };
    texts.iter().map(|(name, text)| (name.clone(), kept(text))).collect()
}
