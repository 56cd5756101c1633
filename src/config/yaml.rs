//! A text to values, by `serde_yaml`, and the mistakes that are YAML's own: its grammar with its traps, keys that are
//! given twice, and keys without a value.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Mapping, Value};

use super::diagnostic::Report;
use super::source::{Place, Source};
use super::spans::{Node, Shape, locate};
use super::traps;

/// Reads `source` and keeps the places in it. Nothing when it is no YAML, or no map.
pub(super) fn read(source: &mut Source, report: &mut Report) -> Option<Value> {
    let tree = match locate(&source.text) {
        Ok(tree) => tree,
        Err(error) => {
            traps::report_syntax(source, &error.message, error.at, report);
            return None;
        }
    };
    if let Some(second) = tree.second {
        let help = "hooktail reads one document a file: name further files under `include`";
        report.error(&source.span(second), "a second YAML document").help(help);
        return None;
    }
    let Some(root) = tree.root else { return Some(Value::Mapping(Mapping::new())) };
    source.root = root;
    for braces in &tree.braces {
        let help = "a template that begins with `{{` wants quotes: \"{{ ip }}\"";
        report.error(&source.span(braces.clone()), "braces without quotes make a map").help(help);
    }
    // First the values: `serde_yaml` refuses aliases that would grow without bound, and the walk follows aliases.
    let mut value = parse(source, report)?;
    report_duplicates(source, &source.root, report);
    Empty { braces: tree.braces, report }.take_out(&mut value, source.place(), 0);
    match value {
        Value::Mapping(_) => Some(value),
        Value::Null => Some(Value::Mapping(Mapping::new())),
        _ => {
            let help = "begin with `webhooks:`, `inputs:` and `rules:`";
            report.error(&source.place().value_span(), "the file is not a map of keys").help(help);
            None
        }
    }
}

fn parse(source: &Source, report: &mut Report) -> Option<Value> {
    let parsed = serde_yaml::from_str::<FirstWins>(&source.text).map(|FirstWins(value)| value);
    let merged = parsed.and_then(|mut value| value.apply_merge().map(|()| value));
    merged
        .map_err(|error| {
            let at = error.location().map_or(0, |location| location.index());
            traps::report_syntax(source, &error.to_string(), at, report);
        })
        .ok()
}

fn report_duplicates(source: &Source, node: &Node, report: &mut Report) {
    match &node.shape {
        Shape::Map(entries) => {
            for (at, (name, entry)) in entries.iter().enumerate() {
                let first = entries[..at].iter().find(|(earlier, _)| earlier == name);
                if let (Some((_, first)), Some(key)) = (first, entry.key.clone()) {
                    let first = first.key.clone().unwrap_or(0..0);
                    report
                        .error(&source.span(key), format!("the key `{name}` is given twice"))
                        .label("this one would be lost")
                        .other(&source.span(first), "first given here");
                }
                report_duplicates(source, entry, report);
            }
        }
        Shape::List(items) => items.iter().for_each(|item| report_duplicates(source, item, report)),
        Shape::Scalar(_) | Shape::Alias => {}
    }
}

/// Takes keys without a value out, and reports them; a section of the file may be empty.
struct Empty<'a> {
    /// These were reported, and have lost their only key.
    braces: Vec<Range<usize>>,
    report: &'a mut Report,
}

impl Empty<'_> {
    fn take_out(&mut self, value: &mut Value, place: Place<'_>, depth: usize) {
        match value {
            Value::Mapping(map) => {
                map.retain(|key, value| {
                    let key = key.as_str().unwrap_or_default();
                    self.may_stay(value, place.key(key), depth + 1, &format!("`{key}`"))
                });
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    if !self.may_stay(item, place.item(index), depth + 1, "an item") {
                        *item = Value::Null;
                    }
                }
            }
            _ => {}
        }
    }

    fn may_stay(&mut self, value: &mut Value, place: Place<'_>, depth: usize, what: &str) -> bool {
        if self.braces.contains(&place.value_range()) {
            return false;
        }
        if !value.is_null() {
            self.take_out(value, place, depth);
            return true;
        }
        if depth > 1 {
            let message = format!("{what} has no value");
            self.report.error(&place.key_span(), message).help_of(traps::empty(place));
        }
        false
    }
}

/// A value whose maps keep the first of two equal keys, so that a key given twice hides no other mistake.
struct FirstWins(Value);

impl<'de> Deserialize<'de> for FirstWins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstWinsVisitor).map(Self)
    }
}

struct FirstWinsVisitor;

impl<'de> Visitor<'de> for FirstWinsVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(FirstWins(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Mapping::new();
        while let Some((FirstWins(key), FirstWins(value))) = map.next_entry()? {
            // A key that is a map or a list was reported when the text was located.
            if let Some(key) = key_text(key) {
                entries.entry(Value::String(key)).or_insert(value);
            }
        }
        Ok(Value::Mapping(entries))
    }
}

fn key_text(key: Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
