//! Which rules take a line: the first gate of `engine.md`. No I/O, no clock.
//!
//! Nearly every line matches nothing, so one set of all the patterns of an input looks first; only a line that it
//! takes is looked at rule by rule, and only one that a rule takes is copied.

mod automata;
mod block;
mod bytes;
mod filter;
#[cfg(test)]
mod filter_tests;
mod grams;
mod needle;
mod rarity;
mod relax;
mod vector;
mod windows;

use std::sync::Arc;

use regex::bytes::{RegexSet, RegexSetBuilder};
use regex_syntax::hir::Hir;

use crate::event::{Event, Match, Origin, RuleId, Texts};
use crate::fields::Fields;
use crate::rule::{Pattern, Rule};
use crate::time::Time;

/// How much memory the set's lazy automaton may take, in bytes, for each thread that scans. With less, a set of many
/// patterns is built over and over while it searches.
const SET_CACHE_BYTES: usize = 16 * 1024 * 1024;

/// The rules of one input, ready to look at lines. Shared by the threads that read the input.
#[derive(Debug)]
pub struct Scanner {
    rules: Arc<[Rule]>,
    host: Arc<str>,
    /// The rules of this input, in the order of the file.
    candidates: Vec<Candidate>,
    /// All patterns of all candidates, in order.
    set: RegexSet,
    /// For each pattern of the set its place in `candidates`.
    owners: Vec<usize>,
    /// Whether a rule without a pattern looks at each line.
    any_unfiltered: bool,
}

#[derive(Debug)]
struct Candidate {
    id: RuleId,
    /// No pattern: only `where` decides.
    unfiltered: bool,
}

/// What scanning cost and could not do, for the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Expressions that could not be evaluated: a missing field, text compared with a number.
    pub expression_errors: u64,
}

impl Scanner {
    /// The scanner of the input `name` for its part of `rules`.
    pub fn new(name: &str, rules: Arc<[Rule]>, host: Arc<str>) -> Self {
        let mut candidates = Vec::new();
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (id, rule) in
            rules.iter().enumerate().filter(|(_, rule)| rule.inputs.iter().any(|input| &**input == name))
        {
            patterns.extend(rule.patterns.iter().map(|pattern| pattern.regex.as_str().to_owned()));
            owners.extend(rule.patterns.iter().map(|_| candidates.len()));
            candidates.push(Candidate { id: RuleId(id), unfiltered: rule.patterns.is_empty() });
        }
        let set = RegexSetBuilder::new(&patterns)
            .size_limit(usize::MAX)
            .dfa_size_limit(SET_CACHE_BYTES)
            .build()
            .expect("each pattern was compiled on its own, and the set has no limit");
        let any_unfiltered = candidates.iter().any(|candidate| candidate.unfiltered);
        Self { rules, host, candidates, set, owners, any_unfiltered }
    }

    /// Hands each match of a rule on `line` to `found`, in the order of the rules. `time` is asked only where a rule
    /// takes the line.
    pub fn scan(
        &self,
        line: &[u8],
        truncated: bool,
        origin: &Arc<Origin>,
        time: impl Fn() -> Time,
        scanned: &mut Scanned,
        mut found: impl FnMut(Match),
    ) {
        if !self.any_unfiltered && !self.set.is_match(line) {
            return;
        }
        let hits = self.set.matches(line);
        let mut hit = vec![false; self.candidates.len()];
        hits.iter().for_each(|pattern| hit[self.owners[pattern]] = true);
        let mut shared: Option<Arc<Event>> = None;
        for (candidate, hit) in self.candidates.iter().zip(hit) {
            let rule = &self.rules[candidate.id.0];
            if !(hit || candidate.unfiltered)
                || rule.ignore.iter().any(|pattern| pattern.regex.is_match(line))
            {
                continue;
            }
            let event = shared.get_or_insert_with(|| {
                Arc::new(Event { origin: origin.clone(), line: line.into(), truncated, time: time() })
            });
            let captures = captures(&rule.patterns, line);
            if self.holds(rule, event, &captures, scanned) {
                found(Match { rule: candidate.id, event: event.clone(), captures });
            }
        }
    }

    fn holds(&self, rule: &Rule, event: &Event, captures: &Texts, scanned: &mut Scanned) -> bool {
        let Some(filter) = &rule.filter else { return true };
        let fields = Fields { rule, event, captures, host: &self.host };
        filter.holds(&fields).unwrap_or_else(|_| {
            scanned.expression_errors += 1;
            false
        })
    }
}

/// What the named groups of the first pattern that matches caught.
fn captures(patterns: &[Pattern], line: &[u8]) -> Texts {
    // A single pattern without named groups has matched already and catches nothing.
    if patterns.iter().all(|pattern| pattern.names.is_empty()) {
        return Texts::new();
    }
    let Some((pattern, groups)) =
        patterns.iter().find_map(|pattern| pattern.regex.captures(line).map(|groups| (pattern, groups)))
    else {
        return Texts::new();
    };
    let text = |bytes| Arc::from(String::from_utf8_lossy(bytes));
    let named = pattern.names.iter();
    named.filter_map(|(name, number)| Some((name.clone(), text(groups.get(*number)?.as_bytes())))).collect()
}

/// The syntax of a pattern that was compiled already.
fn parse(pattern: &str) -> Hir {
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern);
    parsed.expect("the configuration takes only what can be parsed")
}
