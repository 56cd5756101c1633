//! Patterns whose needles are too common, or that have none: automata of a few patterns each, over whole blocks.
//!
//! A few each, because the automaton of many grows beyond any cache and is then built again at each byte.

use regex_automata::meta::{self, Cache, Regex};
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

use super::block::{Line, line_at};

/// Patterns of one automaton.
const PATTERNS_MAX: usize = 16;

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
    /// Tells which ones match on a line.
    which: Regex,
    /// Whatever the user knows each pattern by.
    patterns: Vec<u32>,
}

/// What a thread needs to search.
#[derive(Debug)]
pub(super) struct Search {
    next: Cache,
    which: Cache,
    set: PatternSet,
    lines: u64,
    found: u64,
}

impl Automaton {
    /// Automata for relaxed patterns, each with what the user knows it by.
    pub(super) fn all(patterns: &[(u32, Hir)]) -> Vec<Self> {
        patterns.chunks(PATTERNS_MAX).map(Self::new).collect()
    }

    fn new(patterns: &[(u32, Hir)]) -> Self {
        let hirs: Vec<&Hir> = patterns.iter().map(|(_, hir)| hir).collect();
        let build = |kind: MatchKind| {
            let config = meta::Config::new()
                .match_kind(kind)
                .utf8_empty(false)
                .nfa_size_limit(None)
                .hybrid_cache_capacity(CACHE_BYTES);
            let built = meta::Builder::new().configure(config).build_many_from_hir(&hirs);
            built.expect("each pattern was compiled on its own, and there is no limit")
        };
        Self {
            next: build(MatchKind::LeftmostFirst),
            which: build(MatchKind::All),
            patterns: patterns.iter().map(|(pattern, _)| *pattern).collect(),
        }
    }

    /// What a thread needs to search.
    pub(super) fn search(&self) -> Search {
        Search {
            next: self.next.create_cache(),
            which: self.which.create_cache(),
            set: PatternSet::new(self.patterns.len()),
            lines: 0,
            found: 0,
        }
    }

    /// Hands each line of `block` that a pattern may match, with the pattern, to `found`, in order.
    pub(super) fn find(&self, block: &[u8], search: &mut Search, mut found: impl FnMut(Line, u32)) {
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
            self.which.which_overlapping_matches_with(
                &mut search.which,
                &Input::new(&block[line.start..line.end]),
                &mut search.set,
            );
            search.found += u64::from(!search.set.is_empty());
            search.set.iter().for_each(|pattern| found(line, self.patterns[pattern.as_usize()]));
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
