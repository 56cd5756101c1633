//! An explanation as JSON, for a program.

use serde_json::{Map, Value, json};

use super::{End, Explanation, Matched, View, shown_key, text};
use crate::proof::case::Part;
use crate::proof::shown::Shown;

/// `explanation` as one object; the keys are those of `docs/testing-rules.md`.
pub fn object(explanation: &Explanation<'_>) -> Value {
    let line = &explanation.line;
    let rules: Vec<Value> = explanation.rules.iter().map(rule).collect();
    json!({ "line": String::from_utf8_lossy(line), "shape": explanation.shape, "rules": rules })
}

fn rule(view: &View<'_>) -> Value {
    let mut rule = Map::new();
    let mut put = |key: &str, value: Value| drop(rule.insert(key.to_owned(), value));
    put("rule", json!(view.rule.name));
    put("input", json!(view.input));
    put("taken", json!(view.end.taken()));
    put("gate", json!(view.end.gate()));
    put("why", json!(text::why(view)));
    if let Some(found) = &view.matched {
        put("match", matched(found));
    }
    match &view.end {
        End::Ignored(found) => put("ignore", matched(found)),
        End::WhereFails(fields) => {
            put("fields", fields.iter().cloned().map(|(name, value)| (name, json!(value))).collect());
        }
        End::BelowWhen(so_far, key) => {
            put("so_far", json!(so_far));
            put("key", json!(shown_key(key)));
        }
        End::Posted(messages) => put("messages", messages.iter().map(message).collect()),
        _ => {}
    }
    Value::Object(rule)
}

/// Ranges are bytes of the text that was looked at: mostly the line. Of several patterns the first has the range.
fn matched(found: &Matched<'_>) -> Value {
    let captures = found.parts.iter().flat_map(|part| {
        part.captures.iter().map(|(name, range)| {
            let text = String::from_utf8_lossy(part.text.get(range.clone()).unwrap_or_default());
            json!({ "name": name, "text": text, "start": range.start, "end": range.end })
        })
    });
    let range = found.parts.first().map_or(0..0, |part| part.range.clone());
    json!({
        "pattern": found.matcher.to_string(), "start": range.start, "end": range.end,
        "captures": captures.collect::<Vec<_>>(),
    })
}

fn message(shown: &Shown) -> Value {
    json!({
        "kind": shown.alert.kind.name(), "title": shown.part(&Part::Title), "severity": shown.alert.severity.name(),
        "mention": shown.alert.mention.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "webhook": shown.alert.webhooks,
    })
}
