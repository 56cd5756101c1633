//! `when: { distinct, count, within }`: so many different values of a field within a sliding window.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

use super::super::key::Key;

/// The values of a window with their latest times; fewer than the count that is waited for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::engine) struct DistinctWindow {
    latest: BTreeMap<Key, Time>,
}

impl DistinctWindow {
    /// One more match with `value` at `time`. When it makes `count` different values within the window, the window is
    /// used up, and the time of the value that was seen longest ago is returned.
    pub(super) fn add(&mut self, value: Key, time: Time, count: u32, within: Duration) -> Option<Time> {
        let seen = self.latest.entry(value).or_insert(time);
        *seen = time.max(*seen);
        let latest = self.latest.values().max().copied().unwrap_or(time);
        self.latest.retain(|_, seen| latest.since(*seen) < within);
        if self.latest.len() < count as usize {
            return None;
        }
        std::mem::take(&mut self.latest).into_values().min()
    }

    /// The values as they may be stored.
    pub(in crate::engine) fn map(&self, clean: impl Fn(&Key) -> Key) -> Self {
        Self { latest: self.latest.iter().map(|(value, seen)| (clean(value), *seen)).collect() }
    }

    /// A stored time in the future counts as `now`.
    pub(in crate::engine) fn settle(&mut self, now: Time) {
        self.latest.values_mut().for_each(|time| *time = now.min(*time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// The oracle keeps every match since the window was last used up.
        #[test]
        fn a_window_tells_values_apart_as_brute_force_does(
            steps in proptest::collection::vec((-3i64..8, 0u8..6), 1..200),
            count in 1u32..6,
            within in 1i64..20,
        ) {
            let mut window = DistinctWindow::default();
            let mut kept: Vec<(i64, u8)> = Vec::new();
            let mut time = 1_000;
            for (step, value) in steps {
                time += step;
                kept.push((time, value));
                let latest = kept.iter().map(|(time, _)| *time).max().unwrap();
                let inside = kept.iter().filter(|(time, _)| latest - time < within);
                let values: BTreeSet<u8> = inside.map(|(_, value)| *value).collect();
                let met = values.len() >= count as usize;
                let key = Key::stored(&value.to_string());
                let got = window.add(key, Time::from_nanos(time), count, Duration::from_nanos(within as u64));
                prop_assert_eq!(got.is_some(), met);
                if met {
                    kept.clear();
                }
                prop_assert!(window.latest.len() < count as usize);
            }
        }
    }
}
