//! The fields of an alert, for its templates to read.

use minijinja::value::Value;

use super::gutter;
use super::scope::Scope;
use crate::engine::{Alert, Snapshot};
use crate::event::Texts;
use crate::rule::Rule;
use crate::time::Human;

/// The fields of `alert`.
pub(super) fn alert_scope(alert: &Alert, rule: Option<&Rule>, host: &str) -> Scope {
    let event = alert.event.as_ref();
    let key: Vec<&str> = alert.key.iter().map(|(_, value)| &**value).collect();
    let mut reserved = vec![
        ("host", Value::from(host)),
        ("rule", Value::from(&*alert.rule)),
        ("severity", Value::from(alert.severity.name())),
        ("count", Value::from(alert.count)),
        ("suppressed", Value::from(alert.suppressed)),
        ("first_seen", Value::from(alert.first_seen.to_rfc3339())),
        ("last_seen", Value::from(alert.last_seen.to_rfc3339())),
        ("elapsed", Value::from(Human(alert.elapsed()).to_string())),
        ("key", Value::from(key.join(", "))),
        ("line", Value::from(event.map_or("", |event| &event.line))),
        ("context", Value::from(event.map(gutter::whole).unwrap_or_default())),
        ("message", Value::from(event.map_or("", Snapshot::message))),
        ("shape", Value::from(event.map_or("", |event| &event.shape))),
        ("time", Value::from(event.map_or(alert.decided, |event| event.time).to_rfc3339())),
    ];
    if let Some(event) = event {
        reserved.push(("input", Value::from(&*event.input)));
        let file = event.file.as_deref().map(|file| ("file", Value::from(file)));
        let stream = event.stream.map(|stream| ("stream", Value::from(stream.name())));
        reserved.extend(file.into_iter().chain(stream));
    }
    reserved.extend(alert.value.as_deref().map(|value| ("value", Value::from(value))));
    let runbook = rule.and_then(|rule| rule.runbook.as_deref());
    reserved.extend(runbook.map(|url| ("runbook", Value::from(url))));
    let texts = |of: fn(&Snapshot) -> &Texts| event.map(of).cloned().unwrap_or_default();
    let fields = event.map(|event| event.fields.clone()).unwrap_or_default();
    Scope::new(reserved, texts(|event| &event.captures), fields, texts(|event| &event.labels))
}
