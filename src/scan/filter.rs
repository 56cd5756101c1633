//! Which patterns may match which lines of a block: one filter for all of them.
//!
//! It says too much, never too little; the patterns themselves decide. Each pattern is filtered by what it is cheapest
//! to look for: needles that are rare in the stream, in one hashed bitmap or in a few passes over windows of sets of
//! bytes; and where all its needles are common, a small automaton.

use std::collections::BTreeMap;

use regex_syntax::hir::Hir;

use super::Ends;
use super::automata::{self, Automata, PATTERNS_MAX};
use super::block::{Line, line_at};
use super::buckets::{BUCKETS, Spread, Window};
use super::bytes::ByteSet;
use super::cost::Lap;
use super::grams::{self, Grams};
use super::needle::{self, Needle};
use super::rarity::Rarity;
use super::target::Target;
use super::vector::Passed;
use super::windows::{self, WIDTH, Windows};

/// Needles that cost more ([`Rarity::cost`]) save nothing: an automaton of its own would cost a pattern as much.
const COST_MAX: f64 = 0.05;

/// Needles that cost less are better than a place in an automaton that is there already.
const COST_MIN: f64 = 0.004;

/// A needle whose pieces are at more than one read place in so many is better looked for by a window.
const COMMON_GRAM: f64 = 3e-4;

/// Needles that are found by windows alone, however long they are; and of which the best width of windows is looked for.
const FEW: usize = 16;

/// A window of one place finds too much.
const WIDTH_MIN: usize = 2;

/// The filter of some patterns.
#[derive(Debug)]
pub(super) struct Filter {
    needles: Vec<Target>,
    grams: Option<Grams>,
    windows: Vec<Windows>,
    automata: Automata,
    unfiltered: Vec<u32>,
}

/// A pattern that may match a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The line.
    pub(super) line: Line,
    /// The pattern's place in the list that the filter was made of.
    pub(super) pattern: u32,
    /// Whether the pattern need not be asked.
    pub(super) certainty: Certainty,
}

/// How lines are found that a pattern may match, and so what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filtered {
    /// By needles that are rare in logs: hardly anything.
    ByNeedles,
    /// By an automaton that reads every line.
    ByAutomaton,
    /// Not at all: the pattern is shown every line.
    Never,
}

impl Filtered {
    /// Of a pattern by itself, on typical lines.
    pub(super) fn of(pattern: &Hir) -> Self {
        Filter::new(std::slice::from_ref(pattern), None).of_pattern(0)
    }
}

/// Whether a pattern matches a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// It may.
    Maybe,
    /// It does.
    Sure,
}

/// What a thread needs to search with a filter, and what it found.
#[derive(Debug)]
pub(super) struct Search {
    /// In order of the lines, and of the patterns of each.
    pub(super) candidates: Vec<Candidate>,
    /// What looking for the needles took, where it was timed.
    pub(super) needle_nanos: u64,
    grams: Vec<grams::Hit>,
    windows: Vec<windows::Hit>,
    automata: automata::Search,
}

impl Filter {
    /// For `patterns`. `sample` is a beginning of the stream, where some was seen.
    pub(super) fn new(patterns: &[Hir], sample: Option<&[u8]>) -> Self {
        let mut rarity = Rarity::new(sample);
        let (mut filtered, mut automata, mut unfiltered) = (Vec::new(), Vec::new(), Vec::new());
        for (pattern, hir) in patterns.iter().enumerate() {
            let pattern = pattern as u32;
            // What matches an empty text matches each line, or at least may.
            if hir.properties().minimum_len() == Some(0) {
                unfiltered.push(pattern);
                continue;
            }
            let needles = needle::needles(hir, &mut |needles| rarity.cost(needles));
            let cost = needles.as_ref().map_or(1.0, |needles| rarity.cost(needles));
            match needles.filter(|_| cost < COST_MAX) {
                Some(needles) => filtered.push(Needles { pattern, needles, cost }),
                None => automata.push(pattern),
            }
        }
        filtered.sort_by(|one, other| one.cost.total_cmp(&other.cost));
        move_costly(&mut filtered, &mut automata);
        let mut needles: BTreeMap<Needle, Vec<u32>> = BTreeMap::new();
        for Needles { pattern, needles: of_one, .. } in filtered {
            of_one.into_iter().for_each(|needle| needles.entry(needle).or_default().push(pattern));
        }
        let automata: Vec<(u32, &Hir)> =
            automata.into_iter().map(|pattern| (pattern, &patterns[pattern as usize])).collect();
        let (needles, grams, windows) = spread(needles, &mut rarity);
        Self { needles, grams, windows, automata: Automata::new(&automata), unfiltered }
    }

    /// The patterns that each line must be shown to: they are never among the candidates.
    pub(super) fn unfiltered(&self) -> &[u32] {
        &self.unfiltered
    }

    /// How lines are found that a pattern may match.
    pub(super) fn of_pattern(&self, pattern: u32) -> Filtered {
        if self.unfiltered.contains(&pattern) {
            Filtered::Never
        } else if self.automata.has(pattern) {
            Filtered::ByAutomaton
        } else {
            Filtered::ByNeedles
        }
    }

    /// The patterns of each automaton, and what it took when it was timed last.
    pub(super) fn by_automata<'a>(&'a self, search: &'a Search) -> impl Iterator<Item = (&'a [u32], u64)> {
        self.automata.costs(&search.automata)
    }

    /// What a thread needs to search.
    pub(super) fn search(&self) -> Search {
        Search {
            candidates: Vec::new(),
            needle_nanos: 0,
            grams: Vec::new(),
            windows: Vec::new(),
            automata: self.automata.search(),
        }
    }

    /// Finds the candidates of `block`, which is of whole lines and shorter than 4 GiB. With `lap` it is timed. Returns what
    /// else is in the block, if it was seen on the way.
    pub(super) fn find(
        &self,
        block: &[u8],
        ends: Ends,
        search: &mut Search,
        mut lap: Option<&mut Lap>,
    ) -> Option<Passed> {
        let Search { candidates, needle_nanos, grams, windows, automata } = search;
        candidates.clear();
        let (mut line, mut seen) = (None, None);
        if let Some(all) = &self.grams {
            all.find(block, grams);
            for (at, needle) in grams.drain(..) {
                self.check(block, at as usize, needle, &mut line, candidates);
            }
        }
        for pass in &self.windows {
            seen = pass.find(block, windows);
            for (at, buckets) in windows.drain(..) {
                for needle in pass.needles(buckets) {
                    let before = self.needles[needle as usize].window;
                    if let Some(at) = (at as usize).checked_sub(before) {
                        self.check(block, at, needle, &mut line, candidates);
                    }
                }
            }
        }
        if let Some(lap) = &mut lap {
            *needle_nanos = lap.nanos();
        }
        self.automata.find(block, ends, automata, lap, |line, pattern, certainty| {
            candidates.push(Candidate { line, pattern, certainty });
        });
        candidates.sort_unstable();
        candidates.dedup();
        seen
    }

    /// Whether the needle is at `at`, whole. `line` is the line that was looked at last.
    #[inline]
    fn check(
        &self,
        block: &[u8],
        at: usize,
        needle: u32,
        line: &mut Option<Line>,
        candidates: &mut Vec<Candidate>,
    ) {
        let target = &self.needles[needle as usize];
        if !target.is_at(block, at) {
            return;
        }
        let line = match *line {
            Some(line) if (line.start..line.end).contains(&at) => line,
            _ => *line.insert(line_at(block, at)),
        };
        candidates.extend(target.patterns.iter().map(|pattern| Candidate {
            line,
            pattern: *pattern,
            certainty: Certainty::Maybe,
        }));
    }
}

/// A pattern's needles.
#[derive(Debug)]
struct Needles {
    pattern: u32,
    needles: Vec<Needle>,
    cost: f64,
}

/// Many needles of which each is common enough cost more than automata do. The last of `filtered` are the costliest.
fn move_costly(filtered: &mut Vec<Needles>, automata: &mut Vec<u32>) {
    let room = automata.len().next_multiple_of(PATTERNS_MAX) - automata.len();
    let costly = filtered.iter().rev().take(room).take_while(|needles| needles.cost > COST_MIN).count();
    automata.extend(filtered.drain(filtered.len() - costly..).map(|needles| needles.pattern));
    loop {
        let group = filtered.len().saturating_sub(PATTERNS_MAX)..;
        if filtered[group.clone()].iter().map(|needles| needles.cost).sum::<f64>() < COST_MAX {
            return;
        }
        automata.extend(filtered.drain(group).map(|needles| needles.pattern));
    }
}

/// How each needle is looked for.
fn spread(
    needles: BTreeMap<Needle, Vec<u32>>,
    rarity: &mut Rarity,
) -> (Vec<Target>, Option<Grams>, Vec<Windows>) {
    let (needles, mut targets): (Vec<Needle>, Vec<Target>) = needles
        .into_iter()
        .map(|(needle, patterns)| {
            let target = Target::new(&needle, patterns);
            (needle, target)
        })
        .unzip();
    let (mut by_gram, mut by_window) = (Vec::new(), Vec::new());
    let few = needles.len() <= FEW;
    for (at, needle) in needles.iter().enumerate() {
        let stretch = if few { None } else { rarest_stretch(needle, rarity) };
        match stretch.filter(|(_, frequency)| *frequency < COMMON_GRAM) {
            Some((start, _)) => by_gram.push((at, start)),
            None => by_window.push(at),
        }
    }
    for (at, start) in &by_gram {
        let compared = grams::compared(*start);
        targets[*at].order_by(|place, set| if compared.contains(&place) { 1.0 } else { rarity.share(set) });
    }
    let by_gram = by_gram.iter().map(|(at, start)| (*at as u32, &needles[*at][..], *start));
    let grams = (by_gram.len() > 0).then(|| Grams::new(by_gram));
    let widths = if by_window.len() <= FEW { WIDTH_MIN..=WIDTH } else { WIDTH..=WIDTH };
    let spreads = widths.map(|width| {
        let windows = windows_of(&by_window, width, &needles, rarity);
        (width, Spread::new(&windows, width, rarity))
    });
    let cheapest = spreads.min_by(|(_, one), (_, other)| one.cost.total_cmp(&other.cost));
    let Some((width, Spread { buckets, .. })) = cheapest else { return (targets, grams, Vec::new()) };
    for bucket in &buckets {
        for at in &bucket.needles {
            let target = &mut targets[*at as usize];
            (target.window, _) = rarity.rarest(&needles[*at as usize], width);
            let window = target.window;
            target.order_by(|place, set| {
                let found = place.checked_sub(window).and_then(|place| bucket.sets.get(place));
                rarity.share(set) / found.map_or(1.0, |found| rarity.share(*found))
            });
        }
    }
    (targets, grams, buckets.chunks(BUCKETS).map(Windows::new).collect())
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
