//! How a text is written in bytes, and how it becomes the UTF-8 that rules look at.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// So much of a text's beginning tells whether it is UTF-16 that doesn't say so.
pub const HEAD_BYTES: usize = 256;

/// Fewer code units tell nothing.
const UNITS_MIN: usize = 4;

/// A text that looks like UTF-16, and nothing says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it looks like UTF-16 without the byte order mark that says so: write `encoding: {}` for its input",
    .0.name()
)]
pub struct Unmarked(pub Encoding);

/// A code unit, by its bytes.
type Unit = [u8; 2];

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// Bytes that are no UTF-8 stay as they are.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// The low byte of a code unit first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// The high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// ISO 8859-1: each byte is the character of its number.
    #[serde(rename = "latin1")]
    Latin1,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Latin1];

    /// As the configuration calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin1",
        }
    }

    /// By the byte order mark that a text begins with, and how long that is.
    pub fn by_mark(head: &[u8]) -> Option<(Self, usize)> {
        MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(mark, by)| (*by, mark.len()))
    }

    /// Whether `head` is enough of a text to tell how it is written: so much that it has a mark or none, and, while it
    /// may be UTF-16, some units.
    pub fn tells(head: &[u8]) -> bool {
        head.len() >= UNITS_MIN * 2
            || memchr::memchr(b'\n', head).is_some()
                && !head.contains(&0)
                && !MARKS.iter().any(|(mark, _)| mark.starts_with(head))
    }

    /// How a text is written that begins with `head`, and how many of its bytes are its mark. What is `named` wins, and
    /// only its own mark is one.
    pub fn of(named: Option<Self>, head: &[u8]) -> Option<(Self, usize)> {
        match (named, Self::by_mark(head)) {
            (None, by_mark) => by_mark,
            (Some(named), Some((by, length))) if by == named => Some((named, length)),
            (Some(named), _) => Some((named, 0)),
        }
    }

    /// The UTF-16 that `head` looks like though it has no mark: every second byte is a NUL, or nearly so, and no other.
    pub fn unmarked(head: &[u8]) -> Option<Unmarked> {
        let (units, _) = head[..head.len().min(HEAD_BYTES)].as_chunks::<2>();
        if units.len() < UNITS_MIN || Self::by_mark(head).is_some() {
            return None;
        }
        let zeros = |place: usize| units.iter().filter(|unit| unit[place] == 0).count();
        let most = |zeros: usize| zeros * 4 >= units.len() * 3;
        match (zeros(0), zeros(1)) {
            (0, low) if most(low) => Some(Unmarked(Self::Utf16Le)),
            (high, 0) if most(high) => Some(Unmarked(Self::Utf16Be)),
            _ => None,
        }
    }

    /// How many bytes belong together: what is no multiple of them is not whole.
    pub const fn unit_bytes(self) -> usize {
        match self {
            Self::Utf8 | Self::Latin1 => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// So many of `bytes` are whole units.
    pub const fn whole(self, bytes: usize) -> usize {
        bytes - bytes % self.unit_bytes()
    }

    /// Where the first line of `text` ends, which begins with a whole unit.
    pub fn line_end(self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Utf8 | Self::Latin1 => memchr::memchr(b'\n', text),
            Self::Utf16Le | Self::Utf16Be => {
                memchr::memchr_iter(b'\n', text).find_map(|at| self.unit_at(text, at, b'\n'))
            }
        }
    }

    /// Where the last line of `text` that has an end has it.
    pub fn last_line_end(self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Utf8 | Self::Latin1 => memchr::memrchr(b'\n', text),
            Self::Utf16Le | Self::Utf16Be => {
                memchr::memrchr_iter(b'\n', text).find_map(|at| self.unit_at(text, at, b'\n'))
            }
        }
    }

    /// Where the code unit of `text` begins that has `byte` at `at`, if it is that character.
    fn unit_at(self, text: &[u8], at: usize, byte: u8) -> Option<usize> {
        let start = at - at % 2;
        (text.get(start..start + 2)? == self.unit(byte)).then_some(start)
    }

    const fn unit(self, byte: u8) -> Unit {
        match self {
            Self::Utf16Be => [0, byte],
            Self::Utf8 | Self::Utf16Le | Self::Latin1 => [byte, 0],
        }
    }

    /// `line` without one `\r` at its end.
    pub fn without_return(self, line: &[u8]) -> &[u8] {
        let without = match self {
            Self::Utf8 | Self::Latin1 => line.strip_suffix(b"\r"),
            Self::Utf16Le | Self::Utf16Be if line.len() % 2 == 1 => None,
            Self::Utf16Le | Self::Utf16Be => line.strip_suffix(&self.unit(b'\r')),
        };
        without.unwrap_or(line)
    }

    /// How many NULs `text` begins with, in bytes.
    pub fn leading_nuls(self, text: &[u8]) -> usize {
        self.whole(text.iter().take_while(|byte| **byte == 0).count())
    }

    /// The first `bytes_max` bytes of a line that is longer, without half a character at the end.
    pub fn beginning(self, line: &[u8], bytes_max: usize) -> &[u8] {
        let kept = &line[..self.whole(line.len().min(bytes_max))];
        let last = match (self, kept.last_chunk()) {
            (Self::Utf16Le, Some(unit)) => u16::from_le_bytes(*unit),
            (Self::Utf16Be, Some(unit)) => u16::from_be_bytes(*unit),
            _ => 0,
        };
        let first_of_a_pair = (0xd800..0xdc00).contains(&last);
        if first_of_a_pair { &kept[..kept.len() - 2] } else { kept }
    }

    /// `text` as UTF-8. A code unit without its other half, and a byte at the end that is none, is U+FFFD. Lines stay
    /// lines: a character is a line's end before and after, or not.
    pub fn decode(self, text: &[u8]) -> Cow<'_, [u8]> {
        let (units, half) = text.as_chunks::<2>();
        match self {
            Self::Utf8 => Cow::Borrowed(text),
            Self::Latin1 if text.is_ascii() => Cow::Borrowed(text),
            Self::Latin1 => Cow::Owned(utf8(text.iter().map(|byte| char::from(*byte)))),
            Self::Utf16Le => Cow::Owned(utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)), half)),
            Self::Utf16Be => Cow::Owned(utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)), half)),
        }
    }
}

const MARKS: [(&[u8], Encoding); 3] =
    [(b"\xef\xbb\xbf", Encoding::Utf8), (b"\xff\xfe", Encoding::Utf16Le), (b"\xfe\xff", Encoding::Utf16Be)];

fn utf16(units: impl Iterator<Item = u16>, half: &[u8]) -> Vec<u8> {
    let whole = char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER));
    utf8(whole.chain(half.iter().map(|_| char::REPLACEMENT_CHARACTER)))
}

fn utf8(text: impl Iterator<Item = char>) -> Vec<u8> {
    text.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Latin1, Utf8, Utf16Be, Utf16Le};
    use proptest::prelude::*;

    #[test]
    fn a_mark_tells() {
        for (head, told) in [
            (&b"\xef\xbb\xbfa"[..], Some((Utf8, 3))),
            (b"\xff\xfea\0", Some((Utf16Le, 2))),
            (b"\xfe\xff\0a", Some((Utf16Be, 2))),
            (b"\xef\xbb", None),
            (b"a", None),
            (b"", None),
        ] {
            assert_eq!(Encoding::by_mark(head), told, "{head:?}");
        }
        assert!(Encoding::tells(b"a\n") && Encoding::tells(b"a\0b\0c\0d\0"));
        for head in [&b""[..], b"\xef\xbb", b"no line yet"[..5].as_ref(), b"a\0\n\0"] {
            assert!(!Encoding::tells(head), "{head:?}");
        }
        assert_eq!(Encoding::of(Some(Latin1), b"\xef\xbb\xbfa"), Some((Latin1, 0)), "what is named wins");
        assert_eq!(Encoding::of(Some(Utf16Le), b"\xff\xfea\0"), Some((Utf16Le, 2)));
    }

    #[test]
    fn utf16_without_a_mark_is_known_by_its_nuls() {
        for (head, told) in [
            (&b"E\0r\0r\0\n\0"[..], Some(Utf16Le)),
            (b"\0E\0r\0r\0\n", Some(Utf16Be)),
            (b"E\0r\0r\0", None),
            (b"\0\0\0\0\0\0\0\0a\0", None),
            (b"plain text of some length", None),
            (b"one \0 within a text", None),
        ] {
            assert_eq!(Encoding::unmarked(head), told.map(Unmarked), "{head:?}");
        }
        let mostly: Vec<u8> = "größer als 5 €, ja".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Encoding::unmarked(&mostly), Some(Unmarked(Utf16Le)));
    }

    #[test]
    fn what_is_no_character_is_shown_as_such() {
        assert_eq!(&*Utf16Le.decode(b"a\0\x3d\xd8b\0\x00\xdcc"), "a\u{fffd}b\u{fffd}\u{fffd}".as_bytes());
        assert_eq!(&*Latin1.decode(b"gr\xfc\xdfe \x80"), "grüße \u{80}".as_bytes());
        assert_eq!(Utf16Le.beginning(b"a\0\x3d\xd8\x00\xdc", 5), b"a\0", "no half of a pair");
        assert_eq!(Utf16Le.beginning(b"a\0\x3d\xd8\x00\xdc", 6).len(), 6);
    }

    #[test]
    fn a_line_feed_is_a_character_and_no_byte() {
        // U+0A0A, U+0A00, U+000A.
        assert_eq!(Utf16Be.line_end(b"\x0a\x0a\x0a\0\0\x0a"), Some(4));
        assert_eq!(Utf16Le.line_end(b"\x0a\x0a\0\x0a\x0a\0"), Some(4));
        assert_eq!(Utf16Le.line_end(b"a\0\x0a"), None, "half of it is there");
    }

    proptest! {
        #[test]
        fn text_comes_back(text in ".{0,60}") {
            let (little, big): (Vec<u8>, Vec<u8>) = (
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            );
            prop_assert_eq!(&*Utf16Le.decode(&little), text.as_bytes());
            prop_assert_eq!(&*Utf16Be.decode(&big), text.as_bytes());
            prop_assert_eq!(&*Utf8.decode(text.as_bytes()), text.as_bytes());
        }

        #[test]
        fn any_bytes_decode_to_as_many_lines(bytes in proptest::collection::vec(prop_oneof![Just(0), Just(b'\n'), any::<u8>()], 0..80)) {
            for encoding in Encoding::ALL {
                let units = bytes.chunks_exact(encoding.unit_bytes());
                let ends = units.filter(|unit| encoding.line_end(unit) == Some(0)).count();
                prop_assert_eq!(memchr::memchr_iter(b'\n', &encoding.decode(&bytes)).count(), ends);
            }
        }
    }
}
