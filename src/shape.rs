//! The shape of a message: the text with what varies masked, so that two lines of one statement have one shape.
//!
//! Numbers (with the dots, colons and commas inside them, so addresses and times too), hexadecimal words, UUIDs,
//! IPv6 addresses and quoted text become `#`, `#`, `#`, `#` and `"…"`. One pass, no I/O.

/// The longest shape, in bytes: what follows in a longer message tells no statements apart.
const SHAPE_BYTES_MAX: usize = 512;

/// A quoted text that is longer than this, in bytes, is no quotation.
const QUOTED_BYTES_MAX: usize = 256;

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
        let byte = message[at];
        at += match byte {
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
    String::from_utf8_lossy(&out).into_owned()
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
        check("unknown user \"bob\"", "unknown user \"…\"");
        check("unknown user 'bob', again", "unknown user \"…\", again");
    }

    #[test]
    fn what_does_not_vary_stays() {
        check("can't open, don't try", "can't open, don't try");
        check("decade of feedback", "decade of feedback");
        check("deadbeef", "deadbeef");
        check("a: b", "a: b");
    }

    #[test]
    fn any_bytes_have_a_shape_of_bounded_length() {
        assert!(shape(&[0xff; 10_000]).len() <= 3 * SHAPE_BYTES_MAX);
        check("", "");
    }
}
