//! Which patterns may match which lines of a block: one filter for all of them.
//!
//! It says too much, never too little; the patterns themselves decide. Each pattern is filtered by what it is cheapest
//! to look for: needles that are rare in the stream, in one hashed bitmap or in a few passes over windows of sets of
//! bytes; and where all its needles are common, a small automaton.

use std::collections::BTreeMap;

use regex_syntax::hir::Hir;

use super::Ends;
use super::automata::{self, Automata, PATTERNS_MAX};
use super::block::Line;
use super::cost::Lap;
use super::finder::{Finder, Hits};
use super::needle::{self, Needle};
use super::rarity::Rarity;
use super::vector::Passed;

/// Needles that cost more ([`Rarity::cost`]) save nothing: an automaton of its own would cost a pattern as much.
const COST_MAX: f64 = 0.05;

/// Needles that cost less are better than a place in an automaton that is there already.
const COST_MIN: f64 = 0.004;

/// The filter of some patterns.
#[derive(Debug)]
pub(super) struct Filter {
    finder: Finder,
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
    hits: Hits,
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
        let finder = Finder::new(needles, &mut rarity);
        Self { finder, automata: Automata::new(&automata), unfiltered }
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
            hits: Hits::default(),
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
        let Search { candidates, needle_nanos, hits, automata } = search;
        candidates.clear();
        let seen = self.finder.find(block, hits, |line, patterns| {
            let of_pattern =
                |pattern: &u32| Candidate { line, pattern: *pattern, certainty: Certainty::Maybe };
            candidates.extend(patterns.iter().map(of_pattern));
        });
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
