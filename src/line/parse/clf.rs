//! The common log format of web servers, and the combined one, which adds referer and agent.

use crate::event::Parsed;

use super::text;

/// The fields that it can read.
pub(super) const NAMES: [&str; 12] = [
    "client", "ident", "user", "ts", "request", "method", "path", "protocol", "status", "bytes", "referer",
    "agent",
];

/// `client ident user [time] "request" status bytes`, perhaps with `"referer" "agent"` and more behind it. What is `-`
/// is left out.
pub(super) fn parse(line: &[u8]) -> Option<Parsed> {
    let mut fields = Parsed::new();
    let mut put = |name: &str, value: &[u8]| {
        if !value.is_empty() && value != b"-" {
            fields.insert(name.to_owned(), text(value));
        }
    };
    let mut rest = line;
    for name in ["client", "ident", "user"] {
        put(name, word(&mut rest)?);
    }
    put("ts", enclosed(&mut rest, b'[', b']')?);
    let request = enclosed(&mut rest, b'"', b'"')?;
    put("request", request);
    let parts: Vec<&[u8]> = request.split(|byte| *byte == b' ').collect();
    if let [method, path, protocol] = parts[..] {
        put("method", method);
        put("path", path);
        put("protocol", protocol);
    }
    let status = word(&mut rest)?;
    if status.len() != 3 || !status.iter().all(u8::is_ascii_digit) {
        return None;
    }
    put("status", status);
    put("bytes", word(&mut rest)?);
    for name in ["referer", "agent"] {
        match enclosed(&mut rest, b'"', b'"') {
            Some(value) => put(name, value),
            None => break,
        }
    }
    Some(fields)
}

fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let text = rest.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    *rest = &text[end..];
    (end > 0).then(|| &text[..end])
}

/// What stands between `open` and the next `close` that no backslash precedes.
fn enclosed<'a>(rest: &mut &'a [u8], open: u8, close: u8) -> Option<&'a [u8]> {
    let text = rest.trim_ascii_start().strip_prefix(&[open])?;
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let closes = *byte == close && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })?;
    *rest = &text[end + 1..];
    Some(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::super::tests::fields;
    use serde_json::json;

    #[test]
    fn common_and_combined() {
        let line = r#"192.0.2.7 - eve [10/Oct/2026:13:55:36 +0200] "GET /a?b=1 HTTP/1.1" 503 2326"#;
        let common = json!({
            "client": "192.0.2.7", "user": "eve", "ts": "10/Oct/2026:13:55:36 +0200",
            "request": "GET /a?b=1 HTTP/1.1", "method": "GET", "path": "/a?b=1", "protocol": "HTTP/1.1",
            "status": "503", "bytes": "2326",
        });
        assert_eq!(fields(&Parser::Clf, line), Some((common.clone(), None)));
        let mut combined = common;
        combined["agent"] = json!(r#"say \"hi\""#);
        let line = format!(r#"{line} "-" "say \"hi\"" rt=0.1"#);
        assert_eq!(fields(&Parser::Clf, &line), Some((combined, None)));
    }

    #[test]
    fn a_request_that_is_none_is_kept_as_it_is() {
        let line = r#"192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "\x16\x03" 400 -"#;
        let expected = json!({
            "client": "192.0.2.7", "ts": "10/Oct/2026:13:55:36 +0200", "request": r"\x16\x03", "status": "400",
        });
        assert_eq!(fields(&Parser::Clf, line), Some((expected, None)));
    }

    #[test]
    fn another_line_is_text() {
        for line in
            ["", "a b c", "a - - [x] \"GET", "a - - [x] \"GET / HTTP/1.1\" OK 1", "a - - x \"y\" 200 1"]
        {
            assert_eq!(fields(&Parser::Clf, line), None, "{line}");
        }
    }
}
