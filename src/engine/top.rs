//! Counts how often values occur, in bounded memory: exact up to [`SLOTS`] different ones, then the "space saving"
//! estimate (Metwally, Agrawal, El Abbadi 2005), which never misses a value that is common enough.

use serde::{Deserialize, Serialize};

/// How many different values are counted at once. An open episode has two of these lists: with a hundred thousand keys,
/// each slot is five megabytes.
const SLOTS: usize = 16;

/// The commonest of the values that were [`TopCounts::add`]ed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct TopCounts {
    /// So few that a walk is faster than a map, and much smaller.
    slots: Vec<(Box<str>, u64)>,
}

impl TopCounts {
    /// One more `value`.
    pub(super) fn add(&mut self, value: &str) {
        if let Some((_, count)) = self.slots.iter_mut().find(|(known, _)| **known == *value) {
            *count += 1;
        } else if self.slots.len() < SLOTS {
            self.slots.push((value.into(), 1));
        } else if let Some(least) = self.slots.iter_mut().min_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0))) {
            // Ties go by name, so that the same events give the same counts.
            *least = (value.into(), least.1 + 1);
        }
    }

    /// All the counts that [`TopCounts::top`] gave.
    pub(super) fn from_all(counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut slots: Vec<(Box<str>, u64)> = Vec::new();
        for (value, count) in counts {
            match slots.iter_mut().find(|(known, _)| **known == *value) {
                Some((_, sum)) => *sum += count,
                None => slots.push((value.into(), count)),
            }
        }
        Self { slots }
    }

    /// The same counts of what `rename` makes of the values.
    pub(super) fn map(&self, rename: impl Fn(&str) -> String) -> Self {
        Self::from_all(self.slots.iter().map(|(value, count)| (rename(value), *count)))
    }

    /// The `n` commonest with their counts, the most common first; of equal ones the first by name.
    pub(super) fn top(&self, n: usize) -> Vec<(String, u64)> {
        let mut all: Vec<&(Box<str>, u64)> = self.slots.iter().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.into_iter().take(n).map(|(value, count)| (value.to_string(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_exact() {
        let mut top = TopCounts::default();
        ["a", "b", "a", "c", "b", "a"].iter().for_each(|value| top.add(value));
        assert_eq!(top.top(2), [("a".to_owned(), 3), ("b".to_owned(), 2)]);
    }

    #[test]
    fn a_common_value_is_found_among_any_number() {
        let mut top = TopCounts::default();
        for n in 0..10_000 {
            top.add(&n.to_string());
            if n % 10 == 0 {
                top.add("common");
            }
        }
        assert_eq!(top.top(1)[0].0, "common");
        assert_eq!(top.slots.len(), SLOTS);
    }
}
