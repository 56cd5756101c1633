//! How many matches when, in a bounded number of steps whatever the time they cover.

use std::time::Duration;

use crate::time::Time;

/// So many steps at most; past that, two become one.
const STEPS_MAX: usize = 480;

/// Counts over time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// When the first step begins, a multiple of `step`.
    start: Time,
    step: Duration,
    counts: Vec<u64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { start: Time::EPOCH, step: Duration::from_secs(1), counts: Vec::new() }
    }
}

impl Timeline {
    /// One more at `time`.
    pub fn add(&mut self, time: Time) {
        if self.counts.is_empty() {
            self.start = self.floor(time);
        }
        while time < self.start {
            self.widen_to(time);
        }
        while self.place(time) >= STEPS_MAX {
            self.halve();
        }
        let place = self.place(time);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
    }

    /// The steps: when each begins, and how many.
    pub fn steps(&self) -> impl Iterator<Item = (Time, u64)> {
        (0..).zip(&self.counts).map(|(place, count)| (self.start + self.step * place, *count))
    }

    /// How long a step is.
    pub const fn step(&self) -> Duration {
        self.step
    }

    /// The times of `from` to `to` in `parts` equal parts: how many in each, by the steps' beginnings.
    pub fn spread(&self, from: Time, to: Time, parts: usize) -> Vec<u64> {
        let mut spread = vec![0; parts];
        let whole = to.since(from).as_nanos().max(1);
        for (time, count) in self.steps().filter(|(_, count)| *count > 0) {
            let part = time.since(from).as_nanos() * parts as u128 / whole;
            let part = usize::try_from(part).unwrap_or(usize::MAX).min(parts.saturating_sub(1));
            spread[part] += count;
        }
        spread
    }

    fn floor(&self, time: Time) -> Time {
        let step = i64::try_from(self.step.as_nanos()).unwrap_or(i64::MAX);
        Time::from_nanos(time.as_nanos().div_euclid(step).saturating_mul(step))
    }

    fn place(&self, time: Time) -> usize {
        usize::try_from(time.since(self.start).as_nanos() / self.step.as_nanos()).unwrap_or(usize::MAX)
    }

    /// Begins earlier, at `time`, with longer steps if it must.
    fn widen_to(&mut self, time: Time) {
        let start = self.floor(time);
        let missing = self.start.since(start).as_nanos() / self.step.as_nanos();
        match usize::try_from(missing).ok().filter(|missing| missing + self.counts.len() <= STEPS_MAX) {
            Some(missing) => {
                self.counts.splice(0..0, std::iter::repeat_n(0, missing));
                self.start = start;
            }
            None => self.halve(),
        }
    }

    /// Makes two steps one.
    fn halve(&mut self) {
        self.step *= 2;
        let start = self.floor(self.start);
        if start < self.start {
            self.counts.insert(0, 0);
            self.start = start;
        }
        self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
    }
}
