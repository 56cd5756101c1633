//! Alerts that wait for their webhooks, as the workers read them. An entry leaves only by the receiver's answer
//! ([`Outbox::settle`]) or into the dead letters ([`Outbox::set_aside`]). Each change is durable before it shows here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use crate::engine::{Alert, AlertId};
use crate::time::Time;

use super::changes::{Answer, Changes, DeadLetter, Stored};
use super::history::{Fate, History, Receipt};
use super::queue::{Entry, Gate, Ids, Queue, Stage, Waiting};
use super::writer::{State, Writer};
use super::{Record, WriteError};

/// The alerts that wait, a queue a webhook. Shared by the engine's thread and the webhooks' workers.
#[derive(Debug)]
pub struct Outbox {
    queues: RwLock<Queues>,
    /// How many alerts may wait for a webhook.
    alerts_max: AtomicUsize,
    writer: Arc<Writer>,
    history: OnceLock<Arc<History>>,
}

type Queues = BTreeMap<Arc<str>, Arc<Queue>>;

impl Outbox {
    /// An empty outbox in memory for these webhooks.
    pub fn new(webhooks: impl Iterator<Item = Arc<str>>, alerts_max: usize) -> Self {
        Self::over(Arc::default(), webhooks, alerts_max)
    }

    /// An outbox whose changes are written by `writer`.
    pub(super) fn over(
        writer: Arc<Writer>,
        webhooks: impl Iterator<Item = Arc<str>>,
        alerts_max: usize,
    ) -> Self {
        let queues = webhooks.map(|name| (name, Arc::default())).collect();
        Self {
            queues: RwLock::new(queues),
            alerts_max: AtomicUsize::new(alerts_max),
            writer,
            history: OnceLock::new(),
        }
    }

    /// From now on, what is decided and what becomes of it is written here too.
    pub(super) fn keep_history(&self, history: Arc<History>) {
        // A second one would know less than the first.
        let _ = self.history.set(history);
    }

    /// The alerts of the past, where they are kept.
    pub fn history(&self) -> Option<&Arc<History>> {
        self.history.get()
    }

    fn queues(&self) -> RwLockReadGuard<'_, Queues> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, webhook: &str) -> Option<Arc<Queue>> {
        self.queues().get(webhook).cloned()
    }

    fn alerts_max(&self) -> usize {
        self.alerts_max.load(Ordering::Relaxed)
    }

    /// Takes alerts for these webhooks too from now on, and at most so many for each. What waits for one of them from a
    /// time when it was there waits on.
    pub fn open(&self, webhooks: impl Iterator<Item = Arc<str>>, alerts_max: usize) {
        self.alerts_max.store(alerts_max, Ordering::Relaxed);
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        for name in webhooks {
            queues.entry(name).or_default().entries().gate = Gate::Open;
        }
    }

    /// Takes alerts for these webhooks alone. What waits for others is kept, in case they come back.
    pub fn close_others(&self, webhooks: &[Arc<str>]) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|name, queue| {
            let mut entries = queue.entries();
            if !webhooks.contains(name) {
                entries.gate = Gate::Closed;
            }
            entries.gate == Gate::Open || !entries.alerts.is_empty() || !entries.overflow.is_empty()
        });
    }

    /// Takes back what is stored, in order; returns what waits for no webhook of this configuration, and is kept. Where
    /// the bound is lower than it was, what is past it is folded.
    pub(super) fn restore(&self, stored: Vec<Stored>) -> Result<BTreeMap<Arc<str>, usize>, WriteError> {
        let mut unknown = BTreeMap::new();
        let mut by_webhook: BTreeMap<Arc<str>, Vec<Entry>> = BTreeMap::new();
        for Stored { place, webhook, since, alert } in stored {
            by_webhook.entry(webhook).or_default().push(Entry::new(place, alert, since));
        }
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.writer.lock();
        for (webhook, entries) in by_webhook {
            let queue = queues.entry(webhook.clone()).or_insert_with(|| {
                unknown.insert(webhook.clone(), entries.len());
                Arc::new(Queue::closed())
            });
            let stored = entries.clone();
            let arrivals = queue.entries().arrive(entries, self.alerts_max(), &webhook);
            let mut changes = Changes::default();
            arrivals.add_to(&mut changes, &stored, &webhook);
            writer.commit(changes)?;
            queue.entries().apply(arrivals);
            writer.make_room()?;
        }
        Ok(unknown)
    }

    /// Stores what was decided, for each webhook that gets it, with the records that led to it. Never waits for a
    /// receiver: where a queue is full, the further alerts of each rule are folded into a digest.
    ///
    /// # Errors
    /// Nothing of it is stored, and nothing shows here.
    pub fn commit(&self, records: &[Record], alerts: &[Arc<Alert>], now: Time) -> Result<(), WriteError> {
        if let Some(history) = self.history.get() {
            // First: what is committed is then known, also after a crash, and written again it is the same.
            history.decided(alerts, now);
        }
        let queues = self.queues();
        let mut writer = self.writer.lock();
        let mut arrived: BTreeMap<&Arc<str>, Vec<Entry>> = BTreeMap::new();
        for alert in alerts {
            for (name, _) in open(&queues, alert) {
                let entry = Entry::new(writer.next_place(), alert.clone(), now);
                arrived.entry(name).or_default().push(entry);
            }
        }
        let mut changes = Changes { records, ..Changes::default() };
        let mut grown = Vec::new();
        for (name, entries) in arrived {
            let queue = &queues[name];
            let stored: Vec<Entry> = queue.entries().overflow.values().cloned().collect();
            let arrivals = queue.entries().arrive(entries, self.alerts_max(), name);
            arrivals.add_to(&mut changes, &stored, name);
            grown.push((name, queue, arrivals));
        }
        writer.commit(changes)?;
        for (name, queue, arrivals) in grown {
            self.note(name, &arrivals.folded, Fate::Folded, "the outbox was full", now);
            queue.entries().apply(arrivals);
            queue.changed.notify_one();
        }
        // What was committed is on its way meanwhile, and stays so whatever becomes of this.
        self.make_room(&mut writer);
        Ok(())
    }

    fn make_room(&self, writer: &mut State) {
        if let Err(failure) = writer.make_room() {
            self.writer.fail(failure);
        }
    }

    /// Lets an alert wait in memory alone, until the process ends: one that can't be stored, and says so.
    pub fn hold(&self, alert: &Arc<Alert>, now: Time) {
        let queues = self.queues();
        let mut writer = self.writer.lock();
        for (name, queue) in open(&queues, alert) {
            let entry = Entry::new(writer.next_place(), alert.clone(), now);
            let mut entries = queue.entries();
            let arrivals = entries.arrive(vec![entry], self.alerts_max(), name);
            entries.apply(arrivals);
            queue.changed.notify_one();
        }
    }

    /// Puts alerts that were unfinished in the place of what was stored of them, and shows them to the workers: on a full
    /// disk too, which goes on with what was stored.
    ///
    /// # Errors
    /// The store can't be written any more.
    pub fn finish(&self, finished: &[Arc<Alert>]) -> Result<(), WriteError> {
        let Some(last) = finished.last() else { return Ok(()) };
        if let Some(history) = self.history.get() {
            history.decided(finished, last.decided);
        }
        let queues = self.queues();
        let mut writer = self.writer.lock();
        let mut changes = Changes::default();
        for (name, queue) in &*queues {
            let mut entries = queue.entries();
            let unfinished = entries.alerts.iter_mut().filter(|entry| entry.stage == Stage::Unfinished);
            for entry in unfinished {
                let id = entry.waiting.alert.id;
                let Some(alert) = finished.iter().find(|finished| finished.id == id) else { continue };
                entry.waiting.alert = alert.clone();
                let Entry { place, waiting: Waiting { alert, since }, .. } = entry.clone();
                changes.left.push(place);
                changes.arrived.push(Stored { place, webhook: name.clone(), since, alert });
            }
        }
        match writer.commit(changes) {
            Ok(()) | Err(WriteError::Full | WriteError::Busy) => {}
            Err(failed) => return Err(failed),
        }
        drop((writer, queues));
        self.show(|entry| finished.iter().any(|alert| alert.id == entry.waiting.alert.id));
        self.make_room(&mut self.writer.lock());
        Ok(())
    }

    /// Shows the workers what is unfinished: nobody will finish it.
    pub fn show_all(&self) {
        self.show(|_| true);
    }

    fn show(&self, which: impl Fn(&Entry) -> bool) {
        for queue in self.queues().values() {
            let mut entries = queue.entries();
            let unfinished = entries.alerts.iter_mut().filter(|entry| entry.stage == Stage::Unfinished);
            for entry in unfinished.filter(|entry| which(entry)) {
                entry.show();
                queue.changed.notify_one();
            }
        }
    }

    /// What may be sent to a webhook, in the order in which it was decided.
    pub fn waiting(&self, webhook: &str) -> Vec<Waiting> {
        let Some(queue) = self.queue(webhook) else { return Vec::new() };
        let entries = queue.entries();
        let ready = entries.alerts.iter().filter(|entry| entry.stage == Stage::Ready);
        ready.map(|entry| entry.waiting.clone()).collect()
    }

    /// Writes to the history what becomes of alerts of a webhook. To be called before they are taken out here: a crash
    /// between the two has them sent and noted again.
    pub fn note(&self, webhook: &str, ids: &[AlertId], fate: Fate, answer: &str, now: Time) {
        if let Some(history) = self.history.get() {
            let answer = answer.to_owned();
            history.left_outbox(ids, &Receipt { webhook: webhook.into(), at: now, fate, answer });
        }
    }

    /// Takes out what the receiver has answered for.
    pub fn settle(&self, webhook: &str, ids: &[AlertId]) {
        self.take(webhook, ids, |_| None);
    }

    /// Takes out what the receiver refuses for good, and keeps it among the dead letters with its answer.
    pub fn set_aside(&self, webhook: &str, ids: &[AlertId], answer: &str, now: Time) {
        self.note(webhook, ids, Fate::SetAside, answer, now);
        self.take(webhook, ids, |waiting| {
            let alert = waiting.alert.clone();
            Some(DeadLetter { webhook: webhook.into(), since: now, answer: answer.to_owned(), alert })
        });
    }

    fn take(&self, webhook: &str, ids: &[AlertId], dead: impl Fn(&Waiting) -> Option<DeadLetter>) {
        let Some(queue) = self.queue(webhook) else { return };
        let mut writer = self.writer.lock();
        let ids: Ids = ids.iter().copied().collect();
        let answer = |entry: &Entry| Answer { place: entry.place, dead: dead(&entry.waiting) };
        let answers: Vec<_> = queue
            .entries()
            .alerts
            .iter()
            .filter(|entry| ids.contains(&entry.waiting.alert.id))
            .map(answer)
            .collect();
        match writer.settle(answers) {
            Ok(()) => {
                queue.entries().settle(&ids, self.alerts_max());
                queue.changed.notify_one();
            }
            Err(failure) => self.writer.fail(failure),
        }
    }

    /// Returns when something was committed to or settled for a webhook since the last call.
    pub async fn changed(&self, webhook: &str) {
        match self.queue(webhook) {
            Some(queue) => queue.changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Since when the alert has waited that has waited longest for a webhook.
    pub fn oldest(&self, webhook: &str) -> Option<Time> {
        let queue = self.queue(webhook)?;
        let entries = queue.entries();
        entries.alerts.iter().map(|entry| entry.waiting.since).min()
    }

    /// How many alerts wait for a webhook.
    pub fn len(&self, webhook: &str) -> usize {
        self.queue(webhook).map_or(0, |queue| queue.entries().alerts.len())
    }

    /// Whether nothing waits for any webhook.
    pub fn is_empty(&self) -> bool {
        self.queues().values().all(|queue| queue.entries().alerts.is_empty())
    }

    /// How many alerts of a webhook found its queue full, ever.
    pub fn overflowed(&self, webhook: &str) -> u64 {
        self.queue(webhook).map_or(0, |queue| queue.entries().overflowed)
    }
}

/// The queues that take an alert, with their webhooks.
fn open<'q>(queues: &'q Queues, alert: &Alert) -> Vec<(&'q Arc<str>, &'q Arc<Queue>)> {
    let known = alert.webhooks.iter().filter_map(|name| queues.get_key_value(name));
    known.filter(|(_, queue)| queue.entries().gate == Gate::Open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Kind;
    use crate::engine::tests_support::alert;

    fn commit(outbox: &Outbox, alerts: Vec<Alert>) {
        let alerts: Vec<_> = alerts.into_iter().map(Arc::new).collect();
        outbox.commit(&[], &alerts, Time::EPOCH).unwrap();
    }

    fn rules(outbox: &Outbox) -> Vec<(String, Kind, u64)> {
        let waiting = outbox.waiting("ops");
        let row =
            |waiting: &Waiting| (waiting.alert.rule.to_string(), waiting.alert.kind, waiting.alert.count);
        waiting.iter().map(row).collect()
    }

    #[test]
    fn past_its_bound_the_alerts_of_each_rule_are_folded_into_a_digest() {
        let outbox = Outbox::new(["ops".into()].into_iter(), 2);
        commit(&outbox, vec![alert("a", 1), alert("a", 2)]);
        commit(&outbox, vec![alert("b", 3), alert("b", 4), alert("b", 5), alert("c", 6)]);
        let [a, b, c] = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(rules(&outbox), [(a.clone(), Kind::Opened, 1), (a, Kind::Opened, 1)]);
        assert_eq!(outbox.overflowed("ops"), 4);
        outbox.settle("ops", &[AlertId(1), AlertId(2)]);
        assert_eq!(rules(&outbox), [(b, Kind::Digest, 3), (c, Kind::Opened, 1)]);
        assert_eq!(outbox.waiting("ops")[0].alert.id, AlertId(3));
        outbox.settle("ops", &[AlertId(3), AlertId(6)]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_waits_for_a_webhook_that_is_gone_waits_for_its_return() {
        let outbox = Outbox::new(["ops".into(), "dev".into()].into_iter(), 1);
        commit(&outbox, vec![alert("a", 1), alert("a", 2)]);
        outbox.close_others(&["dev".into()]);
        commit(&outbox, vec![alert("b", 3)]);
        assert_eq!((outbox.len("ops"), outbox.overflowed("ops")), (1, 1), "nothing is added");
        outbox.settle("ops", &[AlertId(1)]);
        assert_eq!(rules(&outbox), [("a".to_owned(), Kind::Opened, 1)]);
        outbox.open(["ops".into(), "new".into()].into_iter(), 10);
        commit(&outbox, vec![alert("b", 4), Alert { webhooks: vec!["new".into()], ..alert("b", 5) }]);
        assert_eq!((outbox.len("ops"), outbox.len("new")), (2, 1));
        outbox.settle("new", &[AlertId(5)]);
        outbox.close_others(&[]);
        assert_eq!(outbox.queues().len(), 1, "where nothing waits, nothing is kept");
    }

    #[test]
    fn an_alert_for_two_webhooks_waits_for_each() {
        let outbox = Outbox::new(["ops".into(), "dev".into()].into_iter(), 10);
        let both = Alert { webhooks: vec!["ops".into(), "dev".into()], ..alert("a", 1) };
        commit(&outbox, vec![both]);
        outbox.settle("ops", &[AlertId(1)]);
        assert_eq!((outbox.len("ops"), outbox.len("dev")), (0, 1));
    }
}
