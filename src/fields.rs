//! The fields of a match by name, as `where`, `by` and the templates read them. No I/O, no clock.
//!
//! Of one name the later one wins: the input's labels, the rule's labels, captures, reserved names. A name may carry
//! its group: `labels.x`, `captures.x`.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Event, Texts, find};
use crate::rule::Rule;
use crate::shape::shape;

/// What a rule's expressions and keys can read of an event that it takes.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The rule that looks.
    pub rule: &'a Rule,
    /// The line.
    pub event: &'a Event,
    /// What the rule's pattern caught.
    pub captures: &'a [(Arc<str>, Arc<str>)],
    /// This machine's name.
    pub host: &'a str,
}

impl<'a> Fields<'a> {
    /// The field's text; `None` where the event has no such field.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        match name.split_once('.') {
            Some(("captures", name)) => find(self.captures, name).map(|text| Cow::Borrowed(&**text)),
            Some(("labels", name)) => self.label(name),
            _ => self
                .reserved(name)
                .or_else(|| find(self.captures, name).map(|text| Cow::Borrowed(&**text)))
                .or_else(|| self.label(name)),
        }
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

    fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        let label = find(&self.rule.labels, name).or_else(|| find(&self.event.origin.labels, name));
        label.map(|text| Cow::Borrowed(&**text))
    }

    fn reserved(&self, name: &str) -> Option<Cow<'a, str>> {
        let origin = &self.event.origin;
        Some(match name {
            "line" | "message" => self.event.text(),
            "shape" => Cow::Owned(shape(&self.event.line)),
            "input" => Cow::Borrowed(&*origin.input),
            "file" => Cow::Borrowed(origin.file.as_deref()?),
            "host" => Cow::Borrowed(self.host),
            "time" => Cow::Owned(self.event.time.to_rfc3339()),
            "stream" => Cow::Borrowed(origin.stream?.name()),
            "rule" => Cow::Borrowed(&*self.rule.name),
            "severity" => Cow::Borrowed(self.rule.severity.name()),
            _ => return None,
        })
    }
}

impl crate::expr::Fields for Fields<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Self::get(self, name)
    }

    fn group(&self, group: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let texts = match group {
            "captures" => self.captures.to_vec(),
            "labels" => self.labels(),
            _ => Texts::new(),
        };
        texts
            .iter()
            .map(|(name, text)| (Cow::Owned(name.to_string()), Cow::Owned(text.to_string())))
            .collect()
    }
}
