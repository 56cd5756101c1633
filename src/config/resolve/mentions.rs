//! `mentions`.

use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::RawMentions;
use crate::config::scalar::duration::duration;
use crate::config::scalar::rate::rate;
use crate::deliver::mentions::MentionSpec;
use crate::rate::Rate;
use crate::rule::LATE;

use super::schedule::Schedules;

pub(super) fn resolve(
    at: At<'_, RawMentions>,
    schedules: &Schedules<'_>,
    report: &mut Report,
) -> MentionSpec {
    let budget = at.get("budget", |raw| &raw.budget).and_then(|at| rate(at, report));
    let budget = budget.map(|(number, per)| Rate { number, per, burst: number });
    let quiet_hours = at.get("quiet_hours", |raw| &raw.quiet_hours);
    MentionSpec {
        budget: budget.unwrap_or(MentionSpec::default().budget),
        quiet_hours: quiet_hours.and_then(|at| schedules.find(at, report)),
    }
}

/// How old an event may be and still mention somebody.
pub(super) fn late(at: Option<At<'_, RawMentions>>, report: &mut Report) -> Duration {
    let late = at.and_then(|at| at.get("late", |raw| &raw.late));
    late.and_then(|at| duration(at, report)).unwrap_or(LATE)
}
