//! The JSON schema of a rule file, made from the raw structs, for editors.
//!
//! It is draft 7 without references, which every editor understands and shows whole. It refuses nothing that the program
//! takes, but a section without a value; what can't be said in it, as that a webhook of a name exists, is said by `check` alone.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::expand::{SECTIONS, to_the_letter};
use super::raw::RawFile;

/// Keys of a rule that can't have a default, and what a rule must have.
const NOT_IN_DEFAULTS: [&str; 3] = ["name", "match", "tests"];
const OF_A_RULE: [&str; 2] = ["required", "anyOf"];

/// The schema of a rule file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<RawFile>().to_value();
    tidy(&mut schema);
    if let Some(title) = schema.get_mut("title") {
        *title = json!("hooktail");
    }
    if let Some(Value::Object(files)) = schema.get_mut("properties") {
        if let Some(rule) = files.get_mut("rules").and_then(|rules| rules.pointer_mut("/items/properties")) {
            of_a_rule(rule);
        }
        if let Some(Value::Object(defaults)) = files.get_mut("defaults") {
            OF_A_RULE.iter().for_each(|key| drop(defaults.shift_remove(*key)));
            if let Some(Value::Object(keys)) = defaults.get_mut("properties") {
                keys.retain(|key, _| !NOT_IN_DEFAULTS.contains(&key.as_str()));
            }
        }
        for section in SECTIONS {
            files.get_mut(section).into_iter().for_each(|section| allow_variables(section, &[]));
        }
    }
    schema
}

/// A key without a value is a mistake, although every field of the raw structs may be absent. Descriptions lose the ends
/// of the comments' lines.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(tidy);
            if let Some(Value::String(lines)) = map.get_mut("description") {
                *lines = lines.replace('\n', " ");
            }
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = &types[..] {
                    let one = one.clone();
                    map.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&json!("null")));
                if choices.len() == 1 {
                    flatten(map);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// What is one choice only is no choice; what is said of the key wins over what is said of its kind.
fn flatten(map: &mut Map<String, Value>) {
    if let Some(Value::Array(mut choices)) = map.shift_remove("anyOf")
        && let Some(Value::Object(only)) = choices.pop()
    {
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    }
}

/// `rule` stands only in a file of tests.
fn of_a_rule(keys: &mut Value) {
    let test = keys.pointer_mut("/tests/items/properties");
    if let Some(Value::Object(keys)) = test {
        keys.shift_remove("rule");
    }
}

/// Lets `${VAR}` stand in the place of each single value but of those below a key of `letter`.
fn allow_variables(schema: &mut Value, letter: &[&str]) {
    if is_single(schema) {
        return allow_variable(schema);
    }
    let Value::Object(map) = schema else { return };
    if let Some(Value::Object(keys)) = map.get_mut("properties") {
        for (key, value) in keys.iter_mut().filter(|(key, _)| !letter.contains(&key.as_str())) {
            allow_variables(value, to_the_letter(key));
        }
    }
    for key in ["items", "additionalProperties"] {
        map.get_mut(key).into_iter().for_each(|value| allow_variables(value, &[]));
    }
    if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
        choices.iter_mut().for_each(|choice| allow_variables(choice, letter));
    }
}

/// Whether it is of values that are neither a map nor a list.
fn is_single(schema: &Value) -> bool {
    let Value::Object(map) = schema else { return false };
    match map.get("anyOf") {
        Some(Value::Array(choices)) => choices.iter().all(is_single),
        _ => !map.get("type").is_some_and(|kind| kind == "object" || kind == "array"),
    }
}

fn allow_variable(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let is_text = map.get("type").is_some_and(|kind| kind == "string" || kind.is_array());
    if is_text && !map.contains_key("pattern") {
        return;
    }
    let (mut of_key, mut of_value) = (Map::new(), Map::new());
    for (key, value) in std::mem::take(map) {
        let about = ["title", "description", "default", "examples"].contains(&key.as_str());
        if about { &mut of_key } else { &mut of_value }.insert(key, value);
    }
    let variable = json!({ "title": "variable", "type": "string", "pattern": r"\$" });
    of_key.insert("anyOf".to_owned(), json!([of_value, variable]));
    *map = of_key;
}
