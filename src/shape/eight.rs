//! Runs of one kind at the beginning of a text, eight bytes at once: most end within them, and where they do is
//! computed, not branched on.

const EIGHT: usize = 8;

const ONES: u64 = u64::from_le_bytes([1; EIGHT]);
/// The highest bit of each byte. Where bytes of a kind are told, it is set in them, and no other bit is.
const HIGH: u64 = ONES << 7;

/// How many ASCII letters and `_` the text begins with.
pub(super) fn letters(text: &[u8]) -> usize {
    run(text, |bytes| letter(bytes, b'z') | between(bytes, b'_', b'_'))
}

/// How many bytes the text begins with that names of machines have: small letters, digits, `-` and `.`.
pub(super) fn of_machine(text: &[u8]) -> usize {
    run(text, |bytes| between(bytes, b'a', b'z') | between(bytes, b'0', b'9') | between(bytes, b'-', b'.'))
}

/// How many hexadecimal digits, `-` and `:` the text begins with.
pub(super) fn of_hexadecimal(text: &[u8]) -> usize {
    run(text, |bytes| letter(bytes, b'f') | between(bytes, b'0', b':') | between(bytes, b'-', b'-'))
}

/// How long the number is that the text begins with: digits, and what separates them if it has a digit behind it.
pub(super) fn number(text: &[u8]) -> usize {
    let mut len = 0;
    loop {
        let bytes = eight(&text[len..]);
        let digits = between(bytes, b'0', b'9');
        let separators = between(bytes, b'.', b'.') | between(bytes, b':', b':') | between(bytes, b',', b',');
        let run = first_bytes(digits | (separators & (digits >> 8)));
        len += run;
        // What is behind the last of the eight isn't seen.
        if run < EIGHT - 1 {
            return len;
        }
    }
}

/// How many bytes of a kind the text begins with; zero is of none.
fn run(text: &[u8], kind: impl Fn(u64) -> u64) -> usize {
    let mut len = 0;
    loop {
        let run = first_bytes(kind(eight(&text[len..])));
        len += run;
        if run < EIGHT {
            return len;
        }
    }
}

/// The first bytes of the text, the first one lowest; zeros behind its end.
fn eight(text: &[u8]) -> u64 {
    text.first_chunk().map_or_else(|| fewer(text), |bytes| u64::from_le_bytes(*bytes))
}

/// The same of a text of less than eight.
#[cold]
fn fewer(text: &[u8]) -> u64 {
    text.iter().rev().fold(0, |bytes, byte| (bytes << 8) | u64::from(*byte))
}

/// Which bytes are from `first` to `last`, which are ASCII.
const fn between(bytes: u64, first: u8, last: u8) -> u64 {
    // Without the highest bits no sum carries over to the next byte.
    let low = bytes & !HIGH;
    let from_first = low + (0x80 - first as u64) * ONES;
    let behind_last = low + (0x7f - last as u64) * ONES;
    from_first & !behind_last & !bytes & HIGH
}

/// Which bytes are ASCII letters up to `last`, small or capital.
const fn letter(bytes: u64, last: u8) -> u64 {
    between(bytes | (0x20 * ONES), b'a', last)
}

/// How many bytes are of a kind before the first that isn't.
const fn first_bytes(kind: u64) -> usize {
    (!kind & HIGH).trailing_zeros() as usize / 8
}
