//! What a single value may be, for the JSON schema alone: nothing of these types is ever made.
//!
//! The title is the kind's name, which an editor shows and the reference lists. A pattern takes all that the program
//! takes, and may take more: what it means is checked by `resolve`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::RawLook;

macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident: $schema:tt)*) => {$(
        $(#[$about])*
        pub(in crate::config) enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

kinds! {
    /// `1h30m`.
    Duration: { "title": "duration", "type": "string", "pattern": r"^\s*([0-9]+(ms|s|m|h|d))+\s*$" }
    /// `6/m`.
    Rate: { "title": "rate", "type": "string", "pattern": r"^\s*\+?0*[1-9][0-9]*\s*/\s*[smhd]\s*$" }
    /// `64KiB`.
    Size: {
        "title": "size",
        "anyOf": [
            { "type": "string", "pattern": r"^\s*[0-9]+\s*(B|[kKMG]B|[KMG]iB)?\s*$" },
            { "type": "integer", "minimum": 0 }
        ]
    }
    /// A regex of the `regex` crate, which no other program's regexes are just like.
    Regex: { "title": "regex", "type": "string", "maxLength": 4096 }
    /// A template.
    Template: { "title": "template", "type": "string" }
    /// An expression.
    Expression: { "title": "expression", "type": "string" }
    /// A colour.
    Color: {
        "title": "colour",
        "anyOf": [
            { "enum": ["good", "warning", "danger"] },
            { "type": "string", "pattern": "^#[0-9a-fA-F]{6}$" }
        ]
    }
    /// Whom a message calls, also as it is taken with a warning.
    Mention: {
        "title": "mention",
        "anyOf": [
            { "enum": ["here", "channel", "everyone"] },
            { "type": "string", "pattern": "^[UWS][A-Z0-9]{5,}$" },
            { "type": "string", "pattern": "^[@<!]+(here|channel|everyone)>*$" }
        ]
    }
    /// A name that something is given.
    Name: { "title": "name", "type": "string", "pattern": "^[A-Za-z0-9._-]+$" }
    /// The name of an input.
    Input: { "title": "input", "type": "string" }
    /// The name of a webhook.
    Webhook: { "title": "webhook", "type": "string" }
    /// The name of a schedule.
    Schedule: { "title": "schedule", "type": "string" }
    /// The name of a field.
    Field: { "title": "field", "type": "string" }
    /// The URL of a webhook, a proxy or a page.
    Url: { "title": "URL", "type": "string", "pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://" }
    /// A path.
    Path: { "title": "path", "type": "string", "minLength": 1 }
    /// A path, or a pattern of paths.
    Glob: { "title": "glob", "type": "string", "minLength": 1 }
    /// An instant.
    Instant: { "title": "time", "type": "string", "pattern": r"^\s*[0-9]{4}-?[0-9]{2}-?[0-9]{2}" }
    /// Hours of a day.
    Hours: {
        "title": "hours",
        "type": "string",
        "pattern": r"^\s*[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s*$"
    }
    /// Days of the week.
    Days: { "title": "days", "type": "string", "pattern": r"^[A-Za-z,\s-]+$" }
    /// The name of a time zone.
    Zone: { "title": "time zone", "type": "string" }
    /// What becomes of many numbers.
    Aggregate: {
        "title": "aggregate",
        "anyOf": [
            { "enum": ["last", "avg", "min", "max", "sum", "rate"] },
            { "title": "percentile", "type": "string", "pattern": r"^p[0-9]+(\.[0-9]+)?$" }
        ]
    }
    /// The words for severities.
    Severity: { "enum": ["critical", "error", "warning", "info"] }
    /// The words for receivers.
    Flavor: { "enum": ["slack", "slack-legacy", "mattermost", "rocketchat", "discord"] }
    /// The words of `start`.
    Start: { "enum": ["end", "beginning"] }
    /// The words of `encoding`.
    Encoding: { "enum": ["utf-8", "utf-16le", "utf-16be", "latin1"] }
    /// The languages whose stack traces are known.
    Preset: { "enum": ["java", "python", "go", "rust", "ruby", "node"] }
    /// The words of `ansi`.
    Ansi: { "enum": ["strip", "keep"] }
    /// The words of `parse`.
    Parse: { "enum": ["text", "json", "logfmt", "clf"] }
    /// The words of `time`.
    Time: { "enum": ["auto", "read"] }
    /// The kinds of messages.
    Message: { "enum": ["opened", "reopened", "summary", "escalated", "resolved", "held_back"] }
}

/// Either of two.
pub(in crate::config) struct Either<A, B>(std::marker::PhantomData<(A, B)>);

impl<A: JsonSchema, B: JsonSchema> JsonSchema for Either<A, B> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", A::schema_name(), B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (a, b) = (generator.subschema_for::<A>(), generator.subschema_for::<B>());
        json_schema!({ "anyOf": [a, b] })
    }
}

/// `severities`: a look for each of them.
pub(in crate::config) enum Looks {}

impl JsonSchema for Looks {
    fn schema_name() -> Cow<'static, str> {
        "Looks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let look = generator.subschema_for::<RawLook>();
        let Some(Value::Array(names)) = Severity::json_schema(generator).remove("enum") else {
            return look;
        };
        let looks =
            names.iter().filter_map(Value::as_str).map(|name| (name.to_owned(), look.clone().to_value()));
        let looks: serde_json::Map<String, Value> = looks.collect();
        json_schema!({ "type": "object", "properties": looks, "additionalProperties": false })
    }
}

/// Conditions of which one must hold: each that a key is there.
pub(in crate::config) fn one_of(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({ "required": [key] })).collect()
}

/// Keys of an input that belong to one of its sources.
pub(in crate::config) fn of_sources(files: &[&str], stdin: &[&str]) -> Value {
    let of = |keys: &[&str], source: &str| {
        keys.iter().map(|key| ((*key).to_owned(), json!([source]))).collect::<Vec<_>>()
    };
    Value::Object(of(files, "files").into_iter().chain(of(stdin, "stdin")).collect())
}

/// What the names of a section look like.
pub(in crate::config) fn names() -> Value {
    json!({ "pattern": "^[A-Za-z0-9._-]+$" })
}
