//! `inputs.NAME.multiline`.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::RawMultiline;
use crate::config::scalar::choice::choice;
use crate::config::scalar::duration::duration;
use crate::config::scalar::number::number;
use crate::config::scalar::regex::on_line;
use crate::line::join::{Joins, Multiline};
use crate::line::trace::Preset;

/// One line joins nothing; more than so many are no trace that a person reads.
const MAX_LINES: std::ops::RangeInclusive<u64> = 2..=10_000;

/// The keys of which one says which lines belong together.
const WAYS: [&str; 3] = ["start", "continue", "preset"];

pub(super) fn resolve(at: At<'_, RawMultiline>, size_max: usize, report: &mut Report) -> Option<Multiline> {
    let timeout = at.get("timeout", |raw| &raw.timeout).map(|at| duration(at, report));
    let lines_max = at.get("max_lines", |raw| &raw.max_lines).map(|at| number(at, MAX_LINES, report));
    let by = joins(at, size_max, report)?;
    Some(Multiline {
        by,
        timeout: timeout.unwrap_or(Some(Multiline::TIMEOUT))?,
        lines_max: lines_max.unwrap_or(Some(Multiline::LINES_MAX as u64))? as usize,
    })
}

fn joins(at: At<'_, RawMultiline>, size_max: usize, report: &mut Report) -> Option<Joins> {
    let written: Vec<&str> = WAYS.into_iter().filter(|key| at.place.has(key)).collect();
    match written[..] {
        [] => {
            if !WAYS.into_iter().any(|key| at.place.means(key)) {
                let help = "write `start: REGEX`, `continue: REGEX`, or `preset: java`";
                report
                    .error(&at.place.value_span(), "`multiline` says not which lines belong together")
                    .help(help);
            }
            return None;
        }
        [_] => {}
        [first, second, ..] => {
            report
                .error(&at.place.key(second).key_span(), format!("`{second}` beside `{first}`"))
                .label("one of them says which lines belong together")
                .other(&at.place.key(first).key_span(), "the other");
            return None;
        }
    }
    if let Some(start) = at.get("start", |raw| &raw.start) {
        return on_line(start, size_max, report).map(Joins::Start);
    }
    if let Some(next) = at.get("continue", |raw| &raw.next) {
        return on_line(next, size_max, report).map(Joins::Continue);
    }
    let presets = Preset::ALL.map(|preset| (preset.name(), preset));
    choice(at.get("preset", |raw| &raw.preset)?, "preset", &presets, report).map(Joins::Preset)
}
