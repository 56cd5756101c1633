//! Alerts that wait for their webhooks. An entry leaves only by [`Outbox::settle`], after the receiver's answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::engine::{Alert, AlertId};
use crate::time::Time;

/// An alert that waits for one webhook.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What is to be told; shared with the other webhooks that get it.
    pub alert: Arc<Alert>,
    /// Since when.
    pub since: Time,
}

/// The alerts that wait, a queue a webhook. Shared by the engine's thread and the webhooks' workers.
#[derive(Debug)]
pub struct Outbox {
    queues: BTreeMap<Arc<str>, Queue>,
    /// How many alerts may wait for a webhook.
    alerts_max: usize,
}

#[derive(Debug, Default)]
struct Queue {
    entries: Mutex<Entries>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    alerts: VecDeque<Waiting>,
    /// For each rule whose alerts found the queue full, all of them as one.
    overflow: BTreeMap<Arc<str>, Waiting>,
    overflowed: u64,
}

impl Outbox {
    /// An empty outbox for these webhooks.
    pub fn new(webhooks: impl Iterator<Item = Arc<str>>, alerts_max: usize) -> Self {
        Self { queues: webhooks.map(|name| (name, Queue::default())).collect(), alerts_max }
    }

    /// Stores what was decided, for each webhook that gets it. Never waits for a receiver: where a queue is full, the
    /// further alerts of each rule are folded into a digest.
    pub fn commit(&self, alerts: Vec<Alert>, now: Time) {
        for alert in alerts {
            let alert = Arc::new(alert);
            for name in &alert.webhooks {
                let Some(queue) = self.queues.get(name) else { continue };
                queue.entries().push(Waiting { alert: alert.clone(), since: now }, self.alerts_max, name);
                queue.changed.notify_one();
            }
        }
    }

    /// All that waits for a webhook, in the order in which it was decided.
    pub fn waiting(&self, webhook: &str) -> Vec<Waiting> {
        self.queues
            .get(webhook)
            .map_or_else(Vec::new, |queue| queue.entries().alerts.iter().cloned().collect())
    }

    /// Takes out what the receiver has answered for.
    pub fn settle(&self, webhook: &str, ids: &[AlertId]) {
        let Some(queue) = self.queues.get(webhook) else { return };
        queue.entries().settle(ids, self.alerts_max);
        queue.changed.notify_one();
    }

    /// Returns when something was committed to or settled for a webhook since the last call.
    pub async fn changed(&self, webhook: &str) {
        match self.queues.get(webhook) {
            Some(queue) => queue.changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// How many alerts wait for a webhook.
    pub fn len(&self, webhook: &str) -> usize {
        self.queues.get(webhook).map_or(0, |queue| queue.entries().alerts.len())
    }

    /// Whether nothing waits for any webhook.
    pub fn is_empty(&self) -> bool {
        self.queues.values().all(|queue| queue.entries().alerts.is_empty())
    }

    /// How many alerts of a webhook found its queue full, ever.
    pub fn overflowed(&self, webhook: &str) -> u64 {
        self.queues.get(webhook).map_or(0, |queue| queue.entries().overflowed)
    }
}

impl Queue {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn push(&mut self, waiting: Waiting, alerts_max: usize, webhook: &str) {
        if self.alerts.len() < alerts_max {
            self.alerts.push_back(waiting);
            return;
        }
        if self.overflow.is_empty() {
            tracing::warn!(
                webhook,
                waiting = alerts_max,
                "the outbox is full: further alerts are folded into a digest of each rule"
            );
        }
        self.overflowed += 1;
        let rule = waiting.alert.rule.clone();
        let folded = match self.overflow.remove(&rule) {
            Some(before) => {
                let digest = Arc::unwrap_or_clone(before.alert).digest(&waiting.alert);
                Waiting { alert: Arc::new(digest), since: before.since }
            }
            None => waiting,
        };
        self.overflow.insert(rule, folded);
    }

    fn settle(&mut self, ids: &[AlertId], alerts_max: usize) {
        self.alerts.retain(|waiting| !ids.contains(&waiting.alert.id));
        while self.alerts.len() < alerts_max
            && let Some((_, folded)) = self.overflow.pop_first()
        {
            self.alerts.push_back(folded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Kind;
    use crate::engine::tests_support::alert;

    fn rules(outbox: &Outbox) -> Vec<(String, Kind, u64)> {
        let waiting = outbox.waiting("ops");
        let row =
            |waiting: &Waiting| (waiting.alert.rule.to_string(), waiting.alert.kind, waiting.alert.count);
        waiting.iter().map(row).collect()
    }

    #[test]
    fn past_its_bound_the_alerts_of_each_rule_are_folded_into_a_digest() {
        let outbox = Outbox::new(["ops".into()].into_iter(), 2);
        let now = Time::EPOCH;
        outbox.commit(vec![alert("a", 1), alert("a", 2)], now);
        outbox.commit(vec![alert("b", 3), alert("b", 4), alert("b", 5), alert("c", 6)], now);
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
    fn an_alert_for_two_webhooks_waits_for_each() {
        let outbox = Outbox::new(["ops".into(), "dev".into()].into_iter(), 10);
        let both = Alert { webhooks: vec!["ops".into(), "dev".into()], ..alert("a", 1) };
        outbox.commit(vec![both], Time::EPOCH);
        outbox.settle("ops", &[AlertId(1)]);
        assert_eq!((outbox.len("ops"), outbox.len("dev")), (0, 1));
    }
}
