//! Lines of a block: whole ones, each with its end, but perhaps the last.

use std::sync::Arc;

use crate::event::Origin;
use crate::line::ansi::ESC;

use super::vector::{self, Passed};

/// What the lines of a block have in common.
#[derive(Debug)]
pub struct Lines<'a, T> {
    /// Where they were read.
    pub origin: &'a Arc<Origin>,
    /// When they are read; asked only where a rule may take a line.
    pub time: T,
}

/// What the last byte of a line in a block may be part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// A `\r` before the line's end belongs to the end.
    Read,
    /// The text was cut into lines and decoded before: a `\r` belongs to it.
    Decoded,
}

/// A line's place in its block, without its `\n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Line {
    /// Its bytes, without what belongs to its end.
    pub(super) fn text(self, block: &[u8], ends: Ends) -> &[u8] {
        let line = &block[self.start..self.end];
        match ends {
            Ends::Read => line.strip_suffix(b"\r").unwrap_or(line),
            Ends::Decoded => line,
        }
    }
}

/// The line of `block` that the place `at` is in; a line's end belongs to the line before it.
pub(super) fn line_at(block: &[u8], at: usize) -> Line {
    Line {
        start: memchr::memrchr(b'\n', &block[..at]).map_or(0, |newline| newline + 1),
        end: memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |newline| at + newline),
    }
}

/// What a block is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survey {
    /// How many lines there are in it.
    pub lines: u64,
    /// Whether an [`ESC`] is in it.
    pub escape: bool,
}

impl Survey {
    /// Of a block that holds what was seen; its last line may have no end.
    pub(super) fn new(block: &[u8], Passed { ends, escape }: Passed) -> Self {
        Self { lines: ends + u64::from(block.last().is_some_and(|byte| *byte != b'\n')), escape }
    }
}

/// Counts the lines of `block`, and looks for an [`ESC`] in it, in one pass.
pub fn survey(block: &[u8]) -> Survey {
    let (seen, at) = vector::survey(block);
    let rest = &block[at..];
    let ends = seen.ends + memchr::memchr_iter(b'\n', rest).count() as u64;
    Survey::new(block, Passed { ends, escape: seen.escape || memchr::memchr(ESC, rest).is_some() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_are_counted_and_an_escape_is_seen(
            pieces in proptest::collection::vec((any::<bool>(), 0usize..200, any::<bool>()), 0..60),
            repeated in 1usize..40,
        ) {
            let piece = |(end, dashes, escape): &(bool, usize, bool)| {
                let escape = if *escape && *dashes == 7 { "\x1b" } else { "" };
                format!("{}{escape}{}", "-".repeat(*dashes), if *end { "\n" } else { "" })
            };
            let block = pieces.iter().map(piece).collect::<String>().repeat(repeated).into_bytes();
            let lines = block.split_inclusive(|byte| *byte == b'\n').count() as u64;
            prop_assert_eq!(survey(&block), Survey { lines, escape: block.contains(&0x1b) });
            let ends = vec![b'\n'; block.len()];
            prop_assert_eq!(survey(&ends), Survey { lines: ends.len() as u64, escape: false });
        }
    }
}
