//! Takes the secrets out of the lines around a line. What lies over several lines is a secret in each of them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::redact::{Redactor, merged, without};
use crate::engine::Context;

/// As much of the line as the lines around are looked at with; together they are as long as a text that patterns see.
const LINE_BYTES_MAX: usize = 4 * 1024;

/// A shorter line of letters and digits alone is none of a key's.
const KEY_LINE_BYTES_MIN: usize = 40;

static KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("-----(BEGIN|END) [A-Z0-9 ]{0,30}PRIVATE KEY").expect("a built-in pattern compiles")
});

/// Takes them out of `context`; returns where, together with it, there are secrets in `line`.
pub(super) fn redact(context: &mut Context, line: &str, redactor: &Redactor) -> Vec<Range<usize>> {
    let seen = if line.len() <= LINE_BYTES_MAX { line } else { "" };
    let lines: Vec<&str> = context.before.iter().map(String::as_str).chain([seen]).collect();
    let lines: Vec<&str> = lines.into_iter().chain(context.after.iter().map(String::as_str)).collect();
    let all = lines.join("\n");
    let mut across = redactor.secrets(&all);
    across.extend(key_before_its_end(&all).filter(|_| redactor.has_builtin()));
    let mut start = 0;
    let mut found = lines.iter().map(|line| {
        let place = start..start + line.len();
        start = place.end + 1;
        let here = across.iter().map(|secret| within(secret, &place));
        let mut secrets: Vec<Range<usize>> = here.chain(redactor.secrets(line)).collect();
        if redactor.has_builtin() && is_key_line(line) {
            secrets.push(0..line.len());
        }
        merged(secrets)
    });
    let before: Vec<_> = found.by_ref().take(context.before.len()).collect();
    let own = found.next().unwrap_or_default();
    let after: Vec<_> = found.collect();
    let around = context.before.iter_mut().zip(before).chain(context.after.iter_mut().zip(after));
    around.for_each(|(line, secrets)| *line = without(line, &secrets));
    own
}

/// The part of `secret` that lies in `place`, from its beginning; empty where there is none.
fn within(secret: &Range<usize>, place: &Range<usize>) -> Range<usize> {
    let (start, end) = (secret.start.max(place.start), secret.end.min(place.end));
    if start < end { start - place.start..end - place.start } else { 0..0 }
}

/// A private key of which the first of these lines are the end.
fn key_before_its_end(all: &str) -> Option<Range<usize>> {
    let first = KEY.captures(all)?;
    let is_end = first.get(1).is_some_and(|word| word.as_str() == "END");
    is_end.then(|| 0..first.get(0).map_or(0, |end| end.end()))
}

/// A line that looks like one of a private key, whose beginning lies further away; hashes are no keys.
fn is_key_line(line: &str) -> bool {
    let line = line.trim();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    line.len() >= KEY_LINE_BYTES_MIN
        && line.bytes().all(is_base64)
        && line.bytes().any(|byte| !byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &[&str], line: &str, after: &[&str], expected: &str) {
        let texts = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let mut context = Context { before: texts(before), after: texts(after) };
        let patterns = ["^pin (.*)$", "(?s)from.*to"].map(|pattern| Regex::new(pattern).unwrap());
        let secrets = redact(&mut context, line, &Redactor::new(true, patterns.into()));
        let line = without(line, &secrets);
        let all = [context.before, vec![line], context.after].concat();
        assert_eq!(all.join("|"), expected);
    }

    #[test]
    fn secrets_of_a_line_and_of_several() {
        check(
            &["a", "password=hunter2 x"],
            "b",
            &["pin 4711", "c"],
            "a|password=[redacted] x|b|pin [redacted]|c",
        );
        check(&["x from 1"], "2", &["3 to y"], "x [redacted]|[redacted]|[redacted] y");
    }

    #[test]
    fn a_private_key_whichever_part_of_it_is_there() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} RSA PRIVATE KEY-----"));
        let gone = "[redacted]";
        check(
            &[&begin, body],
            "short",
            &[body, &end],
            "[redacted]|[redacted]|[redacted]|[redacted]|[redacted]",
        );
        check(&["failed", &begin], body, &[body], &format!("failed|{gone}|{gone}|{gone}"));
        check(&[body, "qQ==", &end], "failed", &[], &format!("{gone}|{gone}|{gone}-----|failed"));
        check(&["a", body], "b", &["c"], &format!("a|{gone}|b|c"));
        let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        check(&[hash], "b", &[], &format!("{hash}|b"));
    }

    #[test]
    fn beside_a_long_line_the_others_are_looked_at_all_the_same() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        check(&["token=abcd1234"], &long, &["pin 1"], &format!("token=[redacted]|{long}|pin [redacted]"));
    }
}
