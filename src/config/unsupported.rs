//! What `config.md` names and this version doesn't do yet: refused by name, never accepted and ignored.
//!
//! A station that comes to work deletes its rows here and adds its fields to `raw`.

use serde_yaml::Value;

use super::diagnostic::Report;
use super::source::Place;

/// What of a key is not supported.
enum What {
    /// The key.
    Key,
    /// These values of it.
    Values(&'static [&'static str]),
}

use What::{Key, Values};

/// Where each stands: `*` is any name, `[]` any item of a list; `rules[]` holds for `defaults` too.
const NOT_YET: &[(&str, What)] = &[
    ("inputs.*.command", Key),
    ("inputs.*.journald", Key),
    ("inputs.*.syslog", Key),
    ("inputs.*.prometheus", Key),
    ("inputs.*.statsd", Key),
    ("inputs.*.host", Key),
    ("inputs.*.parse", Values(&["cri", "docker", "syslog"])),
    ("rules[].metric", Key),
];

/// Reports each such key and value, and takes it out.
pub(super) fn refuse(value: &mut Value, place: Place<'_>, report: &mut Report) {
    for (path, what) in NOT_YET {
        refuse_at(value, place, &steps(path), "", what, report);
        if let Some(key) = path.strip_prefix("rules[].") {
            refuse_at(value, place, &steps(&format!("defaults.{key}")), "", what, report);
        }
    }
}

/// `rules[].match` as `rules`, `[]`, `match`.
fn steps(path: &str) -> Vec<&str> {
    path.split('.')
        .flat_map(|part| match part.strip_suffix("[]") {
            Some(list) => vec![list, "[]"],
            None => vec![part],
        })
        .collect()
}

/// `list` is the key of `value`, where `value` is a list.
fn refuse_at(
    value: &mut Value,
    place: Place<'_>,
    steps: &[&str],
    list: &str,
    what: &What,
    report: &mut Report,
) {
    let [step, rest @ ..] = steps else { return };
    match (*step, value) {
        ("[]", Value::Sequence(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                if rest.is_empty() {
                    if tell(list, item, place.item(index), what, report) {
                        *item = Value::Null;
                    }
                } else {
                    refuse_at(item, place.item(index), rest, "", what, report);
                }
            }
        }
        ("*", Value::Mapping(map)) => {
            for (name, child) in map.iter_mut() {
                refuse_at(child, place.key(name.as_str().unwrap_or_default()), rest, "", what, report);
            }
        }
        (key, Value::Mapping(map)) => {
            let Some(child) = map.get_mut(key) else { return };
            if !rest.is_empty() {
                return refuse_at(child, place.key(key), rest, key, what, report);
            }
            if tell(key, child, place.key(key), what, report) {
                map.shift_remove(key);
            }
        }
        _ => {}
    }
}

fn tell(key: &str, value: &Value, place: Place<'_>, what: &What, report: &mut Report) -> bool {
    match (what, value) {
        (Key, _) => {
            report.error(&place.key_span(), format!("`{key}` is not yet supported"));
        }
        (Values(values), Value::String(text)) if values.contains(&text.as_str()) => {
            report.error(&place.value_span(), format!("`{key}: {text}` is not yet supported"));
        }
        _ => return false,
    }
    true
}
