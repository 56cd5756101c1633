//! What was folded since the last message, by example and in bounded memory.

use std::sync::Arc;

use crate::event::{Event, Match, Texts, find};

use super::alert::{Common, Folded};
use super::snapshot::keep;
use super::top::TopCounts;

/// How many examples that differ in shape a summary shows beside the last line.
const SAMPLES: usize = 3;

/// Of how many captures a summary shows the commonest values, and how many of those.
const COMMON_CAPTURES: usize = 2;
const COMMON_VALUES: usize = 5;

/// What an episode counts between two messages.
#[derive(Debug, Default)]
pub(super) struct Folding {
    /// The latest line of each of the first shapes.
    samples: Vec<(String, Sample)>,
    common: Vec<(Arc<str>, TopCounts)>,
}

/// A line of which a message shows the text.
#[derive(Debug)]
enum Sample {
    Live(Arc<Event>),
    Stored(String),
}

impl Sample {
    fn text(&self) -> String {
        match self {
            Self::Live(event) => keep(&event.text()).0,
            Self::Stored(text) => text.clone(),
        }
    }
}

impl Folding {
    /// One more occurrence. `key`: the values that tell the episode from others; `by_shape`: the shape does.
    pub(super) fn add(&mut self, occurrence: &Match, key: &Texts, by_shape: bool) {
        // Where the shape is the key there is only one.
        if !by_shape {
            self.sample(&occurrence.event);
        }
        let captures = occurrence.captures.of(&occurrence.event);
        for (name, value) in captures.filter(|(name, _)| find(key, name).is_none()) {
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
        let shape = event.shape();
        if let Some((_, latest)) = self.samples.iter_mut().find(|(known, _)| known == shape) {
            *latest = Sample::Live(event.clone());
        } else if self.samples.len() <= SAMPLES {
            // One more than is shown: the last line's own shape is left out.
            self.samples.push((shape.to_owned(), Sample::Live(event.clone())));
        }
    }

    /// Examples beside a last line of `last_shape`.
    pub(super) fn show(&self, last_shape: &str) -> Folded {
        let others = self.samples.iter().filter(|(shape, _)| shape != last_shape).take(SAMPLES);
        let samples = others.map(|(_, sample)| sample.text()).collect();
        self.folded(samples, COMMON_VALUES)
    }

    /// All of it, to be stored.
    pub(super) fn all(&self) -> (Vec<String>, Folded) {
        let samples = self.samples.iter().map(|(_, sample)| sample.text()).collect();
        let shapes = self.samples.iter().map(|(shape, _)| shape.clone()).collect();
        (shapes, self.folded(samples, usize::MAX))
    }

    /// What [`Folding::all`] gave.
    pub(super) fn from_all(shapes: Vec<String>, folded: Folded) -> Self {
        let samples = shapes.into_iter().zip(folded.samples.into_iter().map(Sample::Stored)).collect();
        let counts = folded.common.into_iter();
        let common = counts.map(|common| (common.capture, TopCounts::from_all(common.values))).collect();
        Self { samples, common }
    }

    fn folded(&self, samples: Vec<String>, values_max: usize) -> Folded {
        let common = |(capture, counts): &(Arc<str>, TopCounts)| Common {
            capture: capture.clone(),
            values: counts.top(values_max),
        };
        Folded { samples, common: self.common.iter().map(common).collect() }
    }
}
