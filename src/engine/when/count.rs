//! The sliding window of `when: { count, within }`.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// The times of the matches that lie in a window, at most the count that is waited for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::engine) struct CountWindow {
    times: VecDeque<Time>,
}

impl CountWindow {
    /// One more match at `time`. When it makes `count` within the window, the window is used up and the time of its
    /// first match is returned.
    ///
    /// The window's end is the latest time that it has seen: a match that is `within` or more behind it is out.
    pub(in crate::engine) fn add(&mut self, time: Time, count: u32, within: Duration) -> Option<Time> {
        let latest = self.times.back().map_or(time, |last| time.max(*last));
        let place = self.times.partition_point(|other| *other <= time);
        self.times.insert(place, time);
        while self.times.front().is_some_and(|first| latest.since(*first) >= within) {
            self.times.pop_front();
        }
        if self.times.len() < count as usize {
            return None;
        }
        let first = self.times.front().copied();
        self.times = VecDeque::new();
        first
    }

    /// A stored time in the future counts as `now`.
    pub(in crate::engine) fn settle(&mut self, now: Time) {
        self.times.iter_mut().for_each(|time| *time = now.min(*time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The oracle keeps every match since the window was last used up.
        #[test]
        fn a_window_counts_as_brute_force_does(
            steps in proptest::collection::vec(-3i64..8, 1..200),
            count in 1u32..6,
            within in 1i64..20,
        ) {
            let mut window = CountWindow::default();
            let mut kept: Vec<i64> = Vec::new();
            let mut time = 1_000;
            for step in steps {
                time += step;
                kept.push(time);
                let latest = *kept.iter().max().unwrap();
                let inside: Vec<i64> = kept.iter().copied().filter(|kept| latest - kept < within).collect();
                let met = inside.len() >= count as usize;
                let got = window.add(Time::from_nanos(time), count, Duration::from_nanos(within as u64));
                prop_assert_eq!(got, met.then(|| Time::from_nanos(*inside.iter().min().unwrap())));
                if met {
                    kept.clear();
                }
                prop_assert!(window.times.len() < count as usize + 1);
            }
        }
    }
}
