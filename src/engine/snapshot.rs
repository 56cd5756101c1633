//! A match as an alert keeps it: text, cut to a bound.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Match, Texts};
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
    if text.len() <= Snapshot::HEAD_BYTES + Snapshot::TAIL_BYTES {
        return (text.to_owned(), 0);
    }
    let boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=Snapshot::HEAD_BYTES).rev().find(boundary).unwrap_or(0);
    let tail = (text.len() - Snapshot::TAIL_BYTES..=text.len()).find(boundary).unwrap_or(text.len());
    (format!("{}{}", &text[..head], &text[tail..]), (tail - head) as u64)
}

fn keep_all(texts: &Texts) -> Texts {
    let kept = |text: &Arc<str>| match keep(text) {
        (_, 0) => text.clone(),
        (cut, _) => Arc::from(Cow::Owned::<str>(cut)),
    };
    texts.iter().map(|(name, text)| (name.clone(), kept(text))).collect()
}
