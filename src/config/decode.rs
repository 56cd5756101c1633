//! Values to the raw structs, with every mistake told.
//!
//! serde stops at its first mistake. So each one is reported with its place, taken out of the value, and the rest is
//! tried again; every field of the raw structs may be absent, so what is left is always read.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use serde_yaml::Value;

use super::diagnostic::Report;
use super::source::Place;
use super::spelling::nearest;

/// How many mistakes of one file are told; past that, the file is probably not meant for hooktail.
const MISTAKES_MAX: usize = 200;

/// Reads `value`, whose places are in `place`.
pub(super) fn decode<T: DeserializeOwned + Default>(
    mut value: Value,
    place: Place<'_>,
    report: &mut Report,
) -> T {
    for _ in 0..MISTAKES_MAX {
        match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(raw) => return raw,
            Err(error) => {
                let steps = steps(error.path());
                tell(&error.inner().to_string(), &steps, &value, place, report);
                if !take_out(&mut value, &steps) {
                    break;
                }
            }
        }
    }
    T::default()
}

/// One step of the way from the file to a value.
enum Step {
    Key(String),
    Item(usize),
}

fn steps(path: &Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn tell(words: &str, steps: &[Step], value: &Value, mut place: Place<'_>, report: &mut Report) {
    let mut found = Some(value);
    for step in steps {
        (place, found) = match step {
            Step::Key(key) => (place.key(key), found.and_then(|value| value.get(key.as_str()))),
            Step::Item(index) => (place.item(*index), found.and_then(|value| value.get(*index))),
        };
    }
    if words.starts_with("unknown field") {
        return tell_unknown(words, steps, place, report);
    }
    let subject = match steps {
        [] => "the file".to_owned(),
        [.., Step::Key(key)] => format!("`{key}`"),
        [rest @ .., Step::Item(_)] => {
            let list = rest.iter().rev().find_map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                Step::Item(_) => None,
            });
            format!("an item of `{}`", list.unwrap_or_default())
        }
    };
    let wanted = wanted(words);
    let diagnostic = report.error(&place.value_span(), format!("{subject} takes {wanted}"));
    diagnostic.label(format!("this is {}", kind(found)));
    let word = found.and_then(Value::as_str).unwrap_or_default();
    if let ("`true` or `false`", Some(meant)) = (wanted, truth(word)) {
        diagnostic.label(format!("write `{meant}`: YAML takes `{word}` for text"));
    }
    if wanted.starts_with("text") && matches!(found, Some(Value::Number(_) | Value::Bool(_))) {
        diagnostic.help(format!("put it in quotes: '{}'", place.spelled()));
    }
}

fn tell_unknown(words: &str, steps: &[Step], place: Place<'_>, report: &mut Report) {
    let Some(Step::Key(key)) = steps.last() else { return };
    let known: Vec<&str> = words
        .rsplit_once(", expected ")
        .map(|(_, names)| names.split('`').skip(1).step_by(2).collect())
        .unwrap_or_default();
    let diagnostic = report.error(&place.key_span(), format!("unknown key `{key}`"));
    match nearest(key, known.iter().copied()) {
        // A line of a test, in which YAML has seen a map.
        None if known == ["wait"] => diagnostic.help("a line with a `:` followed by a space wants quotes"),
        Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
        None => diagnostic.help(format!("the keys here are {}", listed(&known))),
    };
}

/// What the words of YAML 1.1 meant.
fn truth(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some(true),
        "no" | "off" | "n" | "false" => Some(false),
        _ => None,
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What serde says that it expected, in our words where it has its own.
fn wanted(words: &str) -> &str {
    let wanted = words.rsplit_once("expected ").map_or(words, |(_, wanted)| wanted);
    if wanted.starts_with("struct") {
        return "a map";
    }
    match wanted {
        "a sequence" => "a list",
        "a map" | "a map of names" => "a map",
        other => other,
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::Null) | None => "nothing",
        Some(Value::Bool(_)) => "a truth value",
        Some(Value::Number(number)) if number.is_f64() => "a number with a fraction",
        Some(Value::Number(number)) if number.is_i64() && !number.is_u64() => "a negative number",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "text",
        Some(Value::Sequence(_)) => "a list",
        Some(Value::Mapping(_) | Value::Tagged(_)) => "a map",
    }
}

/// Takes what `steps` lead to out of `value`; an item of a list leaves a gap, so that the others keep their places.
fn take_out(value: &mut Value, steps: &[Step]) -> bool {
    let Some((last, parents)) = steps.split_last() else { return false };
    let mut parent = value;
    for step in parents {
        let child = match step {
            Step::Key(key) => parent.get_mut(key.as_str()),
            Step::Item(index) => parent.get_mut(*index),
        };
        match child {
            Some(child) => parent = child,
            None => return false,
        }
    }
    match (last, parent) {
        (Step::Key(key), Value::Mapping(map)) => map.shift_remove(key.as_str()).is_some(),
        (Step::Item(index), Value::Sequence(items)) => match items.get_mut(*index) {
            Some(item) if !item.is_null() => {
                *item = Value::Null;
                true
            }
            _ => false,
        },
        _ => false,
    }
}
