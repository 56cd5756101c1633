//! The JSON schema says what the program does: its words, its defaults and its examples are the program's own, and it
//! refuses nothing that the program takes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::config::{Config, Level, Loaded, from_str, schema};

const URL: &str = "http://127.0.0.1:9/services/T0/B0/SECRET";

/// Where values are tried out: what each key needs beside it, as a merge patch of [`base`]. The first that fits holds.
fn company(path: &str) -> Value {
    let input = |keys: Value| json!({ "inputs": { "app": keys } });
    let rule = |keys: Value| json!({ "rules": [keys] });
    let when = |keys: Value| rule(json!({ "when": keys }));
    let test = json!({ "lines": ["x"], "expect": [] });
    match path {
        "inputs.*.stdin" | "inputs.*.passthrough" => input(json!({ "files": null, "stdin": true })),
        "inputs.*.time.format" => input(json!({ "parse": "json", "time": { "field": "ts" } })),
        "inputs.*.time.tz" => input(json!({ "parse": "json", "time": { "field": "ts", "format": "%F %T" } })),
        "inputs.*.multiline.timeout" | "inputs.*.multiline.max_lines" => {
            input(json!({ "multiline": { "preset": "java" } }))
        }
        "webhooks.*.channel" | "webhooks.*.username" | "webhooks.*.icon_emoji" => {
            json!({ "webhooks": { "ops": { "flavor": "slack-legacy" } } })
        }
        "webhooks.*.url_file" => json!({ "webhooks": { "ops": { "url": null } } }),
        "rules[].match" => input(json!({ "parse": "json" })),
        "rules[].when.within" => when(json!({ "count": 5 })),
        "rules[].when.agg" => when(json!({ "above": 1, "of": "disk", "within": "1m" })),
        "rules[].when.for" | "rules[].when.samples" => when(json!({ "above": 1, "of": "disk" })),
        "rules[].when.remember" | "rules[].when.learn" => when(json!({ "new": "disk" })),
        "rules[].message.fields[].short" => {
            rule(json!({ "message": { "fields": [{ "title": "t", "value": "v" }] } }))
        }
        "notices.heartbeat.every" => json!({ "notices": { "heartbeat": { "url": URL } } }),
        "silences[].where" => json!({ "silences": [{ "until": "2026-12-01T00:00:00Z" }] }),
        "silences[].until" => json!({ "silences": [{ "where": "rule == 'r'" }] }),
        _ if path.starts_with("rules[].severity.") => rule(json!({ "severity": { "from": "disk" } })),
        "rules[].escalate.after" => rule(json!({ "escalate": { "mention": "here" } })),
        _ if path.starts_with("rules[].escalate.") => rule(json!({ "escalate": { "count": 5 } })),
        _ if path.starts_with("rules[].tests[]") => rule(json!({ "tests": [test] })),
        _ if path.starts_with("schedules.*.") => json!({ "schedules": { "app": { "days": "mon" } } }),
        _ if path.starts_with("on_exit.") => json!({ "on_exit": { "webhook": "ops" } }),
        _ => json!({}),
    }
}

fn base() -> Value {
    json!({
        "webhooks": { "ops": { "url": URL } },
        "inputs": { "app": { "files": "/var/log/app.log" } },
        "rules": [{ "name": "r", "match": "(?P<disk>x) (?P<status>y) (?P<path>z)" }],
    })
}

/// A key of the schema.
struct Key {
    /// `rules[].when.count`.
    path: String,
    schema: Value,
}

/// All keys; those of `defaults` are those of rules.
fn keys() -> Vec<Key> {
    let mut keys = Vec::new();
    walk("", &schema(), &mut keys);
    keys.retain(|key| !key.path.starts_with("defaults."));
    assert!(keys.len() > 120, "{} only", keys.len());
    keys
}

fn walk(path: &str, schema: &Value, keys: &mut Vec<Key>) {
    let dot = if path.is_empty() { "" } else { "." };
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{dot}{key}");
        walk(&path, value, keys);
        keys.push(Key { path, schema: value.clone() });
    }
    if schema["additionalProperties"].is_object() {
        walk(&format!("{path}{dot}*"), &schema["additionalProperties"], keys);
    }
    if schema["items"].is_object() {
        walk(&format!("{path}[]"), &schema["items"], keys);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        // One or many: the one is enough.
        if choice["type"] != "array" {
            walk(path, choice, keys);
        }
    }
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(map), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    map.shift_remove(key);
                } else {
                    merge(map.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(items), Value::Array(patch)) if !items.is_empty() => {
            items.iter_mut().zip(patch).for_each(|(item, patch)| merge(item, patch));
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// [`base`] with what the key at `path` needs, and with `value` there, if there is one.
fn file(path: &str, value: Option<&Value>) -> Value {
    let mut file = base();
    merge(&mut file, &company(path));
    if let Some(value) = value {
        put(&mut file, &path.replace("[]", ".[]").split('.').collect::<Vec<_>>(), value);
    }
    file
}

fn put(at: &mut Value, steps: &[&str], value: &Value) {
    let [step, rest @ ..] = steps else {
        *at = value.clone();
        return;
    };
    if *step == "[]" {
        let items = match at {
            Value::Array(items) => items,
            other => {
                *other = json!([{}]);
                other.as_array_mut().expect("just made")
            }
        };
        return put(&mut items[0], rest, value);
    }
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    let map = at.as_object_mut().expect("just made");
    let name = match *step {
        "*" => map.keys().next().cloned().unwrap_or_else(|| "app".to_owned()),
        key => key.to_owned(),
    };
    put(map.entry(name).or_insert(Value::Null), rest, value);
}

fn load(file: &Value) -> Loaded {
    let env = |name: &str| match name {
        "SLACK_WEBHOOK_URL" | "HEARTBEAT_URL" => Some(URL.to_owned()),
        "NODE_NAME" => Some("node-7".to_owned()),
        _ => None,
    };
    from_str(&file.to_string(), "hooktail.yaml", Path::new("/etc/hooktail"), &env)
}

fn config(file: &Value) -> Config {
    let loaded = load(file);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.level == Level::Error).collect();
    assert!(errors.is_empty(), "{file}\n{}", loaded.render(false));
    loaded.config.expect("nothing is wrong")
}

/// The words of an `enum` in it, but of those that stand below further keys.
fn words(schema: &Value) -> BTreeSet<String> {
    let own = schema["enum"].as_array().into_iter().flatten();
    let own = own.filter_map(Value::as_str).map(str::to_owned);
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    own.chain(choices.flat_map(words)).collect()
}

/// What the program lists when a word is none that it knows.
fn listed(loaded: &Loaded) -> Option<BTreeSet<String>> {
    let mut helps = loaded.diagnostics.iter().filter_map(|found| found.help.as_deref());
    let list = helps.find_map(|help| help.strip_prefix("write `")?.strip_suffix('`'))?;
    let words: BTreeSet<String> = list.split("`, `").map(str::to_owned).collect();
    let is_word = |word: &String| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    words.iter().all(is_word).then_some(words)
}

#[test]
fn words_are_those_that_the_program_knows() {
    let mut checked = 0;
    for Key { path, schema } in keys() {
        let words = words(&schema);
        for word in &words {
            config(&file(&path, Some(&json!(word))));
        }
        if let Some(listed) = listed(&load(&file(&path, Some(&json!("zzzzzzzzzz"))))) {
            assert_eq!(words, listed, "{path}");
            checked += 1;
        }
    }
    assert!(checked >= 9, "{checked} only");
}

#[test]
fn a_default_that_is_written_changes_nothing() {
    let mut checked = 0;
    for Key { path, schema } in keys() {
        let Some(default) = schema.get("default") else { continue };
        let (without, with) = (config(&file(&path, None)), config(&file(&path, Some(default))));
        assert_eq!(format!("{without:?}"), format!("{with:?}"), "{path}");
        checked += 1;
    }
    assert!(checked > 30, "{checked} only");
}

#[test]
fn what_is_an_example_is_taken() {
    let mut checked = 0;
    for Key { path, schema } in keys() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            // There is no such file here.
            if !["webhooks.*.url_file", "admin.token_file"].contains(&path.as_str()) {
                config(&file(&path, Some(example)));
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked} only");
}

#[test]
fn each_key_is_explained() {
    for Key { path, schema } in keys() {
        let said = schema["description"].as_str().unwrap_or_default();
        assert!(said.ends_with('.') && !said.contains('\n'), "{path}: `{said}`");
    }
}

/// [`base`] with each default and example, and every rule file that is shipped.
fn right() -> Vec<Value> {
    let mut files = Vec::new();
    for Key { path, schema } in keys() {
        let examples = schema["examples"].as_array().into_iter().flatten();
        files.extend(examples.chain(schema.get("default")).map(|value| file(&path, Some(value))));
    }
    // Those of many patterns take long to read: they come last, for what the others don't have.
    files.extend(shipped());
    files
}

fn shipped() -> impl Iterator<Item = Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = ["examples", "packaging/hooktail.yaml"].map(|path| walkdir::WalkDir::new(root.join(path)));
    let paths = entries.into_iter().flatten().map(|entry| entry.expect("our own folders").into_path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    yaml.map(|path| {
        let text = std::fs::read_to_string(&path).expect("our own file");
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// A validator by the schema, of another make than what made it.
fn validator() -> impl Fn(&Value) -> Result<(), String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("hooktail.schema.json", schema()).expect("JSON");
    let index = compiler.compile("hooktail.schema.json", &mut schemas).expect("a schema of draft 7");
    move |file| schemas.validate(file, index).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_schema_takes_what_is_right() {
    let valid = validator();
    assert!(shipped().count() > 12);
    for file in right() {
        assert_eq!(valid(&file), Ok(()), "{file:#}");
    }
}

/// What is done to a value to make it wrong.
const MUTATIONS: [&str; 7] = ["\u{0}", "{ \"zzz\": 1 }", "-1", "true", "\"zzz !\"", "[[]]", "null"];

/// Each file with one value changed or taken out, or with one key too many.
fn mutants(file: &Value) -> Vec<(String, Value)> {
    let mut paths = Vec::new();
    pointers("", file, &mut paths);
    let mut mutants = Vec::new();
    for path in &paths {
        for mutation in MUTATIONS {
            let mut mutant = file.clone();
            let (parent, last) = path.rsplit_once('/').expect("it is below the whole");
            match serde_json::from_str::<Value>(mutation) {
                Ok(value) => *mutant.pointer_mut(path).expect("it is there") = value,
                // Take it out.
                Err(_) => match mutant.pointer_mut(parent).expect("it is there") {
                    Value::Object(map) => drop(map.shift_remove(&last.replace("~1", "/").replace("~0", "~"))),
                    Value::Array(items) => drop(items.remove(last.parse().expect("a number"))),
                    _ => {}
                },
            }
            mutants.push((format!("{path} := {mutation}"), mutant));
        }
        let mut mutant = file.clone();
        if let Some(Value::Object(map)) = mutant.pointer_mut(path) {
            map.insert("zzz".to_owned(), json!(1));
            mutants.push((format!("{path}/zzz := 1"), mutant));
        }
    }
    mutants
}

fn pointers(path: &str, value: &Value, paths: &mut Vec<String>) {
    let mut below = |key: String, value| {
        let path = format!("{path}/{key}");
        paths.push(path.clone());
        pointers(&path, value, paths);
    };
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| below(key.replace('~', "~0").replace('/', "~1"), value));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| below(index.to_string(), value));
        }
        _ => {}
    }
}

#[test]
fn what_the_schema_refuses_is_wrong() {
    let valid = validator();
    let (mut wrong, mut missed) = (0, Vec::new());
    let mut seen = BTreeSet::new();
    for (what, mutant) in right().iter().flat_map(mutants) {
        // One of a sort: the second rule is wrong as the first is.
        if !seen.insert(what.chars().filter(|c| !c.is_ascii_digit()).collect::<String>()) {
            continue;
        }
        let errors = load(&mutant).count(Level::Error);
        match valid(&mutant) {
            // A section may be empty.
            Err(_) if what.ends_with("null") && what.matches('/').count() == 1 => {}
            Err(said) => {
                assert!(errors > 0, "{what}: taken, but:\n{said}");
                wrong += 1;
            }
            Ok(()) if errors > 0 => missed.push(what),
            Ok(()) => {}
        }
    }
    assert!(wrong > 1_000, "{wrong} only");
    // What only the program can know: a name that is none, a capture that is missing, a template that doesn't parse.
    assert!(missed.len() < wrong / 4, "{wrong} mistakes were seen, these were not: {missed:#?}");
}
