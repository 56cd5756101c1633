//! A silence that somebody wants: for a rule, for the problem of one alert, or for what an expression holds for. Pure.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::engine::{Alert, Silence, Snapshot};
use crate::event::{EPISODE_FIELDS, find};
use crate::expr::Expr;
use crate::fields::lookup;
use crate::time::{Time, parse_duration};

/// What somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// A rule's name, or the beginning of an alert's id: of its rule and key.
    #[serde(default)]
    pub target: Option<String>,
    /// An expression, beside the target or in its place.
    #[serde(rename = "where", default)]
    pub filter: Option<String>,
    /// For how long: `2h`.
    #[serde(rename = "for")]
    pub lasts: String,
    /// Why, for people.
    pub why: String,
}

/// How what was taken out of a key begins.
const HIDDEN: &str = "[redacted";

/// Longer texts are no reasons.
const WHY_CHARS_MAX: usize = 500;

/// The silence that is asked for, where `target` is the expression of what is named.
pub(super) fn silence(asked: &Asked, target: Option<String>, now: Time) -> Result<Silence, String> {
    let lasts = parse_duration(asked.lasts.trim())
        .map_err(|error| format!("`{}`: {error}; write it as `30m`, `2h` or `1d`", asked.lasts))?;
    if lasts.is_zero() {
        return Err("a silence of no time".to_owned());
    }
    let why = asked.why.trim();
    if why.is_empty() {
        return Err("say why: whoever finds the silence will ask".to_owned());
    }
    if why.chars().count() > WHY_CHARS_MAX {
        return Err(format!("the reason is longer than {WHY_CHARS_MAX} characters"));
    }
    let source = match (target, &asked.filter) {
        (Some(target), Some(filter)) => format!("{target} && ({})", filter.trim()),
        (Some(target), None) => target,
        (None, Some(filter)) => filter.trim().to_owned(),
        (None, None) => return Err("say what it is for: a rule, an alert's id, or an expression".to_owned()),
    };
    let filter = Expr::parse(&source).map_err(|error| format!("`{source}`: {error}"))?;
    if let Some(name) = filter.references().iter().find(|name| EPISODE_FIELDS.contains(&name.as_str())) {
        return Err(format!("`{name}` is not known to a silence: only messages have it"));
    }
    let until = now + lasts;
    let id = xxh3_64(format!("{}\0{}\0{source}\0{why}", now.as_nanos(), until.as_nanos()).as_bytes()) >> 32;
    Ok(Silence { id: format!("s{id:08x}").into(), filter: Arc::new(filter), until, why: why.to_owned() })
}

/// All of a rule.
pub(super) fn of_rule(name: &str) -> String {
    format!("rule == {}", quoted(name))
}

/// The problem that an alert is about: its rule, and what tells the problem from others of the rule.
pub(super) fn of_alert(alert: &Alert) -> Result<String, String> {
    let mut parts = vec![of_rule(&alert.rule)];
    for (name, value) in &alert.key {
        if value.contains(HIDDEN) {
            return Err(format!(
                "`{name}` of this alert holds a secret that is not kept: give an expression"
            ));
        }
        parts.push(part(name, value, alert.event.as_ref()));
    }
    if let (true, Some(event)) = (alert.key.is_empty(), &alert.event)
        && !event.shape.is_empty()
    {
        parts.push(format!("shape == {}", quoted(&event.shape)));
    }
    Ok(parts.join(" && "))
}

/// That a field has this value. What looks like a number is one by a field's plain name, and text by that of its group,
/// unless a parser read a number.
fn part(name: &str, value: &str, event: Option<&Snapshot>) -> String {
    let (group, own) = match name.split_once('.') {
        Some((group @ ("captures" | "fields" | "labels"), own)) => (Some(group), own),
        _ => (None, name),
    };
    let is_number = value.parse::<f64>().is_ok();
    if group.is_none() && !is_number && is_plain(name) {
        return format!("{name} == {}", quoted(value));
    }
    let read = |event: &Snapshot| lookup(&event.fields, own).is_some_and(|value| !value.is_string());
    let group = group.or_else(|| {
        let event = event?;
        let has = |texts| find(texts, own).is_some();
        match () {
            () if has(&event.captures) => Some("captures"),
            () if lookup(&event.fields, own).is_some() => Some("fields"),
            () if has(&event.labels) => Some("labels"),
            () => None,
        }
    });
    let wanted = match group {
        Some("fields") if event.is_some_and(read) => value.to_owned(),
        None if is_number => value.to_owned(),
        _ => quoted(value),
    };
    match group {
        None => format!("{own} == {wanted}"),
        Some(group) if is_plain(own) => format!("{group}.{own} == {wanted}"),
        Some(group) => format!("{group}[{}] == {wanted}", quoted(own)),
    }
}

/// Whether an expression can name a field so.
fn is_plain(name: &str) -> bool {
    name.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// As CEL writes a text; JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests_support::alert;

    fn asked(target: Option<&str>, filter: Option<&str>, lasts: &str, why: &str) -> Asked {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Asked { target: owned(target), filter: owned(filter), lasts: lasts.to_owned(), why: why.to_owned() }
    }

    #[test]
    fn what_is_wrong_with_one_is_said() {
        let said = |asked: &Asked| silence(asked, None, Time::EPOCH).unwrap_err();
        for (wrong, words) in [
            (asked(None, Some("a == 1"), "2", "x"), "a duration needs a unit"),
            (asked(None, Some("a == 1"), "0s", "x"), "no time"),
            (asked(None, Some("a == 1"), "1h", " "), "say why"),
            (asked(None, None, "1h", "x"), "say what it is for"),
            (asked(None, Some("a =="), "1h", "x"), "`a ==`"),
            (asked(None, Some("count > 1"), "1h", "x"), "`count` is not known to a silence"),
        ] {
            assert!(said(&wrong).contains(words), "{}", said(&wrong));
        }
    }

    #[test]
    fn a_target_and_an_expression_hold_together() {
        let made = silence(
            &asked(Some("x"), Some("a == 1 || b == 2"), "2h", "moving"),
            Some(of_rule("di\"sk")),
            Time::from_secs(100),
        )
        .unwrap();
        assert_eq!(made.filter.source(), r#"rule == "di\"sk" && (a == 1 || b == 2)"#);
        assert_eq!((made.until, made.why.as_str()), (Time::from_secs(7300), "moving"));
        assert!(!made.is_configured() && made.id.len() == 9);
    }

    #[test]
    fn the_problem_of_an_alert_is_its_rule_and_key() {
        let mut one = alert("ssh", 1);
        one.event = None;
        assert_eq!(of_alert(&one).unwrap(), "rule == \"ssh\"");
        one.key = vec![("ip".into(), "10.0.0.1".into()), ("captures.user".into(), "7".into())];
        assert_eq!(
            of_alert(&one).unwrap(),
            "rule == \"ssh\" && ip == \"10.0.0.1\" && captures.user == \"7\""
        );
        one.key = vec![("port".into(), "7".into())];
        assert_eq!(of_alert(&one).unwrap(), "rule == \"ssh\" && port == 7");
        one.key = vec![("token".into(), "[redacted #1a2b3c]".into())];
        assert!(of_alert(&one).unwrap_err().contains("holds a secret"));
    }
}
