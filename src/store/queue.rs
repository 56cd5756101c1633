//! What waits for one webhook, and what becomes of what comes when it is full.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::engine::{Alert, AlertId};
use crate::time::Time;

use super::changes::{Changes, Stored};

/// An alert that waits for one webhook.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What is to be told; shared with the other webhooks that get it.
    pub alert: Arc<Alert>,
    /// Since when.
    pub since: Time,
}

/// Seeded, and quicker than the standard library's: all that waits is looked at for each message.
pub(super) type Ids = HashSet<AlertId, lru::DefaultHasher>;

/// The queue of one webhook.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: Mutex<Entries>,
    pub(super) changed: Notify,
}

/// Whether a webhook of a queue's name is in the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Gate {
    /// Alerts for it are taken.
    #[default]
    Open,
    /// What waits is kept, in case it comes back; nothing is added.
    Closed,
}

/// A waiting alert, with its place in the store.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: i64,
    pub(super) waiting: Waiting,
    pub(super) stage: Stage,
}

/// Whether a worker is shown an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not yet: it waits for lines that its message shows.
    Unfinished,
    /// It may be sent.
    Ready,
}

impl Entry {
    pub(super) fn new(place: i64, alert: Arc<Alert>, since: Time) -> Self {
        let stage = if alert.awaited.is_some() { Stage::Unfinished } else { Stage::Ready };
        Self { place, waiting: Waiting { alert, since }, stage }
    }

    pub(super) fn show(&mut self) {
        self.stage = Stage::Ready;
    }
}

/// What is in a queue.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) alerts: VecDeque<Entry>,
    /// For each rule whose alerts found the queue full, all of them as one.
    pub(super) overflow: BTreeMap<Arc<str>, Entry>,
    pub(super) overflowed: u64,
    pub(super) gate: Gate,
}

/// What is added to a queue.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    alerts: Vec<Entry>,
    /// What the queue's overflow is then.
    overflow: BTreeMap<Arc<str>, Entry>,
    overflowed: u64,
    /// Those that are told in the digest of an earlier one.
    pub(super) folded: Vec<AlertId>,
}

impl Queue {
    /// Of a webhook that is not there.
    pub(super) fn closed() -> Self {
        let entries = Entries { gate: Gate::Closed, ..Entries::default() };
        Self { entries: Mutex::new(entries), changed: Notify::new() }
    }

    pub(super) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// What becomes of `entries`, in order, where at most `alerts_max` may wait.
    pub(super) fn arrive(&self, entries: Vec<Entry>, alerts_max: usize, webhook: &str) -> Arrivals {
        let mut arrivals = Arrivals { overflow: self.overflow.clone(), ..Arrivals::default() };
        for mut entry in entries {
            if self.alerts.len() + arrivals.alerts.len() < alerts_max {
                arrivals.alerts.push(entry);
                continue;
            }
            if arrivals.overflow.is_empty() {
                tracing::warn!(
                    webhook,
                    waiting = alerts_max,
                    "the outbox is full: further alerts are folded into a digest of each rule"
                );
            }
            arrivals.overflowed += 1;
            let rule = entry.waiting.alert.rule.clone();
            if let Some(Entry { place, waiting, .. }) = arrivals.overflow.remove(&rule) {
                arrivals.folded.push(entry.waiting.alert.id);
                let digest = Arc::unwrap_or_clone(waiting.alert).digest(&entry.waiting.alert);
                entry = Entry::new(place, Arc::new(digest), waiting.since);
            }
            // Nobody would know the digest by its id.
            entry.show();
            arrivals.overflow.insert(rule, entry);
        }
        arrivals
    }

    pub(super) fn apply(&mut self, arrivals: Arrivals) {
        self.alerts.extend(arrivals.alerts);
        self.overflow = arrivals.overflow;
        self.overflowed += arrivals.overflowed;
    }

    pub(super) fn settle(&mut self, ids: &Ids, alerts_max: usize) {
        self.alerts.retain(|entry| !ids.contains(&entry.waiting.alert.id));
        while self.alerts.len() < alerts_max
            && let Some((_, latest)) = self.overflow.pop_first()
        {
            self.alerts.push_back(latest);
        }
    }
}

impl Arrivals {
    /// What is to be written for this, where `stored` is what of the same queue is stored already.
    pub(super) fn add_to(&self, changes: &mut Changes<'_>, stored: &[Entry], webhook: &Arc<str>) {
        let known: BTreeMap<i64, &Arc<Alert>> =
            stored.iter().map(|entry| (entry.place, &entry.waiting.alert)).collect();
        let mut unchanged = BTreeSet::new();
        for Entry { place, waiting: Waiting { alert, since }, .. } in
            self.alerts.iter().chain(self.overflow.values())
        {
            if known.get(place).is_some_and(|known| Arc::ptr_eq(known, alert)) {
                unchanged.insert(*place);
                continue;
            }
            let (webhook, alert) = (webhook.clone(), alert.clone());
            changes.arrived.push(Stored { place: *place, webhook, since: *since, alert });
        }
        changes.left.extend(known.into_keys().filter(|place| !unchanged.contains(place)));
    }
}
