//! Which rules take a line: the first gate of `engine.md`. No I/O, no clock.
//!
//! Nearly every line matches nothing. So whole blocks are looked at, by one filter for all the patterns of an input;
//! it names the lines that a pattern may match, and only there the patterns decide, one by one. Only a line that a rule
//! takes is copied. The filter is no semantics: what is taken is what the plain loop over all rules would take.

mod automata;
mod block;
mod bytes;
mod doubt;
mod filter;
#[cfg(test)]
mod filter_tests;
mod grams;
mod needle;
mod rarity;
mod relax;
mod sample;
#[cfg(test)]
mod tests;
mod vector;
mod windows;

use std::sync::Arc;

use regex_syntax::hir::Hir;

use crate::event::{Event, Match, Origin, Parse, RuleId, Texts};
use crate::fields::Fields;
use crate::rule::{Pattern, Rule};
use crate::time::Time;

use block::line_at;
use doubt::Doubt;
use filter::{Certainty, Filter};
use sample::Sample;

pub use block::count as count_lines;
pub use filter::Filtered;

/// How lines are found that `rule` may take: by its costliest pattern.
pub fn filtered(rule: &Rule) -> Filtered {
    let of = |pattern: &Pattern| Filtered::of(&parse(pattern));
    // Without a pattern, `where` sees every line.
    rule.patterns.iter().map(of).max().unwrap_or(Filtered::Never)
}

/// The rules of one input, ready to look at lines. Shared by the threads that read the input.
#[derive(Debug)]
pub struct Scanner {
    rules: Arc<[Rule]>,
    host: Arc<str>,
    /// All patterns of the rules of this input, in the order of the file.
    patterns: Vec<Owned>,
    /// As long as nothing of the stream was seen.
    filter: Arc<Filter>,
    /// The rules without a pattern: only `where` decides.
    open: Vec<RuleId>,
}

/// A pattern by its rule, and its place among the rule's patterns.
#[derive(Debug)]
struct Owned {
    rule: RuleId,
    pattern: usize,
    doubt: Option<Doubt>,
}

/// What a thread needs to scan, kept from block to block.
#[derive(Debug)]
pub struct Search {
    /// What scanning could not do since this was taken last.
    pub scanned: Scanned,
    filter: Arc<Filter>,
    search: filter::Search,
    sample: Sample,
    /// What takes the line that is looked at: rules, each with its first pattern that matches.
    taken: Vec<(RuleId, Option<usize>)>,
}

/// What scanning cost and could not do, for the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Expressions that could not be evaluated: a missing field, text compared with a number.
    pub expression_errors: u64,
}

impl Scanned {
    /// Adds what another stretch of lines could not.
    pub fn add(&mut self, other: Self) {
        self.expression_errors += other.expression_errors;
    }
}

/// What the lines of a block have in common.
#[derive(Debug)]
pub struct Lines<'a, T> {
    /// Where they were read.
    pub origin: &'a Arc<Origin>,
    /// Their time; asked only where a rule takes a line.
    pub time: T,
}

/// What the last byte of a line in a block may be part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// A `\r` before the line's end belongs to the end.
    Read,
    /// The text was cut into lines and decoded before: a `\r` belongs to it.
    Decoded,
}

impl Scanner {
    /// The scanner of the input `name` for its part of `rules`.
    pub fn new(name: &str, rules: Arc<[Rule]>, host: Arc<str>) -> Self {
        let (mut patterns, mut open, mut parsed) = (Vec::new(), Vec::new(), Vec::new());
        let reads = |rule: &Rule| rule.inputs.iter().any(|input| &**input == name);
        for (id, rule) in rules.iter().enumerate().filter(|(_, rule)| reads(rule)) {
            if rule.patterns.is_empty() {
                open.push(RuleId(id));
            }
            for (place, pattern) in rule.patterns.iter().enumerate() {
                let hir = parse(pattern);
                patterns.push(Owned { rule: RuleId(id), pattern: place, doubt: Doubt::new(&hir) });
                parsed.push(hir);
            }
        }
        let filter = Arc::new(Filter::new(&parsed, None));
        Self { rules, host, patterns, filter, open }
    }

    /// What a thread needs to scan.
    pub fn search(&self) -> Search {
        Search {
            scanned: Scanned::default(),
            filter: self.filter.clone(),
            search: self.filter.search(),
            sample: Sample::new(self.patterns.len()),
            taken: Vec::new(),
        }
    }

    /// Once enough of the stream was seen: a filter by what is rare in it.
    fn adapt(&self, block: &[u8], search: &mut Search) {
        let Some(sample) = search.sample.add(block) else { return };
        let pattern = |owned: &Owned| parse(&self.rules[owned.rule.0].patterns[owned.pattern]);
        let parsed: Vec<Hir> = self.patterns.iter().map(pattern).collect();
        let filter = Filter::new(&parsed, Some(&sample));
        search.search = filter.search();
        search.filter = Arc::new(filter);
    }

    /// Hands each match of a rule on a line of `block` to `found`, in the order of the lines and of the rules. The
    /// lines are whole, and none is longer than what is kept of a line.
    pub fn scan_block<T: Fn() -> Time>(
        &self,
        block: &[u8],
        ends: Ends,
        lines: &Lines<'_, T>,
        search: &mut Search,
        mut found: impl FnMut(Match),
    ) {
        self.adapt(block, search);
        let filter = search.filter.clone();
        filter.find(block, ends, &mut search.search);
        let candidates = std::mem::take(&mut search.search.candidates);
        let mut rest = &candidates[..];
        // Where a rule wants to see each line, each is shown; else only those that a pattern may match.
        let every = !self.open.is_empty() || !filter.unfiltered().is_empty();
        let unfiltered = filter.unfiltered().iter().map(|pattern| (*pattern, Certainty::Maybe));
        let mut at = 0;
        while let Some(line) = if every {
            (at < block.len()).then(|| line_at(block, at))
        } else {
            rest.first().map(|first| first.line)
        } {
            at = line.end + 1;
            let same = rest.iter().take_while(|candidate| candidate.line == line).count();
            let (named, later) = rest.split_at(same);
            rest = later;
            let text = line.text(block, ends);
            let named = named.iter().map(|candidate| (candidate.pattern, candidate.certainty));
            self.decide(text, named.chain(unfiltered.clone()), search);
            self.hand_on(text, false, lines, search, &mut found);
        }
        search.search.candidates = candidates;
    }

    /// The same for one line, which may be the beginning of a longer one, or hold several as they were joined.
    pub fn scan<T: Fn() -> Time>(
        &self,
        text: &[u8],
        truncated: bool,
        lines: &Lines<'_, T>,
        search: &mut Search,
        mut found: impl FnMut(Match),
    ) {
        if memchr::memchr(b'\n', text).is_some() {
            // The filter knows single lines.
            let all = 0..self.patterns.len() as u32;
            self.decide(text, all.map(|pattern| (pattern, Certainty::Maybe)), search);
        } else {
            let filter = search.filter.clone();
            filter.find(text, Ends::Decoded, &mut search.search);
            let candidates = std::mem::take(&mut search.search.candidates);
            let named = candidates.iter().map(|candidate| (candidate.pattern, candidate.certainty));
            let unfiltered = filter.unfiltered().iter().map(|pattern| (*pattern, Certainty::Maybe));
            self.decide(text, named.chain(unfiltered), search);
            search.search.candidates = candidates;
        }
        self.hand_on(text, truncated, lines, search, &mut found);
    }

    /// Which rules take `text`, of those whose `patterns` may match it and those without one.
    fn decide(&self, text: &[u8], patterns: impl Iterator<Item = (u32, Certainty)>, search: &mut Search) {
        let taken = &mut search.taken;
        taken.clear();
        // What was made simpler knows single lines.
        let doubtful = !text.is_ascii() && memchr::memchr(b'\n', text).is_none();
        for (pattern, certainty) in patterns {
            let Owned { rule, pattern, doubt } = &self.patterns[pattern as usize];
            let may_match = || !doubtful || doubt.as_ref().is_none_or(|doubt| doubt.may_match(text));
            let matches = || self.rules[rule.0].patterns[*pattern].regex.is_match(text);
            if certainty == Certainty::Sure || may_match() && matches() {
                taken.push((*rule, Some(*pattern)));
            }
        }
        taken.extend(self.open.iter().map(|rule| (*rule, None)));
        if taken.len() > 1 {
            taken.sort_unstable();
            taken.dedup_by_key(|(rule, _)| *rule);
        }
    }

    fn hand_on<T: Fn() -> Time>(
        &self,
        text: &[u8],
        truncated: bool,
        lines: &Lines<'_, T>,
        search: &mut Search,
        found: &mut impl FnMut(Match),
    ) {
        let Search { scanned, taken, .. } = search;
        let mut shared: Option<Arc<Event>> = None;
        for (id, pattern) in taken.drain(..) {
            let rule = &self.rules[id.0];
            if rule.ignore.iter().any(|pattern| pattern.regex.is_match(text)) {
                continue;
            }
            let event = shared.get_or_insert_with(|| {
                let (origin, time) = (lines.origin.clone(), (lines.time)());
                Arc::new(Event { origin, line: text.into(), truncated, time, parse: Parse::Text })
            });
            let captures = pattern.map_or_else(Texts::new, |pattern| captures(&rule.patterns[pattern], text));
            if self.holds(rule, event, &captures, scanned) {
                found(Match { rule: id, event: event.clone(), captures, severity: rule.severity });
            }
        }
    }

    fn holds(&self, rule: &Rule, event: &Event, captures: &Texts, scanned: &mut Scanned) -> bool {
        let Some(filter) = &rule.filter else { return true };
        let fields = Fields { rule, event, captures, severity: rule.severity, host: &self.host };
        filter.holds(&fields).unwrap_or_else(|_| {
            scanned.expression_errors += 1;
            false
        })
    }
}

/// What the named groups of a pattern that matches caught.
fn captures(pattern: &Pattern, line: &[u8]) -> Texts {
    // Without named groups it catches nothing, and need not look again.
    if pattern.names.is_empty() {
        return Texts::new();
    }
    let Some(groups) = pattern.regex.captures(line) else { return Texts::new() };
    let text = |bytes| Arc::from(String::from_utf8_lossy(bytes));
    let named = pattern.names.iter();
    named.filter_map(|(name, number)| Some((name.clone(), text(groups.get(*number)?.as_bytes())))).collect()
}

/// The syntax of a pattern that was compiled already.
fn parse(pattern: &Pattern) -> Hir {
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern.regex.as_str());
    parsed.expect("the configuration takes only what can be parsed")
}
