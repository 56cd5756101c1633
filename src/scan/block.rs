//! Lines of a block: whole ones, each with its end, but perhaps the last.

use super::Ends;

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

/// How many lines there are in `block`.
pub fn count(block: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', block).count() as u64;
    ends + u64::from(block.last().is_some_and(|byte| *byte != b'\n'))
}
