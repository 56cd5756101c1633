//! The fields of a match by name, as `where`, `by` and the templates read them. No I/O, no clock.
//!
//! Of one name the later one wins: the input's labels, the rule's labels, parsed fields, captures, reserved names. A name
//! may carry its group: `labels.x`, `fields.x`, `captures.x`.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::captures::Captures;
use crate::event::{Event, Kinds, Match, Parsed, Texts, find};
use crate::line::parse::LEVELS;
use crate::pattern::Text;
use crate::rule::{On, Pattern, Rule};
use crate::severity::Severity;

/// What a rule's expressions and keys can read of an event that it takes.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The rule that looks.
    pub rule: &'a Rule,
    /// The line.
    pub event: &'a Event,
    /// What the rule's pattern caught.
    pub captures: &'a Captures,
    /// The severity that holds for the match.
    pub severity: Severity,
    /// This machine's name.
    pub host: &'a str,
}

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<'a> {
    /// A text; where it looks like a number, it is one to an expression.
    Text(Cow<'a, str>),
    /// A value that has its kind.
    Json(&'a Value),
}

impl<'a> Found<'a> {
    /// As text; nothing for a JSON null, which stands for what is not there.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(Value::Null) => None,
            Self::Json(Value::String(text)) => Some(Cow::Borrowed(text)),
            Self::Json(other) => Some(Cow::Owned(other.to_string())),
        }
    }
}

/// The field at `path`: the key of that very name if there is one, else the nested one.
pub fn lookup<'a>(fields: &'a Parsed, path: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(dot, _)| match fields.get(&path[..dot]) {
        Some(Value::Object(inner)) => lookup(inner, &path[dot + 1..]),
        _ => None,
    })
}

impl<'a> Fields<'a> {
    /// Those of a match.
    pub fn of(rule: &'a Rule, found: &'a Match, host: &'a str) -> Self {
        Self { rule, event: &found.event, captures: &found.captures, severity: found.severity, host }
    }

    /// The field's text; `None` where the event has no such field.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.find(name)?.text()
    }

    /// The field, with its kind where it has one.
    pub fn find(&self, name: &str) -> Option<Found<'a>> {
        let grouped = name.split_once('.').and_then(|(group, name)| match group {
            "captures" => Some(self.capture(name)),
            "fields" => Some(self.parsed(name)),
            "labels" => Some(self.label(name)),
            _ => None,
        });
        match grouped {
            Some(found) => found,
            None => self.reserved(name).map(Found::Text).or_else(|| self.own(name)),
        }
    }

    /// The same without the reserved names: what labels, the parser and the pattern give.
    pub fn own(&self, name: &str) -> Option<Found<'a>> {
        self.capture(name).or_else(|| self.parsed(name)).or_else(|| self.label(name))
    }

    /// The text that a pattern looks at; `None` where the event has no such field.
    pub fn subject(&self, on: &On) -> Option<Cow<'a, [u8]>> {
        match on {
            On::Message => Some(Cow::Borrowed(self.event.message())),
            On::Line => Some(Cow::Borrowed(&self.event.line)),
            On::Field(name) => Some(match self.get(name)? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
        }
    }

    /// What the named groups of a pattern catch; nothing where it does not match.
    pub fn captures_of(&self, pattern: &Pattern) -> Texts {
        // Without named groups it catches nothing, and need not look again.
        if pattern.names.is_empty() {
            return Texts::new();
        }
        let Some(subject) = self.subject(&pattern.on) else { return Texts::new() };
        let Some(caught) = pattern.captures(&Text::new(&subject)) else { return Texts::new() };
        let text = |place| Arc::from(String::from_utf8_lossy(&subject[place]));
        caught.named.into_iter().map(|(name, place)| (name, text(place))).collect()
    }

    /// The severity that the event says, where the rule reads it from a field; `None`: the rule does not take it.
    pub fn level(&self) -> Option<Severity> {
        let Some(from) = &self.rule.severity_from else { return Some(self.rule.severity) };
        let read = |name: &str| self.own(name)?.text();
        let level = read(&from.field).or_else(|| {
            let usual = LEVELS.contains(&&*from.field);
            LEVELS.iter().filter(|_| usual).find_map(|name| read(name))
        });
        let severity = level.and_then(|level| from.severity(&level)).unwrap_or(self.rule.severity);
        (severity >= from.min).then_some(severity)
    }

    /// The texts of `fields` in their order, with their names; a missing one is empty.
    pub fn key(&self, fields: &[Arc<str>]) -> Texts {
        fields.iter().map(|name| (name.clone(), Arc::from(self.get(name).unwrap_or_default()))).collect()
    }

    /// All labels, the rule's winning.
    pub fn labels(&self) -> Texts {
        let mut labels = self.rule.labels.clone();
        let inherited =
            self.event.origin.labels.iter().filter(|(name, _)| find(&self.rule.labels, name).is_none());
        labels.extend(inherited.cloned());
        labels
    }

    fn capture(&self, name: &str) -> Option<Found<'a>> {
        self.captures.find(name, self.event).map(|text| Found::Text(Cow::Borrowed(text)))
    }

    fn parsed(&self, name: &str) -> Option<Found<'a>> {
        let parsed = self.event.parsed()?;
        let value = lookup(&parsed.fields, name)?;
        Some(found(value, parsed.kinds))
    }

    fn label(&self, name: &str) -> Option<Found<'a>> {
        let label = find(&self.rule.labels, name).or_else(|| find(&self.event.origin.labels, name));
        label.map(|text| Found::Text(Cow::Borrowed(&**text)))
    }

    fn reserved(&self, name: &str) -> Option<Cow<'a, str>> {
        let origin = &self.event.origin;
        Some(match name {
            "line" => self.event.text(),
            "message" => String::from_utf8_lossy(self.event.message()),
            "shape" => Cow::Borrowed(self.event.shape()),
            "input" => Cow::Borrowed(&*origin.input),
            "file" => Cow::Borrowed(origin.file.as_deref()?),
            "host" => Cow::Borrowed(self.host),
            "time" => Cow::Owned(self.event.time.to_rfc3339()),
            "stream" => Cow::Borrowed(origin.stream?.name()),
            "rule" => Cow::Borrowed(&*self.rule.name),
            "severity" => Cow::Borrowed(self.severity.name()),
            _ => return None,
        })
    }
}

fn found(value: &Value, kinds: Kinds) -> Found<'_> {
    match (kinds, value) {
        (Kinds::Text, Value::String(text)) => Found::Text(Cow::Borrowed(text)),
        _ => Found::Json(value),
    }
}

impl crate::expr::Fields for Fields<'_> {
    fn find(&self, name: &str) -> Option<Found<'_>> {
        Self::find(self, name)
    }

    fn group(&self, group: &str) -> Vec<(Cow<'_, str>, Found<'_>)> {
        let texts = match group {
            "captures" => self.captures.texts(self.event),
            "labels" => self.labels(),
            "fields" => {
                let Some(parsed) = self.event.parsed() else { return Vec::new() };
                let all = parsed.fields.iter();
                return all.map(|(name, value)| (name.into(), found(value, parsed.kinds))).collect();
            }
            _ => Texts::new(),
        };
        let owned = |text: &str| Cow::Owned(text.to_owned());
        texts.iter().map(|(name, text)| (owned(name), Found::Text(owned(text)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(value: Value) -> Parsed {
        let Value::Object(fields) = value else { panic!("a map") };
        fields
    }

    #[test]
    fn the_key_of_that_very_name_comes_before_the_nested_one() {
        let fields = parsed(json!({
            "a.b": 1, "a": { "b": 2, "c": 3, "d.e": 4, "d": { "e": 5, "f": 6 } }, "x": [1],
        }));
        for (path, value) in [
            ("a.b", Some(1)),
            ("a.c", Some(3)),
            ("a.d.e", Some(4)),
            ("a.d.f", Some(6)),
            ("a.x", None),
            ("x.0", None),
        ] {
            assert_eq!(lookup(&fields, path).and_then(Value::as_i64), value, "{path}");
        }
    }
}
