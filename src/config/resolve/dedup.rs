//! `dedup`: how repeats are folded.

use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Flag, Number, OffOr, RawDedup, RawRule, Scalar};
use crate::config::scalar::duration::duration;
use crate::rule::Dedup;
use crate::time::Spelled;

use super::fields::Fields;

const WINDOW: Duration = Duration::from_secs(10 * 60);
const BACKOFF: f64 = 2.0;
const MAX: Duration = Duration::from_secs(4 * 60 * 60);
/// A window that grows faster reaches any `max` at once.
const BACKOFF_MAX: f64 = 1_000.0;

/// `None`: `off`.
pub(super) fn resolve(
    layers: &Layers<'_, RawRule>,
    fields: &Fields<'_>,
    report: &mut Report,
) -> Option<Dedup> {
    let maps = maps(layers, report)?;
    let by = maps.get("by", |raw| &raw.by).map(|at| fields.by(Some(at), report));
    let window = match maps.get("window", |raw| &raw.window) {
        Some(at) => duration(at, report),
        None => Some(WINDOW),
    };
    let backoff = maps.get("backoff", |raw| &raw.backoff).map_or(BACKOFF, |at| backoff(at, report));
    let max = match maps.get("max", |raw| &raw.max) {
        Some(at) => max(at, window, report),
        None => MAX,
    };
    let window = window.unwrap_or(WINDOW);
    let summary = maps.get("summary", |raw| &raw.summary).is_none_or(|at| {
        let Flag(summary) = *at.raw;
        summary
    });
    // A window that is longer than the usual `max` doesn't grow.
    Some(Dedup { by, window, backoff, max: max.max(window), summary })
}

/// The maps that hold: those before an `off`, which ends what is taken from the more general layers.
fn maps<'a>(layers: &Layers<'a, RawRule>, report: &mut Report) -> Option<Layers<'a, RawDedup>> {
    let mut maps = Vec::new();
    for layer in layers.map("dedup", |raw| &raw.dedup).iter() {
        match layer.raw {
            OffOr::Map(raw) => maps.push(At::new(raw, layer.place)),
            OffOr::Off if maps.is_empty() => return None,
            OffOr::Off => break,
            OffOr::Word(word) => {
                let message = format!("`dedup` can't be `{word}`");
                report
                    .error(&layer.place.value_span(), message)
                    .help("write `off`, or a map as `{ window: 10m }`");
            }
        }
    }
    Some(Layers::new(maps))
}

fn backoff(at: At<'_, Number>, report: &mut Report) -> f64 {
    let Number(backoff) = *at.raw;
    if (1.0..=BACKOFF_MAX).contains(&backoff) {
        return backoff;
    }
    report
        .error(&at.place.value_span(), "a backoff out of bounds")
        .label(format!("must be from 1 (the window stays as it is) to {BACKOFF_MAX}"));
    BACKOFF
}

fn max(at: At<'_, Scalar>, window: Option<Duration>, report: &mut Report) -> Duration {
    let Some(max) = duration(at, report) else { return MAX };
    if let Some(window) = window.filter(|window| max < *window) {
        let window = Spelled(window);
        report
            .error(&at.place.value_span(), "`max` is shorter than the window")
            .label(format!("at least {window}"));
    }
    max
}
