//! What in a payload would act in Slack: control sequences, part by part.

use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

use crate::message::draw::mrkdwn::{Control, controls};

/// A control sequence that Slack would obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Where it stands: `text`, `attachments[0].fields[2].value`.
    pub part: String,
    /// As it is written: `<!here>`.
    pub sequence: String,
    /// Whether it would call somebody; else it is a link, a channel or a date.
    pub notifies: bool,
}

/// Everything that Slack would obey, or may (where its own pages don't say), in all parts of `payload`.
///
/// Left out are the parts that are plain by contract: `fallback` and the titles of fields.
pub fn live(payload: &Value) -> Vec<Live> {
    let linked = payload["link_names"] == true || payload["link_names"] == 1 || payload["parse"] == "full";
    let mut found = Vec::new();
    for (part, text) in texts(payload) {
        found.extend(controls(text).into_iter().map(|(sequence, control)| Live {
            part: part.clone(),
            sequence: sequence.to_owned(),
            notifies: matches!(control, Control::Mention(_)),
        }));
        if linked {
            found.extend(names(text).map(|name| Live {
                part: part.clone(),
                sequence: name.to_owned(),
                notifies: name.starts_with('@'),
            }));
        }
    }
    found
}

/// Parts with a `<`, `>` or `&` that is neither an entity nor part of a control sequence: it should be escaped.
pub(super) fn unescaped(payload: &Value) -> Vec<String> {
    static STRAY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("<[^<>]+>|&(?:amp|lt|gt);|([<>&])").expect("a pattern that a test compiles")
    });
    let stray = |text: &str| STRAY.captures_iter(text).any(|found| found.get(1).is_some());
    texts(payload).into_iter().filter(|(_, text)| stray(text)).map(|(part, _)| part).collect()
}

/// Bare names that become mentions and channel links where `link_names` or `parse: full` asks for it.
fn names(text: &str) -> impl Iterator<Item = &str> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[^\w&/.<!#@])(@(?:here|channel|everyone|group)\b|#[a-z0-9][a-z0-9_-]{0,79})")
            .expect("a pattern that a test compiles")
    });
    NAME.captures_iter(text).filter_map(|found| found.get(1)).map(|name| name.as_str())
}

fn texts(payload: &Value) -> Vec<(String, &str)> {
    let mut out = Vec::new();
    out.extend(payload["text"].as_str().map(|text| ("text".to_owned(), text)));
    for (at, attachment) in items(&payload["attachments"]) {
        for key in ["pretext", "author_name", "title", "text", "footer"] {
            out.extend(attachment[key].as_str().map(|text| (format!("attachments[{at}].{key}"), text)));
        }
        for (row, field) in items(&attachment["fields"]) {
            let value = field["value"].as_str();
            out.extend(value.map(|text| (format!("attachments[{at}].fields[{row}].value"), text)));
        }
    }
    out
}

fn items(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sequences(payload: &Value) -> Vec<(String, String, bool)> {
        live(payload).into_iter().map(|live| (live.part, live.sequence, live.notifies)).collect()
    }

    #[test]
    fn every_part_is_looked_at() {
        let payload = json!({
            "text": "<!here> up",
            "attachments": [{
                "title": "<!channel>", "text": "```<@U1>```", "footer": "<https://x.example|y>",
                "fallback": "<!everyone>",
                "fields": [{"title": "<!here>", "value": "<!subteam^S1>"}],
            }],
        });
        let found = sequences(&payload);
        let found: Vec<_> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), *c)).collect();
        assert_eq!(
            found,
            [
                ("text", "<!here>", true),
                ("attachments[0].title", "<!channel>", true),
                ("attachments[0].text", "<@U1>", true),
                ("attachments[0].footer", "<https://x.example|y>", false),
                ("attachments[0].fields[0].value", "<!subteam^S1>", true),
            ]
        );
    }

    #[test]
    fn escaped_text_is_dead() {
        assert_eq!(live(&json!({"text": "&lt;!here&gt; @here #general a@here.example"})), []);
    }

    #[test]
    fn bare_names_live_only_where_asked_for() {
        for payload in
            [json!({"text": "x @here", "link_names": 1}), json!({"text": "x @here", "parse": "full"})]
        {
            assert_eq!(sequences(&payload), [("text".into(), "@here".into(), true)]);
        }
        assert_eq!(live(&json!({"text": "a@here", "link_names": true})), []);
    }

    #[test]
    fn stray_characters_are_found() {
        for (text, stray) in
            [("a < b", true), ("a > b", true), ("R&D", true), ("&nbsp;", true), ("<!here>", false)]
        {
            assert_eq!(!unescaped(&json!({ "text": text })).is_empty(), stray, "{text}");
        }
        assert!(unescaped(&json!({"text": "<!here> a &lt; b &amp; c &gt; d"})).is_empty());
    }
}
