//! `silences`: what nothing is posted of for a time.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{RawSilence, Text};
use crate::config::scalar::expression::{expression, reference_range};
use crate::engine::{OF_THE_FILE, Silence};
use crate::event::EPISODE_FIELDS;
use crate::time::Time;

use super::File;

pub(super) fn resolve(files: &[File<'_>], report: &mut Report) -> Vec<Silence> {
    let sections = files.iter().filter_map(|file| file.get("silences", |raw| &raw.silences));
    let written = sections.flat_map(|section| {
        let items = section.raw.iter().enumerate();
        items.filter_map(move |(index, raw)| Some(At::new(raw.as_ref()?, section.place.item(index))))
    });
    written.filter_map(|at| silence(at, report)).collect()
}

fn silence(at: At<'_, RawSilence>, report: &mut Report) -> Option<Silence> {
    for key in ["where", "until"].iter().filter(|key| !at.place.means(key)) {
        report
            .error(&at.place.value_span(), format!("a silence needs `{key}`"))
            .help("write `{ where: 'rule == \"disk\"', until: 2026-12-01T00:00:00Z, why: moving house }`");
    }
    let filter = at.get("where", |raw| &raw.filter).and_then(|at| filter(at, report));
    let until = at.get("until", |raw| &raw.until).and_then(|at| until(at, report));
    let (filter, until) = (filter?, until?);
    // It is the same silence after a change of its reason alone.
    let seed = format!("{}\0{}", until.as_nanos(), filter.source());
    let why = at.raw.why.as_ref().map(|why| why.text.clone()).unwrap_or_default();
    Some(Silence {
        id: format!("{OF_THE_FILE}{:016x}", xxh3_64(seed.as_bytes())).into(),
        filter: Arc::new(filter),
        until,
        why,
    })
}

fn filter(at: At<'_, Text>, report: &mut Report) -> Option<crate::expr::Expr> {
    let expr = expression(at, report)?;
    let Text(text) = at.raw;
    for name in expr.references().iter().filter(|name| EPISODE_FIELDS.contains(&name.as_str())) {
        let span = match reference_range(text, name) {
            Some(range) => at.place.inner_span(text, range),
            None => at.place.value_span(),
        };
        report.error(&span, format!("`{name}` is not known to a silence")).label("only messages have it");
    }
    Some(expr)
}

fn until(at: At<'_, Text>, report: &mut Report) -> Option<Time> {
    let Text(text) = at.raw;
    let time = Time::parse_rfc3339(text.trim());
    if time.is_none() {
        report
            .error(&at.place.value_span(), "not a time")
            .help("write it as `2026-12-01T00:00:00Z` or `2026-12-01T00:00:00+01:00`");
    }
    time
}
