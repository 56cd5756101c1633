//! A file that holds tests of rules, beside the configuration.

use std::path::Path;

use super::decode;
use super::diagnostic::{Diagnostic, Report};
use super::layers::At;
use super::load::read_text;
use super::raw::RawTestFile;
use super::resolve::{Known, tests_of_file};
use super::source::Source;
use super::{Config, yaml};
use crate::proof::case::Case;

/// What was read: the tests, where nothing is wrong with them, and all that is to be said about them.
#[derive(Debug)]
pub struct LoadedTests {
    /// None where a diagnostic is an error.
    pub cases: Option<Vec<Case>>,
    /// In the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The text that the diagnostics point into.
    pub sources: Vec<Source>,
}

/// Reads the tests at `path`, which are of the rules of `config`.
pub fn load_tests(path: &Path, config: &Config) -> LoadedTests {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", path.display());
            let diagnostics = vec![Diagnostic::without_place(message)];
            return LoadedTests { cases: None, diagnostics, sources: Vec::new() };
        }
    };
    let base = path.parent().unwrap_or(Path::new("."));
    let mut report = Report::default();
    let mut source = Source::new(0, &path.display().to_string(), base, text);
    let value = yaml::read(&mut source, &mut report);
    let known = Known {
        rules: config.rules.iter().map(|rule| &*rule.name).collect(),
        webhooks: config.webhooks.iter().map(|webhook| &*webhook.name).collect(),
    };
    let cases = value.map(|value| {
        let raw: RawTestFile = decode::decode(value, source.place(), &mut report);
        tests_of_file(At::new(&raw, source.place()), &known, &mut report)
    });
    let cases = cases.filter(|_| !report.has_errors());
    LoadedTests { cases, diagnostics: report.finish(), sources: vec![source] }
}
