//! Bytes to lines. No I/O, no clock.

pub mod ansi;
pub mod encoding;
pub mod join;
pub mod own_time;
pub mod parse;
pub mod split;
pub mod stamp;
pub mod trace;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Origin, Parse, Shape};
use crate::time::Time;

use encoding::Encoding;
use join::Multiline;
use own_time::TimeSpec;
use parse::Parser;

/// How bytes become lines.
#[derive(Debug, Clone)]
pub struct LineSpec {
    /// A longer line is cut here, in bytes as they were read, and its rest skipped.
    pub line_bytes_max: usize,
    /// How it is written; `None`: as its byte order mark says, else UTF-8.
    pub encoding: Option<Encoding>,
    /// What is done with terminal colour codes before matching.
    pub ansi: Ansi,
    /// Which lines are one event; `None`: each is one.
    pub multiline: Option<Multiline>,
    /// How a line's fields are read.
    pub parser: Parser,
    /// Where its own time is read.
    pub time: TimeSpec,
    /// A line whose own time is older is counted, not matched.
    pub max_age: Option<Duration>,
}

impl LineSpec {
    /// The default of `max_line`.
    pub const LINE_BYTES_MAX: usize = 256 * 1024;

    /// A line as rules see it.
    pub fn text<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        self.ansi.of(line)
    }

    /// The event of such a text, read at `now`, and its own time if it has one. A time that is still to come counts as
    /// `now`: one clock that is wrong must not hold up the windows.
    pub fn event(
        &self,
        text: &[u8],
        truncated: bool,
        origin: &Arc<Origin>,
        now: Time,
    ) -> (Event, Option<Time>) {
        let parse = self.parser.parse(text);
        let mut event = Event {
            origin: origin.clone(),
            line: text.into(),
            truncated,
            time: now,
            parse,
            shape: Shape::default(),
        };
        let own = self.time.own(text, &event.parse, now);
        event.time = own.map_or(now, |own| own.min(now));
        (event, own)
    }

    /// The own time of such a text.
    pub fn own_time(&self, text: &[u8], now: Time) -> Option<Time> {
        match (&self.time, &self.parser) {
            // Nothing but the line is needed.
            (TimeSpec::Auto(_) | TimeSpec::Read, Parser::Text) => self.time.own(text, &Parse::Text, now),
            _ => self.time.own(text, &self.parser.parse(text), now),
        }
    }
}

impl Default for LineSpec {
    fn default() -> Self {
        Self {
            line_bytes_max: Self::LINE_BYTES_MAX,
            encoding: None,
            ansi: Ansi::Strip,
            multiline: None,
            parser: Parser::Text,
            time: TimeSpec::default(),
            max_age: None,
        }
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

impl Ansi {
    /// A line, or several that are joined, without them.
    pub fn of(self, line: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Strip => ansi::strip(line),
            Self::Keep => line.into(),
        }
    }
}
