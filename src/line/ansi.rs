//! Takes terminal control sequences (ECMA-48) out of a line, so that `^ERROR` matches a coloured `ERROR`.

use std::borrow::Cow;

/// The byte that each sequence begins with.
pub const ESC: u8 = 0x1b;

/// `line` without its escape sequences; borrowed where there are none, which costs one `memchr`.
pub fn strip(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(ESC, line) else { return Cow::Borrowed(line) };
    let mut out = Vec::with_capacity(line.len());
    out.extend_from_slice(&line[..first]);
    let mut rest = &line[first..];
    while let Some(at) = memchr::memchr(ESC, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + sequence(&rest[at..])..];
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// The lines of `block` without their escape sequences, each with a `\n` and without a `\r` before it.
pub fn strip_lines(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.len());
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        out.extend_from_slice(&strip(line.strip_suffix(b"\r").unwrap_or(line)));
        out.push(b'\n');
    }
    out
}

/// The length of the sequence that begins with the ESC at the beginning of `text`, as far as the line holds it.
fn sequence(text: &[u8]) -> usize {
    match text.get(1) {
        // CSI: parameters and intermediates, then one final byte.
        Some(b'[') => {
            let inner = text[2..].iter().take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
            match text.get(2 + inner) {
                Some(0x40..=0x7e) => 3 + inner,
                _ => 2 + inner,
            }
        }
        // OSC, DCS, SOS, PM, APC: a string up to BEL or ST.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let end = text[2..].iter().position(|byte| *byte == 0x07 || *byte == ESC);
            match end.map(|end| 2 + end) {
                Some(end) if text[end] == 0x07 => end + 1,
                Some(end) if text.get(end + 1) == Some(&b'\\') => end + 2,
                Some(end) => end,
                // Without its end it is taken for a lone escape: a line must not vanish.
                None => 2,
            }
        }
        // Two or three bytes: intermediates, then one final byte.
        Some(0x20..=0x2f) => {
            let inner = text[1..].iter().take_while(|byte| (0x20..=0x2f).contains(*byte)).count();
            (1 + inner + 1).min(text.len())
        }
        Some(0x30..=0x7e) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&strip(line.as_bytes())), expected);
    }

    #[test]
    fn colours_and_titles_go() {
        check("\x1b[31mERROR\x1b[0m: disk full", "ERROR: disk full");
        check("\x1b[38;2;255;0;0mred\x1b[m", "red");
        check("\x1b]0;title\x07text", "text");
        check("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link");
        check("\x1b(Bplain\x1b=", "plain");
        check("no codes", "no codes");
    }

    #[test]
    fn a_broken_sequence_takes_no_text_with_it() {
        check("\x1b]0;never closed", "0;never closed");
        check("end\x1b", "end");
        check("\x1b[31", "");
        check("\x1b[31é", "é");
    }

    proptest! {
        #[test]
        fn no_escape_is_left(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!strip(&line).contains(&ESC));
        }

        #[test]
        fn lines_together_are_lines_one_by_one(
            lines in proptest::collection::vec("[a\x1b\\[\\]0m;\x07\r]{0,12}", 0..8),
        ) {
            let block: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let expected: Vec<u8> = lines.iter().flat_map(|line| {
                let line = line.strip_suffix('\r').unwrap_or(line);
                [&*strip(line.as_bytes()), b"\n"].concat()
            }).collect();
            prop_assert_eq!(strip_lines(block.as_bytes()), expected);
        }

        #[test]
        fn a_line_without_escapes_is_itself(line in "[^\x1b]{0,80}") {
            prop_assert_eq!(&*strip(line.as_bytes()), line.as_bytes());
        }
    }
}
