//! What a template reads its fields from, and a note of those that were read and are not there. It knows no alert:
//! [`super::alert_scope`] fills it.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, Serde, Value};

use serde_json::Value as Json;

use crate::event::{Parsed, Texts, find};
use crate::fields::lookup;

/// Under this name the formatter finds the note; no template can spell it.
pub(super) const NOTE: &str = "\0note";

/// minijinja's own functions, which are looked up as fields first.
pub(super) const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];

/// All that a template may read: reserved names, captures, parsed fields, labels, in this order.
#[derive(Debug)]
pub(super) struct Scope {
    reserved: Vec<(&'static str, Value)>,
    captures: Texts,
    fields: Arc<Parsed>,
    labels: Texts,
    note: Arc<Note>,
}

impl Scope {
    pub(super) fn new(
        reserved: Vec<(&'static str, Value)>,
        captures: Texts,
        fields: Parsed,
        labels: Texts,
    ) -> Self {
        Self { reserved, captures, fields: Arc::new(fields), labels, note: Arc::default() }
    }

    /// A scope in which each of `names` is there, to try a template.
    pub(super) fn sample(names: &[String]) -> Self {
        let plain = |name: &str| name.rsplit('.').next().map(|name| (Arc::from(name), Arc::from("1")));
        let captures: Texts = names.iter().filter_map(|name| plain(name)).collect();
        let time = || Value::from("2026-01-31T12:00:00+00:00");
        let reserved = vec![
            ("count", Value::from(1)),
            ("suppressed", Value::from(1)),
            ("first_seen", time()),
            ("last_seen", time()),
            ("time", time()),
        ];
        let paths = names.iter().map(|name| name.strip_prefix("fields.").unwrap_or(name));
        let fields = paths.map(|path| (path.to_owned(), "1".into())).collect();
        Self::new(reserved, captures.clone(), fields, captures)
    }

    /// The parsed field at `path`, or the way to those below it.
    fn parsed(&self, path: &str) -> Option<Value> {
        parsed(&self.fields, path, &self.note)
    }

    fn group(&self, name: &'static str, texts: &[(Arc<str>, Arc<str>)]) -> Value {
        Value::from_object(Group { name, texts: texts.to_vec(), note: Arc::clone(&self.note) })
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        match name {
            NOTE => return Some(Value::from_dyn_object(Arc::clone(&self.note))),
            "labels" => return Some(self.group("labels", &self.labels)),
            "captures" => return Some(self.group("captures", &self.captures)),
            "fields" => return Some(nested(&self.fields, "", &self.note)),
            _ => {}
        }
        let reserved = self.reserved.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let text = |texts| find(texts, name).map(|text| Value::from(&**text));
        let value = reserved
            .or_else(|| text(&self.captures))
            .or_else(|| self.parsed(name))
            .or_else(|| text(&self.labels));
        if value.is_none() && !FUNCTIONS.contains(&name) {
            self.note.missed(name.to_owned());
        }
        value
    }
}

/// The field at `path` of a parsed line; where it is a map, or other names begin with it, the way to those.
fn parsed(fields: &Arc<Parsed>, path: &str, note: &Arc<Note>) -> Option<Value> {
    let below = || {
        let mut names = fields.keys().filter_map(|name| name.strip_prefix(path));
        names.any(|rest| rest.starts_with('.')).then(|| nested(fields, path, note))
    };
    match lookup(fields, path) {
        Some(Json::Object(_)) => Some(nested(fields, path, note)),
        Some(Json::Null) => None,
        Some(value) => Some(Value::from(Serde(value))),
        None => below(),
    }
}

fn nested(fields: &Arc<Parsed>, path: &str, note: &Arc<Note>) -> Value {
    Value::from_object(Nested { fields: fields.clone(), path: path.to_owned(), note: note.clone() })
}

/// `fields`, or a map in it: what lies below `path`.
#[derive(Debug)]
struct Nested {
    fields: Arc<Parsed>,
    path: String,
    note: Arc<Note>,
}

impl Object for Nested {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        let value = parsed(&self.fields, &path, &self.note);
        if value.is_none() {
            let group = if self.path.is_empty() { "fields." } else { "" };
            self.note.missed(format!("{group}{path}"));
        }
        value
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names: Vec<Value> = match self.path.is_empty() {
            true => self.fields.keys().map(|name| Value::from(name.as_str())).collect(),
            false => match lookup(&self.fields, &self.path) {
                Some(Json::Object(inner)) => inner.keys().map(|name| Value::from(name.as_str())).collect(),
                _ => Vec::new(),
            },
        };
        Enumerator::Values(names)
    }
}

/// `labels`, `captures`.
#[derive(Debug)]
struct Group {
    name: &'static str,
    texts: Texts,
    note: Arc<Note>,
}

impl Object for Group {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let value = find(&self.texts, name).map(|text| Value::from(&**text));
        if value.is_none() {
            self.note.missed(format!("{}.{name}", self.name));
        }
        value
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.texts.iter().map(|(name, _)| Value::from(&**name)).collect())
    }
}

/// Which fields were read and not there. Only what left a gap in the text is told: `user|default("nobody")` is no gap.
#[derive(Debug, Default)]
pub(super) struct Note(Mutex<Gaps>);

#[derive(Debug, Default)]
struct Gaps {
    /// Read since the last thing was printed.
    read: Vec<String>,
    told: Vec<String>,
}

impl Note {
    fn missed(&self, name: String) {
        self.lock().read.push(name);
    }

    /// An expression was printed.
    pub(super) fn printed(&self, undefined: bool, empty: bool) {
        let mut gaps = self.lock();
        let read = std::mem::take(&mut gaps.read);
        // What is undefined is the field that was read last; what is empty may be made of several.
        let skip = if undefined { read.len().saturating_sub(1) } else { 0 };
        if empty {
            let names: Vec<String> = read.into_iter().skip(skip).collect();
            for name in names {
                if !gaps.told.contains(&name) {
                    gaps.told.push(name);
                }
            }
        }
    }

    /// The names, in the order in which they were missed.
    pub(super) fn take(&self) -> Vec<String> {
        let mut gaps = self.lock();
        gaps.read.clear();
        std::mem::take(&mut gaps.told)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Gaps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for Note {
    fn repr(self: &Arc<Self>) -> minijinja::value::ObjectRepr {
        minijinja::value::ObjectRepr::Plain
    }
}

/// A scope as a template's context, with the note that its rendering leaves.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) value: Value,
    pub(super) note: Arc<Note>,
}

impl From<Scope> for Context {
    fn from(scope: Scope) -> Self {
        let note = Arc::clone(&scope.note);
        Self { value: Value::from_object(scope), note }
    }
}

#[cfg(test)]
impl Scope {
    /// The same, of a line that was parsed.
    pub(super) fn with_fields(captures: &[(&str, &str)], fields: Json) -> Self {
        let Json::Object(fields) = fields else { return Self::with_captures(captures) };
        Self { fields: Arc::new(fields), ..Self::with_captures(captures) }
    }

    /// The fields of a sample, and `captures`.
    pub(super) fn with_captures(captures: &[(&str, &str)]) -> Self {
        let captures = captures.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect();
        let mut scope = Self { captures, fields: Arc::default(), labels: Texts::new(), ..Self::sample(&[]) };
        scope.reserved[0].1 = Value::from(7);
        scope
    }
}
