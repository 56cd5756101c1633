//! A test, run: what was expected and what came, message by message.

use crate::line::split::Line;
use crate::time::Time;

use super::case::{Case, Entry, Expected, Part};
use super::rehearsal::{Rehearsal, Stations};
use super::shown::Shown;

/// When a test begins that neither says it nor has a line with a time: 2026-01-01T00:00:00Z.
const START: Time = Time::from_secs(1_767_225_600);

/// A pair that differs in more than this is rather one message that is missing and another that is too many.
const MISSING_COST: usize = 3;
/// What a wrong kind counts against a wrong word.
const KIND_COST: usize = 3;

/// A test that was run.
#[derive(Debug)]
pub struct Trial<'a> {
    /// What was stated.
    pub case: &'a Case,
    /// All messages of the rule, in order.
    pub got: Vec<Shown>,
    /// How the two lists match.
    pub rows: Vec<Row>,
}

/// Parts that are not as they were expected, as they came; `None`: the message has no such part.
pub type Differences = Vec<(Part, Option<String>)>;

/// One place in the two lists side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// The expected message at the first place and the one that came at the second; the parts that differ, as they
    /// came. None: it is as expected.
    Both(usize, usize, Differences),
    /// An expected message that did not come.
    Missing(usize),
    /// A message that was not expected.
    Extra(usize),
}

impl Trial<'_> {
    /// Whether all is as expected.
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|row| matches!(row, Row::Both(_, _, differences) if differences.is_empty()))
    }
}

/// Runs `case`: its lines through all rules, from nothing; the messages of its rule are looked at.
pub fn run<'a>(case: &'a Case, stations: &Stations) -> Trial<'a> {
    let got = rehearse(case, stations);
    let rows = align(&case.expect, &got);
    Trial { case, got, rows }
}

fn rehearse(case: &Case, stations: &Stations) -> Vec<Shown> {
    let Some(rule) = stations.rule(&case.rule) else { return Vec::new() };
    let Some(input) = rule.inputs.first().and_then(|name| stations.input(name)) else { return Vec::new() };
    let origin = stations.origin(input);
    let max = stations.inputs[input].line.line_bytes_max;
    // Without `at`, a test is of the time that its first line with a time has.
    let own = |entry: &Entry| match entry {
        Entry::Line(line) => stations.own_time(input, Line::cut(line.as_bytes(), max), START),
        Entry::Wait(_) => None,
    };
    let start = case.at.or_else(|| case.entries.iter().find_map(own)).unwrap_or(START);
    let mut rehearsal = Rehearsal::new(stations, start);
    let take = |rehearsal: &mut Rehearsal<'_>, line: Line<'_>| {
        let now = rehearsal.now();
        rehearsal.line(input, &origin, line, now);
    };
    let mut joiner = stations.joiner(input);
    for entry in &case.entries {
        match (entry, &mut joiner) {
            (Entry::Line(line), None) => take(&mut rehearsal, Line::cut(line.as_bytes(), max)),
            (Entry::Line(line), Some(joiner)) => {
                joiner.add(Line::cut(line.as_bytes(), max), |joined| take(&mut rehearsal, joined.line()));
            }
            (Entry::Wait(time), joiner) => {
                // What is complete by then was so at once: the time of an event is that of its line.
                if let Some(joiner) = joiner.as_mut().filter(|joiner| *time >= joiner.timeout()) {
                    joiner.finish(|joined| take(&mut rehearsal, joined.line()));
                }
                rehearsal.wait(*time);
            }
        }
    }
    // The end of the lines is one of their file.
    if let Some(joiner) = &mut joiner {
        joiner.finish(|joined| take(&mut rehearsal, joined.line()));
    }
    let alerts = rehearsal.take_alerts().into_iter().filter(|alert| alert.rule == case.rule);
    alerts.map(|alert| Shown::new(alert, Some(rule), &stations.host)).collect()
}

/// Puts the two lists side by side so that as little as possible differs.
fn align(expected: &[Expected], got: &[Shown]) -> Vec<Row> {
    let differences: Vec<Vec<Differences>> =
        expected.iter().map(|one| got.iter().map(|other| differences(one, other)).collect()).collect();
    // The least cost of the rest, from each pair of places.
    let mut least = vec![vec![0; got.len() + 1]; expected.len() + 1];
    for i in (0..=expected.len()).rev() {
        for j in (0..=got.len()).rev() {
            let both =
                (i < expected.len() && j < got.len()).then(|| cost(&differences[i][j]) + least[i + 1][j + 1]);
            let missing = (i < expected.len()).then(|| MISSING_COST + least[i + 1][j]);
            let extra = (j < got.len()).then(|| MISSING_COST + least[i][j + 1]);
            least[i][j] = [both, missing, extra].into_iter().flatten().min().unwrap_or(0);
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut rows = Vec::new();
    while i < expected.len() || j < got.len() {
        let here = least[i][j];
        if i < expected.len() && j < got.len() && cost(&differences[i][j]) + least[i + 1][j + 1] == here {
            rows.push(Row::Both(i, j, differences[i][j].clone()));
            (i, j) = (i + 1, j + 1);
        } else if i < expected.len() && MISSING_COST + least[i + 1][j] == here {
            rows.push(Row::Missing(i));
            i += 1;
        } else {
            rows.push(Row::Extra(j));
            j += 1;
        }
    }
    rows
}

fn cost(differences: &[(Part, Option<String>)]) -> usize {
    differences.iter().map(|(part, _)| if *part == Part::Kind { KIND_COST } else { 1 }).sum()
}

fn differences(expected: &Expected, got: &Shown) -> Differences {
    let differs = |(part, value): &(Part, String)| {
        let came = got.part(part);
        (came.as_deref() != Some(value)).then(|| (part.clone(), came))
    };
    expected.parts.iter().filter_map(differs).collect()
}
