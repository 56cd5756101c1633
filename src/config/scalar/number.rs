//! A whole number within bounds.

use std::ops::RangeInclusive;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Count;

/// A number within `bounds`.
pub(in crate::config) fn number(
    at: At<'_, Count>,
    bounds: RangeInclusive<u64>,
    report: &mut Report,
) -> Option<u64> {
    let Count(number) = *at.raw;
    if bounds.contains(&number) {
        return Some(number);
    }
    let label = format!("must be from {} to {}", bounds.start(), bounds.end());
    report.error(&at.place.value_span(), "a number out of bounds").label(label);
    None
}
