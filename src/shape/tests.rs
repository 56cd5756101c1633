use proptest::prelude::*;

use super::masked::SHAPE_BYTES_MAX;
use super::*;

#[track_caller]
fn check(message: &str, expected: &str) {
    assert_eq!(shape(message.as_bytes()), expected);
}

#[test]
fn what_varies_is_masked() {
    check(
        "Failed password for root from 10.0.0.1 port 52190 ssh2",
        "Failed password for root from # port # ssh#",
    );
    check("took 3.5ms, 1,204 rows", "took #ms, # rows");
    check("2026-11-24T10:00:00Z up", "#-#-#T#Z up");
    check("id 7f3a9c12 done", "id # done");
    check("at 0xffff88003a", "at #");
    check("req 123e4567-e89b-12d3-a456-426614174000 failed", "req # failed");
    check("from fe80::1ff:fe23:4567:890a: closed", "from #: closed");
    check("blk_-17 and blk_18", "blk_# and blk_#");
    check("[Sun Dec 04 04:47:44 2005] x", "[# # #] x");
    check("Jul  1 00:21:28 web-1 up", "# web-# up");
    check("10/Oct/2026:13:55:36 +0200", "#/# +#");
    check("from ec2-52-80-34-196.compute.example.com: closed", "from #: closed");
    check("rhost=n219.example.net  user=root", "rhost=#  user=root");
    check("ask 10.0.0.1 to delete blk_1 blk_-2 blk_3", "ask # to delete blk_#");
    check("exit -1 of 3-4", "exit # of #-#");
    check("unknown user \"bob\"", "unknown user \"…\"");
    check("unknown user 'bob', again", "unknown user \"…\", again");
}

#[test]
fn what_does_not_vary_stays() {
    check("can't open, don't try", "can't open, don't try");
    check("decade of feedback", "decade of feedback");
    check("deadbeef", "deadbeef");
    check("a: b", "a: b");
    check("org.apache.hadoop.ipc.Client: x", "org.apache.hadoop.ipc.Client: x");
    check("Sun Microsystems, Marc 5", "Sun Microsystems, Marc #");
    check("the the end", "the the end");
    check("conf/workers2.properties", "conf/workers#.properties");
    check("v1.2.beta-3 took 3.5ms", "v#.beta-# took #ms");
}

#[test]
fn any_bytes_have_a_shape_of_bounded_length() {
    assert!(shape(&[0xff; 10_000]).len() <= 3 * SHAPE_BYTES_MAX);
    check("", "");
}

/// The same, as it is meant: byte by byte, each question asked everywhere.
mod plainly {
    use super::{DATE_WORDS, QUOTED_BYTES_MAX, SHAPE_BYTES_MAX};

    pub(super) fn shape(message: &[u8]) -> String {
        let mut out = Vec::new();
        let mut at = 0;
        while at < message.len() && out.len() < SHAPE_BYTES_MAX {
            let (before, text) = message.split_at(at);
            let (mask, len) = begins(before, text).unwrap_or((&text[..1], 1));
            out.extend_from_slice(mask);
            at += len;
        }
        without_repeats(&String::from_utf8_lossy(&out))
    }

    /// What stands for that which begins with `text`, and its length, if it is masked.
    fn begins<'a>(before: &[u8], text: &[u8]) -> Option<(&'a [u8], usize)> {
        let before = before.last().copied();
        let in_word = before.is_some_and(is_of_word);
        let number = text[0].is_ascii_digit().then(|| number(text));
        if in_word {
            return number.map(|len| (&b"#"[..], len)).or_else(|| sign(before, text));
        }
        date_word(text)
            .map(|len| (&b""[..], len))
            .or_else(|| machine(before, text).map(|len| (&b"#"[..], len)))
            .or_else(|| hexadecimal(text).map(|len| (&b"#"[..], len)))
            .or_else(|| number.map(|len| (&b"#"[..], len)))
            .or_else(|| quoted(text).map(|len| ("\"…\"".as_bytes(), len)))
            .or_else(|| sign(before, text))
    }

    fn is_of_word(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_'
    }

    fn while_of(text: &[u8], is_of: impl Fn(u8) -> bool) -> usize {
        text.iter().take_while(|byte| is_of(**byte)).count()
    }

    fn count(text: &[u8], byte: u8) -> usize {
        text.iter().filter(|other| **other == byte).count()
    }

    fn sign<'a>(before: Option<u8>, text: &[u8]) -> Option<(&'a [u8], usize)> {
        let is_free = before.is_none_or(|byte| b" \t_=(:,[".contains(&byte));
        (is_free && text[0] == b'-' && text.get(1)?.is_ascii_digit()).then_some((&b""[..], 1))
    }

    fn number(text: &[u8]) -> usize {
        let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
        let goes_on = |at: &usize| is_digit(*at) || b".:,".contains(&text[*at]) && is_digit(at + 1);
        (0..text.len()).take_while(goes_on).count()
    }

    fn date_word(text: &[u8]) -> Option<usize> {
        let is_name = |text: &[u8]| DATE_WORDS.iter().any(|name| text.starts_with(*name));
        let gap = while_of(text.get(3..)?, |byte| b" ,/-".contains(&byte));
        let after = &text[3 + gap..];
        let counts = is_name(after) || after.first().is_some_and(u8::is_ascii_digit);
        (is_name(text) && gap > 0 && counts).then_some(3 + gap)
    }

    fn machine(before: Option<u8>, text: &[u8]) -> Option<usize> {
        let len = while_of(text, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
        let name = std::str::from_utf8(&text[..len]).unwrap();
        let name = name.strip_suffix('.').unwrap_or(name);
        let (host, domain) = name.rsplit_once('.')?;
        let is_free = before.is_none_or(|byte| !b"-./\\$".contains(&byte)) && text[0].is_ascii_alphanumeric();
        let is_alone = text.get(len).is_none_or(|byte| !is_of_word(*byte));
        let is_domain = domain.len() >= 2 && domain.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_host =
            host.split('.').all(|label| !label.is_empty()) && name.contains(|c: char| c.is_ascii_digit());
        (is_free && is_alone && is_domain && is_host).then_some(name.len())
    }

    fn quoted(text: &[u8]) -> Option<usize> {
        let window = &text[..text.len().min(QUOTED_BYTES_MAX)];
        let is_quote = matches!(text[0], b'"' | b'\'');
        let close = (1..window.len()).find(|at| is_quote && window[*at] == text[0])?;
        let is_apostrophe = window.get(close + 1).is_some_and(u8::is_ascii_alphanumeric);
        (!is_apostrophe).then_some(close + 1)
    }

    fn hexadecimal(text: &[u8]) -> Option<usize> {
        let prefix = if text.starts_with(b"0x") || text.starts_with(b"0X") { 2 } else { 0 };
        let body = &text[prefix..];
        let len = while_of(body, |byte| byte.is_ascii_hexdigit() || byte == b'-' || byte == b':');
        let word = &body[..len];
        let (dashes, colons) = (count(word, b'-'), count(word, b':'));
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = len - digits - dashes - colons;
        let is_plain =
            dashes + colons == 0 && (prefix > 0 && len > 0 || len >= 6 && digits > 0 && letters > 0);
        let is_uuid = len == 36 && dashes == 4;
        let is_double = word.windows(2).any(|pair| pair == b"::");
        let is_ipv6 = dashes == 0 && colons >= 2 && (letters > 0 || is_double);
        let is_begun = prefix > 0 || text[0].is_ascii_hexdigit() || text[0] == b':';
        let is_alone = body.get(len).is_none_or(|byte| !is_of_word(*byte));
        let trailing = usize::from(is_ipv6 && word.ends_with(b":") && !word.ends_with(b"::"));
        (is_begun && is_alone && (is_plain || is_uuid || is_ipv6)).then_some(prefix + len - trailing)
    }

    /// Word by word, with nothing in between.
    fn without_repeats(shape: &str) -> String {
        let mut kept: Vec<&str> = Vec::new();
        for word in shape.split(' ') {
            if kept.last() != Some(&word) || !word.contains('#') {
                kept.push(word);
            }
        }
        kept.join(" ")
    }
}

#[track_caller]
fn check_plainly(message: &[u8]) {
    assert_eq!(shape(message), plainly::shape(message), "{:?}", String::from_utf8_lossy(message));
}

#[test]
fn lines_as_they_are_have_the_shape_that_is_meant() {
    let lines = include_bytes!("../scan/typical.log").split(|byte| *byte == b'\n');
    for line in lines {
        // From each place on: what comes first has nothing before it.
        (0..=line.len()).for_each(|at| check_plainly(&line[at..]));
    }
}

/// A part of a message: whole things that are masked or nearly are, and the signs that part them.
fn part() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: &[&str] = &[
        "Jun",
        "Sun",
        "Marc",
        "10/Oct/2026",
        "2026-11-24T10:00:00.5Z",
        "10.0.0.1:5222",
        "1,204",
        "3.5ms",
        "-17",
        "web-17.example.com",
        "web-17.example.com.",
        "n219.example",
        "a..b1.com",
        "10.example.c",
        "org.apache.Client",
        "fe80::1ff:fe23:4567:890a",
        "::1",
        "dead::",
        "12:30:",
        "ab:cd:ef:01:23:45",
        "0xffff88003a",
        "0X1f",
        "0x1g",
        "7f3a9c12",
        "deadbeef",
        "123e4567-e89b-12d3-a456-426614174000",
        "abcdefab-abcd-abcd-abcd-abcdefabcdefa",
        "blk_",
        "ssh2",
        "error",
        "LeaseRenewer",
        "a_long_word_of_letters",
        "can't",
        "don't",
        "\"bob\"",
        "'a b'",
        "#",
        "# #",
        "é",
        "…",
    ];
    prop_oneof![
        4 => proptest::sample::select(PARTS).prop_map(Into::into),
        4 => proptest::sample::select(&b"  \t-.:,/\\$_=([\"'#09aAfFgzxX"[..]).prop_map(|byte| vec![byte]),
        2 => "[a-f0-9:-]{1,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 1..4),
        1 => (0..300_usize).prop_map(|len| vec![b'w'; len]),
    ]
}

/// A part of a message that is no UTF-8, but for the ends of words in it.
fn broken_part() -> impl Strategy<Value = &'static [u8]> {
    const PARTS: &[&[u8]] = &[b"#", b"\xff", b"\xfe", b"\xe2\x80", b" ", b"a"];
    proptest::sample::select(PARTS)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_message_has_the_shape_that_is_meant(parts in proptest::collection::vec(part(), 0..40)) {
        let message = parts.concat();
        prop_assert_eq!(shape(&message), plainly::shape(&message));
    }

    #[test]
    fn repeats_stand_once(message in "(#|a#|b|é#|\"c\"|1| ){0,300}") {
        prop_assert_eq!(shape(message.as_bytes()), plainly::shape(message.as_bytes()));
    }

    /// Words that differ as bytes may be alike as text.
    #[test]
    fn repeats_that_are_no_text_stand_once(parts in proptest::collection::vec(broken_part(), 0..20)) {
        let message = parts.concat();
        prop_assert_eq!(shape(&message), plainly::shape(&message));
    }
}
