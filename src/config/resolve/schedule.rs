//! `schedules`, and a schedule where it is used.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{OneOrMany, RawHours, Text};
use crate::config::scalar::hours::hours;
use crate::config::scalar::name::{known_names, texts};
use crate::schedule::{Days, Hours, Schedule};

use super::names::Names;
use super::{File, named};

/// The schedules of all files.
pub(super) struct Schedules<'a> {
    names: Names<'a>,
    resolved: Vec<Arc<Schedule>>,
}

impl<'a> Schedules<'a> {
    pub(super) fn resolve(files: &[File<'a>], report: &mut Report) -> Self {
        let names = Names::collect(files, "schedules", report);
        let resolved = files
            .iter()
            .filter_map(|file| file.get("schedules", |raw| &raw.schedules))
            .flat_map(|section| named(section, |at, name| schedule(at, name, report)))
            .collect();
        Self { names, resolved }
    }

    /// The schedule that is named at `at`; an unknown name is reported.
    pub(super) fn find(&self, at: At<'_, Text>, report: &mut Report) -> Option<Arc<Schedule>> {
        let one = OneOrMany { items: vec![Some(at.raw.clone())], list: false };
        let names = known_names(At::new(&one, at.place), "schedule", &self.names.list(), report);
        let name = names.first()?;
        self.resolved.iter().find(|schedule| schedule.name == *name).cloned()
    }
}

fn schedule(at: At<'_, OneOrMany<RawHours>>, name: &str, report: &mut Report) -> Option<Arc<Schedule>> {
    if at.raw.items.is_empty() {
        report
            .error(&at.place.key_span(), format!("schedule `{name}` never holds"))
            .help("write `{ days: mon-fri, hours: \"09:00-18:00\" }`");
    }
    let all = texts(at).filter_map(|at| hours_of(at, report)).collect::<Vec<_>>();
    (!all.is_empty()).then(|| Arc::new(Schedule { name: Arc::from(name), hours: all }))
}

fn hours_of(at: At<'_, RawHours>, report: &mut Report) -> Option<Hours> {
    if !["days", "hours"].iter().any(|key| at.place.means(key)) {
        report
            .error(&at.place.value_span(), "a schedule needs `days` or `hours`")
            .help("write `{ days: mon-fri, hours: \"09:00-18:00\" }`");
    }
    let days = at.get("days", |raw| &raw.days).map(|at| days(at, report));
    let range = at.get("hours", |raw| &raw.hours).map(|at| hours(at, report));
    let zone = at.get("tz", |raw| &raw.tz).map(|at| zone(at, report));
    let (from, to) = range.unwrap_or(Some((0, Hours::DAY)))?;
    let zone = zone.unwrap_or_else(|| Some(TimeZone::system()))?;
    Some(Hours { days: days.unwrap_or(Some(Days::ALL))?, from, to, zone })
}

fn days(at: At<'_, OneOrMany<Text>>, report: &mut Report) -> Option<Days> {
    let mut all = Some(Days::NONE);
    for text in texts(at) {
        match Days::parse(&text.raw.0) {
            Ok(days) => all = all.map(|all| all.and(days)),
            Err(word) => {
                let help = "write days as `mon-fri`, `sat,sun` or `fri-mon`";
                report.error(&text.place.value_span(), format!("`{word}` is no day of the week")).help(help);
                all = None;
            }
        }
    }
    if all == Some(Days::NONE) {
        report.error(&at.place.key_span(), "a schedule without a day").help("leave `days` out for every day");
        return None;
    }
    all
}

/// A time zone by its name.
pub(super) fn zone(at: At<'_, Text>, report: &mut Report) -> Option<TimeZone> {
    let Text(name) = at.raw;
    match TimeZone::get(name) {
        Ok(zone) => Some(zone),
        Err(_) => {
            let help = "write its name in the IANA database, as `Europe/Berlin` or `UTC`";
            report.error(&at.place.value_span(), format!("there is no time zone `{name}`")).help(help);
            None
        }
    }
}
