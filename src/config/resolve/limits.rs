//! `limits`.

use crate::config::Limits;
use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::RawLimits;
use crate::config::scalar::duration::duration;
use crate::config::scalar::number::number;
use crate::config::scalar::size::size;

/// More than this would be no bound.
const MANY: u64 = 1_000_000_000;
/// What a compiled regex may be allowed.
const REGEX_BYTES_MAX: usize = 1 << 30;

pub(super) fn resolve(at: Option<At<'_, RawLimits>>, report: &mut Report) -> Limits {
    let mut limits = Limits::default();
    let Some(at) = at else { return limits };
    let count =
        |count: Option<u64>, default| count.and_then(|count| usize::try_from(count).ok()).unwrap_or(default);
    if let Some(keys) = at.get("keys", |raw| &raw.keys) {
        limits.keys = count(number(keys, 1..=MANY, report), limits.keys);
    }
    if let Some(outbox) = at.get("outbox", |raw| &raw.outbox) {
        limits.outbox = count(number(outbox, 1..=MANY, report), limits.outbox);
    }
    if let Some(regex) = at.get("regex", |raw| &raw.regex) {
        limits.regex = size(regex, 1024..=REGEX_BYTES_MAX, report).unwrap_or(limits.regex);
    }
    if let Some(deleted_file) = at.get("deleted_file", |raw| &raw.deleted_file) {
        limits.deleted_file = duration(deleted_file, report).unwrap_or(limits.deleted_file);
    }
    if let Some(history) = at.get("history", |raw| &raw.history) {
        limits.history.keep = duration(history, report).unwrap_or(limits.history.keep);
    }
    if let Some(alerts) = at.get("history_alerts", |raw| &raw.history_alerts) {
        limits.history.alerts_max = count(number(alerts, 1..=MANY, report), limits.history.alerts_max);
    }
    limits
}
