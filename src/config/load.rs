//! Reads the configuration's files, the included ones too, and has them resolved.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobBuilder;
use walkdir::WalkDir;

use super::diagnostic::{Diagnostic, Level, Report};
use super::layers::At;
use super::raw::{Flag, RawFile, Text};
use super::resolve::{absolute, resolve};
use super::scalar::name::texts;
use super::source::Source;
use super::{Config, decode, expand, unsupported, yaml};
use crate::input::FilesSpec;

/// How many files one configuration may be made of; a glob that finds more was not meant.
const FILES_MAX: usize = 1_000;

/// A configuration is written by people; what is larger is something else (`/dev/zero`, a log).
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What was read: a configuration where nothing is wrong with it, and all that is to be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// None where a diagnostic is an error.
    pub config: Option<Config>,
    /// In the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics point into.
    pub sources: Vec<Source>,
    /// The files that `include` named, also those that could not be read.
    pub(super) included: Vec<PathBuf>,
    /// Its globs, absolute.
    pub(super) globs: Vec<String>,
}

impl Loaded {
    /// All diagnostics, as rustc would print them, an empty line between two.
    pub fn render(&self, color: bool) -> String {
        render(&self.diagnostics, &self.sources, color)
    }

    /// How many diagnostics are of `level`.
    pub fn count(&self, level: Level) -> usize {
        self.diagnostics.iter().filter(|found| found.level == level).count()
    }
}

/// `diagnostics`, which point into `sources`, as rustc would print them, an empty line between two.
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], color: bool) -> String {
    let rendered: Vec<String> = diagnostics.iter().map(|found| found.render(sources, color)).collect();
    rendered.join("\n")
}

/// Reads the configuration at `path` and what it includes. `env` gives the environment's variables.
pub fn load(path: &Path, env: Env<'_>) -> Loaded {
    load_beside(path, Beside::Nothing, env)
}

/// The same for `hooktail exec`: where no input reads standard input, one more, `exec`, reads the program's output.
pub fn load_for_exec(path: &Path, env: Env<'_>) -> Loaded {
    load_beside(path, Beside::ExecInput, env)
}

/// The `state_dir` of the configuration at `path`, whatever else is right or wrong with it.
pub fn state_dir(path: &Path, env: Env<'_>) -> Option<PathBuf> {
    let mut report = Report::default();
    let mut reader = Reader::new(env, &mut report);
    reader.file(&path.display().to_string(), &folder(path), read_text(path).ok()?);
    let (raw, _) = reader.files.first()?;
    let Text(text) = raw.state_dir.as_ref()?;
    Some(folder(path).join(text))
}

/// What is read beside the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// [`EXEC_INPUT`], where no input reads standard input.
    ExecInput,
}

/// The name of a source, and what stands in it.
const EXEC_INPUT: (&str, &str) = ("hooktail exec", "inputs: { exec: { stdin: true } }\n");

fn load_beside(path: &Path, beside: Beside, env: Env<'_>) -> Loaded {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", path.display());
            let diagnostics = vec![Diagnostic::without_place(message)];
            let (included, globs) = (Vec::new(), Vec::new());
            return Loaded { config: None, diagnostics, sources: Vec::new(), included, globs };
        }
    };
    let base = folder(path);
    read(&path.display().to_string(), Some(path), &base, text, beside, env)
}

/// Reads a configuration that is no file: its diagnostics call it `name`, its relative paths begin at `base`.
pub fn from_str(text: &str, name: &str, base: &Path, env: Env<'_>) -> Loaded {
    let base = std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
    read(name, None, &base, text.to_owned(), Beside::Nothing, env)
}

fn read(name: &str, path: Option<&Path>, base: &Path, text: String, beside: Beside, env: Env<'_>) -> Loaded {
    let mut report = Report::default();
    let mut reader = Reader::new(env, &mut report);
    reader.main(name, path, base, text);
    if beside == Beside::ExecInput && !reader.reads_stdin() {
        reader.file(EXEC_INPUT.0, base, EXEC_INPUT.1.to_owned());
    }
    let Reader { files, sources, included, globs, .. } = reader;
    let places = sources.iter().zip(&files).map(|(source, (raw, _))| At::new(raw, source.place()));
    let places: Vec<_> = places.collect();
    // Without what stands in a file that is no YAML, the rest would seem to lack it.
    let readable = files.iter().all(|(_, readable)| *readable);
    let config = readable.then(|| resolve(&places, host_name(), env, &mut report));
    let config = config.filter(|_| !report.has_errors()).map(|config| Config {
        files: path.into_iter().map(Path::to_owned).chain(included.iter().cloned()).collect(),
        ..config
    });
    Loaded { config, diagnostics: report.finish(), sources, included, globs }
}

/// This machine's name.
fn host_name() -> Arc<str> {
    Arc::from(rustix::system::uname().nodename().to_string_lossy())
}

struct Reader<'a> {
    env: Env<'a>,
    report: &'a mut Report,
    /// By the sources' ids: what was read, and whether it was YAML.
    files: Vec<(RawFile, bool)>,
    sources: Vec<Source>,
    /// What `include` named, and what it found.
    globs: Vec<String>,
    included: Vec<PathBuf>,
}

impl<'a> Reader<'a> {
    fn new(env: Env<'a>, report: &'a mut Report) -> Self {
        let (files, sources) = (Vec::new(), Vec::new());
        Self { env, report, files, sources, globs: Vec::new(), included: Vec::new() }
    }

    fn main(&mut self, name: &str, path: Option<&Path>, base: &Path, text: String) {
        self.file(name, base, text);
        let (Some(main), Some((raw, _))) = (self.sources.first(), self.files.first()) else { return };
        let Some(include) = &raw.include else { return };
        let at = At::new(include, main.place().key("include"));
        let mut paths: Vec<PathBuf> = Vec::new();
        for glob in texts(at) {
            let text = absolute(&glob.raw.0, &glob.place.source.base);
            let found = find(&text, glob, self.report);
            self.globs.push(text);
            for found in found {
                if !paths.contains(&found) && path.is_none_or(|main| !is_same(main, &found)) {
                    paths.push(found);
                }
            }
        }
        let place = at.place;
        if paths.len() > FILES_MAX {
            let label = format!("{} of them; at most {FILES_MAX}", paths.len());
            self.report.error(&place.key_span(), "too many files are included").label(label);
            return;
        }
        self.included.clone_from(&paths);
        for path in paths {
            match read_text(&path) {
                Ok(text) => self.file(&path.display().to_string(), &folder(&path), text),
                Err(error) => {
                    let Some(main) = self.sources.first() else { return };
                    let message = format!("cannot read `{}`", path.display());
                    self.report
                        .error(&main.place().key("include").key_span(), message)
                        .label(error.to_string());
                }
            }
        }
    }

    fn reads_stdin(&self) -> bool {
        let inputs = self.files.iter().filter_map(|(raw, _)| raw.inputs.as_ref());
        inputs.flat_map(|inputs| &inputs.0).any(|(_, raw)| raw.stdin == Some(Flag(true)))
    }

    fn file(&mut self, name: &str, base: &Path, text: String) {
        let mut source = Source::new(self.sources.len(), name, base, text);
        let raw = yaml::read(&mut source, self.report).map(|mut value| {
            expand::expand(&mut value, source.place(), self.env, self.report);
            unsupported::refuse(&mut value, source.place(), self.report);
            decode::decode(value, source.place(), self.report)
        });
        let readable = raw.is_some();
        self.files.push((raw.unwrap_or_default(), readable));
        self.sources.push(source);
    }
}

/// The text of a file, without a byte order mark.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

/// The folder of a file, absolute.
fn folder(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The files that a glob of `include` finds, in order of their names.
fn find(glob: &str, at: At<'_, Text>, report: &mut Report) -> Vec<PathBuf> {
    let span = at.place.value_span();
    let found = match found(glob) {
        Ok(found) => found,
        Err(error) => {
            report.error(&span, "the glob is wrong").label(error.kind().to_string());
            return Vec::new();
        }
    };
    if found.is_empty() {
        report.warning(&span, "no file is found here").label("nothing is included");
    }
    found
}

/// The files that an absolute glob finds now, in order of their names.
pub(super) fn found(glob: &str) -> Result<Vec<PathBuf>, globset::Error> {
    let matcher = GlobBuilder::new(glob).literal_separator(true).build()?.compile_matcher();
    let walk = WalkDir::new(FilesSpec::base(glob)).follow_links(true).sort_by_file_name();
    let walk = if glob.contains("**") { walk } else { walk.max_depth(glob.matches('/').count()) };
    let found = walk
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && matcher.is_match(entry.path()))
        .map(walkdir::DirEntry::into_path);
    Ok(found.collect())
}
