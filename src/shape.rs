//! The shape of a message: the text with what varies masked, so that two lines of one statement have one shape.
//!
//! Numbers (with the dots, colons and commas inside them, so addresses and times too), hexadecimal words, UUIDs, IPv6
//! addresses, the days and months of a date and the names of machines with a number in them become `#`, quoted text
//! becomes `"…"`; a word with a `#` that is repeated stands once. One pass, no I/O. What it can't see: `docs/shape.md`.

/// The longest shape, in bytes: what follows in a longer message tells no statements apart.
const SHAPE_BYTES_MAX: usize = 512;

/// A quoted text that is longer than this, in bytes, is no quotation.
const QUOTED_BYTES_MAX: usize = 256;

/// What stands before the number of a day.
const DATE_WORDS: [&[u8; 3]; 19] = [
    b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun", b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun",
    b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Masks `message`, which need not be UTF-8.
///
/// ```
/// use hooktail::shape::shape;
/// assert_eq!(shape(b"user 17 from 10.0.0.1:5222 in 3.5ms"), shape(b"user 9 from 192.168.1.20:80 in 12ms"));
/// assert_ne!(shape(b"disk full"), shape(b"disk empty"));
/// ```
pub fn shape(message: &[u8]) -> String {
    let mut out = Vec::with_capacity(message.len().min(SHAPE_BYTES_MAX));
    let mut at = 0;
    while at < message.len() && out.len() < SHAPE_BYTES_MAX {
        if follows_word(message, at) {
            // Most of a line: nothing begins within a word but a number.
            let room = message[at..].iter().take(SHAPE_BYTES_MAX - out.len());
            let letters = room.take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_').count();
            out.extend_from_slice(&message[at..at + letters]);
            at += letters;
            if letters > 0 {
                continue;
            }
        }
        let byte = message[at];
        if let Some(len) = date_word(message, at) {
            at += len;
            continue;
        }
        if let Some(len) = machine(message, at) {
            at += mask(&mut out, len);
            continue;
        }
        at += match byte {
            b'-' if is_sign(message, at) => 1,
            b'"' | b'\'' if !follows_word(message, at) => match quoted(&message[at..]) {
                Some(len) => {
                    out.extend_from_slice("\"…\"".as_bytes());
                    len
                }
                None => copy(&mut out, byte),
            },
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':' if !follows_word(message, at) => {
                match hexadecimal(&message[at..]) {
                    Some(len) => mask(&mut out, len),
                    None if byte.is_ascii_digit() => mask(&mut out, number(&message[at..])),
                    None => copy(&mut out, byte),
                }
            }
            b'0'..=b'9' => mask(&mut out, number(&message[at..])),
            _ => copy(&mut out, byte),
        };
    }
    match std::str::from_utf8(&out) {
        Ok(shape) => without_repeats(shape),
        Err(_) => without_repeats(&String::from_utf8_lossy(&out)),
    }
}

/// Lists of things that are masked are as long as they happen to be.
fn without_repeats(shape: &str) -> String {
    let mut kept = String::with_capacity(shape.len());
    // What is kept goes up to here; the last word began there.
    let (mut from, mut last, mut start) = (0, 0..0, 0);
    for end in memchr::memchr_iter(b' ', shape.as_bytes()).chain([shape.len()]) {
        let word = &shape[start..end];
        if word == &shape[last.clone()] && word.contains('#') {
            // The space before it goes with it.
            kept.push_str(&shape[from..start - 1]);
            from = end;
        } else {
            last = start..end;
        }
        start = end + 1;
    }
    kept.push_str(&shape[from..]);
    kept
}

fn copy(out: &mut Vec<u8>, byte: u8) -> usize {
    out.push(byte);
    1
}

fn mask(out: &mut Vec<u8>, len: usize) -> usize {
    out.push(b'#');
    len
}

fn follows_word(message: &[u8], at: usize) -> bool {
    at > 0 && (message[at - 1].is_ascii_alphanumeric() || message[at - 1] == b'_')
}

/// The length of the name of a day or a month at `at`, with what stands between it and the number or name that follows.
fn date_word(message: &[u8], at: usize) -> Option<usize> {
    let text = &message[at..];
    if !text.first()?.is_ascii_uppercase() || follows_word(message, at) {
        return None;
    }
    let is_name =
        |text: &[u8]| text.get(..3).is_some_and(|name| DATE_WORDS.iter().any(|word| **word == *name));
    if !is_name(text) {
        return None;
    }
    let gap = text[3..].iter().take_while(|byte| matches!(byte, b' ' | b',' | b'/' | b'-')).count();
    let after = &text[3 + gap..];
    (gap > 0 && (after.first().is_some_and(u8::is_ascii_digit) || is_name(after))).then_some(3 + gap)
}

/// The length of a machine's name at `at`, in small letters and with its domain, if a number is in it: `web-17.example.com`.
fn machine(message: &[u8], at: usize) -> Option<usize> {
    let text = &message[at..];
    let of_name =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    // Looked for where a word begins alone, so that each byte is looked at once.
    let before = at.checked_sub(1).map(|before| message[before]);
    if !text.first()?.is_ascii_alphanumeric()
        || before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-./\\$".contains(&byte))
    {
        return None;
    }
    let len = text.iter().take_while(|byte| of_name(byte)).count();
    let name = text[..len].trim_ascii_end();
    let name = name.strip_suffix(b".").unwrap_or(name);
    // Few words have both.
    if !name.contains(&b'.') || !name.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let goes_on = text.get(len).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let mut labels = name.rsplit(|byte| *byte == b'.');
    let domain = labels.next()?;
    let is_domain = domain.len() >= 2 && domain.iter().all(u8::is_ascii_lowercase);
    let whole = labels.all(|label| !label.is_empty());
    (!goes_on && is_domain && whole).then_some(name.len())
}

/// Whether the `-` at `at` belongs to the number behind it.
fn is_sign(message: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| message[before]);
    message.get(at + 1).is_some_and(u8::is_ascii_digit)
        && before.is_none_or(|byte| b" \t_=(:,[".contains(&byte))
}

/// The length of the quoted text at the beginning of `text`, quotes included.
fn quoted(text: &[u8]) -> Option<usize> {
    let window = &text[1..text.len().min(QUOTED_BYTES_MAX)];
    let close = window.iter().position(|byte| *byte == text[0])?;
    // An apostrophe in front of a word's middle ("can't … don't") is no closing quote.
    let after = window.get(close + 1);
    (!after.is_some_and(u8::is_ascii_alphanumeric)).then_some(close + 2)
}

/// The length of the number at the beginning of `text`, with the separators that stand between its digits.
fn number(text: &[u8]) -> usize {
    let mut len = 1;
    while let Some(byte) = text.get(len) {
        let separates =
            matches!(byte, b'.' | b':' | b',') && text.get(len + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_digit() && !separates {
            break;
        }
        len += 1;
    }
    len
}

/// The length of the word at the beginning of `text` if it is hexadecimal for sure: `0x…`, a UUID, an IPv6 address, or
/// at least six hexadecimal digits of which one is a decimal one.
fn hexadecimal(text: &[u8]) -> Option<usize> {
    let prefix = if text.starts_with(b"0x") || text.starts_with(b"0X") { 2 } else { 0 };
    let body = &text[prefix..];
    let len = body.iter().take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':')).count();
    let word = &body[..len];
    // What goes on as a word ("feed-back", "dead:letter") is none.
    if body.get(len).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return None;
    }
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = word.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let count = |wanted| word.iter().filter(|byte| **byte == wanted).count();
    let plain = count(b'-') == 0 && count(b':') == 0;
    let uuid = len == 36 && count(b'-') == 4;
    let ipv6 =
        count(b'-') == 0 && count(b':') >= 2 && (letters > 0 || word.windows(2).any(|pair| pair == b"::"));
    let certain =
        prefix == 2 && plain && len > 0 || uuid || ipv6 || plain && len >= 6 && digits > 0 && letters > 0;
    // A colon that ends the address belongs to the sentence.
    let trailing = usize::from(ipv6 && word.ends_with(b":") && !word.ends_with(b"::"));
    certain.then_some(prefix + len - trailing)
}

#[cfg(test)]
mod tests {
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

    /// Word by word, with nothing in between.
    fn without_repeats_plainly(shape: &str) -> String {
        let mut kept: Vec<&str> = Vec::new();
        for word in shape.split(' ') {
            if kept.last() != Some(&word) || !word.contains('#') {
                kept.push(word);
            }
        }
        kept.join(" ")
    }

    proptest::proptest! {
        #[test]
        fn repeats_stand_once(shape in "(#|a#|b|é# | ){0,12}") {
            proptest::prop_assert_eq!(without_repeats(&shape), without_repeats_plainly(&shape));
        }
    }
}
