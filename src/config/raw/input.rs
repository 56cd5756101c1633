//! `inputs.NAME` as it is written.

use serde::Deserialize;

use super::{Count, Flag, Named, OneOrMany, Scalar, Text, TextOr};

/// An input.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawInput {
    /// Paths or globs of the files to read.
    pub(in crate::config) files: Option<OneOrMany<Text>>,
    /// Reads standard input.
    pub(in crate::config) stdin: Option<Flag>,
    /// Each line of standard input also goes on to standard output.
    pub(in crate::config) passthrough: Option<Flag>,
    /// Globs of files to leave out.
    pub(in crate::config) exclude: Option<OneOrMany<Text>>,
    /// `end` or `beginning`: where to begin in files that exist when their glob is used for the first time.
    pub(in crate::config) start: Option<Text>,
    /// How often to look where the file system sends no events.
    pub(in crate::config) poll: Option<Scalar>,
    /// Follows links out of the directories that the globs name.
    pub(in crate::config) follow_symlinks: Option<Flag>,
    /// A longer line is cut here.
    pub(in crate::config) max_line: Option<Scalar>,
    /// `utf-8`, `utf-16le`, `utf-16be` or `latin1`; without it, what a file's byte order mark says, else `utf-8`.
    pub(in crate::config) encoding: Option<Text>,
    /// `strip` takes terminal colour codes out before matching, `keep` leaves them.
    pub(in crate::config) ansi: Option<Text>,
    /// `text`, `json`, `logfmt`, `clf`, or a regex.
    pub(in crate::config) parse: Option<TextOr<RawParse>>,
    /// Which lines are one event.
    pub(in crate::config) multiline: Option<RawMultiline>,
    /// An event's time: `auto`, `read`: when it was read, or the field that has it.
    pub(in crate::config) time: Option<TextOr<RawTime>>,
    /// A line whose own time is older is counted, not matched.
    pub(in crate::config) max_age: Option<Scalar>,
    /// Fields added to each event.
    pub(in crate::config) labels: Option<Named<Scalar>>,
}

/// A parser of one's own.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawParse {
    /// Its named groups are the fields.
    pub(in crate::config) regex: Option<Text>,
}

/// Which lines are one event: one of the first three says it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawMultiline {
    /// A line that matches begins an event.
    pub(in crate::config) start: Option<Text>,
    /// A line that matches belongs to the one before it.
    #[serde(rename = "continue")]
    pub(in crate::config) next: Option<Text>,
    /// The stack traces of a language: `java`, `python`, `go`, `rust`, `ruby` or `node`.
    pub(in crate::config) preset: Option<Text>,
    /// An event to which no line came for so long is complete.
    pub(in crate::config) timeout: Option<Scalar>,
    /// So is one of so many lines.
    pub(in crate::config) max_lines: Option<Count>,
}

/// Where an event's own time is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTime {
    /// The field that has it; without it, it is found as by `auto`.
    pub(in crate::config) field: Option<Text>,
    /// How it is written, in the letters of `strptime`.
    pub(in crate::config) format: Option<Text>,
    /// The zone of what names none; without it, the machine's.
    pub(in crate::config) tz: Option<Text>,
}
