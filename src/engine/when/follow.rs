//! `when: { not_followed_by, within }`: a match that no event of another sort follows in time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Match;
use crate::time::Time;

use super::super::key::Key;
use super::super::keyed::Keyed;
use super::super::last::Last;
use super::{Instant, Met, Moment, Said};

/// The match of a key that waits: the first.
#[derive(Debug)]
pub(in crate::engine) struct Waiting {
    pub(in crate::engine) times: WaitingTimes,
    pub(in crate::engine) last: Option<Last>,
}

/// What is stored of it beside the line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::engine) struct WaitingTimes {
    /// The match's own time.
    pub(in crate::engine) since: Time,
    /// When it was taken, by the engine's clock.
    pub(in crate::engine) taken: Time,
}

/// A match waits, unless one of its key waits already.
pub(super) fn take(
    keys: &mut Keyed<Waiting>,
    within: Duration,
    key: &Key,
    found: &Match,
    moment: &mut Moment<'_, '_>,
) {
    if keys.see(key).is_some() {
        return;
    }
    let times = WaitingTimes { since: found.event.time, taken: moment.out.now };
    let waiting = Waiting { times, last: Some(Last::Live(found.clone())) };
    moment.counters.keys_forgotten += keys.put(key.clone(), waiting);
    moment.judge_at(times.taken + within, key);
}

/// The match of `key` that has waited for `within` at `time`, by the events' time.
pub(super) fn overdue(keys: &mut Keyed<Waiting>, within: Duration, key: &Key, time: Time) -> Option<Said> {
    keys.peek(key).filter(|waiting| time.since(waiting.times.since) >= within)?;
    keys.remove(key).map(alert)
}

/// The match of `key` that has waited for `within` at `now`, by the engine's clock.
pub(super) fn due(keys: &mut Keyed<Waiting>, within: Duration, key: &Key, now: Time) -> Option<Said> {
    keys.peek(key).filter(|waiting| now.since(waiting.times.taken) >= within)?;
    keys.remove(key).map(alert)
}

/// Nothing more will come: all that waits, in the order in which it was taken.
pub(super) fn end(keys: &mut Keyed<Waiting>) -> Vec<Said> {
    let mut waiting: Vec<(Time, Key)> =
        keys.iter().map(|(key, waiting)| (waiting.times.taken, key.clone())).collect();
    waiting.sort();
    waiting.iter().filter_map(|(_, key)| keys.remove(key)).map(alert).collect()
}

fn alert(waiting: Waiting) -> Said {
    let met = Met { count: 1, first_seen: waiting.times.since };
    Said::Alert(Instant { met, last: waiting.last, again: false })
}
