//! `hooktail test`: the rules' own tests, and those of further files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::{Value, json};

use crate::config::{self, Config};
use crate::proof::case::{Case, Part};
use crate::proof::diff::{Side, unified};
use crate::proof::junit;
use crate::proof::rehearsal::Stations;
use crate::proof::trial::{self, Row, Trial};

use super::exit::{Exit, Failure};
use super::load::{ConfigArgs, print_diagnostics};

/// The options of `hooktail test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Further tests: files of `tests: [{ rule: NAME, lines: […], expect: […] }]`
    #[arg(value_name = "TESTS.yaml")]
    files: Vec<PathBuf>,

    /// Write the results to FILE as JUnit's XML, for CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// Tests; status 1 where one fails.
pub(super) fn run(args: &TestArgs) -> Result<Exit, Failure> {
    let mut config = args.config.load()?;
    let mut cases = std::mem::take(&mut config.tests);
    cases.extend(further(&args.files, &config)?);
    let stations = Stations::new(config);
    let trials: Vec<(Trial<'_>, Duration)> = cases
        .iter()
        .map(|case| {
            let began = Instant::now();
            let trial = trial::run(case, &stations);
            (trial, began.elapsed())
        })
        .collect();
    if let Some(path) = &args.junit {
        write(path, &junit::report(&trials))?;
    }
    let trials: Vec<Trial<'_>> = trials.into_iter().map(|(trial, _)| trial).collect();
    let untested: Vec<&Arc<str>> = stations
        .rules
        .iter()
        .map(|rule| &rule.name)
        .filter(|name| !cases.iter().any(|case| case.rule == **name))
        .collect();
    let told = if args.json { as_json(&trials, &untested) } else { in_words(&trials, &untested) };
    anstream::stdout().write_all(told.as_bytes()).map_err(Failure::failed)?;
    Ok(if trials.iter().all(Trial::passed) { Exit::Done } else { Exit::Failed })
}

/// The tests of `files`; all mistakes of all files are told before it fails.
fn further(files: &[PathBuf], config: &Config) -> Result<Vec<Case>, Failure> {
    let mut cases = Some(Vec::new());
    for file in files {
        let loaded = config::load_tests(file, config);
        print_diagnostics(&loaded.diagnostics, &loaded.sources);
        match (&mut cases, loaded.cases) {
            (Some(cases), Some(more)) => cases.extend(more),
            _ => cases = None,
        }
    }
    cases.ok_or(Failure::told(Exit::Usage))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::failed(format!("failed to write `{}`: {error}", path.display())))
}

fn in_words(trials: &[Trial<'_>], untested: &[&Arc<str>]) -> String {
    let mut words = String::new();
    let mut rules: Vec<&Arc<str>> = Vec::new();
    for trial in trials {
        if !rules.contains(&&trial.case.rule) {
            rules.push(&trial.case.rule);
        }
    }
    for rule in rules {
        let of_rule: Vec<&Trial<'_>> = trials.iter().filter(|trial| trial.case.rule == *rule).collect();
        let failed: Vec<&&Trial<'_>> = of_rule.iter().filter(|trial| !trial.passed()).collect();
        let passed = of_rule.len() - failed.len();
        let (mark, style) = match failed.is_empty() {
            true => ("ok  ", AnsiColor::Green.on_default()),
            false => ("FAIL", AnsiColor::Red.on_default().bold()),
        };
        words += &format!("{style}{mark}{style:#} {rule}: {} of {} passed\n", passed, of_rule.len());
        failed.iter().for_each(|trial| words += &failure(trial));
    }
    words + &ending(trials, untested)
}

/// A test that failed, with what differs.
pub(super) fn failure(trial: &Trial<'_>) -> String {
    let Case { number, file, line, .. } = trial.case;
    let mut words = format!("  test {number} ({file}:{line}): - expected, + came\n");
    for (side, line) in unified(trial) {
        let style = match side {
            Side::Both => Style::new(),
            Side::Expected => AnsiColor::Red.on_default(),
            Side::Got => AnsiColor::Green.on_default(),
        };
        words += &format!("    {style}{} {line}{style:#}\n", side.mark());
    }
    words
}

fn ending(trials: &[Trial<'_>], untested: &[&Arc<str>]) -> String {
    let failed = trials.iter().filter(|trial| !trial.passed()).count();
    let n = trials.len();
    let mut words = match (n, failed) {
        (0, _) => "no tests".to_owned(),
        (1, 0) => "1 test passed".to_owned(),
        (n, 0) => format!("{n} tests passed"),
        (n, failed) => format!("{n} test{}, {failed} failed", if n == 1 { "" } else { "s" }),
    };
    if !untested.is_empty() {
        let names: Vec<String> = untested.iter().map(|name| format!("`{name}`")).collect();
        words += &format!("; without a test: {}", names.join(", "));
    }
    words + "\n"
}

fn as_json(trials: &[Trial<'_>], untested: &[&Arc<str>]) -> String {
    let passed = trials.iter().filter(|trial| trial.passed()).count();
    let results = json!({
        "ok": passed == trials.len(),
        "passed": passed,
        "failed": trials.len() - passed,
        "untested": untested,
        "tests": trials.iter().map(result).collect::<Vec<_>>(),
    });
    format!("{results}\n")
}

fn result(trial: &Trial<'_>) -> Value {
    let Case { rule, number, file, line, .. } = trial.case;
    let differences: Vec<Value> = trial.rows.iter().flat_map(|row| differences(trial, row)).collect();
    json!({
        "rule": rule, "test": number, "file": file, "line": line, "ok": trial.passed(),
        "expected": trial.case.expect.len(), "came": trial.got.len(), "differences": differences,
    })
}

/// Messages are counted from 1, by the list that has them.
fn differences(trial: &Trial<'_>, row: &Row) -> Vec<Value> {
    match row {
        Row::Both(expected, _, parts) => {
            let wanted = |part: &Part| {
                let parts = trial.case.expect[*expected].parts.iter();
                parts.clone().find(|(other, _)| other == part).map(|(_, value)| value)
            };
            let difference = |(part, came): &(Part, Option<String>)| json!({ "message": expected + 1, "key": part.to_string(), "expected": wanted(part), "came": came });
            parts.iter().map(difference).collect()
        }
        Row::Missing(expected) => vec![json!({ "missing": expected + 1 })],
        Row::Extra(got) => {
            let came = &trial.got[*got];
            vec![
                json!({ "unexpected": got + 1, "kind": came.alert.kind.name(), "title": came.part(&Part::Title) }),
            ]
        }
    }
}
