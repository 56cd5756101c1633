//! Which patterns of an automaton match a line.
//!
//! An automaton waits for memory at each byte. So several of them go along a line side by side: while one waits, the others
//! go on.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

use super::automata::CACHE_BYTES;

/// States that are thrown away so often are made anew as long as they are worth it: each for so many bytes at least.
const CLEARED_MIN: usize = 3;
const STATE_BYTES_MIN: usize = 10;

/// After so many bytes is asked whether any pattern can still match.
const DEAD_ASKED_EVERY: usize = 64;

/// An automaton of a few patterns.
#[derive(Debug)]
pub(super) struct Which {
    /// Its states are made when they are needed.
    dfa: DFA,
    /// It has none, and goes on where they give up.
    slow: PikeVM,
}

/// What a thread needs to look with one, and what it saw.
#[derive(Debug)]
pub(super) struct Seen {
    /// The patterns that match the line that was looked at last.
    pub(super) set: PatternSet,
    states: dfa::Cache,
    /// Once it was needed.
    slow: Option<pikevm::Cache>,
}

/// The states of an automaton are too many, or know nothing of a byte.
struct GaveUp;

impl Which {
    /// Of these patterns.
    pub(super) fn new(patterns: &[Hir]) -> Self {
        let config = thompson::Config::new().utf8(false).which_captures(WhichCaptures::Implicit);
        let nfa = thompson::Compiler::new().configure(config).build_many_from_hir(patterns);
        let nfa = nfa.expect("each pattern is a regex by itself, and there is no limit");
        let config = dfa::Config::new()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(CLEARED_MIN))
            .minimum_bytes_per_state(Some(STATE_BYTES_MIN));
        let dfa = dfa::Builder::new().configure(config).build_from_nfa(nfa.clone());
        let slow =
            PikeVM::builder().configure(pikevm::Config::new().match_kind(MatchKind::All)).build_from_nfa(nfa);
        Self {
            dfa: dfa
                .expect("a few states may take more, and what they know nothing of they leave to the other"),
            slow: slow.expect("the automaton knows where matches are"),
        }
    }

    /// What a thread needs to look.
    pub(super) fn seen(&self) -> Seen {
        let set = PatternSet::new(self.dfa.pattern_len());
        Seen { set, states: self.dfa.create_cache(), slow: None }
    }

    /// Looks at a line.
    pub(super) fn look(&self, line: &[u8], seen: &mut Seen) {
        if go_along(&mut [(self, &mut *seen)], line).is_err() {
            let cache = seen.slow.get_or_insert_with(|| self.slow.create_cache());
            self.slow.which_overlapping_matches(cache, &Input::new(line), &mut seen.set);
        }
    }
}

/// Looks at a line with several.
pub(super) fn look_together<const N: usize>(mut all: [(&Which, &mut Seen); N], line: &[u8]) {
    if go_along(&mut all, line).is_err() {
        all.into_iter().for_each(|(which, seen)| which.look(line, seen));
    }
}

fn go_along<const N: usize>(all: &mut [(&Which, &mut Seen); N], line: &[u8]) -> Result<(), GaveUp> {
    let mut at = [LazyStateID::default(); N];
    for (at, (which, seen)) in at.iter_mut().zip(&mut *all) {
        seen.set.clear();
        seen.states.search_start(0);
        let start = which.dfa.start_state_forward(&mut seen.states, &Input::new(line));
        *at = start.map_err(|_| GaveUp)?;
    }
    for bytes in line.chunks(DEAD_ASKED_EVERY) {
        if at.iter().all(LazyStateID::is_dead) {
            break;
        }
        for byte in bytes {
            let mut is_told = false;
            for (at, (which, seen)) in at.iter_mut().zip(&mut *all) {
                *at = which.dfa.next_state(&mut seen.states, *at, *byte).map_err(|_| GaveUp)?;
                is_told |= at.is_match() || at.is_quit();
            }
            if is_told {
                note(&at, all)?;
            }
        }
    }
    for (at, (which, seen)) in at.iter_mut().zip(&mut *all) {
        *at = which.dfa.next_eoi_state(&mut seen.states, *at).map_err(|_| GaveUp)?;
        seen.states.search_finish(line.len());
    }
    note(&at, all)
}

/// Notes the matches of the states that they are in.
fn note(at: &[LazyStateID], all: &mut [(&Which, &mut Seen)]) -> Result<(), GaveUp> {
    for (at, (which, seen)) in at.iter().zip(all) {
        if at.is_quit() {
            return Err(GaveUp);
        }
        let matches = if at.is_match() { which.dfa.match_len(&seen.states, *at) } else { 0 };
        for place in 0..matches {
            seen.set.insert(which.dfa.match_pattern(&seen.states, *at, place));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;

    /// What makes an automaton quit is among them, and what ends one early.
    const PATTERNS: [&str; 10] =
        ["^a", "b$", r"\ba\b", "a+b", "", "é", "^(?:ab|b)c", r"[a-c]{2,3}x", r"(?-u:\xff)", r"\w é"];

    fn which(patterns: &[&str]) -> Which {
        let parse =
            |pattern: &&str| regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern).unwrap();
        Which::new(&patterns.iter().map(parse).collect::<Vec<_>>())
    }

    fn matches(seen: &Seen) -> Vec<usize> {
        seen.set.iter().map(|pattern| pattern.as_usize()).collect()
    }

    proptest! {
        #[test]
        fn each_of_several_sees_which_of_its_patterns_match(
            chosen in proptest::array::uniform4(proptest::collection::vec(0..PATTERNS.len(), 1..4)),
            lines in proptest::collection::vec(("[abcxé _]{0,9}", any::<bool>(), 0usize..3), 1..8),
        ) {
            let patterns = chosen.map(|chosen| chosen.into_iter().map(|at| PATTERNS[at]).collect::<Vec<_>>());
            let all = patterns.each_ref().map(|patterns| which(patterns));
            let [mut one, mut two, mut three, mut four] = all.each_ref().map(Which::seen);
            for (text, is_broken, long) in lines {
                let mut line = format!("{}{text}", "- ".repeat(50 * long)).into_bytes();
                line.extend(is_broken.then_some(b'\xff'));
                let [a, b, c, d] = &all;
                look_together([(a, &mut one), (b, &mut two), (c, &mut three), (d, &mut four)], &line);
                for (patterns, seen) in patterns.iter().zip([&one, &two, &three, &four]) {
                    let is_match = |at: &usize| Regex::new(patterns[*at]).unwrap().is_match(&line);
                    let expected: Vec<usize> = (0..patterns.len()).filter(is_match).collect();
                    prop_assert_eq!(matches(seen), expected, "{:?} {:?}", patterns, line);
                }
            }
        }
    }

    #[test]
    fn an_automaton_of_too_many_states_gives_up_and_the_slow_one_goes_on() {
        let patterns = [r"(?-u)[ab]*a[ab]{14}c", r"(?-u)[ab]*b[ab]{14}c"];
        let (which, plain) = (which(&patterns), patterns.map(|pattern| Regex::new(pattern).unwrap()));
        let mut seen = which.seen();
        let mut state = 1_u32;
        let mut letter = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { b'a' } else { b'b' }
        };
        for _ in 0..40 {
            let mut line: Vec<u8> = (0..2_000).map(|_| letter()).collect();
            line.push(b'c');
            which.look(&line, &mut seen);
            let expected: Vec<usize> = (0..2).filter(|at| plain[*at].is_match(&line)).collect();
            assert_eq!(matches(&seen), expected);
        }
        assert!(seen.slow.is_some());
    }
}
