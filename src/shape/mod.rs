//! The shape of a message: the text with what varies masked, so that two lines of one statement have one shape.
//!
//! Numbers (with the dots, colons and commas inside them, so addresses and times too), hexadecimal words, UUIDs, IPv6
//! addresses, the days and months of a date and the names of machines with a number in them become `#`, quoted text
//! becomes `"…"`; a word with a `#` that is repeated stands once. One pass, no I/O. What it can't see: `docs/shape.md`.

mod eight;
mod masked;
#[cfg(test)]
mod tests;

use masked::Masked;

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
    let mut buffer = masked::EMPTY;
    let mut masked = Masked::new(&mut buffer);
    let mut at = 0;
    while at < message.len() && masked.has_room() {
        at += take(message, at, &mut masked);
    }
    masked.into_shape()
}

/// What may begin at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Letters and `_`.
    Word,
    Digit,
    Space,
    Quote,
    Dash,
    Colon,
    /// Nothing.
    Other,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Kind::Word,
            b'0'..=b'9' => Kind::Digit,
            b' ' => Kind::Space,
            b'"' | b'\'' => Kind::Quote,
            b'-' => Kind::Dash,
            b':' => Kind::Colon,
            _ => Kind::Other,
        };
        byte += 1;
    }
    kinds
};

/// Masks or copies what begins at `at`; how long that is.
fn take(message: &[u8], at: usize, masked: &mut Masked<'_>) -> usize {
    let text = &message[at..];
    let len_masked = match KINDS[usize::from(text[0])] {
        Kind::Word => return take_word(message, at, masked),
        Kind::Space => {
            masked.put_space();
            return 1;
        }
        Kind::Digit if follows_word(message, at) => Some(eight::number(text)),
        Kind::Digit => Some(number(message, at)),
        Kind::Quote if !follows_word(message, at) => match quoted(text) {
            Some(len) => {
                masked.put_quote();
                return len;
            }
            None => None,
        },
        Kind::Dash if is_sign(message, at) => return 1,
        // Of few signs more than one is in a row, but colons stand before much.
        Kind::Colon if text.get(1).is_some_and(of_hexadecimal) && !follows_word(message, at) => {
            hexadecimal(text)
        }
        Kind::Quote | Kind::Dash | Kind::Colon | Kind::Other => None,
    };
    masked.put(if len_masked.is_some() { b'#' } else { text[0] });
    len_masked.unwrap_or(1)
}

/// The same of letters.
fn take_word(message: &[u8], at: usize, masked: &mut Masked<'_>) -> usize {
    let text = &message[at..];
    let len = eight::letters(text);
    if !follows_word(message, at) {
        if len == 3
            && let Some(len) = date_word(text)
        {
            return len;
        }
        let may_be_hexadecimal = || text[0].is_ascii_hexdigit() && text[len - 1].is_ascii_hexdigit();
        // All else that begins with a letter goes on with one of these behind its first letters.
        let len_masked = match text.get(len) {
            Some(b'.') => machine(message, at),
            Some(b':') if may_be_hexadecimal() => hexadecimal(text),
            Some(b'0'..=b'9' | b'-') if may_be_hexadecimal() => {
                machine(message, at).or_else(|| hexadecimal(text))
            }
            Some(b'0'..=b'9' | b'-') => machine(message, at),
            _ => None,
        };
        if let Some(len) = len_masked {
            masked.put(b'#');
            return len;
        }
    }
    masked.put_letters(len, text);
    len
}

/// The length of what begins with the digit at `at`, in front of which no word stands: a number at least.
fn number(message: &[u8], at: usize) -> usize {
    let text = &message[at..];
    let len = eight::number(text);
    // What is more than a number goes on with one of these.
    let more = match text.get(len) {
        Some(b'.' | b'g'..=b'w' | b'y' | b'z') => machine(message, at),
        Some(b':' | b'A'..=b'F' | b'X') => hexadecimal(text),
        Some(b'-' | b'a'..=b'f' | b'x') => machine(message, at).or_else(|| hexadecimal(text)),
        _ => None,
    };
    more.unwrap_or(len)
}

fn follows_word(message: &[u8], at: usize) -> bool {
    at > 0 && of_word(message[at - 1])
}

const fn of_word(byte: u8) -> bool {
    matches!(KINDS[byte as usize], Kind::Word | Kind::Digit)
}

/// The length of the name of a day or a month at the beginning of `text`, with what stands between it and the number or
/// name that follows.
fn date_word(text: &[u8]) -> Option<usize> {
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
    // Looked for where a word begins alone, so that each byte is looked at once.
    if at > 0 && matches!(message[at - 1], b'-' | b'.' | b'/' | b'\\' | b'$') {
        return None;
    }
    let text = &message[at..];
    let len = eight::of_machine(text);
    let name = text[..len].strip_suffix(b".").unwrap_or(&text[..len]);
    let goes_on = text.get(len).is_some_and(|byte| of_word(*byte));
    // Most words are none by this alone.
    if goes_on || !name.last()?.is_ascii_lowercase() || !name.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let (host, domain) = (&name[..dot], &name[dot + 1..]);
    let is_domain = domain.len() >= 2 && domain.iter().all(u8::is_ascii_lowercase);
    let is_whole = host.split(|byte| *byte == b'.').all(|label| !label.is_empty());
    (is_domain && is_whole).then_some(name.len())
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
    let close = memchr::memchr(text[0], window)?;
    // An apostrophe in front of a word's middle ("can't … don't") is no closing quote.
    let after = window.get(close + 1);
    (!after.is_some_and(u8::is_ascii_alphanumeric)).then_some(close + 2)
}

/// The length of the word at the beginning of `text` if it is hexadecimal for sure: `0x…`, a UUID, an IPv6 address, or
/// at least six hexadecimal digits of which one is a decimal one.
fn hexadecimal(text: &[u8]) -> Option<usize> {
    let prefix = if text.starts_with(b"0x") || text.starts_with(b"0X") { 2 } else { 0 };
    let body = &text[prefix..];
    let len = eight::of_hexadecimal(body);
    // What goes on as a word ("feed-back", "dead:letter") is none.
    if body.get(len).is_some_and(|byte| of_word(*byte)) {
        return None;
    }
    let word = &body[..len];
    let count = |wanted| word.iter().filter(|byte| **byte == wanted).count();
    let has_letters = || word.iter().any(u8::is_ascii_alphabetic);
    if word.contains(&b'-') {
        let is_uuid = len == 36 && count(b'-') == 4;
        return is_uuid.then_some(prefix + len);
    }
    if word.contains(&b':') {
        let is_ipv6 = count(b':') >= 2 && (has_letters() || word.windows(2).any(|pair| pair == b"::"));
        // A colon that ends the address belongs to the sentence.
        let trailing = usize::from(word.ends_with(b":") && !word.ends_with(b"::"));
        return is_ipv6.then_some(prefix + len - trailing);
    }
    let is_mixed = || len >= 6 && has_letters() && word.iter().any(u8::is_ascii_digit);
    (prefix > 0 && len > 0 || is_mixed()).then_some(prefix + len)
}

/// Whether hexadecimal words have such bytes.
fn of_hexadecimal(byte: &u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':')
}
