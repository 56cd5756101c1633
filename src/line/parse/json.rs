//! A line that is a JSON object.

use serde_json::Value;

use crate::event::Parsed;

/// The object's members. What is not UTF-8 in it becomes U+FFFD.
pub(super) fn parse(line: &[u8]) -> Option<Parsed> {
    // Most lines that are no object are told by their first byte.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let read = match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_str(&String::from_utf8_lossy(line)),
    };
    match read {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::super::tests::fields;
    use serde_json::json;

    #[test]
    fn an_object_is_its_fields() {
        let line = r#" {"level":30,"msg":"a \"b\"\nc","req":{"status":503},"ok":true} "#;
        let expected = json!({ "level": 30, "msg": "a \"b\"\nc", "req": { "status": 503 }, "ok": true });
        assert_eq!(fields(&Parser::Json, line), Some((expected, Some("a \"b\"\nc".to_owned()))));
    }

    #[test]
    fn the_message_has_its_usual_names() {
        let message = |line| fields(&Parser::Json, line).unwrap().1;
        assert_eq!(message(r#"{"msg":"a"}"#), Some("a".into()));
        assert_eq!(message(r#"{"msg":"a","message":"b"}"#), Some("b".into()));
        assert_eq!(message(r#"{"message":{"text":"b"},"msg":"a"}"#), Some("a".into()));
        assert_eq!(message(r#"{"event":"a"}"#), None);
    }

    #[test]
    fn what_is_no_object_is_text() {
        for line in ["", "ready", "[1]", "{\"a\":", "{\"a\":1} x", "\"{}\""] {
            assert_eq!(fields(&Parser::Json, line), None, "{line}");
        }
        let crate::event::Parse::Fields(parsed) = Parser::Json.parse(b"{\"msg\":\"\xff\"}") else {
            panic!("it is an object");
        };
        assert_eq!(parsed.message.as_deref(), Some("\u{fffd}".as_bytes()));
    }
}
