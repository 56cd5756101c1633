//! The numbers of a window in slices, and what is made of them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::rule::Aggregate;
use crate::time::Time;

use super::sketch::Sketch;
use super::slices::{SLICES, Slicing};

/// The numbers that lie in a window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::engine) struct Samples {
    /// By number, those in which something lies.
    slices: VecDeque<Slice>,
    /// Of all slices; only where a percentile is asked for.
    sketch: Sketch,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Slice {
    index: i64,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    /// In order of arrival.
    first: Sample,
    last: Sample,
    /// What a counter grew by from the first to the last.
    increase: f64,
    sketch: Sketch,
}

/// A number and the time of its event.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Sample {
    number: f64,
    time: Time,
}

impl Samples {
    /// One more number. `latest`: the slice with which the window ends; what is older than the window is out.
    pub(super) fn add(&mut self, number: f64, time: Time, slicing: Slicing, latest: i64, of: Aggregate) {
        let index = slicing.index(time);
        self.pass(latest);
        if index <= latest - SLICES {
            return;
        }
        let sample = Sample { number, time };
        let place = self.slices.partition_point(|slice| slice.index < index);
        if self.slices.get(place).is_none_or(|slice| slice.index != index) {
            self.slices.insert(place, Slice::new(index, sample));
        }
        let slice = &mut self.slices[place];
        slice.add(sample);
        if matches!(of, Aggregate::Percentile(_)) {
            slice.sketch.add(number);
            self.sketch.add(number);
        }
    }

    /// The window ends with the slice `latest` now.
    pub(super) fn pass(&mut self, latest: i64) {
        while self.slices.front().is_some_and(|slice| slice.index <= latest - SLICES) {
            self.slices.pop_front().into_iter().for_each(|old| self.sketch.remove_all(&old.sketch));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.slices.iter().map(|slice| slice.count).sum()
    }

    /// The time of the first that arrived in the oldest slice.
    pub(super) fn first(&self) -> Option<Time> {
        self.slices.front().map(|slice| slice.first.time)
    }

    /// What `of` makes of the window; `None`: of nothing there is nothing to make, and a rate needs two times.
    pub(super) fn aggregate(&self, of: Aggregate) -> Option<f64> {
        let newest = self.slices.back()?;
        let slices = self.slices.iter();
        Some(match of {
            Aggregate::Last => newest.last.number,
            Aggregate::Sum => slices.map(|slice| slice.sum).sum(),
            Aggregate::Avg => slices.map(|slice| slice.sum).sum::<f64>() / self.count() as f64,
            Aggregate::Min => slices.map(|slice| slice.min).fold(f64::INFINITY, f64::min),
            Aggregate::Max => slices.map(|slice| slice.max).fold(f64::NEG_INFINITY, f64::max),
            Aggregate::Rate => return self.rate(),
            Aggregate::Percentile(percent) => return self.sketch.percentile(percent.get()),
        })
    }

    fn rate(&self) -> Option<f64> {
        let (first, last) = (self.slices.front()?.first, self.slices.back()?.last);
        let within: f64 = self.slices.iter().map(|slice| slice.increase).sum();
        let pairs = self.slices.iter().zip(self.slices.iter().skip(1));
        let between: f64 = pairs.map(|(old, new)| increase(old.last.number, new.first.number)).sum();
        let secs = last.time.since(first.time).as_secs_f64();
        (secs > 0.0).then(|| (within + between) / secs)
    }

    /// A stored time in the future counts as `now`, so that what is stored in a slice of the future is dropped: it can't be
    /// told apart any more.
    pub(super) fn settle(&mut self, now: Time, slicing: Slicing) {
        let latest = slicing.index(now);
        while self.slices.back().is_some_and(|slice| slice.index > latest) {
            self.slices.pop_back().into_iter().for_each(|future| self.sketch.remove_all(&future.sketch));
        }
    }
}

impl Slice {
    fn new(index: i64, first: Sample) -> Self {
        Self {
            index,
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            first,
            last: first,
            increase: 0.0,
            sketch: Sketch::default(),
        }
    }

    fn add(&mut self, sample: Sample) {
        if self.count > 0 {
            self.increase += increase(self.last.number, sample.number);
        }
        self.count += 1;
        self.sum += sample.number;
        self.min = self.min.min(sample.number);
        self.max = self.max.max(sample.number);
        self.last = sample;
    }
}

/// What a counter grew by; one that is lower than before was reset, and counts from 0 again.
fn increase(before: f64, after: f64) -> f64 {
    if after >= before { after - before } else { after }
}
