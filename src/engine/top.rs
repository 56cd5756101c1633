//! Counts how often values occur, in bounded memory: exact up to [`SLOTS`] different ones, then the "space saving"
//! estimate (Metwally, Agrawal, El Abbadi 2005), which never misses a value that is common enough.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

/// How many different values are counted at once. An open episode has two of these lists: with a hundred thousand keys,
/// each slot is five megabytes.
const SLOTS: usize = 16;

/// The commonest of the values that were [`TopCounts::add`]ed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TopCounts {
    /// So few that a walk is faster than a map, and much smaller.
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    value: Box<str>,
    /// Of the value, which lies elsewhere in memory: a walk looks at this one alone.
    hash: u32,
    /// As far as it reaches; who has so many is the commonest in any case.
    count: u32,
}

impl Slot {
    fn new(value: &str, count: u64) -> Self {
        Self { value: value.into(), hash: hash(value), count: u32::try_from(count).unwrap_or(u32::MAX) }
    }

    fn is(&self, hash: u32, value: &str) -> bool {
        self.hash == hash && *self.value == *value
    }
}

fn hash(value: &str) -> u32 {
    xxh3_64(value.as_bytes()) as u32
}

impl TopCounts {
    /// One more `value`.
    pub(super) fn add(&mut self, value: &str) {
        let hash = hash(value);
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.is(hash, value)) {
            slot.count = slot.count.saturating_add(1);
        } else if self.slots.len() < SLOTS {
            self.slots.push(Slot::new(value, 1));
        } else if let Some(least) = self.slots.iter_mut().min_by_key(|slot| (slot.count, slot.hash)) {
            // Ties go by the hash and not by place: the same events give the same counts, after a restart too.
            *least = Slot::new(value, u64::from(least.count) + 1);
        }
    }

    /// All the counts that [`TopCounts::top`] gave.
    pub(super) fn from_all(counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut slots: Vec<Slot> = Vec::new();
        for (value, count) in counts {
            let more = Slot::new(&value, count);
            match slots.iter_mut().find(|slot| slot.is(more.hash, &value)) {
                Some(slot) => slot.count = slot.count.saturating_add(more.count),
                None => slots.push(more),
            }
        }
        Self { slots }
    }

    /// The same counts of what `rename` makes of the values.
    pub(super) fn map(&self, rename: impl Fn(&str) -> String) -> Self {
        Self::from_all(self.slots.iter().map(|slot| (rename(&slot.value), u64::from(slot.count))))
    }

    /// The `n` commonest with their counts, the most common first; of equal ones the first by name.
    pub(super) fn top(&self, n: usize) -> Vec<(String, u64)> {
        let mut all: Vec<&Slot> = self.slots.iter().collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        all.into_iter().take(n).map(|slot| (slot.value.to_string(), u64::from(slot.count))).collect()
    }
}

impl Serialize for TopCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.slots.iter().map(|slot| (&slot.value, slot.count)))
    }
}

impl<'de> Deserialize<'de> for TopCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_all)
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
