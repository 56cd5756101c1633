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

use crate::event::{Event, Match, Origin, Parse, Role, RuleId, Texts};
use crate::fields::Fields;
use crate::rule::{Pattern, Rule, When};
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

/// A pattern by its rule, and what it is to the rule.
#[derive(Debug)]
struct Owned {
    rule: RuleId,
    by: By,
    doubt: Option<Doubt>,
}

/// By what a rule takes a line. The order is that in which a line's parts for a rule are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// By what ends an episode: such a line is never a match of the rule.
    Resolution,
    /// By what follows a match: the line may be one itself.
    FollowUp,
    /// By one of its patterns, the first of which gives the captures.
    Pattern(usize),
    /// Only `where` decides.
    Filter,
}

impl By {
    const fn role(self) -> Role {
        match self {
            Self::Resolution => Role::Resolution,
            Self::FollowUp => Role::FollowUp,
            Self::Pattern(_) | Self::Filter => Role::Match,
        }
    }

    fn pattern(self, rule: &Rule) -> Option<&Pattern> {
        match (self, &rule.when) {
            (Self::Resolution, _) => rule.resolve.as_ref()?.pattern.as_ref(),
            (Self::FollowUp, When::NotFollowedBy { pattern, .. }) => Some(pattern),
            (Self::Pattern(place), _) => rule.patterns.get(place),
            (Self::FollowUp | Self::Filter, _) => None,
        }
    }

    /// All that a rule takes lines by.
    fn all(rule: &Rule) -> impl Iterator<Item = Self> {
        let filter = rule.patterns.is_empty().then_some(Self::Filter);
        let patterns = (0..rule.patterns.len()).map(Self::Pattern);
        let others = [Self::Resolution, Self::FollowUp].into_iter();
        others.filter(|by| by.pattern(rule).is_some()).chain(patterns).chain(filter)
    }
}

/// What a thread needs to scan, kept from block to block.
#[derive(Debug)]
pub struct Search {
    /// What scanning could not do since this was taken last.
    pub scanned: Scanned,
    filter: Arc<Filter>,
    search: filter::Search,
    sample: Sample,
    /// What takes the line that is looked at.
    taken: Vec<(RuleId, By)>,
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
            for by in By::all(rule) {
                match by.pattern(rule) {
                    Some(pattern) => {
                        let hir = parse(pattern);
                        patterns.push(Owned { rule: RuleId(id), by, doubt: Doubt::new(&hir) });
                        parsed.push(hir);
                    }
                    None => open.push(RuleId(id)),
                }
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
        let pattern = |owned: &Owned| owned.by.pattern(&self.rules[owned.rule.0]).map(parse);
        let parsed: Vec<Hir> = self.patterns.iter().filter_map(pattern).collect();
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
            let Owned { rule, by, doubt } = &self.patterns[pattern as usize];
            let may_match = || !doubtful || doubt.as_ref().is_none_or(|doubt| doubt.may_match(text));
            let regex = by.pattern(&self.rules[rule.0]).map(|pattern| &pattern.regex);
            let matches = || regex.is_some_and(|regex| regex.is_match(text));
            if certainty == Certainty::Sure || may_match() && matches() {
                taken.push((*rule, *by));
            }
        }
        taken.extend(self.open.iter().map(|rule| (*rule, By::Filter)));
        if taken.len() > 1 {
            taken.sort_unstable();
            let mut ended = None;
            taken.dedup_by(|(rule, by), (before, earlier)| {
                if *earlier == By::Resolution {
                    ended = Some(*before);
                }
                let is_match = by.role() == Role::Match;
                rule == before && is_match && (earlier.role() == Role::Match || ended == Some(*rule))
            });
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
        for (id, by) in taken.drain(..) {
            let (rule, role) = (&self.rules[id.0], by.role());
            let is_match = role == Role::Match;
            if is_match && rule.ignore.iter().any(|pattern| pattern.regex.is_match(text)) {
                continue;
            }
            let event = shared.get_or_insert_with(|| {
                let (origin, time) = (lines.origin.clone(), (lines.time)());
                Arc::new(Event { origin, line: text.into(), truncated, time, parse: Parse::Text })
            });
            let captures = by.pattern(rule).map_or_else(Texts::new, |pattern| captures(pattern, text));
            if !is_match || self.holds(rule, event, &captures, scanned) {
                found(Match { rule: id, role, event: event.clone(), captures, severity: rule.severity });
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
