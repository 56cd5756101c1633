//! A match as an alert keeps it: text, cut to a bound.

use std::sync::Arc;

use serde_json::Value;

use crate::around::Reach;
use crate::event::{Match, Parsed, Texts};
use crate::excerpt;
use crate::fields::Fields;
use crate::rule::Rule;

use super::alert::{Context, Snapshot};

/// How many values of a line's parsed fields an alert keeps, and how many bytes of names and texts in all. What is over
/// it is left out, the last fields first; expressions and keys have seen all of them before.
const FIELDS_MAX: usize = 128;
const FIELDS_BYTES_MAX: usize = 32 * 1024;

impl Snapshot {
    /// What `rule` reads of a line that it takes.
    pub fn of(found: &Match, rule: &Rule, host: &str) -> Self {
        snapshot(found, rule, host)
    }
}

/// The line with what was read from it.
pub(super) fn snapshot(found: &Match, rule: &Rule, host: &str) -> Snapshot {
    let event = &found.event;
    let (line, left_out) = keep(&event.text());
    let parsed = event.parsed();
    let message = parsed.and_then(|parsed| parsed.message.as_deref());
    Snapshot {
        line,
        left_out,
        truncated: event.truncated,
        message: message.map(|message| keep(&String::from_utf8_lossy(message)).0),
        shape: event.shape().to_owned(),
        time: event.time,
        input: event.origin.input.clone(),
        file: event.origin.file.clone(),
        context: context(found, rule),
        stream: event.origin.stream,
        labels: Fields::of(rule, found, host).labels(),
        fields: parsed.map(|parsed| keep_fields(&parsed.fields)).unwrap_or_default(),
        captures: keep_all(found.captures.of(event)),
    }
}

/// As many of the lines around as the rule shows, as far as they have come.
fn context(found: &Match, rule: &Rule) -> Context {
    let Reach { before, after } = rule.context;
    let around = found.around.as_ref();
    around.map_or_else(Context::default, |around| Context {
        before: around.before(before),
        after: around.after_lines(after),
    })
}

/// The beginning and the end of `text` as an alert keeps them, and how many bytes between them are left out.
pub(super) fn keep(text: &str) -> (String, u64) {
    match excerpt::ends(text) {
        None => (text.to_owned(), 0),
        Some((head, tail)) => (format!("{head}{tail}"), (text.len() - head.len() - tail.len()) as u64),
    }
}

fn keep_all<'a>(texts: impl Iterator<Item = (&'a Arc<str>, &'a str)>) -> Texts {
    texts.map(|(name, text)| (name.clone(), Arc::from(keep(text).0))).collect()
}

fn keep_fields(fields: &Parsed) -> Parsed {
    let mut room = Room { values: FIELDS_MAX, bytes: FIELDS_BYTES_MAX };
    room.map(fields)
}

/// What may still be kept of parsed fields.
struct Room {
    values: usize,
    bytes: usize,
}

impl Room {
    fn map(&mut self, fields: &Parsed) -> Parsed {
        let kept = fields.iter().map_while(|(name, value)| {
            self.take(name.len())?;
            Some((name.clone(), self.value(value)?))
        });
        kept.collect()
    }

    fn value(&mut self, value: &Value) -> Option<Value> {
        self.values = self.values.checked_sub(1)?;
        Some(match value {
            Value::Object(inner) => Value::Object(self.map(inner)),
            Value::Array(items) => Value::Array(items.iter().map_while(|item| self.value(item)).collect()),
            Value::String(text) => {
                let (text, _) = keep(text);
                self.take(text.len())?;
                Value::String(text)
            }
            plain => plain.clone(),
        })
    }

    fn take(&mut self, bytes: usize) -> Option<()> {
        self.bytes = self.bytes.checked_sub(bytes)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Parsed {
        let Value::Object(fields) = value else { panic!("a map") };
        fields
    }

    #[test]
    fn few_fields_are_kept_whole() {
        let all = fields(json!({ "a": 1, "b": { "c": [true, null, "x"] }, "d": "text" }));
        assert_eq!(keep_fields(&all), all);
    }

    #[test]
    fn many_fields_are_cut_to_a_bound() {
        let many: Parsed = (0..10_000).map(|n| (format!("f{n}"), Value::from(n))).collect();
        assert_eq!(keep_fields(&many).len(), FIELDS_MAX);
        let long: Parsed = (0..40).map(|n| (format!("f{n}"), Value::from("x".repeat(20_000)))).collect();
        let kept = keep_fields(&long);
        assert_eq!(kept.len(), 3);
        assert!(kept["f0"].as_str().unwrap().len() == excerpt::HEAD_BYTES + excerpt::TAIL_BYTES);
        let nested = fields(json!({ "list": (0..1_000).collect::<Vec<_>>(), "after": 1 }));
        let kept = keep_fields(&nested);
        assert_eq!((kept.len(), kept["list"].as_array().unwrap().len()), (1, FIELDS_MAX - 1));
    }
}
