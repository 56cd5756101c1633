//! What is remembered of a file's content, so that it is known again: hashes of its head and of the bytes before a
//! position. Hashes, because what lies in a log may be a secret.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::line::split::KEPT_BYTES;

/// How many bytes before a position are looked at when reading goes on.
const ANCHOR_BYTES: usize = 256;

/// From so many bytes on, a head alone can tell one file from another; two files may well share a shorter banner.
pub(super) const HEAD_BYTES: u64 = KEPT_BYTES as u64;

/// The shortest beginning that is remembered.
const SHORTEST_HEAD: usize = 16;

/// What lies before a position.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Marks {
    /// Of the first 16, 32, … 1024 bytes, as many of them as lie before the position.
    head: Vec<u64>,
    /// Of the bytes just before the position.
    anchor: u64,
}

/// How many bytes before `offset` are read again with what follows it: the whole beginning, while it is short, so that
/// the head can grow.
pub(super) fn reach(offset: u64) -> usize {
    if offset <= HEAD_BYTES { offset as usize } else { ANCHOR_BYTES }
}

impl Marks {
    /// `beginning`: the file's first bytes, none of them past the position.
    pub(super) fn grow(&mut self, beginning: &[u8]) {
        let known = self.head.len();
        let longer = lengths().skip(known).take_while(|length| *length <= beginning.len());
        self.head.extend(longer.map(|length| head(&beginning[..length])));
    }

    /// What lies before `offset`: the file's first bytes, where they are at hand, and the bytes just before it.
    pub(super) fn set(&mut self, offset: u64, beginning: Option<&[u8]>, before: &[u8]) {
        if let Some(beginning) = beginning {
            self.grow(&beginning[..offset.min(beginning.len() as u64) as usize]);
        }
        self.drop_anchor(&before[before.len().saturating_sub(reach(offset))..]);
    }

    /// `before`: the bytes before the position, at least as many as [`reach`] says.
    pub(super) fn drop_anchor(&mut self, before: &[u8]) {
        self.anchor = anchor(before);
    }

    /// Whether the bytes before the position are still these.
    pub(super) fn hold(&self, before: &[u8]) -> bool {
        before.is_empty() || self.anchor == anchor(before)
    }

    /// Whether these first bytes are still what they were, as far as they are remembered.
    pub(super) fn begin(&self, beginning: &[u8]) -> bool {
        self.head_within(beginning.len() as u64)
            .is_none_or(|(length, hash)| head(&beginning[..length]) == hash)
    }

    /// The longest beginning within `size` bytes that is remembered.
    pub(super) fn head_within(&self, size: u64) -> Option<(usize, u64)> {
        lengths().zip(self.head.iter().copied()).take_while(|(length, _)| *length as u64 <= size).last()
    }

    /// The whole head, where the position lies past it.
    pub(super) fn whole_head(&self) -> Option<u64> {
        self.head.get(lengths().count() - 1).copied()
    }
}

/// The hash of a beginning, of a file or a line.
pub(super) fn head(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

fn anchor(before: &[u8]) -> u64 {
    xxh3_64(&before[before.len().saturating_sub(ANCHOR_BYTES)..])
}

fn lengths() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(SHORTEST_HEAD), |length| Some(length * 2))
        .take_while(|length| *length <= KEPT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_grows_with_the_position_and_stays() {
        let text: Vec<u8> = (0..3000_u32).map(|n| (n * 7 % 251) as u8).collect();
        let mut marks = Marks::default();
        for offset in [3_u64, 40, 900, 1024, 2000, 3000] {
            let before = &text[offset as usize - reach(offset)..offset as usize];
            marks.grow(&text[..offset.min(HEAD_BYTES) as usize]);
            marks.drop_anchor(before);
            assert!(marks.hold(before));
            assert!(!marks.hold(&before[..before.len() - 1]));
        }
        assert_eq!(marks.whole_head(), Some(head(&text[..1024])));
        assert_eq!(marks.head_within(100), Some((64, head(&text[..64]))));
        assert_eq!(marks.head_within(15), None);
    }
}
