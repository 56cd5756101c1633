//! The checks of one attachment, after <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>.

use serde_json::{Map, Value};

use super::judge::{Checked, Refusal, Word, list, need};
use crate::message::payload::{Attachment, Field};

const TEXTS: [&str; 16] = [
    "color",
    "fallback",
    "pretext",
    "author_name",
    "author_link",
    "author_icon",
    "author_subname",
    "title",
    "title_link",
    "text",
    "image_url",
    "thumb_url",
    "footer",
    "footer_icon",
    "callback_id",
    "attachment_type",
];
const OTHERS: [&str; 6] = ["fields", "mrkdwn_in", "ts", "actions", "blocks", "id"];
const ADDRESSES: [&str; 6] =
    ["author_link", "author_icon", "title_link", "image_url", "thumb_url", "footer_icon"];
/// Clients report `invalid_attachments` where one of these stands beside `blocks`, though the page calls them optional.
const NOT_BESIDE_BLOCKS: [&str; 8] =
    ["footer", "ts", "text", "title", "fields", "author_name", "image_url", "thumb_url"];
/// Each of the first needs the second.
const NEEDS: [(&str, &str); 4] = [
    ("author_link", "author_name"),
    ("author_icon", "author_name"),
    ("title_link", "title"),
    ("footer_icon", "footer"),
];

const WORD: Word = Word::InvalidAttachments;

/// The attachment as it would be posted.
pub(super) fn check(value: &Value, part: &str, lint: &mut Vec<String>) -> Checked<Attachment> {
    need(value.is_object(), WORD, part, "not an object")?;
    keys(value, part, lint)?;
    let blocks = list(value, "blocks", WORD)?;
    if blocks.is_empty() {
        let said = given(value, "fallback") || given(value, "text");
        need(said, Word::MissingText, part, "one of fallback and text is wanted")?;
    } else {
        let mixed: Vec<&str> = NOT_BESIDE_BLOCKS.into_iter().filter(|key| given(value, key)).collect();
        need(mixed.is_empty(), WORD, part, &format!("beside blocks stands {}", mixed.join(", ")))?;
        lint.push(format!("{part}.blocks: not checked and not drawn here"));
    }
    if list(value, "actions", WORD)?.len() > 5 {
        lint.push(format!("{part}.actions: more than 5"));
    }
    looks(value, part, lint);
    let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Attachment {
        color: text("color").unwrap_or_default(),
        fallback: text("fallback").unwrap_or_default(),
        pretext: text("pretext"),
        title: text("title"),
        title_link: text("title_link"),
        text: text("text"),
        mrkdwn_in: mrkdwn_in(value, part, lint)?,
        fields: fields(value, part, lint)?,
        footer: text("footer"),
        ts: ts(&value["ts"], part, lint)?,
    })
}

/// Whether it stands there and says something.
fn given(value: &Value, key: &str) -> bool {
    match &value[key] {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Object(_) | Value::Bool(true) => true,
    }
}

fn keys(value: &Value, part: &str, lint: &mut Vec<String>) -> Checked {
    for key in value.as_object().into_iter().flat_map(Map::keys) {
        if TEXTS.contains(&key.as_str()) {
            let fits = value[key].is_null() || value[key].is_string();
            need(fits, WORD, &format!("{part}.{key}"), "not a string")?;
        } else if !OTHERS.contains(&key.as_str()) {
            lint.push(format!("{part}.{key}: a key that Slack does not document"));
        }
    }
    Ok(())
}

/// What is taken but shown badly or not at all.
fn looks(value: &Value, part: &str, lint: &mut Vec<String>) {
    if value["color"].as_str().is_some_and(|color| !is_color(color)) {
        lint.push(format!("{part}.color: neither good, warning, danger nor #RRGGBB"));
    }
    for key in ADDRESSES.into_iter().filter(|key| given(value, key)) {
        let text = value[key].as_str().unwrap_or("");
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if !host.and_then(|host| host.chars().next()).is_some_and(|c| !c.is_whitespace() && c != '/') {
            lint.push(format!("{part}.{key}: not an http(s) URL"));
        }
    }
    for (key, other) in NEEDS {
        if given(value, key) && !given(value, other) {
            lint.push(format!("{part}.{key}: needs {other}"));
        }
    }
    if given(value, "image_url") && given(value, "thumb_url") {
        lint.push(format!("{part}: image_url and thumb_url exclude each other"));
    }
    let text = value["text"].as_str().unwrap_or("");
    if text.chars().count() >= 700 || text.matches('\n').count() >= 5 {
        lint.push(format!("{part}.text: long, Slack folds it behind \"Show more\""));
    }
    if value["footer"].as_str().is_some_and(|footer| footer.chars().count() > 300) {
        lint.push(format!("{part}.footer: over 300 characters"));
    }
}

fn is_color(text: &str) -> bool {
    let hex = |rest: &str| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
    matches!(text, "good" | "warning" | "danger") || text.strip_prefix('#').is_some_and(hex)
}

fn mrkdwn_in(value: &Value, part: &str, lint: &mut Vec<String>) -> Checked<Vec<String>> {
    let part = format!("{part}.mrkdwn_in");
    let mut names = Vec::new();
    for name in list(value, "mrkdwn_in", WORD)? {
        let Some(name) = name.as_str() else {
            return Err(Refusal { word: WORD, why: format!("{part}: not a list of strings") });
        };
        if !matches!(name, "pretext" | "text" | "fields") {
            lint.push(format!("{part}: only pretext, text and fields mean something"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn fields(value: &Value, part: &str, lint: &mut Vec<String>) -> Checked<Vec<Field>> {
    let given = list(value, "fields", WORD)?;
    if given.len() > 10 {
        lint.push(format!("{part}.fields: {} of them, where Slack advises 2 or 3", given.len()));
    }
    given.iter().enumerate().map(|(at, each)| field(each, &format!("{part}.fields[{at}]"), lint)).collect()
}

fn field(value: &Value, part: &str, lint: &mut Vec<String>) -> Checked<Field> {
    need(value.is_object(), WORD, part, "not an object")?;
    for key in ["title", "value"] {
        let fits = value[key].is_null() || value[key].is_string();
        need(fits, WORD, &format!("{part}.{key}"), "not a string")?;
    }
    let short = &value["short"];
    need(short.is_null() || short.is_boolean(), WORD, &format!("{part}.short"), "not a boolean")?;
    for key in value.as_object().into_iter().flat_map(Map::keys) {
        if !matches!(key.as_str(), "title" | "value" | "short") {
            lint.push(format!("{part}.{key}: a key that Slack does not document"));
        }
    }
    let text = |key: &str| value[key].as_str().unwrap_or("").to_owned();
    Ok(Field { title: text("title"), value: text("value"), short: *short == true })
}

fn ts(value: &Value, part: &str, lint: &mut Vec<String>) -> Checked<Option<i64>> {
    let part = format!("{part}.ts");
    if let Some(secs) = value.as_i64() {
        if secs > 100_000_000_000 {
            lint.push(format!("{part}: looks like milliseconds"));
        }
        return Ok(Some(secs));
    }
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            text.parse().ok()
        }
        _ => None,
    };
    let Some(secs) = number else {
        return Err(Refusal { word: WORD, why: format!("{part}: not a Unix timestamp") });
    };
    lint.push(format!("{part}: documented as a whole number"));
    // Truncated on purpose; what is out of range is clamped and then has no calendar date.
    Ok(Some(secs as i64))
}
