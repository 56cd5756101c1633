//! Patterns whose needles are too common, or that have none: automata of a few patterns each, over whole blocks.
//!
//! A few each, because the automaton of many grows beyond any cache and is then built again at each byte. They look at the
//! block as it is rewritten in the alphabet that all patterns share, where Unicode is small and a word boundary is known to
//! them: so their word is final. The few patterns that can't be said so have automata of their own kind, which say too much.

use regex_automata::meta::{self, Cache, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

use crate::pattern::alphabet::Alphabet;
use crate::pattern::rewrite::by_alphabet;

use super::block::{Line, line_at};
use super::cost::Lap;
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

/// The automata of some patterns.
#[derive(Debug)]
pub(super) struct Automata {
    exact: Vec<Automaton>,
    relaxed: Vec<Automaton>,
}

/// One automaton.
#[derive(Debug)]
struct Automaton {
    /// Finds the next place where any may match.
    next: Regex,
    /// Tells which ones do on a line.
    which: Regex,
    /// Whatever the user knows each pattern by.
    patterns: Vec<u32>,
}

/// What a thread needs to search.
#[derive(Debug)]
pub(super) struct Search {
    exact: Vec<OneSearch>,
    relaxed: Vec<OneSearch>,
    rewritten: Rewritten,
}

#[derive(Debug)]
struct OneSearch {
    next: Cache,
    which: Cache,
    set: PatternSet,
    lines: u64,
    found: u64,
    /// What it took, where it was timed last.
    nanos: u64,
}

/// A block in the alphabet that all patterns share.
#[derive(Debug, Default)]
struct Rewritten {
    text: Vec<u8>,
    /// Where each line begins: there, and in the block.
    lines: Vec<(usize, usize)>,
}

impl Automata {
    /// For patterns, each with what the user knows it by.
    pub(super) fn new(patterns: &[(u32, &Hir)]) -> Self {
        let (mut exact, mut relaxed) = (Vec::new(), Vec::new());
        for (pattern, hir) in patterns {
            match by_alphabet(hir, Alphabet::common()) {
                Some(rewritten) => exact.push((*pattern, rewritten)),
                None => relaxed.push((*pattern, relax::relaxed(hir))),
            }
        }
        let all = |patterns: Vec<(u32, Hir)>| patterns.chunks(PATTERNS_MAX).map(Automaton::new).collect();
        Self { exact: all(exact), relaxed: all(relaxed) }
    }

    /// Whether one of them looks for that pattern.
    pub(super) fn has(&self, pattern: u32) -> bool {
        self.exact.iter().chain(&self.relaxed).any(|automaton| automaton.patterns.contains(&pattern))
    }

    /// What a thread needs to search.
    pub(super) fn search(&self) -> Search {
        let all = |automata: &[Automaton]| automata.iter().map(Automaton::search).collect();
        Search { exact: all(&self.exact), relaxed: all(&self.relaxed), rewritten: Rewritten::default() }
    }

    /// The patterns of each automaton, and what it took when it was timed last.
    pub(super) fn costs<'a>(&'a self, search: &'a Search) -> impl Iterator<Item = (&'a [u32], u64)> {
        let automata = self.relaxed.iter().zip(&search.relaxed).chain(self.exact.iter().zip(&search.exact));
        automata.map(|(automaton, search)| (&automaton.patterns[..], search.nanos))
    }

    /// Hands each line of `block` that a pattern may match, with the pattern, to `found`, for each automaton in order; and
    /// whether it is sure that the pattern does. With `lap` it is timed.
    pub(super) fn find(
        &self,
        block: &[u8],
        ends: Ends,
        search: &mut Search,
        mut lap: Option<&mut Lap>,
        mut found: impl FnMut(Line, u32, Certainty),
    ) {
        for (automaton, search) in self.relaxed.iter().zip(&mut search.relaxed) {
            automaton.find(block, ends, search, |line, pattern| found(line, pattern, Certainty::Maybe));
            search.timed(&mut lap);
        }
        if self.exact.is_empty() {
            return;
        }
        search.rewritten.rewrite(block);
        for (automaton, one) in self.exact.iter().zip(&mut search.exact) {
            automaton.find(&search.rewritten.text, ends, one, |line, pattern| {
                found(search.rewritten.in_block(line, block), pattern, Certainty::Sure);
            });
            one.timed(&mut lap);
        }
    }
}

impl OneSearch {
    fn timed(&mut self, lap: &mut Option<&mut Lap>) {
        if let Some(lap) = lap {
            self.nanos = lap.nanos();
        }
    }
}

impl Rewritten {
    fn rewrite(&mut self, block: &[u8]) {
        self.text.clear();
        self.lines.clear();
        Alphabet::common().rewrite_into(block, &mut self.text);
        // Where nothing was changed, each place is its own.
        if self.text == block {
            return;
        }
        let begins = |text: &[u8]| {
            let ends = memchr::memchr_iter(b'\n', text).map(|end| end + 1);
            std::iter::once(0).chain(ends).collect::<Vec<_>>()
        };
        self.lines.extend(begins(&self.text).into_iter().zip(begins(block)));
    }

    fn in_block(&self, line: Line, block: &[u8]) -> Line {
        match self.lines.binary_search_by_key(&line.start, |(start, _)| *start) {
            Ok(at) => line_at(block, self.lines[at].1),
            Err(_) => line,
        }
    }
}

impl Automaton {
    fn new(patterns: &[(u32, Hir)]) -> Self {
        let build = |hirs: &[Hir], kind: MatchKind| {
            let config = meta::Config::new()
                .match_kind(kind)
                .utf8_empty(false)
                .which_captures(WhichCaptures::Implicit)
                .nfa_size_limit(None)
                .hybrid_cache_capacity(CACHE_BYTES);
            let built = meta::Builder::new().configure(config).build_many_from_hir(hirs);
            built.expect("each pattern is a regex by itself, and there is no limit")
        };
        let hirs: Vec<Hir> = patterns.iter().map(|(_, hir)| hir.clone()).collect();
        let in_block: Vec<Hir> = hirs.iter().map(relax::relaxed).collect();
        Self {
            next: build(&in_block, MatchKind::LeftmostFirst),
            which: build(&hirs, MatchKind::All),
            patterns: patterns.iter().map(|(pattern, _)| *pattern).collect(),
        }
    }

    fn search(&self) -> OneSearch {
        OneSearch {
            next: self.next.create_cache(),
            which: self.which.create_cache(),
            set: PatternSet::new(self.patterns.len()),
            lines: 0,
            found: 0,
            nanos: 0,
        }
    }

    fn find(&self, block: &[u8], ends: Ends, search: &mut OneSearch, mut found: impl FnMut(Line, u32)) {
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
            let text = Input::new(line.text(block, ends));
            self.which.which_overlapping_matches_with(&mut search.which, &text, &mut search.set);
            search.found += u64::from(!search.set.is_empty());
            search.set.iter().for_each(|pattern| found(line, self.patterns[pattern.as_usize()]));
        }
    }

    /// The first line from the line's beginning `at` on that any pattern may match.
    fn next_line(&self, block: &[u8], at: usize, search: &mut OneSearch) -> Option<Line> {
        let input = Input::new(block).range(at..).earliest(true);
        let end = self.next.search_half_with(&mut search.next, &input)?.offset();
        // A match holds no line's end; an empty one may stand behind that of the line before.
        let within = if end > at && block[end - 1] != b'\n' { end - 1 } else { end };
        (within < block.len()).then(|| line_at(block, within))
    }
}
