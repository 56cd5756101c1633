//! `when: { new }` and `when: { changed }`: a field's value against those that were seen before.

use serde::{Deserialize, Serialize};

use crate::event::Match;
use crate::rule::Novelty;
use crate::time::Time;

use super::super::key::Key;
use super::super::keyed::Keyed;
use super::{Met, Moment, Verdict};

/// When a value was seen last.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::engine) struct Seen(pub(in crate::engine) Time);

/// The values of a rule, each below the key that it belongs to.
#[derive(Debug)]
pub(in crate::engine) struct NewValues {
    pub(in crate::engine) seen: Keyed<Seen>,
    /// The time of the rule's first event.
    pub(in crate::engine) first: Option<Time>,
}

pub(super) fn new(
    values: &mut NewValues,
    spec: &Novelty,
    found: &Match,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let time = found.event.time;
    let first = *values.first.get_or_insert(time);
    let Some(key) = moment.value_key(&spec.by, &spec.of, found) else { return Verdict::Below };
    let is_new = match values.seen.see(&key) {
        Some(Seen(latest)) => {
            let is_new = time.since(*latest) >= spec.remember;
            *latest = time.max(*latest);
            is_new
        }
        None => {
            moment.counters.keys_forgotten += values.seen.put(key, Seen(time));
            true
        }
    };
    match is_new && time.since(first) >= spec.learn {
        true => Verdict::Met(Met { count: 1, first_seen: time }),
        false => Verdict::Below,
    }
}

/// `last` is the value of each key, as a key of its own.
pub(super) fn changed(
    last: &mut Keyed<Key>,
    (of, by): (&str, &[std::sync::Arc<str>]),
    found: &Match,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let Some(value) = moment.value_key(&[], of, found) else { return Verdict::Below };
    let key = moment.key(by, found);
    let before = match last.see(&key) {
        Some(before) => std::mem::replace(before, value.clone()),
        None => {
            moment.counters.keys_forgotten += last.put(key, value);
            return Verdict::Below;
        }
    };
    // What was stored without a secret is compared as it was stored.
    if before == value || before == value.without_secrets(moment.out.rule) {
        return Verdict::Below;
    }
    Verdict::Met(Met { count: 1, first_seen: found.event.time })
}
