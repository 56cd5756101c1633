//! `inputs.NAME` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Flag, Named, OneOrMany, Scalar, Text, TextOr, kind};

/// An input.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = kind::one_of(&["files", "stdin"]),
    "dependencies" = kind::of_sources(&["exclude", "start", "poll", "follow_symlinks"], &["passthrough"])
))]
pub(in crate::config) struct RawInput {
    /// Paths or globs of the files to read: `*`, `**`, `?`, `[…]`, `{a,b}`. New matches are picked up while running.
    #[schemars(with = "OneOrMany<kind::Glob>", extend("examples" = ["/var/log/app/*.log"]))]
    pub(in crate::config) files: Option<OneOrMany<Text>>,
    /// Reads standard input, or the output of the program of `hooktail exec`.
    pub(in crate::config) stdin: Option<Flag>,
    /// Each line of standard input also goes on to standard output, unchanged and not delayed.
    #[schemars(extend("default" = false))]
    pub(in crate::config) passthrough: Option<Flag>,
    /// Globs of files to leave out; one without a `/` is about the name alone.
    #[schemars(with = "OneOrMany<kind::Glob>", extend("default" = ["*.gz", "*.xz", "*.zst", "*.bz2"]))]
    pub(in crate::config) exclude: Option<OneOrMany<Text>>,
    /// Where to begin in files that exist when their glob is used for the first time with this state. Files that appear
    /// later are read from their beginning.
    #[schemars(with = "kind::Start", extend("default" = "end"))]
    pub(in crate::config) start: Option<Text>,
    /// How often to look where the file system sends no events.
    #[schemars(with = "kind::Duration", extend("default" = "1s"))]
    pub(in crate::config) poll: Option<Scalar>,
    /// Follows links out of the directories that the globs name.
    #[schemars(extend("default" = false))]
    pub(in crate::config) follow_symlinks: Option<Flag>,
    /// A longer line is cut here, in bytes as they are read, and its rest is skipped.
    #[schemars(with = "kind::Size", extend("default" = "256KiB"))]
    pub(in crate::config) max_line: Option<Scalar>,
    /// How characters are encoded; without it, as the byte order mark at the beginning says, else in `utf-8`, of which
    /// invalid bytes are kept, and shown as U+FFFD.
    #[schemars(with = "kind::Encoding")]
    pub(in crate::config) encoding: Option<Text>,
    /// `strip` takes terminal colour codes out before matching, `keep` leaves them.
    #[schemars(with = "kind::Ansi", extend("default" = "strip"))]
    pub(in crate::config) ansi: Option<Text>,
    /// How a line is read into fields: as `text`, which has none, as `json`, `logfmt` or `clf` (a web server's), or by a regex.
    /// A line that can't be read so is matched as text.
    #[schemars(with = "kind::Either<kind::Parse, RawParse>", extend("default" = "text"))]
    pub(in crate::config) parse: Option<TextOr<RawParse>>,
    /// Which lines are one event, as those of a stack trace are.
    #[schemars(extend("examples" = [{"preset": "java"}]))]
    pub(in crate::config) multiline: Option<RawMultiline>,
    /// An event's time: `auto`, the one at the line's start or the parser's time field; `read`, when it was read; or the
    /// field that has it.
    #[schemars(with = "kind::Either<kind::Time, RawTime>", extend("default" = "auto"))]
    pub(in crate::config) time: Option<TextOr<RawTime>>,
    /// A line whose own time is older is counted, not matched.
    #[schemars(with = "kind::Duration", extend("examples" = ["1d"]))]
    pub(in crate::config) max_age: Option<Scalar>,
    /// Fields added to each event.
    #[schemars(extend("examples" = [{"service": "checkout"}]))]
    pub(in crate::config) labels: Option<Named<Scalar>>,
}

/// A parser of one's own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["regex"]))]
pub(in crate::config) struct RawParse {
    /// Its named groups are the fields.
    #[schemars(with = "kind::Regex", extend("examples" = ["^(?P<level>[A-Z]+) (?P<text>.*)"]))]
    pub(in crate::config) regex: Option<Text>,
}

/// Which lines are one event: one of the first three keys says it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = kind::one_of(&["start", "continue", "preset"])))]
pub(in crate::config) struct RawMultiline {
    /// A line that matches begins an event, others add to it.
    #[schemars(with = "kind::Regex", extend("examples" = ["^\\d{4}-\\d\\d-\\d\\d "]))]
    pub(in crate::config) start: Option<Text>,
    /// A line that matches adds to the one before it, others begin an event.
    #[serde(rename = "continue")]
    #[schemars(with = "kind::Regex", extend("examples" = ["^\\s"]))]
    pub(in crate::config) next: Option<Text>,
    /// The stack traces of a language, each with the line before it if that tells of an error.
    #[schemars(with = "kind::Preset")]
    pub(in crate::config) preset: Option<Text>,
    /// An event to which no line came for so long is complete.
    #[schemars(with = "kind::Duration", extend("default" = "1s"))]
    pub(in crate::config) timeout: Option<Scalar>,
    /// So is one of so many lines.
    #[schemars(extend("minimum" = 2, "maximum" = 10_000, "default" = 500))]
    pub(in crate::config) max_lines: Option<Count>,
}

/// Where an event's own time is read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTime {
    /// The field that has it; without it, it is found as by `auto`.
    #[schemars(with = "kind::Field")]
    pub(in crate::config) field: Option<Text>,
    /// How it is written, in the letters of `strptime`.
    #[schemars(extend("examples" = ["%d/%b/%Y:%H:%M:%S %z"]))]
    pub(in crate::config) format: Option<Text>,
    /// The zone of what names none; without it, the machine's.
    #[schemars(with = "kind::Zone", extend("examples" = ["Europe/Berlin"]))]
    pub(in crate::config) tz: Option<Text>,
}
