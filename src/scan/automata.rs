//! Patterns whose needles are too common, or that have none: automata of a few patterns each, over whole blocks.
//!
//! A few each, because the automaton of many grows beyond any cache and is then built again at each byte.

use regex_automata::meta::{self, Cache, Regex};
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

use super::block::{Line, line_at};
use super::filter::Certainty;
use super::{Ends, relax};

/// Patterns of one automaton.
pub(super) const PATTERNS_MAX: usize = 16;

/// What the states of one automaton may take, in bytes, for each thread.
const CACHE_BYTES: usize = 256 * 1024;

/// Where one line in so few holds a match of a group, all of them are looked at: looking for the next one costs more.
const FREQUENT: u64 = 4;

/// Lines after which is asked whether matches are frequent.
const ASKED_EVERY: u64 = 256;

/// One automaton.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Finds the next place where any matches.
    next: Regex,
    /// Tells which ones may match on a line.
    which: Regex,
    /// Tells which ones do, on a line of ASCII.
    ascii: Regex,
    /// Whatever the user knows each pattern by.
    patterns: Vec<u32>,
}

/// What a thread needs to search.
#[derive(Debug)]
pub(super) struct Search {
    next: Cache,
    which: Cache,
    ascii: Cache,
    set: PatternSet,
    lines: u64,
    found: u64,
}

impl Automaton {
    /// Automata for patterns, each with what the user knows it by.
    pub(super) fn all(patterns: &[(u32, &Hir)]) -> Vec<Self> {
        patterns.chunks(PATTERNS_MAX).map(Self::new).collect()
    }

    fn new(patterns: &[(u32, &Hir)]) -> Self {
        let simpler =
            |simpler: fn(&Hir) -> Hir| -> Vec<Hir> { patterns.iter().map(|(_, hir)| simpler(hir)).collect() };
        let build = |hirs: &[Hir], kind: MatchKind| {
            let config = meta::Config::new()
                .match_kind(kind)
                .utf8_empty(false)
                .nfa_size_limit(None)
                .hybrid_cache_capacity(CACHE_BYTES);
            let built = meta::Builder::new().configure(config).build_many_from_hir(hirs);
            built.expect("each pattern was compiled on its own, and there is no limit")
        };
        let relaxed = simpler(relax::relaxed);
        Self {
            next: build(&relaxed, MatchKind::LeftmostFirst),
            which: build(&relaxed, MatchKind::All),
            ascii: build(&simpler(relax::ascii), MatchKind::All),
            patterns: patterns.iter().map(|(pattern, _)| *pattern).collect(),
        }
    }

    /// Whatever the user knows them by.
    pub(super) fn patterns(&self) -> &[u32] {
        &self.patterns
    }

    /// What a thread needs to search.
    pub(super) fn search(&self) -> Search {
        Search {
            next: self.next.create_cache(),
            which: self.which.create_cache(),
            ascii: self.ascii.create_cache(),
            set: PatternSet::new(self.patterns.len()),
            lines: 0,
            found: 0,
        }
    }

    /// Hands each line of `block` that a pattern may match, with the pattern, to `found`, in order; and whether it is sure
    /// that the pattern does.
    pub(super) fn find(
        &self,
        block: &[u8],
        ends: Ends,
        search: &mut Search,
        mut found: impl FnMut(Line, u32, Certainty),
    ) {
        let mut at = 0;
        while at < block.len() {
            let frequent = search.found * FREQUENT > search.lines && search.lines >= ASKED_EVERY;
            let line = match frequent {
                true => line_at(block, at),
                false => match self.next_line(block, at, search) {
                    Some(line) => line,
                    None => break,
                },
            };
            search.lines += 1;
            at = line.end + 1;
            search.set.clear();
            let text = line.text(block, ends);
            let (which, cache, certainty) = match text.is_ascii() {
                true => (&self.ascii, &mut search.ascii, Certainty::Sure),
                false => (&self.which, &mut search.which, Certainty::Maybe),
            };
            which.which_overlapping_matches_with(cache, &Input::new(text), &mut search.set);
            search.found += u64::from(!search.set.is_empty());
            search.set.iter().for_each(|pattern| found(line, self.patterns[pattern.as_usize()], certainty));
        }
    }

    /// The first line from the line's beginning `at` on that any pattern may match.
    fn next_line(&self, block: &[u8], at: usize, search: &mut Search) -> Option<Line> {
        let input = Input::new(block).range(at..).earliest(true);
        let end = self.next.search_half_with(&mut search.next, &input)?.offset();
        // A match holds no line's end; an empty one may stand behind that of the line before.
        let within = if end > at && block[end - 1] != b'\n' { end - 1 } else { end };
        (within < block.len()).then(|| line_at(block, within))
    }
}
