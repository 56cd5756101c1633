//! Bytes to lines. No I/O, no clock.

pub mod ansi;
pub mod parse;
pub mod split;
pub mod stamp;

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Event, Origin};
use crate::time::Time;

use parse::Parser;

/// How bytes become lines.
#[derive(Debug, Clone)]
pub struct LineSpec {
    /// A longer line is cut here, in bytes, and its rest skipped.
    pub line_bytes_max: usize,
    /// What is done with terminal colour codes before matching.
    pub ansi: Ansi,
    /// How a line's fields are read.
    pub parser: Parser,
}

impl LineSpec {
    /// The default of `max_line`.
    pub const LINE_BYTES_MAX: usize = 256 * 1024;

    /// A line as rules see it.
    pub fn text<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        match self.ansi {
            Ansi::Strip => ansi::strip(line),
            Ansi::Keep => line.into(),
        }
    }

    /// The event of such a text, read at `now`.
    pub fn event(&self, text: &[u8], truncated: bool, origin: &Arc<Origin>, now: Time) -> Event {
        let parse = self.parser.parse(text);
        Event { origin: origin.clone(), line: text.into(), truncated, time: now, parse }
    }
}

impl Default for LineSpec {
    fn default() -> Self {
        Self { line_bytes_max: Self::LINE_BYTES_MAX, ansi: Ansi::Strip, parser: Parser::Text }
    }
}

/// What is done with terminal colour codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ansi {
    /// They are taken out.
    Strip,
    /// They stay.
    Keep,
}
