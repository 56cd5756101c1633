//! `throttle`: at most how many openings and summaries.

use std::num::NonZeroU32;

use crate::config::diagnostic::Report;
use crate::config::layers::Layers;
use crate::config::raw::{Count, RawRule};
use crate::config::scalar::number::number;
use crate::config::scalar::rate::rate;
use crate::rate::Rate;
use crate::rule::Throttle;

use super::At;
use super::fields::Fields;

pub(super) fn resolve(
    layers: &Layers<'_, RawRule>,
    fields: &Fields<'_>,
    report: &mut Report,
) -> Option<Throttle> {
    let throttle = layers.map("throttle", |raw| &raw.throttle);
    let place = throttle.place()?;
    if !throttle.means("rate") {
        report.error(&place.key_span(), "`throttle` needs `rate`").help("write `{ rate: 6/m }`");
    }
    let by = fields.by(throttle.get("by", |raw| &raw.by), report);
    let burst = throttle.get("burst", |raw| &raw.burst).map(|at| burst(at, report));
    let (number, per) = rate(throttle.get("rate", |raw| &raw.rate)?, report)?;
    Some(Throttle { rate: Rate { number, per, burst: burst.flatten().unwrap_or(number) }, by })
}

/// How many at once.
pub(super) fn burst(at: At<'_, Count>, report: &mut Report) -> Option<NonZeroU32> {
    let burst = number(at, 1..=1_000_000, report)?;
    NonZeroU32::new(u32::try_from(burst).ok()?)
}
