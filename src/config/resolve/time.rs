//! `inputs.NAME.time`.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{RawTime, Text, TextOr};
use crate::config::scalar::choice::choice;
use crate::config::spelling::nearest;
use crate::line::own_time::{TimeField, TimeSpec, by_format};
use crate::line::parse::Parser;
use crate::time::Time;

use super::schedule::zone;

pub(super) fn resolve(at: At<'_, TextOr<RawTime>>, parser: &Parser, report: &mut Report) -> Option<TimeSpec> {
    type New = fn() -> TimeSpec;
    const WORDS: [(&str, New); 2] = [("auto", TimeSpec::default), ("read", || TimeSpec::Read)];
    match at.raw {
        TextOr::Text(word) => {
            choice(At::new(&Text(word.clone()), at.place), "time", &WORDS, report).map(|time| time())
        }
        TextOr::Map(raw) => of_map(At::new(raw, at.place), parser, report),
    }
}

fn of_map(at: At<'_, RawTime>, parser: &Parser, report: &mut Report) -> Option<TimeSpec> {
    let zone = match at.get("tz", |raw| &raw.tz) {
        Some(at) => zone(at, report),
        None => Some(TimeZone::system()),
    };
    let format = at.get("format", |raw| &raw.format);
    let good = format.is_none_or(|at| is_format(at, report));
    let Some(field) = at.get("field", |raw| &raw.field) else {
        if let Some(format) = format {
            let help = "write `field: line` for a time at the line's beginning";
            report.error(&format.place.key_span(), "a `format` of no `field`").help(help);
        }
        return zone.map(TimeSpec::Auto);
    };
    let Text(name) = field.raw;
    let known = parser.names();
    if let Some(names) = known.filter(|names| !is_known(name, names)) {
        let diagnostic = report.error(&field.place.value_span(), format!("no line has a field `{name}`"));
        match nearest(name, names.iter().map(|name| &**name)) {
            Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
            None => diagnostic.help("write `line`, or a field that `parse` reads"),
        };
        return None;
    }
    let format = format.map(|at| Arc::from(at.raw.0.as_str()));
    zone.filter(|_| good).map(|zone| TimeSpec::Field(TimeField { name: name.as_str().into(), format, zone }))
}

fn is_known(name: &str, names: &[Arc<str>]) -> bool {
    matches!(name, "line" | "message") || names.iter().any(|known| **known == *name)
}

/// Whether a time that is written by the format can be read by it.
fn is_format(at: At<'_, Text>, report: &mut Report) -> bool {
    let Text(format) = at.raw;
    let sample = Time::from_secs(1_767_225_600);
    let zoned =
        jiff::Timestamp::from_second(sample.as_secs()).map(|stamp| stamp.to_zoned_datetime(TimeZone::UTC));
    let Ok(zoned) = zoned else { return true };
    match jiff::fmt::strtime::format(format, &zoned) {
        Err(error) => {
            report.error(&at.place.value_span(), "the format is wrong").label(error.to_string());
            false
        }
        Ok(text) if by_format(&text, format, sample, &TimeZone::UTC).is_none() => {
            let help = "it needs a day and a time of day, as in `%d/%b/%Y:%H:%M:%S %z`, or seconds as `%s`";
            report.error(&at.place.value_span(), "the format reads no time").help(help);
            false
        }
        Ok(_) => true,
    }
}
