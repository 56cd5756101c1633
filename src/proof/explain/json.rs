//! An explanation as JSON, for a program.

use serde_json::{Map, Value, json};

use super::{End, Explanation, Matched, View, shown_key, text};
use crate::proof::case::Part;
use crate::proof::shown::Shown;

/// `explanation` as one object; the keys are those of `docs/testing-rules.md`.
pub fn object(explanation: &Explanation<'_>) -> Value {
    let line = &explanation.line;
    let rules: Vec<Value> = explanation.rules.iter().map(|view| rule(view, line)).collect();
    json!({ "line": String::from_utf8_lossy(line), "shape": explanation.shape, "rules": rules })
}

fn rule(view: &View<'_>, line: &[u8]) -> Value {
    let mut rule = Map::new();
    let mut put = |key: &str, value: Value| drop(rule.insert(key.to_owned(), value));
    put("rule", json!(view.rule.name));
    put("input", json!(view.input));
    put("taken", json!(view.end.taken()));
    put("gate", json!(view.end.gate()));
    put("why", json!(text::why(view)));
    if let Some(found) = &view.matched {
        put("match", matched(found, line));
    }
    match &view.end {
        End::Ignored(found) => put("ignore", matched(found, line)),
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

/// Ranges are bytes of the line.
fn matched(found: &Matched<'_>, line: &[u8]) -> Value {
    let captures = found.captures.iter().map(|(name, range)| {
        let text = String::from_utf8_lossy(line.get(range.clone()).unwrap_or_default());
        json!({ "name": name, "text": text, "start": range.start, "end": range.end })
    });
    json!({
        "pattern": found.pattern.regex.as_str(), "start": found.range.start, "end": found.range.end,
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
