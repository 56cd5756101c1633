//! `severity` of a rule: a word, or where it is read.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{RawRule, RawSeverity, Text, TextOr};
use crate::rule::{Severity, SeverityFrom};

use super::fields::{Fields, Sight};
use super::look;

/// The rule's own severity, and where a match's is read. Of maps over maps the more specific keys win.
pub(super) fn resolve(
    layers: &Layers<'_, RawRule>,
    fields: &Fields<'_>,
    report: &mut Report,
) -> (Severity, Option<SeverityFrom>) {
    let written: Vec<_> =
        layers.iter().filter_map(|layer| layer.get("severity", |raw| &raw.severity)).collect();
    let maps: Vec<At<'_, RawSeverity>> = written
        .iter()
        .map_while(|at| match at.raw {
            TextOr::Map(raw) => Some(At::new(raw, at.place)),
            TextOr::Text(_) => None,
        })
        .collect();
    match (maps.is_empty(), written.first()) {
        (false, _) => from(&Layers::new(maps), fields, report),
        (true, Some(&At { raw: TextOr::Text(word), place })) => {
            let severity = look::severity(At::new(&Text(word.clone()), place), report);
            (severity.unwrap_or(Severity::Error), None)
        }
        (true, _) => (Severity::Error, None),
    }
}

fn from(
    layers: &Layers<'_, RawSeverity>,
    fields: &Fields<'_>,
    report: &mut Report,
) -> (Severity, Option<SeverityFrom>) {
    let other = layers.get("else", |raw| &raw.otherwise).and_then(|at| look::severity(at, report));
    let min = layers.get("min", |raw| &raw.min).and_then(|at| look::severity(at, report));
    let mut map: Vec<(Arc<str>, Severity)> = Vec::new();
    for at in layers.iter().filter_map(|layer| layer.get("map", |raw| &raw.map)) {
        for (name, word) in &at.raw.0 {
            if let Some(severity) = look::severity(At::new(word, at.place.key(name)), report)
                && !map.iter().any(|(taken, _)| **taken == **name)
            {
                map.push((name.as_str().into(), severity));
            }
        }
    }
    let from = match layers.get("from", |raw| &raw.from) {
        Some(at) => {
            let Text(name) = at.raw;
            fields.check(name, Sight::Event, at.place, name, None, report);
            Some(name.as_str())
        }
        None => {
            if let Some(place) = layers.place().filter(|place| !place.means("from")) {
                let help = "write `{ from: level, min: warning }`";
                report
                    .error(&place.value_span(), "`severity` needs the field that it is read `from`")
                    .help(help);
            }
            None
        }
    };
    let from =
        from.map(|field| SeverityFrom { field: field.into(), min: min.unwrap_or(Severity::Info), map });
    (other.unwrap_or(Severity::Error), from)
}
