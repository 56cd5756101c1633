//! Which windows share a bucket, and how many passes there are: so that looking for them costs as little as possible.
//!
//! The windows of a bucket take more together than each by itself: whatever is at each place of any of them. How much that
//! is in the stream is counted in the sample.

use super::bytes::ByteSet;
use super::rarity::{Places, Rarity};

/// As many in a pass as a byte has bits.
pub(super) const BUCKETS: usize = 8;

/// What is looked for by a window of a needle.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Whatever the user of the windows knows the needles by that have it.
    pub(super) needles: Vec<u32>,
    /// What may be at each place.
    pub(super) sets: Vec<ByteSet>,
}

/// Windows that are looked for as one.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// Of all windows.
    pub(super) needles: Vec<u32>,
    /// What may be at each place in any of them; behind a shorter one is any byte.
    pub(super) sets: Vec<ByteSet>,
    /// Where that is in the sample.
    places: Places,
    /// What it costs to look for it, the passes left out.
    cost: f64,
}

/// Buckets, and what looking for them costs.
#[derive(Debug)]
pub(super) struct Spread {
    /// Those of one pass after the other.
    pub(super) buckets: Vec<Bucket>,
    /// For each byte of the stream, in places that are looked at closer.
    pub(super) cost: f64,
}

/// What it costs that a bucket takes something, in needles that are compared: whoever had gone on has to turn round.
const HIT_COST: f64 = 3.0;

/// What a pass costs for each byte, and each place of its windows.
const PASS_COST: f64 = 3e-3;
const PLACE_COST: f64 = 8e-4;

/// So many windows are spread at once: it takes the square of it.
const TOGETHER_MAX: usize = 80;

impl Spread {
    /// Of windows that are at most `width` long. Alike ones are best next to each other.
    pub(super) fn new(windows: &[Window], width: usize, rarity: &mut Rarity) -> Self {
        let mut all = Self { buckets: Vec::new(), cost: 0.0 };
        for windows in windows.chunks(TOGETHER_MAX) {
            let mut alone: Vec<Bucket> =
                windows.iter().map(|window| Bucket::of(window, width, rarity)).collect();
            alone.sort_by(|one, other| other.cost.total_cmp(&one.cost));
            let mut best = Self::over(1, &alone, width, rarity);
            for passes in 2..=windows.len().div_ceil(BUCKETS) {
                let more = Self::over(passes, &alone, width, rarity);
                if more.cost >= best.cost {
                    break;
                }
                best = more;
            }
            all.cost += best.cost;
            all.buckets.extend(best.buckets);
        }
        // The fewer passes tell bytes beyond ASCII apart, the better.
        let tells_high = |set: &ByteSet| ByteSet::HIGH.is_within(*set) && *set != ByteSet::ANY;
        all.buckets.sort_by_key(|bucket| bucket.sets.iter().any(tells_high));
        all
    }

    /// Over at most so many passes, of windows that were alone until now; the costliest come first.
    fn over(passes: usize, alone: &[Bucket], width: usize, rarity: &mut Rarity) -> Self {
        let mut buckets: Vec<Bucket> = Vec::new();
        for window in alone {
            let grown = buckets.iter().map(|bucket| bucket.cost_with(window, rarity) - bucket.cost);
            let cheapest = grown.enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other));
            let has_room = buckets.len() < passes * BUCKETS;
            match cheapest.filter(|(_, grown)| !has_room || *grown < window.cost) {
                Some((at, grown)) => buckets[at].add(window, grown),
                None => buckets.push(window.clone()),
            }
        }
        let passes = buckets.len().div_ceil(BUCKETS) as f64;
        let passing = passes * (PASS_COST + PLACE_COST * width as f64);
        let cost = passing + buckets.iter().map(|bucket| bucket.cost).sum::<f64>();
        Self { buckets, cost }
    }
}

impl Bucket {
    /// Of one window.
    fn of(window: &Window, width: usize, rarity: &mut Rarity) -> Self {
        let Window { needles, mut sets } = window.clone();
        sets.resize(width, ByteSet::ANY);
        let places = rarity.places(&sets);
        let cost = cost(rarity.frequency_at(&sets, &places, &places), needles.len());
        Self { needles, sets, places, cost }
    }

    /// What it would cost with the windows of `other`.
    fn cost_with(&self, other: &Self, rarity: &mut Rarity) -> f64 {
        let sets: Vec<ByteSet> = self.both(other).collect();
        let frequency = rarity.frequency_at(&sets, &self.places, &other.places);
        cost(frequency, self.needles.len() + other.needles.len())
    }

    /// Takes what is in `other`, which costs so much more.
    fn add(&mut self, other: &Self, more: f64) {
        self.sets = self.both(other).collect();
        self.places.add(&other.places);
        self.needles.extend(&other.needles);
        self.cost += more;
    }

    fn both<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = ByteSet> + 'a {
        self.sets.iter().zip(&other.sets).map(|(one, other)| one.or(*other))
    }
}

/// Of a bucket of so many needles: each of them is compared where it takes something.
fn cost(frequency: f64, needles: usize) -> f64 {
    frequency * (HIT_COST + needles as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each takes little by itself; together they would take what stands in each line.
    #[test]
    fn what_would_be_common_together_has_buckets_of_its_own() {
        let sample = b"ab cd\n".repeat(500);
        let texts = ["ad", "cb", "ax", "xd", "cx", "xb", "yd", "yb", "ay", "cy"];
        let window = |(needle, text): (u32, &&str)| Window {
            needles: vec![needle],
            sets: text.bytes().map(ByteSet::of).collect(),
        };
        let windows: Vec<Window> = (0..).zip(&texts).map(window).collect();
        let mut rarity = Rarity::new(Some(&sample));
        let Spread { buckets, cost } = Spread::new(&windows, 2, &mut rarity);
        let mut needles: Vec<u32> =
            buckets.iter().flat_map(|bucket| bucket.needles.iter().copied()).collect();
        needles.sort_unstable();
        assert_eq!(needles, (0..10).collect::<Vec<u32>>());
        assert!(buckets.len() <= BUCKETS, "one pass is enough");
        assert!(cost < 0.01, "{buckets:?}");
        for bucket in buckets {
            let frequency = rarity.frequency(&bucket.sets);
            assert!(frequency < 0.01, "{:?}: {frequency}", bucket.sets);
        }
    }
}
