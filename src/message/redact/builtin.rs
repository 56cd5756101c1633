//! The secrets that are known by their look.
//!
//! A first regex asks whether any of them may be there at all: nearly every line is done with it. The patterns have no
//! look-around and no nested repetition; what a regex can't say, as a checksum, is asked of its match.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A kind of secret: its pattern, whose groups are the secret (else the whole match), and what must hold besides.
struct Kind {
    /// What any match holds.
    hint: Regex,
    pattern: Regex,
    holds: fn(&str, &Captures<'_>) -> bool,
}

impl Kind {
    fn new(hint: &str, pattern: &str, holds: fn(&str, &Captures<'_>) -> bool) -> Self {
        Self { hint: regex(hint), pattern: regex(pattern), holds }
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a built-in pattern compiles: each is used in a test")
}

/// One pass that nearly every line ends with.
static MAYBE: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i-u:passw|passphrase|\bpass\b|pwd|secret|token|credential|_key|-key|apikey|accesskey|privatekey",
        r"|authorization|bearer|basic )",
        r"|(?-u:://|AKIA|ASIA|xox|xapp-|hooks\.slack|eyJ|PRIVATE KEY|\d{14}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d|\d{4}[ -]\d{6}[ -]\d)"
    ))
});

/// The end of a name that holds a secret; `tokens`, `token_count` and `password_changed` don't end so.
const SECRET_NAME: &str = concat!(
    r"(?i-u:passwor[dt]|passwd|passphrase|pwd|secret|token|credentials?",
    r"|(?:api|access|secret|private|auth|account|encryption|signing)[_-]?key)"
);

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let always = |_: &str, _: &Captures<'_>| true;
    let named = r"(?i-u:passw|passphrase|pwd|secret|token|credential|key)";
    vec![
        // "password": "…", 'token': '…', and the same escaped once more
        Kind::new(
            named,
            &format!(
                r#"{SECRET_NAME}\\?["']\s?[:=]\s?(?:\\"((?:[^"\\]|\\[^"])+)|"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|([0-9]+))"#
            ),
            is_value,
        ),
        // password=…, password="…", --password …
        Kind::new(named, &format!(r#"{SECRET_NAME}\s?=\s?{VALUE}"#), is_value),
        Kind::new(named, &format!(r#"--[a-z-]*{SECRET_NAME}\s{VALUE}"#), is_value),
        Kind::new(r"(?i-u:\bpass\b)", &format!(r#"(?i-u:\bpass)\s?=\s?{VALUE}"#), is_no_number),
        // password: …
        Kind::new(named, &format!(r#"{SECRET_NAME}:\s{{0,3}}{VALUE}"#), is_value_in_prose),
        Kind::new(
            r"(?i-u:authorization)",
            r#"(?i-u:authorization)\\?["']?\s?[:=]\s?\\?["']?(?:(?i-u:basic|bearer|digest|negotiate|token|apikey)\s+)?([^\s"'\\,;]+)"#,
            is_value,
        ),
        Kind::new(
            r"(?i-u:bearer|basic )",
            r"(?i-u:\b(?:bearer|basic)\s+)([A-Za-z0-9._~+/-]{8,}=*)",
            has_digit_or_pad,
        ),
        Kind::new("://", r#"://[^\s/:@"'<>?#]*:([^\s/"'<>?#]+)@"#, is_value),
        Kind::new(
            "PRIVATE KEY",
            r"(?s)-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----|\z)",
            always,
        ),
        Kind::new(r"A[KS]IA", r"(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)", always),
        Kind::new(r"xox|xapp-", r"(?-u:\b)(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}", always),
        Kind::new(r"hooks\.slack", r"hooks\.slack(?:-gov)?\.com/([A-Za-z0-9/_-]+)", always),
        Kind::new("eyJ", r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*", always),
        Kind::new(
            r"(?-u:\d{14}|\d{4}[ -]\d{4,6}[ -]\d{4})",
            r"(?-u:\b(?:\d{14,19}|\d{4}-\d{4}-\d{4}-\d{4}|\d{4} \d{4} \d{4} \d{4}|\d{4}[ -]\d{6}[ -]\d{4,5})\b)",
            is_card,
        ),
    ]
});

/// A value, in quotes or up to what ends a word.
const VALUE: &str = r#"(?:"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|([^\s"'&,;]+))"#;

/// Adds the places of the known secrets of `text` to `found`.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    if !MAYBE.is_match(text) {
        return;
    }
    for kind in KINDS.iter().filter(|kind| kind.hint.is_match(text)) {
        for caught in kind.pattern.captures_iter(text) {
            if (kind.holds)(text, &caught) {
                found.extend(secret(&caught));
            }
        }
    }
}

/// The group that took part, else the whole match.
fn secret(caught: &Captures<'_>) -> Option<Range<usize>> {
    caught.iter().skip(1).flatten().next().or_else(|| caught.get(0)).map(|group| group.range())
}

fn value<'a>(text: &'a str, caught: &Captures<'_>) -> &'a str {
    secret(caught).map_or("", |place| &text[place])
}

/// What was taken out already, and what says that there is nothing, is no secret; `PWD=/home` is a folder.
fn is_value(text: &str, caught: &Captures<'_>) -> bool {
    let value = value(text, caught);
    let nothing = ["null", "(null", "none", "nil", "true", "false", "undefined", "yes", "no"];
    let word = value.trim_end_matches([')', ']', '}', '.']);
    let is_folder =
        value.starts_with('/') && caught.get(0).is_some_and(|all| all.as_str().starts_with("PWD"));
    !is_folder
        && !value.starts_with("[redacted")
        && !nothing.iter().any(|nothing| word.eq_ignore_ascii_case(nothing))
        && value.chars().any(|c| !matches!(c, '*' | '.' | '-' | '•' | 'x' | 'X'))
}

fn is_no_number(text: &str, caught: &Captures<'_>) -> bool {
    is_value(text, caught) && !value(text, caught).bytes().all(|b| b.is_ascii_digit())
}

/// After a colon prose may go on: `/etc/passwd: Permission denied`, `unexpected token: identifier`.
fn is_value_in_prose(text: &str, caught: &Captures<'_>) -> bool {
    let Some(all) = caught.get(0) else { return false };
    let name = all.as_str().split(':').next().unwrap_or_default().to_ascii_lowercase();
    let value = value(text, caught);
    let is_path = text[..all.start()].ends_with('/');
    let is_pair = value.trim_end_matches('=').contains('=');
    let is_password = name.starts_with("pass") && name != "passwd" || name == "pwd";
    let looks_random = value.len() >= 8 && value.bytes().any(|b| b.is_ascii_digit());
    let is_word = value.bytes().all(|b| b.is_ascii_lowercase()) && goes_on(&text[all.end()..]);
    is_value(text, caught) && !is_path && !is_pair && (is_password && !is_word || looks_random)
}

/// Whether the next word is one of a sentence, and not the name of another value.
fn goes_on(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix(' ') else { return false };
    let word = rest.split(' ').next().unwrap_or_default();
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic())
}

/// `bearer authentication` and `basic constraints` are words.
fn has_digit_or_pad(text: &str, caught: &Captures<'_>) -> bool {
    value(text, caught).bytes().any(|b| b.is_ascii_digit() || b == b'=')
}

/// Whether it is a card's number: one of the issuers' beginnings, a good check digit, and not part of something longer.
fn is_card(text: &str, caught: &Captures<'_>) -> bool {
    let Some(all) = caught.get(0) else { return false };
    let before = text[..all.start()].bytes().next_back();
    let after = text[all.end()..].bytes().next();
    let joined = |b: Option<u8>| b.is_some_and(|b| matches!(b, b'-' | b'.' | b'_'));
    let ends_sentence =
        after == Some(b'.') && !text[all.end() + 1..].starts_with(|c: char| c.is_ascii_digit());
    let digits: Vec<u8> = all.as_str().bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    !joined(before) && (!joined(after) || ends_sentence) && is_issued(&digits) && luhn(&digits)
}

/// The beginnings and lengths of the large issuers' numbers.
fn is_issued(digits: &[u8]) -> bool {
    let start = digits.iter().take(4).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    match start {
        4000..=4999 => matches!(digits.len(), 16 | 19),
        5100..=5599 | 2221..=2720 => digits.len() == 16,
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => matches!(digits.len(), 14 | 16),
        3528..=3589 => digits.len() == 16,
        6011 | 6440..=6599 | 6200..=6299 => matches!(digits.len(), 16..=19),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(at, digit)| match (at % 2, *digit) {
        (0, digit) => u32::from(digit),
        (_, digit) if digit < 5 => u32::from(digit) * 2,
        (_, digit) => u32::from(digit) * 2 - 9,
    });
    weighed.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;

    fn check(text: &str, expected: &str) {
        let redactor = Redactor::new(true, vec![]);
        let once = redactor.redact(text).into_owned();
        assert_eq!(once, expected, "{text}");
        assert_eq!(redactor.redact(&once), expected, "twice is once");
    }

    #[test]
    fn secrets_are_taken_out() {
        for (text, expected) in [
            ("login password=hunter2 ok", "login password=[redacted] ok"),
            ("DB_PASSWORD=\"a b\" x", "DB_PASSWORD=\"[redacted]\" x"),
            ("x passwd='it\\'s' y", "x passwd='[redacted]' y"),
            ("?user=a&token=abc123&x=1", "?user=a&token=[redacted]&x=1"),
            (r#"{"password": "a\"b", "x": 1}"#, r#"{"password": "[redacted]", "x": 1}"#),
            (r#"{\"api_key\":\"k-1\",\"x\":1}"#, r#"{\"api_key\":\"[redacted]\",\"x\":1}"#),
            (r#"{"pin_token": 123456}"#, r#"{"pin_token": [redacted]}"#),
            ("aws_secret_access_key = wJalrXUtn/K7", "aws_secret_access_key = [redacted]"),
            ("Password: hunter2", "Password: [redacted]"),
            ("password: letmein user: bob", "password: [redacted] user: bob"),
            ("X-Api-Key: 0123456789abcdef", "X-Api-Key: [redacted]"),
            ("run --db-password hunter2 --port 5", "run --db-password [redacted] --port 5"),
            ("user=a pass=b", "user=a pass=[redacted]"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
            ("authorization=Basic dXNlcjpwYXNz", "authorization=Basic [redacted]"),
            (r#""Authorization":"Token k""#, r#""Authorization":"Token [redacted]""#),
            ("sent bearer eX1234567890", "sent bearer [redacted]"),
            ("postgres://app:s3cr@t@db:5432/x", "postgres://app:[redacted]@db:5432/x"),
            ("redis://:pw@localhost", "redis://:[redacted]@localhost"),
            ("key AKIAIOSFODNN7EXAMPLE used", "key [redacted] used"),
            ("bot xoxb-1234567890-abcdef", "bot [redacted]"),
            (
                "POST https://hooks.slack.com/services/T0/B0/xyz failed",
                "POST https://hooks.slack.com/[redacted] failed",
            ),
            ("jwt eyJhbGciOi.eyJzdWIi.sig_-x end", "jwt [redacted] end"),
            ("paid with 4111 1111 1111 1111.", "paid with [redacted]."),
            ("paid with 4111111111111111, ok", "paid with [redacted], ok"),
            ("amex 3782-822463-10005", "amex [redacted]"),
            (
                "k -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- after",
                "k [redacted] after",
            ),
            ("k -----BEGIN PRIVATE KEY-----\nMII cut", "k [redacted]"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn ordinary_lines_stay() {
        for text in [
            "Failed password for root from 203.0.113.7 port 52190 ssh2",
            "Failed password for invalid user admin from 1.2.3.4 port 22 ssh2",
            "FATAL:  password authentication failed for user \"x\"",
            "token_count=5 tokens=7 max_tokens: 4096",
            "password_changed=true password=null",
            "SyntaxError: Unexpected token: identifier",
            "cat: /etc/passwd: Permission denied",
            "Access denied for user 'app'@'10.0.0.1' (using password: YES)",
            "invalid password: must contain a digit",
            "wrong password: user=root",
            "PWD=/home/app",
            "pass=12 fail=0",
            "basic authentication required, bearer authentication failed",
            "order 4111111111111112 created",
            "trace 1795470000123456789 id 1795470000123456",
            "2026-11-24 16:54:43.123456789 20261124165443 started",
            "id 12345678-4111-1111-1111-111111111111",
            "ratio 0.4111111111111111",
            "GET http://example.com:8080/a@b HTTP/1.1",
            "https://example.com/?at=12:30&x=a@b",
            "monkey: banana, keyboard: us, turnkey=1",
            "secretary: Bob, no secret here",
            "public key fingerprint SHA256:abc",
        ] {
            check(text, text);
        }
    }
}
