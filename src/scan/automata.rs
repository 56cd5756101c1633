//! Patterns whose needles are too common, or that have none: automata of a few patterns each, over whole blocks.
//!
//! A few each, because the automaton of many grows beyond any cache and is then built again at each byte. They look at the
//! block as it is rewritten in the alphabet that all patterns share, where Unicode is small and a word boundary is known to
//! them: so their word is final. The few patterns that can't be said so have automata of their own kind, which say too much.

use regex_automata::Input;
use regex_automata::meta::{self, Cache, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::Hir;

use crate::pattern::alphabet::Alphabet;
use crate::pattern::rewrite::by_alphabet;

use super::block::{Line, line_at};
use super::cost::Lap;
use super::filter::Certainty;
use super::which::{Seen, Which, look_together};
use super::{Ends, relax};

/// Patterns of one automaton.
pub(super) const PATTERNS_MAX: usize = 16;

/// What the states of one automaton may take, in bytes, for each thread.
pub(super) const CACHE_BYTES: usize = 256 * 1024;

/// Where there is a line in so many bytes that holds a match of a group, each line is looked at: looking for the next one
/// costs more.
const FREQUENT_BYTES: u64 = 512;

/// Bytes after which is asked whether matches are frequent.
const ASKED_BYTES: u64 = 32 * 1024;

/// The automata of some patterns.
#[derive(Debug)]
pub(super) struct Automata {
    exact: Vec<Automaton>,
    relaxed: Vec<Automaton>,
}

/// One automaton.
#[derive(Debug)]
struct Automaton {
    /// Finds the next place where any may match; `None`: to look at each line together with others costs less.
    next: Option<Regex>,
    /// Tells which ones do on a line.
    which: Which,
    /// Whatever the user knows each pattern by.
    patterns: Vec<u32>,
}

/// Whether an automaton has others beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Others,
    None,
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
    /// Once it was needed.
    next: Option<Cache>,
    seen: Seen,
    /// How much it has looked at, and in how many lines a pattern matched.
    bytes: u64,
    found: u64,
    /// What it took, where it was timed last.
    nanos: u64,
}

/// A block in the alphabet that all patterns share.
#[derive(Debug, Default)]
struct Rewritten {
    text: Vec<u8>,
    /// Where each line begins, and what comes behind the last end of one: there, and in the block.
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
        let all = |patterns: Vec<(u32, Hir)>| {
            let company = if patterns.len() > PATTERNS_MAX { Company::Others } else { Company::None };
            patterns.chunks(PATTERNS_MAX).map(|patterns| Automaton::new(patterns, company)).collect()
        };
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
        let Search { exact, relaxed, rewritten } = search;
        find_all(&self.relaxed, relaxed, block, ends, &mut lap, |line, pattern| {
            found(line, pattern, Certainty::Maybe);
        });
        if self.exact.is_empty() {
            return;
        }
        rewritten.rewrite(block);
        find_all(&self.exact, exact, &rewritten.text, ends, &mut lap, |line, pattern| {
            found(rewritten.in_block(line, block), pattern, Certainty::Sure);
        });
    }
}

/// Those automata that have reason to go on to the next match do so one by one; the others go along the lines together.
fn find_all(
    automata: &[Automaton],
    searches: &mut [OneSearch],
    block: &[u8],
    ends: Ends,
    lap: &mut Option<&mut Lap>,
    mut found: impl FnMut(Line, u32),
) {
    let mut together: Vec<(&Automaton, &mut OneSearch)> = Vec::new();
    for (automaton, search) in automata.iter().zip(searches) {
        search.bytes += block.len() as u64;
        match &automaton.next {
            Some(next) if !search.is_frequent() => {
                automaton.find(next, block, ends, search, &mut found);
                time([search], lap);
            }
            _ => together.push((automaton, search)),
        }
    }
    let (fours, rest) = together.as_chunks_mut::<4>();
    let (twos, rest) = rest.as_chunks_mut::<2>();
    let (ones, _) = rest.as_chunks_mut::<1>();
    fours.iter_mut().for_each(|four| find_together(four, block, ends, lap, &mut found));
    twos.iter_mut().for_each(|two| find_together(two, block, ends, lap, &mut found));
    ones.iter_mut().for_each(|one| find_together(one, block, ends, lap, &mut found));
}

/// Notes what was just done for some automata.
fn time<const N: usize>(searches: [&mut OneSearch; N], lap: &mut Option<&mut Lap>) {
    if let Some(lap) = lap {
        let each = lap.nanos() / N as u64;
        searches.into_iter().for_each(|search| search.nanos = each);
    }
}

/// The lines that any pattern may match of several automata, line by line.
fn find_together<const N: usize>(
    all: &mut [(&Automaton, &mut OneSearch); N],
    block: &[u8],
    ends: Ends,
    lap: &mut Option<&mut Lap>,
    found: &mut impl FnMut(Line, u32),
) {
    let mut start = 0;
    while start < block.len() {
        let end = memchr::memchr(b'\n', &block[start..]).map_or(block.len(), |end| start + end);
        let line = Line { start, end };
        start = end + 1;
        look_together(
            all.each_mut().map(|(automaton, search)| (&automaton.which, &mut search.seen)),
            line.text(block, ends),
        );
        all.iter_mut().for_each(|(automaton, search)| automaton.tell(line, search, found));
    }
    time(all.each_mut().map(|(_, search)| &mut **search), lap);
}

impl OneSearch {
    fn is_frequent(&self) -> bool {
        self.found * FREQUENT_BYTES > self.bytes && self.bytes >= ASKED_BYTES
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
            Ok(at) => Line {
                start: self.lines[at].1,
                end: self.lines.get(at + 1).map_or(block.len(), |(_, next)| next - 1),
            },
            Err(_) => line,
        }
    }
}

impl Automaton {
    fn new(patterns: &[(u32, Hir)], company: Company) -> Self {
        let hirs: Vec<Hir> = patterns.iter().map(|(_, hir)| hir.clone()).collect();
        let in_block: Vec<Hir> = hirs.iter().map(relax::relaxed).collect();
        let config = meta::Config::new()
            .utf8_empty(false)
            .which_captures(WhichCaptures::Implicit)
            .nfa_size_limit(None)
            .hybrid_cache_capacity(CACHE_BYTES);
        let next = meta::Builder::new().configure(config).build_many_from_hir(&in_block);
        let next = next.expect("each pattern is a regex by itself, and there is no limit");
        Self {
            next: (company == Company::None || next.is_accelerated()).then_some(next),
            which: Which::new(&hirs),
            patterns: patterns.iter().map(|(pattern, _)| *pattern).collect(),
        }
    }

    fn search(&self) -> OneSearch {
        OneSearch { next: None, seen: self.which.seen(), bytes: 0, found: 0, nanos: 0 }
    }

    fn find(
        &self,
        next: &Regex,
        block: &[u8],
        ends: Ends,
        search: &mut OneSearch,
        found: &mut impl FnMut(Line, u32),
    ) {
        let mut at = 0;
        while at < block.len() {
            let cache = search.next.get_or_insert_with(|| next.create_cache());
            let Some(line) = next_line(next, block, at, cache) else { break };
            at = line.end + 1;
            self.which.look(line.text(block, ends), &mut search.seen);
            self.tell(line, search, found);
        }
    }

    /// Hands on which patterns match the line that was looked at.
    fn tell(&self, line: Line, search: &mut OneSearch, found: &mut impl FnMut(Line, u32)) {
        search.found += u64::from(!search.seen.set.is_empty());
        search.seen.set.iter().for_each(|pattern| found(line, self.patterns[pattern.as_usize()]));
    }
}

/// The first line from the line's beginning `at` on that any pattern may match.
fn next_line(next: &Regex, block: &[u8], at: usize, cache: &mut Cache) -> Option<Line> {
    let input = Input::new(block).range(at..).earliest(true);
    let end = next.search_half_with(cache, &input)?.offset();
    // A match holds no line's end; an empty one may stand behind that of the line before.
    let within = if end > at && block[end - 1] != b'\n' { end - 1 } else { end };
    (within < block.len()).then(|| line_at(block, within))
}
