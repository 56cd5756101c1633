//! All needles of a filter at once: each by its pieces or by a window, whichever is cheaper, and then compared.

use std::collections::BTreeMap;

use super::block::{Line, line_at};
use super::buckets::{BUCKETS, Spread, Window};
use super::bytes::ByteSet;
use super::grams::{self, Grams};
use super::needle::Needle;
use super::rarity::Rarity;
use super::target::Target;
use super::vector::Passed;
use super::windows::{self, WIDTH, Windows};

/// A needle whose pieces are at more than one read place in so many is better looked for by a window.
const COMMON_GRAM: f64 = 3e-4;

/// Needles that are found by windows alone, however long they are; and of which the best width of windows is looked for.
const FEW: usize = 16;

/// How likely what stands beside a window or a piece is to be that of the needle: how often it is in the stream does not
/// say.
const UNKNOWN: f64 = 0.5;

/// A window of one place finds too much.
const WIDTH_MIN: usize = 2;

/// Finds needles.
#[derive(Debug)]
pub(super) struct Finder {
    needles: Vec<Target>,
    grams: Option<Grams>,
    windows: Vec<Windows>,
}

/// Where needles may be; kept from block to block for its room.
#[derive(Debug, Default)]
pub(super) struct Hits {
    grams: Vec<grams::Hit>,
    windows: Vec<windows::Hit>,
}

impl Finder {
    /// Of needles, each with the patterns that need it.
    pub(super) fn new(needles: BTreeMap<Needle, Vec<u32>>, rarity: &mut Rarity) -> Self {
        let (needles, patterns): (Vec<Needle>, Vec<Vec<u32>>) = needles.into_iter().unzip();
        let targets = needles.iter().zip(patterns).map(|(needle, patterns)| Target::new(needle, patterns));
        let mut finder = Self { needles: targets.collect(), grams: None, windows: Vec::new() };
        let (mut by_gram, mut by_window) = (Vec::new(), Vec::new());
        let few = needles.len() <= FEW;
        for (at, needle) in needles.iter().enumerate() {
            let stretch = if few { None } else { rarest_stretch(needle, rarity) };
            match stretch.filter(|(_, frequency)| *frequency < COMMON_GRAM) {
                Some((start, _)) => by_gram.push((at, start)),
                None => by_window.push(at),
            }
        }
        finder.find_by_grams(&by_gram, &needles);
        finder.find_by_windows(&by_window, &needles, rarity);
        finder
    }

    /// Those needles, each with where the stretch begins whose pieces are looked for.
    fn find_by_grams(&mut self, of: &[(usize, usize)], needles: &[Needle]) {
        for (at, start) in of {
            let compared = grams::compared(*start);
            let likelihood = |place, _| if compared.contains(&place) { 1.0 } else { UNKNOWN };
            self.needles[*at].order_by(likelihood);
        }
        let of_one = |(at, start): &(usize, usize)| (*at as u32, &needles[*at][..], *start);
        self.grams = (!of.is_empty()).then(|| Grams::new(of.iter().map(of_one)));
    }

    /// Those needles, by windows as wide as it is cheapest.
    fn find_by_windows(&mut self, of: &[usize], needles: &[Needle], rarity: &mut Rarity) {
        let widths = if of.len() <= FEW { WIDTH_MIN..=WIDTH } else { WIDTH..=WIDTH };
        let spreads = widths.map(|width| {
            let windows = windows_of(of, width, needles, rarity);
            (width, Spread::new(&windows, width, rarity))
        });
        let cheapest = spreads.min_by(|(_, one), (_, other)| one.cost.total_cmp(&other.cost));
        let Some((width, Spread { buckets, .. })) = cheapest else { return };
        for bucket in &buckets {
            for at in bucket.needles.iter().map(|at| *at as usize) {
                let target = &mut self.needles[at];
                let (begin, _) = rarity.rarest(&needles[at], width);
                target.window = begin;
                target.order_by(|place, set| {
                    let found = place.checked_sub(begin).and_then(|place| bucket.sets.get(place));
                    found.map_or(UNKNOWN, |found| rarity.share(set) / rarity.share(*found))
                });
            }
        }
        self.windows = buckets.chunks(BUCKETS).map(Windows::new).collect();
    }

    /// Tells the lines of `block` that hold a needle, each with the patterns that need it. Returns what else is in the
    /// block, if it was seen on the way.
    pub(super) fn find(
        &self,
        block: &[u8],
        hits: &mut Hits,
        mut found: impl FnMut(Line, &[u32]),
    ) -> Option<Passed> {
        let mut check = Check { block, line: None };
        if let Some(grams) = &self.grams {
            grams.find(block, &mut hits.grams);
            for (at, needle) in hits.grams.drain(..) {
                check.needle(&self.needles[needle as usize], at as usize, &mut found);
            }
        }
        let mut seen = None;
        for pass in &self.windows {
            seen = pass.find(block, &mut hits.windows);
            for (at, buckets) in hits.windows.drain(..) {
                for needle in pass.needles(buckets) {
                    let target = &self.needles[needle as usize];
                    if let Some(at) = (at as usize).checked_sub(target.window) {
                        check.needle(target, at, &mut found);
                    }
                }
            }
        }
        seen
    }
}

/// What was looked at in a block.
struct Check<'a> {
    block: &'a [u8],
    /// The last line.
    line: Option<Line>,
}

impl Check<'_> {
    /// Whether a needle begins at `at`.
    #[inline]
    fn needle(&mut self, target: &Target, at: usize, found: &mut impl FnMut(Line, &[u32])) {
        if target.is_at(self.block, at) {
            let line = match self.line {
                Some(line) if (line.start..line.end).contains(&at) => line,
                _ => *self.line.insert(line_at(self.block, at)),
            };
            found(line, &target.patterns);
        }
    }
}

/// The windows of some needles, alike ones as one.
fn windows_of(of: &[usize], width: usize, needles: &[Needle], rarity: &mut Rarity) -> Vec<Window> {
    let mut windows: BTreeMap<&[ByteSet], Vec<u32>> = BTreeMap::new();
    for at in of {
        let needle = &needles[*at];
        let (begin, _) = rarity.rarest(needle, width);
        let sets = &needle[begin..needle.len().min(begin + width)];
        windows.entry(sets).or_default().push(*at as u32);
    }
    windows.into_iter().map(|(sets, needles)| Window { needles, sets: sets.to_vec() }).collect()
}

/// Where the stretch begins whose pieces are rarest, and how often one of them is read.
fn rarest_stretch(needle: &Needle, rarity: &mut Rarity) -> Option<(usize, f64)> {
    // Pieces are found in either case.
    let either: Needle = needle.iter().map(|set| set.with_both_cases()).collect();
    let pieces: Vec<f64> = either.windows(4).map(|piece| rarity.frequency(piece)).collect();
    let stretches = pieces.windows(grams::STRETCH - 3).enumerate();
    let stretches = stretches.filter(|(start, _)| grams::is_stretch(needle, *start));
    let counted = stretches.map(|(start, pieces)| (start, pieces.iter().sum::<f64>() / 4.0));
    counted.min_by(|(_, one), (_, other)| one.total_cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_are_common_in_the_other_case_are_not_looked_for() {
        let mut rarity = Rarity::new(Some(&b"INFO a worker has begun\n".repeat(100)));
        let needle: Needle = b"WORKER_RARELY".map(ByteSet::of).into();
        let (start, frequency) = rarest_stretch(&needle, &mut rarity).expect("it is long enough");
        assert!(start >= "WOR".len(), "{start}");
        assert!(frequency < COMMON_GRAM, "{frequency}");
    }
}
