//! Takes the secrets out of a whole alert: what is one in the line is one wherever it shows.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::redact::{REDACTED, Redactor, merged, without};
use super::redact_context;
use crate::engine::{Alert, Folded, HeldBack, Snapshot};
use crate::event::Texts;

/// Takes the secrets out of all texts of `alert`.
///
/// A value that was read from the line is taken out too where it shows what was taken out of the line: a secret alone,
/// without the `password=` before it, doesn't look like one. Values that tell episodes apart become
/// `[redacted #1a2b3c]`, so that two of them can still be told apart.
pub fn redact_alert(alert: &mut Alert, redactor: &Redactor) {
    let mut taken = Taken { redactor, secrets: Vec::new(), names: Vec::new() };
    if let Some(event) = &mut alert.event {
        taken.snapshot(event);
    }
    taken.key(&mut alert.key);
    if let Some(folded) = &mut alert.folded {
        taken.folded(folded);
    }
    if let Some(held_back) = &mut alert.held_back {
        taken.held_back(held_back);
    }
}

/// A shorter secret of one text is not looked for in others: it would be found in every word.
const SECRET_BYTES_MIN: usize = 4;

/// What was taken out of an alert so far.
struct Taken<'a> {
    redactor: &'a Redactor,
    /// The secrets of the line and of the message.
    secrets: Vec<String>,
    /// The captures, labels and fields of the key that hold a secret.
    names: Vec<Arc<str>>,
}

impl Taken<'_> {
    fn snapshot(&mut self, event: &mut Snapshot) {
        let line = self.redactor.windowed(&event.line);
        let mut secrets = self.redactor.secrets(&line);
        if !event.context.is_empty() {
            secrets.extend(redact_context::redact(&mut event.context, &line, self.redactor));
            secrets = merged(secrets);
        }
        self.note_secrets(&line, &secrets);
        event.line = without(&line, &secrets);
        if let Some(message) = &mut event.message {
            let whole = self.redactor.windowed(message).into_owned();
            let secrets = self.redactor.secrets(&whole);
            self.note_secrets(&whole, &secrets);
            *message = without(&whole, &secrets);
        }
        replace(&mut event.shape, self.redactor);
        if let Some(file) = &mut event.file {
            replace_arc(file, self.redactor);
        }
        let line = format!("{}\n{}", event.line, event.message());
        for (name, value) in &mut event.fields {
            self.field(name, value, &line);
        }
        // Where one text shows it to be a secret, another may have it without its name, or escaped.
        let around = event.context.before.iter_mut().chain(&mut event.context.after);
        for text in [&mut event.line, &mut event.shape].into_iter().chain(&mut event.message).chain(around) {
            for secret in self.secrets.iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN) {
                *text = text.replace(secret, REDACTED);
            }
        }
        let line = format!("{}\n{}", event.line, event.message());
        for (name, value) in event.captures.iter_mut().chain(&mut event.labels) {
            if let Some(clean) = self.value(name, value, Some(&line)) {
                *value = clean.into();
                self.names.push(Arc::clone(name));
            }
        }
    }

    fn note_secrets(&mut self, text: &str, secrets: &[std::ops::Range<usize>]) {
        self.secrets.extend(secrets.iter().map(|secret| text[secret.clone()].to_owned()));
    }

    /// A parsed field and all below it.
    fn field(&mut self, name: &str, value: &mut Value, line: &str) {
        let text = match value {
            Value::Object(inner) => {
                return inner.iter_mut().for_each(|(name, value)| self.field(name, value, line));
            }
            Value::Array(items) => return items.iter_mut().for_each(|item| self.field(name, item, line)),
            Value::Null | Value::Bool(_) => return,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
        };
        if let Some(clean) = self.value(name, &text, Some(line)) {
            if clean == REDACTED {
                self.secrets.push(text);
            }
            *value = Value::String(clean);
            self.names.push(Arc::from(name));
        }
    }

    /// The value without its secrets, if it has any. `line`: the redacted line that it was read from.
    fn value(&self, name: &str, value: &str, line: Option<&str>) -> Option<String> {
        if self.redactor.is_secret_of(name, value) {
            return Some(REDACTED.to_owned());
        }
        let mut clean = self.redactor.redact(value).into_owned();
        for secret in &self.secrets {
            let is_part = secret.contains(&*clean) && line.is_some_and(|line| !line.contains(&*clean));
            if is_part && !clean.is_empty() {
                return Some(REDACTED.to_owned());
            }
            clean = clean.replace(secret, REDACTED);
        }
        (clean != value).then_some(clean)
    }

    fn key(&mut self, key: &mut Texts) {
        for (name, value) in key {
            if self.names.contains(name) || self.value(name, value, None).is_some() {
                *value = hashed(value).into();
                self.names.push(Arc::clone(name));
            }
        }
    }

    fn folded(&self, folded: &mut Folded) {
        for sample in &mut folded.samples {
            replace(sample, self.redactor);
        }
        for common in &mut folded.common {
            let named = self.names.contains(&common.capture);
            for (value, _) in &mut common.values {
                if named {
                    *value = hashed(value);
                } else if let Some(clean) = self.value(&common.capture, value, None) {
                    *value = clean;
                }
            }
        }
    }

    fn held_back(&self, held_back: &mut HeldBack) {
        for (key, _) in &mut held_back.keys {
            // Of a key of several fields nobody knows here which of them is the secret one.
            if !self.names.is_empty() || matches!(self.redactor.redact(key), Cow::Owned(_)) {
                *key = hashed(key);
            }
        }
    }
}

fn replace(text: &mut String, redactor: &Redactor) {
    if let Cow::Owned(clean) = redactor.redact(text) {
        *text = clean;
    }
}

fn replace_arc(text: &mut Arc<str>, redactor: &Redactor) {
    if let Cow::Owned(clean) = redactor.redact(text) {
        *text = clean.into();
    }
}

/// A key that must not be shown, told from others by 24 bits.
fn hashed(key: &str) -> String {
    format!("[redacted #{:06x}]", xxh3_64(key.as_bytes()) >> 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Common;
    use crate::message::tests::{alert, texts};

    #[test]
    fn an_alert_shows_its_secret_nowhere() {
        let mut alert = alert("login bob password=hunter2 from 1.2.3.4");
        let event = alert.event.as_mut().unwrap();
        event.captures =
            texts(&[("user", "bob"), ("pw", "hunter2"), ("all", "password=hunter2"), ("half", "hunt")]);
        event.labels = texts(&[("api_key", "k"), ("api_token", "abcd1234"), ("team", "ops")]);
        event.file = Some("/var/log/token=abc".into());
        alert.key = texts(&[("pw", "hunter2"), ("user", "bob")]);
        alert.folded = Some(Folded {
            samples: vec!["login eve password=hunter3 from 1.2.3.4".into()],
            common: vec![
                Common { capture: "pw".into(), values: vec![("hunter3".into(), 2)] },
                Common { capture: "user".into(), values: vec![("eve".into(), 2)] },
            ],
        });
        alert.held_back =
            Some(HeldBack { count: 3, keys: vec![("hunter3, eve".into(), 3)], ..HeldBack::default() });
        redact_alert(&mut alert, &Redactor::new(true, vec![]));

        let shown = format!("{alert:?}");
        assert!(!shown.contains("hunt") && !shown.contains("abc"), "{shown}");
        let event = alert.event.unwrap();
        assert_eq!(event.line, "login bob password=[redacted] from 1.2.3.4");
        assert_eq!(event.captures[0].1.as_ref(), "bob");
        assert_eq!(event.captures[2].1.as_ref(), "password=[redacted]");
        assert_eq!(event.labels[2].1.as_ref(), "ops");
        assert_eq!(alert.key[1].1.as_ref(), "bob");
        assert!(alert.key[0].1.starts_with("[redacted #") && alert.key[0].1.len() == 18, "{:?}", alert.key);
        assert_eq!(alert.folded.unwrap().common[1].values[0].0, "eve");
        assert!(alert.held_back.unwrap().keys[0].0.starts_with("[redacted #"));
    }

    #[test]
    fn a_secret_shows_in_no_parsed_field() {
        let mut alert = alert(
            r#"{"msg":"login pin=\"hunter2\"","id":4711,"api_key":"k1234","n":1,"deep":{"list":["password=hunter3"]}}"#,
        );
        let event = alert.event.as_mut().unwrap();
        event.captures = vec![];
        event.message = Some("login password=\"hunter2\"".into());
        let Value::Object(fields) = serde_json::json!({
            "msg": "login password=\"hunter2\"", "api_key": "k1234", "n": 1, "password": 4711,
            "deep": { "list": ["password=hunter3", "hunter3"] },
        }) else {
            panic!("a map")
        };
        event.fields = fields;
        redact_alert(&mut alert, &Redactor::new(true, vec![]));

        let shown = format!("{alert:?}");
        assert!(!shown.contains("hunt") && !shown.contains("k1234") && !shown.contains("4711"), "{shown}");
        let event = alert.event.unwrap();
        assert_eq!(event.fields["n"], 1);
        assert_eq!(event.message(), "login password=\"[redacted]\"");
    }

    #[test]
    fn an_alert_without_a_secret_stays_as_it_is() {
        let mut before = alert("Failed password for root from 203.0.113.7 port 52190 ssh2");
        before.key = texts(&[("ip", "203.0.113.7")]);
        before.held_back =
            Some(HeldBack { count: 3, keys: vec![("10.0.0.1".into(), 3)], ..HeldBack::default() });
        let mut after = before.clone();
        redact_alert(&mut after, &Redactor::new(true, vec![]));
        assert_eq!(after, before);
    }
}
