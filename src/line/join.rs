//! Lines that are one event: a stack trace, a query over several lines. What is a group follows from its lines alone,
//! from its first one on, so that it is the same one when it is read again from there.

use std::fmt;
use std::time::Duration;

use regex::bytes::Regex;

use super::split::Line;
use super::trace::{At, Preset};
use super::{Ansi, LineSpec};

/// How lines become one event.
#[derive(Debug, Clone)]
pub struct Multiline {
    /// Which lines belong together.
    pub by: Joins,
    /// A group to which nothing came for so long is complete.
    pub timeout: Duration,
    /// So is one of so many lines.
    pub lines_max: usize,
}

/// Which lines belong together.
#[derive(Debug, Clone)]
pub enum Joins {
    /// A line that matches begins a group, the others belong to the one before them.
    Start(Regex),
    /// A line that matches belongs to the one before it, the others begin a group.
    Continue(Regex),
    /// The stack traces of a language, each with the line before it that tells of an error.
    Preset(Preset),
}

impl Multiline {
    /// The default of `timeout`.
    pub const TIMEOUT: Duration = Duration::from_secs(1);
    /// The default of `max_lines`.
    pub const LINES_MAX: usize = 500;
}

impl fmt::Display for Joins {
    /// In words, of lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(start) => write!(f, "joined up to the next that matches `{}`", start.as_str()),
            Self::Continue(next) => write!(f, "joined with those after them that match `{}`", next.as_str()),
            Self::Preset(preset) => write!(f, "joined with the {} stack traces after them", preset.name()),
        }
    }
}

impl Joins {
    fn begin(&self, line: &[u8]) -> At {
        match self {
            Self::Start(_) | Self::Continue(_) => At::Line,
            Self::Preset(preset) => preset.begin(line),
        }
    }

    /// `None`: the line begins a group.
    fn next(&self, at: At, line: &[u8]) -> Option<At> {
        match self {
            Self::Start(start) => (!start.is_match(line)).then_some(at),
            Self::Continue(next) => next.is_match(line).then_some(at),
            Self::Preset(preset) => preset.next(at, line),
        }
    }
}

/// A group that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined<'a> {
    /// Its lines as rules see them, with a `\n` between two.
    pub text: &'a [u8],
    /// How many lines.
    pub lines: usize,
    /// Its last line was longer than `max_line`.
    pub truncated: bool,
}

impl<'a> Joined<'a> {
    /// As if it were a line.
    pub const fn line(self) -> Line<'a> {
        Line { bytes: self.text, truncated: self.truncated }
    }
}

/// A group that is not complete yet.
#[derive(Debug, Clone, Default)]
pub struct Group {
    text: Vec<u8>,
    lines: usize,
    /// Of the lines as they came, each with its end.
    bytes: usize,
    at: At,
}

impl Group {
    /// What it is so far.
    pub fn joined(&self) -> Joined<'_> {
        Joined { text: &self.text, lines: self.lines, truncated: false }
    }
}

/// Joins the lines of one file or stream. It holds one group, of at most as many bytes as are kept of a line.
#[derive(Debug)]
pub struct Joiner {
    spec: Multiline,
    ansi: Ansi,
    bytes_max: usize,
    open: Group,
}

impl Joiner {
    /// `None`: each line is an event of its own.
    pub fn new(spec: &LineSpec) -> Option<Self> {
        let multiline = spec.multiline.clone()?;
        Some(Self {
            spec: multiline,
            ansi: spec.ansi,
            bytes_max: spec.line_bytes_max,
            open: Group::default(),
        })
    }

    /// The next line; hands on the groups that are complete by it. A group is complete by its next one's first line, by
    /// the number of its lines, by their bytes, and by a line that was cut.
    pub fn add(&mut self, line: Line<'_>, mut done: impl FnMut(Joined<'_>)) {
        let text = self.ansi.of(line.bytes);
        let Group { lines, bytes, at, .. } = self.open;
        let bytes = bytes + line.bytes.len() + 1;
        let next = (lines > 0 && bytes <= self.bytes_max).then(|| self.spec.by.next(at, &text));
        if let Some(at) = next.flatten() {
            self.open.text.push(b'\n');
            (self.open.at, self.open.bytes) = (at, bytes);
        } else {
            self.finish(&mut done);
            (self.open.at, self.open.bytes) = (self.spec.by.begin(&text), line.bytes.len() + 1);
        }
        self.open.text.extend_from_slice(&text);
        self.open.lines += 1;
        if line.truncated || self.open.lines >= self.spec.lines_max {
            done(Joined { truncated: line.truncated, ..self.open.joined() });
            self.clear();
        }
    }

    /// No further line belongs to the group.
    pub fn finish(&mut self, done: impl FnOnce(Joined<'_>)) {
        if self.open.lines > 0 {
            done(self.open.joined());
            self.clear();
        }
    }

    /// How many lines wait for the rest of their group.
    pub const fn lines(&self) -> usize {
        self.open.lines
    }

    /// After how long without a further line a group is complete.
    pub const fn timeout(&self) -> Duration {
        self.spec.timeout
    }

    /// Takes the group out, if its text has at most so many bytes.
    pub fn take(&mut self, bytes_max: usize) -> Option<Group> {
        let fits = self.open.lines > 0 && self.open.text.len() <= bytes_max;
        fits.then(|| std::mem::take(&mut self.open))
    }

    /// Goes on with a group that was taken out.
    pub fn put(&mut self, group: Group) {
        self.open = group;
    }

    /// Forgets the group.
    pub fn clear(&mut self) {
        let mut text = std::mem::take(&mut self.open.text);
        text.clear();
        self.open = Group { text, ..Group::default() };
    }
}
