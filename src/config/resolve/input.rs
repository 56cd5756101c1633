//! `inputs.NAME`.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Flag, OneOrMany, RawInput, RawParse, Text, TextOr};
use crate::config::scalar::choice::choice;
use crate::config::scalar::duration::duration;
use crate::config::scalar::labels::labels;
use crate::config::scalar::name::{name as checked_name, texts};
use crate::config::scalar::regex::parser as regex_of;
use crate::config::scalar::size::size;
use crate::input::{FilesSpec, InputSpec, Source, Start};
use crate::line::encoding::Encoding;
use crate::line::own_time::TimeSpec;
use crate::line::parse::Parser;
use crate::line::{Ansi, LineSpec};
use crate::store::database_in;

use super::{File, multiline, time};

const POLL: Duration = Duration::from_secs(1);
/// Compressed rotations.
const EXCLUDE: [&str; 4] = ["*.gz", "*.xz", "*.zst", "*.bz2"];
/// The keys of which an input has exactly one.
const SOURCES: [&str; 8] =
    ["files", "stdin", "command", "journald", "syslog", "prometheus", "statsd", "host"];
/// A shorter bound would cut every line, a longer one would let a line fill the memory.
const MAX_LINE: std::ops::RangeInclusive<usize> = 64..=64 * 1024 * 1024;

pub(super) fn resolve(
    at: At<'_, RawInput>,
    name: &str,
    size_max: usize,
    report: &mut Report,
) -> Option<InputSpec> {
    let line = line(at, size_max, report);
    let labels = at.get("labels", |raw| &raw.labels).map(|at| labels(at, report)).unwrap_or_default();
    let source = source(at, name, report)?;
    // A name that is none was reported with the names of all files.
    let name = checked_name(name, &at.place.key_span(), &mut Report::default())?;
    Some(InputSpec { name, labels, line, source })
}

/// Standard input can be read once.
pub(super) fn refuse_second_stdin(files: &[File<'_>], report: &mut Report) {
    let mut first = None;
    for (name, place) in files.iter().flat_map(|file| {
        let inputs = file.raw.inputs.iter().flat_map(|inputs| &inputs.0);
        inputs
            .filter(|(_, raw)| raw.stdin == Some(Flag(true)))
            .map(|(name, _)| (name, file.place.key("inputs").key(name)))
    }) {
        let span = place.key("stdin").key_span();
        match &first {
            None => first = Some(span),
            Some(first) => {
                report
                    .error(&span, format!("input `{name}` reads standard input a second time"))
                    .label("it can be read once")
                    .other(first, "it is read here");
            }
        }
    }
}

/// What hooktail stores is no log: it has the lines of alerts in it, which would match again.
pub(super) fn refuse_state(files: &[File<'_>], inputs: &[InputSpec], state_dir: &Path, report: &mut Report) {
    let database = database_in(state_dir);
    let reads = |spec: &FilesSpec| {
        let globs =
            spec.globs.iter().filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok());
        !spec.exclude.is_match(&database)
            && globs.into_iter().any(|glob| glob.compile_matcher().is_match(&database))
    };
    for input in inputs {
        let Source::Files(spec) = &input.source else { continue };
        let places = files.iter().map(|file| file.place.key("inputs")).find(|place| place.has(&input.name));
        if let Some(place) = places.filter(|_| reads(spec)) {
            let span = place.key(&input.name).key("files").value_span();
            report.error(&span, "this reads hooktail's own state").label("it lies in `state_dir`");
        }
    }
}

fn line(at: At<'_, RawInput>, size_max: usize, report: &mut Report) -> LineSpec {
    let max = at.get("max_line", |raw| &raw.max_line).and_then(|at| size(at, MAX_LINE, report));
    let ansi = at.get("ansi", |raw| &raw.ansi);
    let ansi =
        ansi.and_then(|at| choice(at, "ansi", &[("strip", Ansi::Strip), ("keep", Ansi::Keep)], report));
    let encodings = Encoding::ALL.map(|encoding| (encoding.name(), encoding));
    let encoding = at.get("encoding", |raw| &raw.encoding);
    let encoding = encoding.and_then(|at| choice(at, "encoding", &encodings, report));
    let multiline = at.get("multiline", |raw| &raw.multiline);
    let multiline = multiline.and_then(|at| multiline::resolve(at, size_max, report));
    let parser = at.get("parse", |raw| &raw.parse).and_then(|at| parser(at, size_max, report));
    let parser = parser.unwrap_or_default();
    let time = at.get("time", |raw| &raw.time).and_then(|at| time::resolve(at, &parser, report));
    let max_age = at.get("max_age", |raw| &raw.max_age).and_then(|at| duration(at, report));
    let never_old = max_age.is_some() && matches!(time, Some(TimeSpec::Read));
    if never_old {
        let span = at.place.key("max_age").key_span();
        report.error(&span, "`max_age` with `time: read`").label("no line has a time of its own then");
    }
    LineSpec {
        line_bytes_max: max.unwrap_or(LineSpec::LINE_BYTES_MAX),
        encoding,
        ansi: ansi.unwrap_or(Ansi::Strip),
        multiline,
        parser,
        time: time.unwrap_or_default(),
        max_age,
    }
}

fn parser(at: At<'_, TextOr<RawParse>>, size_max: usize, report: &mut Report) -> Option<Parser> {
    match at.raw {
        TextOr::Text(word) => {
            type New = fn() -> Parser;
            const WORDS: [(&str, New); 4] = [
                ("text", || Parser::Text),
                ("json", || Parser::Json),
                ("logfmt", || Parser::Logfmt),
                ("clf", || Parser::Clf),
            ];
            choice(At::new(&Text(word.clone()), at.place), "parse", &WORDS, report).map(|parser| parser())
        }
        TextOr::Map(raw) => {
            let Some(regex) = At::new(raw, at.place).get("regex", |raw| &raw.regex) else {
                report.error(&at.place.value_span(), "`parse` needs a `regex`").help("or one of its words");
                return None;
            };
            regex_of(regex, size_max, report).map(Parser::Regex)
        }
    }
}

fn source(at: At<'_, RawInput>, name: &str, report: &mut Report) -> Option<Source> {
    let written: Vec<&str> = SOURCES.into_iter().filter(|key| at.place.has(key)).collect();
    match written[..] {
        [] if SOURCES.into_iter().any(|key| at.place.means(key)) => return None,
        [] => {
            let help = "write `files: /var/log/app.log`, or `stdin: true`";
            report.error(&at.place.key_span(), format!("input `{name}` reads nothing")).help(help);
            return None;
        }
        [_] => {}
        [first, second, ..] => {
            report
                .error(&at.place.key(second).key_span(), format!("input `{name}` has two sources"))
                .label("make it an input of its own")
                .other(&at.place.key(first).key_span(), "the first");
            return None;
        }
    }
    let files = at.get("files", |raw| &raw.files);
    let others: &[&str] = if at.place.has("files") {
        &["passthrough"]
    } else {
        &["exclude", "start", "poll", "follow_symlinks"]
    };
    for key in others.iter().filter(|key| at.place.has(key)) {
        let source = if *key == "passthrough" { "stdin" } else { "files" };
        report.error(&at.place.key(key).key_span(), format!("`{key}` belongs to `{source}`"));
    }
    if let Some(files) = files {
        return files_of(at, files, report).map(Source::Files);
    }
    let stdin = at.get("stdin", |raw| &raw.stdin)?;
    if *stdin.raw == Flag(false) {
        report
            .error(&stdin.place.value_span(), format!("input `{name}` reads nothing"))
            .label("write `true`");
    }
    Some(Source::Stdin { passthrough: at.raw.passthrough == Some(Flag(true)) })
}

fn files_of(at: At<'_, RawInput>, files: At<'_, OneOrMany<Text>>, report: &mut Report) -> Option<FilesSpec> {
    if files.raw.items.is_empty() {
        report.error(&files.place.key_span(), "an input that reads no files").label("name a path or a glob");
    }
    let globs: Vec<String> =
        texts(files).filter_map(|text| glob(text, report)).map(|(path, _)| path).collect();
    let start = at.get("start", |raw| &raw.start);
    let start = start
        .and_then(|at| choice(at, "start", &[("end", Start::End), ("beginning", Start::Beginning)], report));
    let poll = at.get("poll", |raw| &raw.poll).and_then(|at| duration(at, report));
    Some(FilesSpec {
        globs,
        exclude: exclude(at.get("exclude", |raw| &raw.exclude), report)?,
        start: start.unwrap_or(Start::End),
        poll: poll.unwrap_or(POLL),
        follow_symlinks: at.raw.follow_symlinks == Some(Flag(true)),
    })
}

/// An absolute path or glob, from the folder of the file that names it.
fn glob(at: At<'_, Text>, report: &mut Report) -> Option<(String, Glob)> {
    let Text(text) = at.raw;
    if text.trim().is_empty() {
        report.error(&at.place.value_span(), "an empty path");
        return None;
    }
    let path = absolute(text, &at.place.source.base);
    compile(&path, at, report).map(|glob| (path, glob))
}

fn exclude(at: Option<At<'_, OneOrMany<Text>>>, report: &mut Report) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    match at {
        Some(at) => {
            for text in texts(at) {
                // A glob without a slash is about names, in whatever folder.
                let Text(written) = text.raw;
                let path = match written.contains('/') {
                    true => absolute(written, &at.place.source.base),
                    false => format!("**/{written}"),
                };
                compile(&path, text, report).map(|glob| set.add(glob));
            }
        }
        None => {
            for glob in EXCLUDE.iter().filter_map(|name| Glob::new(&format!("**/{name}")).ok()) {
                set.add(glob);
            }
        }
    }
    set.build().ok()
}

fn compile(path: &str, at: At<'_, Text>, report: &mut Report) -> Option<Glob> {
    GlobBuilder::new(path)
        .literal_separator(true)
        .build()
        .map_err(|error| {
            report.error(&at.place.value_span(), "the glob is wrong").label(error.kind().to_string());
        })
        .ok()
}

/// `text` from `base` on, without `.` in it; the special characters of `base` mean themselves.
pub(in crate::config) fn absolute(text: &str, base: &Path) -> String {
    let whole = if text.starts_with('/') {
        PathBuf::from(text)
    } else {
        Path::new(&globset::escape(&base.to_string_lossy())).join(text)
    };
    let parts = whole.components().filter(|part| *part != Component::CurDir);
    parts.collect::<PathBuf>().to_string_lossy().into_owned()
}
