//! One run of a problem: what is counted between its opening and its end, and what its messages will show.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Match, Texts};
use crate::rule::{Dedup, Rule, Severity, Step};
use crate::time::Time;

use super::alert::{Alert, AlertId, EpisodeId, Folded, Kind};
use super::folding::Folding;
use super::last::{Last, Stored};
use super::records::Redact;

/// An open episode.
#[derive(Debug)]
pub(super) struct Episode {
    pub(super) id: EpisodeId,
    /// The fields of the fingerprint with their values.
    pub(super) key: Texts,
    /// Occurrences since it opened, and since its last message.
    pub(super) count: u64,
    pub(super) suppressed: u64,
    /// By the events' own times.
    pub(super) first_seen: Time,
    pub(super) last_seen: Time,
    /// By the engine's clock.
    pub(super) last_post: Time,
    /// How long the window that runs now is.
    pub(super) window: Duration,
    /// Since when, by the engine's clock.
    pub(super) window_since: Time,
    /// Whether an alert came after the message that started the window.
    pub(super) alerted: bool,
    pub(super) severity: Severity,
    /// All that hear of it: the rule's webhooks and those of the steps that were taken.
    pub(super) webhooks: Vec<Arc<str>>,
    steps_taken: usize,
    pub(super) last: Last,
    folding: Folding,
}

impl Episode {
    /// Opens with `count` occurrences, of which `first` is the match that opens it.
    pub(super) fn open(
        id: EpisodeId,
        key: Texts,
        count: u64,
        first_seen: Time,
        opener: Match,
        rule: &Rule,
    ) -> Self {
        let last_seen = opener.event.time;
        Self {
            id,
            key,
            count,
            suppressed: 0,
            first_seen: first_seen.min(last_seen),
            last_seen: last_seen.max(first_seen),
            last_post: Time::EPOCH,
            window: rule.dedup.as_ref().map_or(Duration::ZERO, |dedup| dedup.window),
            window_since: Time::EPOCH,
            alerted: false,
            severity: opener.severity,
            webhooks: rule.webhooks.clone(),
            steps_taken: 0,
            last: Last::Live(opener),
            folding: Folding::default(),
        }
    }

    /// One more occurrence; `alert`: it is one.
    pub(super) fn occur(&mut self, occurrence: Match, alert: bool, by_shape: bool) {
        self.count += 1;
        self.suppressed += 1;
        self.alerted |= alert;
        self.first_seen = self.first_seen.min(occurrence.event.time);
        self.last_seen = self.last_seen.max(occurrence.event.time);
        self.folding.add(&occurrence, &self.key, by_shape);
        self.last = Last::Live(occurrence);
    }

    /// Takes the steps of `escalate` that the count has reached; returns the last of them.
    pub(super) fn escalate<'a>(&mut self, steps: &'a [Step]) -> Option<&'a Step> {
        let mut reached = None;
        while let Some(step) = steps.get(self.steps_taken).filter(|step| step.count <= self.count) {
            self.steps_taken += 1;
            self.severity = step.severity.unwrap_or(self.severity);
            for webhook in &step.webhooks {
                if !self.webhooks.contains(webhook) {
                    self.webhooks.push(webhook.clone());
                }
            }
            reached = Some(step);
        }
        reached
    }

    /// A message of it goes out at `now`: what was counted since the last one is told with it.
    pub(super) fn posted(&mut self, now: Time) {
        self.suppressed = 0;
        self.alerted = false;
        self.last_post = now;
        self.folding = Folding::default();
    }

    /// After a summary the windows are longer.
    pub(super) fn lengthen(&mut self, dedup: &Dedup) {
        let longer =
            Duration::try_from_secs_f64(self.window.as_secs_f64() * dedup.backoff).unwrap_or(dedup.max);
        self.window = longer.min(dedup.max.max(self.window));
    }

    /// When the window is up.
    pub(super) fn window_up(&self) -> Time {
        self.window_since + self.window
    }

    /// What a message of it says at `now`.
    pub(super) fn draft(&self, kind: Kind, rule: &Rule, host: &str, now: Time) -> Alert {
        let opens = kind == Kind::Opened;
        Alert {
            id: AlertId(0),
            episode: self.id,
            kind,
            rule: rule.name.clone(),
            severity: self.severity,
            mention: Vec::new(),
            webhooks: self.webhooks.clone(),
            decided: now,
            key: self.key.clone(),
            event: Some(self.last.snapshot(rule, host)),
            count: self.count,
            suppressed: self.suppressed,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            since_last: if opens { Duration::ZERO } else { now.since(self.last_post) },
            folded: (!opens).then(|| self.folding.show(&self.last.shape())),
            held_back: None,
        }
    }

    /// As it is stored, without secrets.
    pub(super) fn store(&self, rule: &Rule, host: &str, redact: Redact<'_>) -> StoredEpisode {
        let (shapes, folded) = self.folding.all();
        let mut alert =
            Alert { folded: Some(folded), ..self.draft(Kind::Summary, rule, host, self.last_post) };
        redact(&mut alert, rule);
        StoredEpisode {
            id: self.id,
            key: alert.key,
            count: self.count,
            suppressed: self.suppressed,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            last_post: self.last_post,
            window: self.window,
            window_since: self.window_since,
            alerted: self.alerted,
            severity: self.severity,
            webhooks: alert.webhooks,
            steps_taken: self.steps_taken,
            last: alert.event.map(|snapshot| {
                let throttle = self.last.throttle_key(rule, host);
                Stored { snapshot, throttle: throttle.without_secrets(rule) }
            }),
            shapes: shapes.iter().map(|shape| rule.redact.redact(shape).into_owned()).collect(),
            folded: alert.folded.unwrap_or_default(),
        }
    }

    /// What [`Episode::store`] gave; a stored time in the future counts as `now`.
    pub(super) fn restore(stored: StoredEpisode, now: Time) -> Option<Self> {
        Some(Self {
            id: stored.id,
            key: stored.key,
            count: stored.count,
            suppressed: stored.suppressed,
            first_seen: stored.first_seen.min(now),
            last_seen: stored.last_seen.min(now),
            last_post: stored.last_post.min(now),
            window: stored.window,
            window_since: stored.window_since.min(now),
            alerted: stored.alerted,
            severity: stored.severity,
            webhooks: stored.webhooks,
            steps_taken: stored.steps_taken,
            last: Last::Stored(Box::new(stored.last?)),
            folding: Folding::from_all(stored.shapes, stored.folded),
        })
    }
}

/// An episode in the store.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredEpisode {
    id: EpisodeId,
    key: Texts,
    count: u64,
    suppressed: u64,
    first_seen: Time,
    last_seen: Time,
    last_post: Time,
    window: Duration,
    window_since: Time,
    alerted: bool,
    severity: Severity,
    webhooks: Vec<Arc<str>>,
    steps_taken: usize,
    last: Option<Stored>,
    shapes: Vec<String>,
    folded: Folded,
}
