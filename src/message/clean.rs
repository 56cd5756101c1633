//! Shows what a reader could not see: control characters, escapes, text direction overrides, zero-width characters.
//!
//! They are written as their escapes (`\x1b`, `\u{202e}`), so that nobody can hide text in an alert, turn it around, or
//! drive a terminal through our own log. This is no escaping of markup: `escape` does that.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with what is invisible shown; line ends and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    shown(text, |c| !matches!(c, '\n' | '\t') && is_invisible(c))
}

/// `text` on one line: line ends and tabs are shown too.
pub fn line(text: &str) -> Cow<'_, str> {
    shown(text, is_invisible)
}

/// Log text for our own log: on one line, at most `max_chars` characters, the last of them `…` where it was cut.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let mut out = String::new();
    let mut chars = 0;
    // The length of `out` when there was still room for the `…`.
    let mut room = 0;
    for c in text.chars() {
        let before = out.len();
        push_shown(&mut out, c, is_invisible(c));
        chars += out[before..].chars().count();
        if chars > max_chars {
            out.truncate(room);
            if max_chars > 0 {
                out.push('…');
            }
            return out;
        }
        if chars < max_chars {
            room = out.len();
        }
    }
    out
}

fn shown(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&hidden) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        push_shown(&mut out, c, hidden(c));
    }
    Cow::Owned(out)
}

fn push_shown(out: &mut String, c: char, hidden: bool) {
    // Writing to a `String` can't fail.
    let _ = match (hidden, c) {
        (false, _) => out.write_char(c),
        (true, '\n') => out.write_str("\\n"),
        (true, '\t') => out.write_str("\\t"),
        (true, '\r') => out.write_str("\\r"),
        (true, '\0'..='\u{ff}') => write!(out, "\\x{:02x}", u32::from(c)),
        (true, _) => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
}

/// Whether a character is drawn as nothing, or changes how its neighbours are drawn.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}'                              // soft hyphen
        | '\u{34f}'                             // grapheme joiner
        | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}'               // zero width, marks of direction
        | '\u{2028}'..='\u{202e}'               // line and paragraph separator, overrides of direction
        | '\u{2060}'..='\u{206f}'               // word joiner, invisible operators, isolates
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{fdd0}'..='\u{fdef}'               // noncharacters; the others end each plane
        | '\u{e0000}'..='\u{e0fff}'             // tags
    ) || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_invisible_is_shown() {
        for (text, expected) in [
            ("plain ünïcödé 日本 🔥", "plain ünïcödé 日本 🔥"),
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("a\0b\x7fc\u{9b}d", "a\\x00b\\x7fc\\x9bd"),
            ("user\u{202e}txt.exe", "user\\u{202e}txt.exe"),
            ("a\u{200b}\u{2060}\u{feff}b", "a\\u{200b}\\u{2060}\\u{feff}b"),
            ("x\u{2028}y\u{2029}z", "x\\u{2028}y\\u{2029}z"),
            ("\u{fdd0}\u{ffff}\u{1fffe}", "\\u{fdd0}\\u{ffff}\\u{1fffe}"),
            ("one\r\ntwo\tthree", "one\\r\ntwo\tthree"),
        ] {
            assert_eq!(lines(text), expected);
        }
        assert_eq!(line("one\r\ntwo\tthree"), "one\\r\\ntwo\\tthree");
    }

    #[test]
    fn our_log_gets_one_short_line() {
        assert_eq!(one_line("short", 256), "short");
        assert_eq!(one_line("a\nb", 256), "a\\nb");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
        assert_eq!(one_line("abc\u{202e}", 6), "abc…", "an escape is never cut in two");
        assert_eq!(one_line("abcdef", 0), "");
        assert_eq!(one_line(&"é".repeat(1000), 256).chars().count(), 256);
    }
}
