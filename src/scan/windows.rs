//! Few needles of any sets of bytes at once: each by a window of its rarest places, eight buckets of windows in one pass.
//!
//! For each place of a window and each byte a table has one bit a bucket: the buckets in which some window may have
//! that byte there. Where a bucket's bit is set for a window's length of bytes, one of its windows may begin.

use super::buckets::{BUCKETS, Bucket};
use super::bytes::ByteSet;
use super::vector::{Looked, Means, Passed, Tables};

/// Places of a window. A shorter one takes any byte after its own.
pub(super) const WIDTH: usize = 8;

/// One pass's windows.
#[derive(Debug)]
pub(super) struct Windows {
    /// By byte: for each place of the window (eight bits each, the last place highest) the buckets that take it there.
    table: Box<[u64; 256]>,
    /// Those of each bucket.
    needles: [Vec<u32>; BUCKETS],
    /// The same table for vectors, which take a little more.
    tables: Tables,
    /// Places of the longest window: what is behind them takes any byte, and is not looked at by vectors.
    places: usize,
}

/// Where windows of some buckets may begin.
pub(super) type Hit = (u32, u8);

impl Windows {
    /// Of at most [`BUCKETS`].
    pub(super) fn new(buckets: &[Bucket]) -> Self {
        let mut table = Box::new([0; 256]);
        let mut tables = Tables::default();
        for (at, bucket) in buckets.iter().enumerate() {
            for place in 0..WIDTH {
                let set = bucket.sets.get(place).copied().unwrap_or(ByteSet::ANY);
                for byte in 0..=u8::MAX {
                    // A shorter window may end at a line's end, and its any byte is this one too.
                    if set.has(byte) || byte == b'\n' && set == ByteSet::ANY {
                        table[usize::from(byte)] |= 1 << (place * BUCKETS + at);
                        tables.add(place, byte, 1 << at);
                    }
                }
            }
        }
        let places = buckets.iter().map(|bucket| bucket.sets.len()).max().unwrap_or(WIDTH);
        let needles =
            std::array::from_fn(|at| buckets.get(at).map_or(Vec::new(), |bucket| bucket.needles.clone()));
        Self { table, needles, tables: tables.merge_high(), places }
    }

    /// Where windows may begin in `block`, in order; what `hits` held is gone. Returns what else is in the block, if it was
    /// seen on the way.
    pub(super) fn find(&self, block: &[u8], hits: &mut Vec<Hit>) -> Option<Passed> {
        // A sanitizer is to see all of them.
        if cfg!(fuzzing) {
            for means in Means::all() {
                self.find_by(means, block, hits);
            }
        }
        self.find_by(Means::best(), block, hits)
    }

    fn find_by(&self, means: Means, block: &[u8], hits: &mut Vec<Hit>) -> Option<Passed> {
        hits.clear();
        match means.find(&self.tables, self.places, block, hits) {
            Looked::UpTo(at) => {
                self.find_plainly(block, at, hits);
                None
            }
            Looked::AtAll(seen) => Some(seen),
        }
    }

    /// Without vectors: windows that begin at `from` or later.
    fn find_plainly(&self, block: &[u8], from: usize, hits: &mut Vec<Hit>) {
        let mut state = 0u64;
        // A window that begins near the end takes any byte after it.
        let behind = [b'\n'; WIDTH - 1];
        for (at, byte) in block[from..].iter().chain(&behind).enumerate() {
            state = (state << BUCKETS | 0xff) & self.table[usize::from(*byte)];
            let buckets = (state >> ((WIDTH - 1) * BUCKETS)) as u8;
            if buckets != 0 {
                hits.push(((from + at + 1 - WIDTH) as u32, buckets));
            }
        }
    }

    /// The needles whose windows are in `buckets`.
    pub(super) fn needles(&self, buckets: u8) -> impl Iterator<Item = u32> {
        let set = (0..BUCKETS).filter(move |bucket| buckets >> bucket & 1 == 1);
        set.flat_map(|bucket| self.needles[bucket].iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::block::{Survey, survey};
    use crate::scan::buckets::{Spread, Window};
    use crate::scan::rarity::Rarity;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = ByteSet> {
        let ranges = proptest::collection::vec((any::<u8>(), 0u8..20), 1..4);
        ranges.prop_map(|ranges| {
            let mut set = ByteSet::default();
            ranges.into_iter().for_each(|(first, more)| set.insert(first, first.saturating_add(more)));
            set
        })
    }

    proptest! {
        /// By all means: a window that is there is found where it begins, and in order.
        #[test]
        fn no_window_is_missed(
            (width, windows) in (1..=WIDTH).prop_flat_map(|width| {
                let window = proptest::collection::vec(set(), 1..=width);
                (Just(width), proptest::collection::vec(window, 1..40))
            }),
            block in proptest::collection::vec(any::<u8>(), 0..800),
        ) {
            let number = |(needle, sets)| Window { needles: vec![needle as u32], sets };
            let windows: Vec<Window> = windows.into_iter().enumerate().map(number).collect();
            let spread = Spread::new(&windows, width, &mut Rarity::new(None));
            let mut sought = 0;
            for buckets in spread.buckets.chunks(BUCKETS) {
                let pass = Windows::new(buckets);
                let of_pass: Vec<&Window> =
                    windows.iter().filter(|window| pass.needles(u8::MAX).any(|needle| needle == window.needles[0])).collect();
                sought += of_pass.len();
                let mut plain = Vec::new();
                pass.find_by(Means::PLAIN, &block, &mut plain);
                for means in Means::all() {
                    let mut hits = Vec::new();
                    if let Some(seen) = pass.find_by(means, &block, &mut hits) {
                        prop_assert_eq!(Survey::new(&block, seen), survey(&block));
                    }
                    prop_assert!(hits.is_sorted_by(|one, other| one.0 < other.0), "{means:?}");
                    let at = |hits: &[Hit], at| hits.iter().find(|hit| hit.0 == at).map_or(0, |hit| hit.1);
                    for place in 0..block.len() {
                        let hit = at(&hits, place as u32);
                        for window in &of_pass {
                            let here = block[place..].iter().zip(&window.sets);
                            if here.filter(|(byte, set)| set.has(**byte)).count() == window.sets.len() {
                                prop_assert!(pass.needles(hit).any(|needle| needle == window.needles[0]), "{means:?}");
                            }
                        }
                    }
                    for hit in &plain {
                        prop_assert_eq!(hit.1 & !at(&hits, hit.0), 0, "{:?}", means);
                    }
                }
            }
            prop_assert_eq!(sought, windows.len());
        }
    }
}
