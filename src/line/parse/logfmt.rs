//! `key=value key="quoted value"`, as Go programs log.

use crate::event::Parsed;

use super::text;

/// The pairs; words without a `=` are left out. A line without a pair is none.
pub(super) fn parse(line: &[u8]) -> Option<Parsed> {
    let mut fields = Parsed::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.iter().position(|byte| *byte == b'=' || byte.is_ascii_whitespace() || *byte == b'"');
        match end {
            Some(end) if rest[end] == b'=' && end > 0 => {
                let (value, after) = value(&rest[end + 1..]);
                fields.insert(String::from_utf8_lossy(&rest[..end]).into_owned(), value);
                rest = after;
            }
            // No key before it: what is no pair is passed over, up to the next blank.
            _ => rest = after_word(rest),
        }
    }
    (!fields.is_empty()).then_some(fields)
}

fn after_word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    &text[end..]
}

/// The value at the beginning of `text`, and what follows it.
fn value(text_from: &[u8]) -> (serde_json::Value, &[u8]) {
    let Some(quoted) = text_from.strip_prefix(b"\"") else {
        let after = after_word(text_from);
        return (text(&text_from[..text_from.len() - after.len()]), after);
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return (text(&value), &quoted[at + 1..]),
            b'\\' => match bytes.next() {
                Some((_, b'n')) => value.push(b'\n'),
                Some((_, b't')) => value.push(b'\t'),
                Some((_, b'r')) => value.push(b'\r'),
                Some((_, escaped @ (b'"' | b'\\'))) => value.push(*escaped),
                Some((_, other)) => value.extend([b'\\', *other]),
                None => value.push(b'\\'),
            },
            _ => value.push(*byte),
        }
    }
    // The quote is never closed: the line was cut.
    (text(&value), b"")
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::super::tests::fields;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(line: &str, expected: Value) {
        assert_eq!(fields(&Parser::Logfmt, line).map(|(fields, _)| fields), Some(expected), "{line}");
    }

    #[test]
    fn pairs_are_fields() {
        check(r#"level=info msg="a b" n=12"#, json!({ "level": "info", "msg": "a b", "n": "12" }));
        check(
            r#"at=error code=H12 path="/a\"b\\c\n\q""#,
            json!({ "at": "error", "code": "H12", "path": "/a\"b\\c\n\\q" }),
        );
        check("a= b=x=y", json!({ "a": "", "b": "x=y" }));
        check("starting up host=db1 now", json!({ "host": "db1" }));
        check(r#"=x "q=1" a=1"#, json!({ "a": "1" }));
        check(r#"msg="never closed"#, json!({ "msg": "never closed" }));
        let (_, message) = fields(&Parser::Logfmt, r#"level=info msg="a b""#).unwrap();
        assert_eq!(message.as_deref(), Some("a b"));
    }

    #[test]
    fn a_line_without_a_pair_is_text() {
        for line in ["", "   ", "server started", "\"a=b", "= ="] {
            assert_eq!(fields(&Parser::Logfmt, line), None, "{line}");
        }
    }
}
