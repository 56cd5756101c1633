//! One run of a problem: what is counted between its opening and its end, and what its messages will show.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Match, Texts};
use crate::rule::{Dedup, Rule, Severity, Step, StepAt};
use crate::time::Time;

use super::alert::{Alert, EpisodeId, Folded, Kind};
use super::folding::Folding;
use super::last::{Last, Stored};
use super::records::Redact;
use super::when::Met;

/// An episode.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Episode {
    pub(super) id: EpisodeId,
    /// The fields of the fingerprint with their values.
    pub(super) key: Texts,
    pub(super) phase: Phase,
    /// Occurrences since it opened, and since its last message.
    pub(super) count: u64,
    pub(super) suppressed: u64,
    /// By the events' own times.
    pub(super) first_seen: Time,
    pub(super) last_seen: Time,
    /// By the engine's clock, as all that follow.
    pub(super) opened: Time,
    pub(super) last_post: Time,
    pub(super) last_occurrence: Time,
    pub(super) last_alert: Time,
    /// How long the window that runs now is, and since when; none runs while it is quiet or over.
    pub(super) window: Duration,
    pub(super) window_since: Option<Time>,
    /// Whether an alert came after the message that started the window.
    pub(super) alerted: bool,
    /// How many keys of `when` have an alert of it that still holds.
    pub(super) holding: u64,
    /// How often it was reopened.
    pub(super) reopened: u64,
    pub(super) severity: Severity,
    /// All that hear of it: the rule's webhooks and those of the steps that were taken.
    pub(super) webhooks: Vec<Arc<str>>,
    /// The places of the steps that were taken.
    steps_taken: Vec<usize>,
    /// None where an alert came without a match.
    #[serde(skip)]
    pub(super) last: Option<Last>,
    #[serde(skip)]
    folding: Folding,
}

/// How far an episode is. The times are by the engine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Open,
    /// Its end was told; an alert soon after reopens it.
    Resolved(Time),
    /// It has come back so often that its end is told only once it has stood.
    Settling(Time),
}

impl Episode {
    /// Opens with what met `when`. `last` is the match that opens it, or that an instant is about.
    pub(super) fn open(
        id: EpisodeId,
        key: Texts,
        met: Met,
        last: Option<Last>,
        rule: &Rule,
        now: Time,
    ) -> Self {
        let last_seen = last.as_ref().map_or(met.first_seen, Last::time);
        Self {
            id,
            key,
            phase: Phase::Open,
            count: met.count,
            suppressed: 0,
            first_seen: met.first_seen.min(last_seen),
            last_seen: last_seen.max(met.first_seen),
            opened: now,
            last_post: now,
            last_occurrence: now,
            last_alert: now,
            window: rule.dedup.as_ref().map_or(Duration::ZERO, |dedup| dedup.window),
            window_since: None,
            alerted: false,
            holding: 0,
            reopened: 0,
            severity: last.as_ref().map_or(rule.severity, Last::severity),
            webhooks: rule.webhooks.clone(),
            steps_taken: Vec::new(),
            last,
            folding: Folding::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether only a resolution ends it.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_open() && self.window_since.is_none() && self.holding == 0
    }

    /// Its rule is another one from now on, which had the steps `before`: a step that was taken stays taken where there
    /// still is one at its place.
    pub(super) fn go_on(&mut self, before: &[Step], rule: &Rule) {
        let taken = |step: &Step| {
            let mut taken = self.steps_taken.iter().filter_map(|place| before.get(*place));
            taken.any(|before| before.at == step.at)
        };
        let steps = rule.escalate.iter().enumerate();
        self.steps_taken = steps.filter(|(_, step)| taken(step)).map(|(place, _)| place).collect();
        self.hear(rule);
    }

    /// The rule's webhooks hear of it, and those of the steps that were taken.
    pub(super) fn hear(&mut self, rule: &Rule) {
        self.webhooks.clone_from(&rule.webhooks);
        let taken = self.steps_taken.iter().filter_map(|place| rule.escalate.get(*place));
        for webhook in taken.flat_map(|step| &step.webhooks) {
            if !self.webhooks.contains(webhook) {
                self.webhooks.push(webhook.clone());
            }
        }
    }

    /// One more occurrence.
    pub(super) fn occur(&mut self, occurrence: Match, by_shape: bool, now: Time) {
        self.count += 1;
        self.suppressed += 1;
        self.last_occurrence = now;
        self.see(&occurrence, by_shape);
        self.last = Some(Last::Live(occurrence));
    }

    fn see(&mut self, occurrence: &Match, by_shape: bool) {
        self.first_seen = self.first_seen.min(occurrence.event.time);
        self.last_seen = self.last_seen.max(occurrence.event.time);
        self.folding.add(occurrence, &self.key, by_shape);
    }

    /// An alert came: it keeps the episode open.
    pub(super) fn alert(&mut self, now: Time) {
        self.alerted = true;
        self.last_alert = now;
    }

    /// It is open again, with what met `when` this time.
    pub(super) fn reopen(&mut self, met: Met, last: Option<Last>, dedup: &Dedup, by_shape: bool, now: Time) {
        self.phase = Phase::Open;
        self.reopened += 1;
        self.count += met.count;
        self.suppressed += met.count;
        self.last_occurrence = now;
        self.window = dedup.window;
        if let Some(Last::Live(found)) = &last {
            self.see(found, by_shape);
        }
        self.last = last.or(self.last.take());
        self.alert(now);
    }

    /// The places of the steps of `escalate` that are reached and not taken. `alert`: one came, or holds.
    pub(super) fn reached(&self, steps: &[Step], alert: bool, now: Time) -> Vec<usize> {
        let is_reached = |step: &Step| match step.at {
            StepAt::Count(count) => count <= self.count,
            StepAt::After(after) => alert && now.since(self.opened) >= after,
        };
        let places = steps.iter().enumerate();
        let reached = places.filter(|(place, step)| !self.steps_taken.contains(place) && is_reached(step));
        reached.map(|(place, _)| place).collect()
    }

    /// Takes these steps; returns the last of them.
    pub(super) fn escalate<'a>(&mut self, steps: &'a [Step], reached: &[usize]) -> Option<&'a Step> {
        for step in reached.iter().filter_map(|place| steps.get(*place)) {
            self.severity = step.severity.unwrap_or(self.severity);
            for webhook in &step.webhooks {
                if !self.webhooks.contains(webhook) {
                    self.webhooks.push(webhook.clone());
                }
            }
        }
        self.steps_taken.extend(reached);
        reached.last().and_then(|place| steps.get(*place))
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
    pub(super) fn window_up(&self) -> Option<Time> {
        self.window_since.map(|since| since + self.window)
    }

    /// What a message of it says at `now`.
    pub(super) fn draft(&self, kind: Kind, rule: &Rule, host: &str, now: Time) -> Alert {
        let opens = kind == Kind::Opened;
        Alert {
            episode: self.id,
            severity: self.severity,
            webhooks: self.webhooks.clone(),
            key: self.key.clone(),
            event: self.last.as_ref().map(|last| last.snapshot(rule, host)),
            count: self.count,
            suppressed: self.suppressed,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            since_last: if opens { Duration::ZERO } else { now.since(self.last_post) },
            folded: (!opens).then(|| {
                let shape = self.last.as_ref().map(Last::shape).unwrap_or_default();
                self.folding.show(&shape)
            }),
            lasted: now.since(self.opened),
            reopened: self.reopened,
            awaited: self.last.as_ref().and_then(|last| last.awaited(rule)),
            ..Alert::blank(kind, rule, now)
        }
    }

    /// As it is stored, without secrets.
    pub(super) fn store(&self, rule: &Rule, host: &str, redact: Redact<'_>) -> StoredEpisode {
        let (shapes, folded) = self.folding.all();
        let mut alert =
            Alert { folded: Some(folded), ..self.draft(Kind::Summary, rule, host, self.last_post) };
        redact(&mut alert, rule);
        StoredEpisode {
            episode: Self {
                key: alert.key,
                webhooks: alert.webhooks,
                steps_taken: self.steps_taken.clone(),
                last: None,
                folding: Folding::default(),
                ..*self
            },
            last: self.last.as_ref().and_then(|last| last.store(rule, host, redact)),
            shapes: shapes.iter().map(|shape| rule.redact.redact(shape).into_owned()).collect(),
            folded: alert.folded.unwrap_or_default(),
        }
    }

    /// What [`Episode::store`] gave; a stored time in the future counts as `now`.
    pub(super) fn restore(stored: StoredEpisode, now: Time) -> Self {
        let StoredEpisode { episode, last, shapes, folded } = stored;
        let settled = |time: Time| time.min(now);
        Self {
            phase: match episode.phase {
                Phase::Open => Phase::Open,
                Phase::Resolved(at) => Phase::Resolved(settled(at)),
                Phase::Settling(at) => Phase::Settling(settled(at)),
            },
            first_seen: settled(episode.first_seen),
            last_seen: settled(episode.last_seen),
            opened: settled(episode.opened),
            last_post: settled(episode.last_post),
            last_occurrence: settled(episode.last_occurrence),
            last_alert: settled(episode.last_alert),
            window_since: episode.window_since.map(settled),
            last: last.map(|last| Last::Stored(Box::new(last))),
            folding: Folding::from_all(shapes, folded),
            ..episode
        }
    }
}

/// An episode in the store.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredEpisode {
    episode: Episode,
    last: Option<Stored>,
    shapes: Vec<String>,
    folded: Folded,
}
