//! What is made from the program and kept beside it is what the program would make now.
//!
//! After a change of the configuration's keys: `REGENERATE=1 cargo test --test it generated`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::agent::Launch;

/// Below this line, the reference is made from the schema.
const MADE: &str = "<!-- From here on made from the schema. -->\n";

fn schema_text() -> String {
    serde_json::to_string_pretty(&schema()).expect("JSON") + "\n"
}

fn schema() -> Value {
    hooktail::config::schema()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn in_step(name: &str, text: &str) {
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(path(name), text).expect("our own file");
    }
    let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
    let differs = kept.lines().zip(text.lines()).position(|(kept, made)| kept != made);
    let line = differs.unwrap_or(kept.lines().count().min(text.lines().count())) + 1;
    assert!(
        kept == text,
        "{name} is out of step from line {line} on: REGENERATE=1 cargo test --test it generated"
    );
}

#[test]
fn the_schema_is_in_step() {
    in_step("packaging/hooktail.schema.json", &schema_text());
    // The program holds the file as it was when it was built.
    if std::env::var_os("REGENERATE").is_none() {
        let ended = Launch::new(["schema"]).output("");
        assert_eq!((ended.code(), String::from_utf8(ended.stdout)), (0, Ok(schema_text())));
    }
}

#[test]
fn the_reference_is_in_step() {
    let kept = std::fs::read_to_string(path("docs/reference.md")).expect("our own file");
    let (written, _) = kept.split_once(MADE).expect("the line that parts what is written from what is made");
    let mut made = String::new();
    section(&mut made, "", &schema());
    in_step("docs/reference.md", &format!("{written}{MADE}{made}"));
}

#[test]
fn the_reference_spells_each_kind_of_value() {
    let kept = std::fs::read_to_string(path("docs/reference.md")).expect("our own file");
    let mut titles = BTreeSet::new();
    collect_titles(&schema(), &mut titles);
    // The whole, and what may stand for any value.
    for title in titles.iter().filter(|title| !["hooktail", "variable"].contains(&title.as_str())) {
        assert!(kept.contains(&format!("\n| {title} |")), "`{title}` is not in the table of values");
    }
}

fn collect_titles(schema: &Value, titles: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            titles.extend(map.get("title").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| collect_titles(value, titles));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_titles(item, titles)),
        _ => {}
    }
}

/// A map of the file, and then those within it.
fn section(page: &mut String, path: &str, map: &Value) {
    let keys = map["properties"].as_object().expect("a map with keys");
    let title = if path.is_empty() { "The file".to_owned() } else { format!("`{path}`") };
    let level = if path.matches(['.', '[']).count() > 1 { "###" } else { "##" };
    page.push_str(&format!("\n{level} {title}\n\n"));
    if !path.is_empty()
        && let Some(about) = map["description"].as_str()
    {
        page.push_str(&format!("{about}\n\n"));
    }
    page.push_str("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for (key, value) in keys {
        let default = value.get("default").map(|default| format!("`{}`", spelled(default)));
        let examples = value["examples"].as_array().into_iter().flatten();
        let examples: Vec<String> = examples.map(|example| format!("`{}`", spelled(example))).collect();
        let examples =
            if examples.is_empty() { String::new() } else { format!(" Example: {}.", examples.join(", ")) };
        page.push_str(&format!(
            "| `{key}` | {} | {} | {}{} |\n",
            cell(&kind(value)),
            cell(&default.unwrap_or_default()),
            cell(value["description"].as_str().expect("each key is explained")),
            cell(&examples),
        ));
    }
    for (key, value) in keys {
        let dot = if path.is_empty() { "" } else { "." };
        // The keys of a rule, which are told with the rules.
        if path.is_empty() && key == "defaults" {
            continue;
        }
        for (suffix, map) in maps(value) {
            section(page, &format!("{path}{dot}{key}{suffix}"), map);
        }
    }
}

/// The maps with keys of their own in a value, each with what stands between the key and it.
fn maps(value: &Value) -> Vec<(String, &Value)> {
    if let Some(keys) = value["properties"].as_object() {
        return match same(keys) {
            Some(one) => vec![(".NAME".to_owned(), one)],
            None => vec![(String::new(), value)],
        };
    }
    let below = |suffix: &str, value| {
        maps(value).into_iter().map(|(rest, map)| (format!("{suffix}{rest}"), map)).collect::<Vec<_>>()
    };
    let choices = value["anyOf"].as_array().into_iter().flatten();
    // Of one or many, the one is told.
    let mut found: Vec<_> = choices.filter(|choice| choice["type"] != "array").flat_map(maps).collect();
    if value["items"].is_object() {
        found.extend(below("[]", &value["items"]));
    }
    if value["additionalProperties"].is_object() {
        found.extend(below(".NAME", &value["additionalProperties"]));
    }
    found
}

/// What is behind each of several keys, where it is the same.
fn same(keys: &Map<String, Value>) -> Option<&Value> {
    let first = keys.values().next()?;
    (keys.len() > 1 && first["properties"].is_object() && keys.values().all(|value| value == first))
        .then_some(first)
}

/// What may stand in the place of a value, in words.
fn kind(value: &Value) -> String {
    if let Some(title) = value["title"].as_str() {
        return title.to_owned();
    }
    // Before its conditions, which are choices too.
    if value["properties"].is_object() {
        return "map".to_owned();
    }
    if let Some(words) = value["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", spelled(word))).collect::<Vec<_>>().join(", ");
    }
    if let Some(choices) = value["anyOf"].as_array() {
        let choices = choices.iter().filter(|choice| choice["title"] != "variable");
        let words: Vec<String> = choices.map(kind).collect();
        return match &words[..] {
            [one, many] if *many == format!("list of {one}") => format!("{one}, or a list"),
            words => words.join(" or "),
        };
    }
    match value["type"].as_str() {
        Some("integer") => match (value["minimum"].as_u64(), value["maximum"].as_u64()) {
            (Some(least), Some(most)) => format!("whole number from {least} to {most}"),
            _ => "whole number".to_owned(),
        },
        Some("number") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => format!("list of {}", kind(&value["items"])),
        Some("object") if value["additionalProperties"].is_object() => {
            format!("map of names to {}", kind(&value["additionalProperties"]))
        }
        _ => panic!("a value of no kind: {value}"),
    }
}

/// As it is written in YAML, where it is short.
fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(spelled).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{key}: {}", spelled(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A `|` would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
