//! The division of a window into slices: what is counted in them is exact to a slice, in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// Into how many slices a window is divided.
pub(super) const SLICES: i64 = 60;

/// Where the slices of a window lie: they are of one length and counted from the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slicing {
    nanos: i64,
}

impl Slicing {
    /// Each instant is a slice of its own.
    pub(super) const ONE: Self = Self { nanos: 1 };

    pub(super) fn of(within: Duration) -> Self {
        let nanos = i64::try_from(within.as_nanos()).unwrap_or(i64::MAX) / SLICES;
        Self { nanos: nanos.max(1) }
    }

    /// The number of the slice in which `time` lies.
    pub(super) const fn index(self, time: Time) -> i64 {
        time.as_nanos().div_euclid(self.nanos)
    }

    /// The instant at which the slice ends and the next begins.
    pub(super) const fn end(self, index: i64) -> Time {
        Time::from_nanos(index.saturating_add(1).saturating_mul(self.nanos))
    }

    /// The number of the first slice that ends at `time` or later.
    pub(super) const fn ending_from(self, time: Time) -> i64 {
        (time.as_nanos() - 1).div_euclid(self.nanos)
    }
}

/// How many matches lay in each slice of the last two windows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::engine) struct Counts {
    /// The slice of the first match ever.
    first: i64,
    /// The latest slice that was seen.
    pub(super) latest: i64,
    /// By number, those in which something lies.
    slices: VecDeque<Counted>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Counted {
    index: i64,
    count: u64,
    first: Time,
}

/// What lies in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    pub(super) first: Option<Time>,
}

impl Counts {
    pub(super) fn new(index: i64) -> Self {
        Self { first: index, latest: index, slices: VecDeque::new() }
    }

    /// One more match at `time`. What is older than the two windows is out.
    pub(super) fn add(&mut self, time: Time, slicing: Slicing) {
        let index = slicing.index(time);
        self.latest = self.latest.max(index);
        self.first = self.first.min(index);
        self.forget();
        if index <= self.latest - 2 * SLICES {
            return;
        }
        let place = self.slices.partition_point(|slice| slice.index < index);
        match self.slices.get_mut(place).filter(|slice| slice.index == index) {
            Some(slice) => {
                slice.count += 1;
                slice.first = slice.first.min(time);
            }
            None => self.slices.insert(place, Counted { index, count: 1, first: time }),
        }
    }

    /// The slice is over: it is the latest one now.
    pub(super) fn pass(&mut self, index: i64) {
        self.latest = self.latest.max(index);
        self.forget();
    }

    fn forget(&mut self) {
        while self.slices.front().is_some_and(|slice| slice.index <= self.latest - 2 * SLICES) {
            self.slices.pop_front();
        }
    }

    /// The window that ends with the latest slice, and the one before it; `None`: two whole ones were not seen yet.
    pub(super) fn windows(&self) -> Option<(Sum, Sum)> {
        (self.latest - self.first >= 2 * SLICES - 1)
            .then(|| (self.sum(self.latest), self.sum(self.latest - SLICES)))
    }

    /// The window that ends with the slice `last`.
    fn sum(&self, last: i64) -> Sum {
        let inside = self.slices.iter().filter(|slice| (last - SLICES + 1..=last).contains(&slice.index));
        inside.fold(Sum { count: 0, first: None }, |sum, slice| Sum {
            count: sum.count + slice.count,
            first: Some(sum.first.map_or(slice.first, |first| first.min(slice.first))),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// A stored time in the future counts as `now`.
    pub(super) fn settle(&mut self, now: Time, slicing: Slicing) {
        let latest = slicing.index(now);
        if self.latest <= latest {
            return;
        }
        let (mut count, mut first) = (0, now);
        while self.slices.back().is_some_and(|slice| slice.index >= latest) {
            if let Some(slice) = self.slices.pop_back() {
                count += slice.count;
                first = first.min(slice.first);
            }
        }
        if count > 0 {
            self.slices.push_back(Counted { index: latest, count, first });
        }
        self.latest = latest;
        self.first = self.first.min(latest);
    }
}
