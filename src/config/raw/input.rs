//! `inputs.NAME` as it is written.

use serde::Deserialize;

use super::{Flag, Named, OneOrMany, Scalar, Text, TextOr};

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
    /// `utf-8`.
    pub(in crate::config) encoding: Option<Text>,
    /// `strip` takes terminal colour codes out before matching, `keep` leaves them.
    pub(in crate::config) ansi: Option<Text>,
    /// `text`, `json`, `logfmt`, `clf`, or a regex.
    pub(in crate::config) parse: Option<TextOr<RawParse>>,
    /// `read`: an event's time is when it was read.
    pub(in crate::config) time: Option<Text>,
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
