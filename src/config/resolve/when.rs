//! `when`: which matches make an alert.

use crate::config::diagnostic::Report;
use crate::config::layers::Layers;
use crate::config::raw::{RawRule, RawWhen};
use crate::config::scalar::duration::duration;
use crate::config::scalar::number::number;
use crate::rule::When;

use super::fields::Fields;

/// The spellings that a later version brings; where one stands, `count` is not missing.
const OTHERS: [&str; 9] =
    ["distinct", "absent", "spike", "drop", "above", "below", "not_followed_by", "new", "changed"];

pub(super) fn resolve(layers: &Layers<'_, RawRule>, fields: &Fields<'_>, report: &mut Report) -> When {
    let when = layers.map("when", |raw| &raw.when);
    if when.is_empty() {
        return When::Every;
    }
    report_missing(&when, report);
    let by = fields.by(when.get("by", |raw| &raw.by), report);
    let bounds = 1..=u64::from(When::COUNT_MAX);
    let count = when.get("count", |raw| &raw.count).and_then(|at| number(at, bounds, report));
    let within = when.get("within", |raw| &raw.within).and_then(|at| duration(at, report));
    match (count.and_then(|count| u32::try_from(count).ok()), within) {
        (Some(count), Some(within)) => When::Count { count, within, by },
        _ => When::Every,
    }
}

fn report_missing(when: &Layers<'_, RawWhen>, report: &mut Report) {
    let Some(place) = when.place() else { return };
    if OTHERS.iter().any(|key| when.has(key)) {
        return;
    }
    for key in ["count", "within"] {
        if !when.means(key) {
            report
                .error(&place.key_span(), format!("`when` needs `{key}`"))
                .help("write `{ count: 5, within: 1m }`: an alert when 5 matches lie within a minute");
        }
    }
}
