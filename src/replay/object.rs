//! A message that would have been sent, as JSON for a program.

use serde_json::{Map, Value, json};

use crate::event::Texts;
use crate::proof::shown::Shown;

/// The keys that `docs/replay.md` lists, and no other.
pub fn object(shown: &Shown) -> Value {
    let alert = &shown.alert;
    let mentions: Vec<String> = alert.mention.iter().map(ToString::to_string).collect();
    json!({
        "time": alert.decided.to_rfc3339_exact(),
        "kind": alert.kind.name(),
        "rule": alert.rule,
        "key": map([&alert.key]),
        "severity": alert.severity.name(),
        "mention": mentions,
        "webhook": alert.webhooks,
        "count": alert.count,
        "suppressed": alert.suppressed,
        "fields": alert.event.as_ref().map_or_else(|| json!({}), |event| map([&event.labels, &event.captures])),
        "payload": shown.message,
    })
}

/// Of one name the later list wins.
fn map<const N: usize>(lists: [&Texts; N]) -> Value {
    let mut all = Map::new();
    for (name, value) in lists.into_iter().flatten() {
        all.insert(name.to_string(), json!(value));
    }
    Value::Object(all)
}
