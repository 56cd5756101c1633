//! One run of a problem: what is counted between its opening and its end, and what its messages will show.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Match, Texts, find};
use crate::rule::{Dedup, Rule, Severity, Step};
use crate::shape::shape;
use crate::time::Time;

use super::alert::{Common, EpisodeId, Folded};
use super::top::TopCounts;

/// How many examples that differ in shape a summary shows beside the last line.
const SAMPLES: usize = 3;

/// Of how many captures a summary shows the commonest values, and how many of those.
const COMMON_CAPTURES: usize = 2;
const COMMON_VALUES: usize = 5;

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
    /// The number of the timer that ends it; another one is stale.
    pub(super) timer: u64,
    /// Whether an alert came after the message that started the window.
    pub(super) alerted: bool,
    pub(super) severity: Severity,
    /// All that hear of it: the rule's webhooks and those of the steps that were taken.
    pub(super) webhooks: Vec<Arc<str>>,
    steps_taken: usize,
    pub(super) last: Match,
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
            timer: 0,
            alerted: false,
            severity: rule.severity,
            webhooks: rule.webhooks.clone(),
            steps_taken: 0,
            last: opener,
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
        self.last = occurrence;
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

    /// Examples of what was folded since the last message.
    pub(super) fn folded(&self) -> Folded {
        self.folding.show(&self.last.event)
    }
}

/// What was folded since the last message, by example and in bounded memory.
#[derive(Debug, Default)]
struct Folding {
    /// The latest line of each of the first shapes.
    samples: Vec<(String, Arc<Event>)>,
    common: Vec<(Arc<str>, TopCounts)>,
}

impl Folding {
    fn add(&mut self, occurrence: &Match, key: &Texts, by_shape: bool) {
        // Where the shape is the key there is only one.
        if !by_shape {
            self.sample(&occurrence.event);
        }
        for (name, value) in occurrence.captures.iter().filter(|(name, _)| find(key, name).is_none()) {
            let place = self.common.iter().position(|(counted, _)| counted == name);
            let place = place.or_else(|| {
                (self.common.len() < COMMON_CAPTURES).then(|| {
                    self.common.push((name.clone(), TopCounts::default()));
                    self.common.len() - 1
                })
            });
            if let Some(place) = place {
                self.common[place].1.add(value);
            }
        }
    }

    fn sample(&mut self, event: &Arc<Event>) {
        let shape = shape(&event.line);
        if let Some((_, latest)) = self.samples.iter_mut().find(|(known, _)| *known == shape) {
            *latest = event.clone();
        } else if self.samples.len() <= SAMPLES {
            // One more than is shown: the last line's own shape is left out.
            self.samples.push((shape, event.clone()));
        }
    }

    fn show(&self, last: &Event) -> Folded {
        let last_shape = shape(&last.line);
        let others = self.samples.iter().filter(|(shape, _)| *shape != last_shape).take(SAMPLES);
        Folded {
            samples: others.map(|(_, event)| super::snapshot::keep(&event.text()).0).collect(),
            common: self
                .common
                .iter()
                .map(|(capture, counts)| Common {
                    capture: capture.clone(),
                    values: counts.top(COMMON_VALUES),
                })
                .collect(),
        }
    }
}
