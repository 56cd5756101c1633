//! `${VAR}`, `${VAR:-default}` and `$$` in the values of the sections that may name the environment.

use std::fmt;

use serde_yaml::Value;

use super::diagnostic::Report;
use super::source::Place;

/// The sections whose values are expanded. Rules are not among them: a regex and a template are taken to the letter.
pub(super) const SECTIONS: [&str; 7] =
    ["webhooks", "inputs", "notices", "admin", "include", "host", "state_dir"];

/// Why a text can't be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    NotSet(String),
    Unclosed,
    BadName(String),
    Lonely,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet(name) => write!(f, "the environment variable `{name}` is not set"),
            Self::Unclosed => f.write_str("`${` without its `}`"),
            Self::BadName(name) => write!(f, "`{name}` is no name of an environment variable"),
            Self::Lonely => f.write_str("a `$` that begins no `${VAR}`"),
        }
    }
}

impl Trouble {
    fn help(&self) -> Option<String> {
        match self {
            Self::NotSet(name) => Some(format!("set it, or give a default: ${{{name}:-default}}")),
            Self::Lonely => Some("write `$$` for a dollar".to_owned()),
            Self::Unclosed | Self::BadName(_) => None,
        }
    }
}

/// Puts the environment into the values of `value`; what can't be expanded is reported and taken out.
pub(super) fn expand(
    value: &mut Value,
    place: Place<'_>,
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) {
    let Value::Mapping(sections) = value else { return };
    for section in SECTIONS {
        if let Some(value) = sections.get_mut(section)
            && !expand_in(value, place.key(section), &[], env, report)
        {
            sections.shift_remove(section);
        }
    }
}

/// What below a key of an input is taken to the letter: regexes, and the format of a time.
pub(super) fn to_the_letter(key: &str) -> &'static [&'static str] {
    match key {
        "parse" => &["regex"],
        "multiline" => &["start", "continue"],
        "time" => &["format"],
        _ => &[],
    }
}

/// Whether `value` may stay. Below the keys of `letter` nothing is expanded.
fn expand_in(
    value: &mut Value,
    place: Place<'_>,
    letter: &[&str],
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) -> bool {
    match value {
        Value::Mapping(map) => {
            map.retain(|key, child| {
                let key = key.as_str().unwrap_or_default();
                letter.contains(&key) || expand_in(child, place.key(key), to_the_letter(key), env, report)
            });
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                if !expand_in(item, place.item(index), &[], env, report) {
                    *item = Value::Null;
                }
            }
        }
        Value::String(text) if text.contains('$') => match expand_text(text, env) {
            Ok(expanded) => *value = typed(expanded),
            Err(trouble) => {
                report.error(&place.value_span(), trouble.to_string()).help_of(trouble.help());
                return false;
            }
        },
        _ => {}
    }
    true
}

/// A truth value or whole number that came out of a variable counts as one; its text is the same.
fn typed(text: String) -> Value {
    match text.as_str() {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => Value::Number(number.into()),
        _ => Value::String(text),
    }
}

fn expand_text(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Trouble> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or(Trouble::Unclosed)?;
            expanded.push_str(&variable(inside, env)?);
            rest = after;
        } else {
            return Err(Trouble::Lonely);
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// As in a shell, the default also stands in for a variable that is empty.
fn variable(inside: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Trouble> {
    let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, or)| (name, Some(or)));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(Trouble::BadName(name.to_owned()));
    }
    match (env(name), default) {
        (Some(text), None) => Ok(text),
        (Some(text), Some(_)) if !text.is_empty() => Ok(text),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Trouble::NotSet(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_defaults_and_dollars() {
        let env = |name: &str| match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expanded) in [
            ("${A}/${A}", Ok("one/one")),
            ("${B:-two}", Ok("two")),
            ("${B:-}", Ok("")),
            ("${EMPTY:-three}", Ok("three")),
            ("${EMPTY}", Ok("")),
            ("$${A}", Ok("${A}")),
            ("${B}", Err(Trouble::NotSet("B".into()))),
            ("${A", Err(Trouble::Unclosed)),
            ("$A", Err(Trouble::Lonely)),
            ("${1}", Err(Trouble::BadName("1".into()))),
        ] {
            assert_eq!(expand_text(text, &env), expanded.map(str::to_owned), "{text}");
        }
    }
}
