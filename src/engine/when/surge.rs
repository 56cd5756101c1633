//! `when: { spike }` and `when: { drop }`: a window against the one before it, both in slices.

use serde::{Deserialize, Serialize};

use crate::event::Match;
use crate::rule::Surge;
use crate::time::Time;

use super::super::key::Key;
use super::super::keyed::Keyed;
use super::super::last::Last;
use super::slices::{Counts, Slicing};
use super::{Instant, Met, Moment, Said, Verdict};

/// The matches of a key, for `spike`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::engine) struct SpikeKey(Counts);

/// The matches of a key, for `drop`.
#[derive(Debug)]
pub(in crate::engine) struct DropKey {
    pub(in crate::engine) counts: Counts,
    pub(in crate::engine) last: Option<Last>,
}

impl SpikeKey {
    pub(in crate::engine) fn settle(&mut self, spec: &Surge, now: Time) {
        self.0.settle(now, Slicing::of(spec.within));
    }
}

impl DropKey {
    pub(in crate::engine) fn settle(&mut self, spec: &Surge, now: Time) {
        self.counts.settle(now, Slicing::of(spec.within));
    }
}

/// Judged at each match.
pub(super) fn spike(
    keys: &mut Keyed<SpikeKey>,
    spec: &Surge,
    found: &Match,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let slicing = Slicing::of(spec.within);
    let key = moment.key(&spec.by, found);
    let time = found.event.time;
    let new = || SpikeKey(Counts::new(slicing.index(time)));
    let Some(SpikeKey(counts)) = moment.see_or_put(keys, &key, new) else { return Verdict::Below };
    counts.add(time, slicing);
    match counts.windows() {
        Some((this, before)) if beats(spec, this.count, before.count) => {
            Verdict::Met(Met { count: this.count, first_seen: this.first.unwrap_or(time) })
        }
        _ => Verdict::Below,
    }
}

/// Whether there are enough, and many enough times `fewer`.
fn beats(spec: &Surge, more: u64, fewer: u64) -> bool {
    more >= spec.min && more as f64 >= spec.ratio * fewer as f64
}

/// A match is only counted: the ends of slices are judged.
pub(super) fn drop(
    keys: &mut Keyed<DropKey>,
    spec: &Surge,
    found: &Match,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let slicing = Slicing::of(spec.within);
    let key = moment.key(&spec.by, found);
    let time = found.event.time;
    let index = slicing.index(time);
    let known = keys.peek(&key).is_some_and(|drop| !drop.counts.is_empty());
    let new = || DropKey { counts: Counts::new(index), last: None };
    let Some(DropKey { counts, last }) = moment.see_or_put(keys, &key, new) else { return Verdict::Below };
    counts.add(time, slicing);
    *last = Some(Last::Live(found.clone()));
    let latest = counts.latest;
    if !known {
        moment.judge_at(slicing.end(latest), &key);
    }
    Verdict::Below
}

/// The slices that are over at `time`, one after the other.
pub(super) fn drop_to(
    keys: &mut Keyed<DropKey>,
    spec: &Surge,
    key: &Key,
    time: Time,
    moment: &mut Moment<'_, '_>,
) -> Vec<Said> {
    let slicing = Slicing::of(spec.within);
    let mut said = Vec::new();
    let Some(DropKey { counts, last }) = keys.change(key) else { return said };
    // The latest slice ends at the beginning of the next one.
    let over = slicing.index(time) - 1;
    while counts.latest <= over && !counts.is_empty() {
        let end = slicing.end(counts.latest);
        if let Some((this, before)) = counts.windows()
            && beats(spec, before.count, this.count)
        {
            let met = Met { count: this.count, first_seen: this.first.unwrap_or(end) };
            said.push(Said::Alert(Instant { met, last: last.clone(), again: false }));
        }
        counts.pass(counts.latest + 1);
    }
    counts.pass(over + 1);
    if !counts.is_empty() {
        moment.judge_at(slicing.end(counts.latest), key);
    }
    said
}

/// Sets the timer of a key.
pub(super) fn arm(spec: &Surge, key: &Key, drop: &DropKey, moment: &mut Moment<'_, '_>) {
    if !drop.counts.is_empty() {
        moment.judge_at(Slicing::of(spec.within).end(drop.counts.latest), key);
    }
}
