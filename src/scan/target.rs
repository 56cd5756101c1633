//! A needle, compared where it may be: its places one by one, the least likely ones first.

use super::bytes::ByteSet;
use super::needle::Needle;

/// A needle, and which patterns need it.
#[derive(Debug)]
pub(super) struct Target {
    /// What may be at each place, in the order in which that is asked.
    places: Box<[(u32, ByteSet)]>,
    /// Where its window begins in it, if it is found by one.
    pub(super) window: usize,
    /// The patterns' places in the list that the filter was made of.
    pub(super) patterns: Vec<u32>,
}

impl Target {
    /// From its end, until more is known: what many needles have in common they begin with.
    pub(super) fn new(needle: &Needle, patterns: Vec<u32>) -> Self {
        let places = (0..needle.len() as u32).zip(needle.iter().copied()).rev().collect();
        Self { places, window: 0, patterns }
    }

    /// Asks first for what is the least likely where it is looked for.
    pub(super) fn order_by(&mut self, mut likelihood: impl FnMut(usize, ByteSet) -> f64) {
        let likelihood = |(at, set): &(u32, ByteSet)| likelihood(*at as usize, *set);
        let mut places: Vec<(f64, (u32, ByteSet))> =
            self.places.iter().map(likelihood).zip(self.places.iter().copied()).collect();
        places.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        self.places = places.into_iter().map(|(_, place)| place).collect();
    }

    /// Whether it begins at `at`, whole.
    #[inline]
    pub(super) fn is_at(&self, block: &[u8], at: usize) -> bool {
        let is_there = |(place, set): &(u32, ByteSet)| {
            block.get(at + *place as usize).is_some_and(|byte| set.has(*byte))
        };
        self.places.iter().all(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_with_all_its_places_in_whichever_order_they_are_asked() {
        let needle: Needle =
            vec![ByteSet::of(b'a').or(ByteSet::of(b'b')), ByteSet::of(b'c'), ByteSet::of(b'd')];
        let mut target = Target::new(&needle, vec![0]);
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            target.order_by(|place, _| f64::from(order[place]));
            let places: Vec<u32> = target.places.iter().map(|(place, _)| *place).collect();
            assert!(places.is_sorted_by_key(|place| order[*place as usize]), "{places:?}");
            for (text, is_there) in
                [("xacd", true), ("xbcd", true), ("xccd", false), ("xabd", false), ("xac", false)]
            {
                assert_eq!(target.is_at(text.as_bytes(), 1), is_there, "{text}");
            }
        }
    }
}
