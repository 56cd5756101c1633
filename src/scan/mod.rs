//! Which rules take a line: the first gate of `engine.md`. No I/O, no clock.
//!
//! Nearly every line matches nothing. So whole blocks are looked at, by one filter for all the patterns of an input;
//! it names the lines that a pattern may match, and only there the patterns decide, one by one. Only a line that a rule
//! takes is copied. The filter is no semantics: what is taken is what the plain loop over all rules would take.

mod automata;
#[cfg(test)]
mod automata_tests;
mod block;
mod buckets;
mod by;
mod bytes;
mod cost;
mod filter;
#[cfg(test)]
mod filter_tests;
mod finder;
mod grams;
mod latest;
mod look;
mod looked_at;
mod needle;
mod rarity;
mod relax;
mod run;
mod sample;
mod search;
mod taken;
mod target;
#[cfg(test)]
mod tests;
mod trail;
#[cfg(test)]
mod trail_tests;
mod vector;
mod which;
mod windows;

use std::sync::Arc;

use regex_syntax::hir::Hir;

use crate::around::Reach;
use crate::event::{Match, RuleId};
use crate::line::LineSpec;
use crate::pattern::Text;
use crate::rule::{Matcher, On, Pattern, Rule, Severity};
use crate::time::Time;

use block::Line;
use by::By;
use filter::{Certainty, Filter};
use trail::Stretch;
use vector::Passed;

pub use block::{Ends, Lines, Survey, survey};
pub use cost::{Cost, Stopwatch};
pub use filter::Filtered;
pub use looked_at::LookedAt;
pub use search::{Chosen, Scanned, Search};

/// How lines of such an input are found that `rule` may take: by its costliest matcher.
pub fn filtered(rule: &Rule, line: &LineSpec) -> Filtered {
    let of = |matcher: &Matcher| {
        let part = part_on_line(&matcher.parts, line);
        part.map_or(Filtered::Never, |part| Filtered::of(&matcher.parts[part].hir()))
    };
    // Without a pattern, `where` sees every line.
    rule.patterns.iter().map(of).max().unwrap_or(Filtered::Never)
}

/// Whether a matcher of `rule` looks at what only a parser of such an input can tell.
pub fn needs_parser(rule: &Rule, line: &LineSpec) -> bool {
    rule.patterns.iter().any(|matcher| part_on_line(&matcher.parts, line).is_none())
}

/// The rules of one input, ready to look at lines. Shared by the threads that read the input.
#[derive(Debug)]
pub struct Scanner {
    rules: Arc<[Rule]>,
    host: Arc<str>,
    /// How lines become events.
    line: LineSpec,
    /// All patterns that look at the line itself, one of each matcher, in the order of the file.
    patterns: Vec<Owned>,
    /// By rule: the severity of those that take all that their patterns match. Rules are large and lie apart, so that what
    /// most of them need is kept here.
    plain: Vec<Option<Severity>>,
    /// As long as nothing of the stream was seen.
    filter: Arc<Filter>,
    /// What must be shown each line: rules without a matcher, of which only `where` decides, and matchers of what only
    /// a parser can tell.
    open: Vec<(RuleId, By)>,
    /// How many lines around a match any rule shows.
    reach: Reach,
}

/// A pattern by its rule, and what it is to the rule.
#[derive(Debug)]
struct Owned {
    rule: RuleId,
    by: By,
    /// That which is tried on the line.
    pattern: Pattern,
}

impl Scanner {
    /// The scanner of the input `name`, whose lines are as `line` says, for its part of `rules`.
    pub fn new(name: &str, line: LineSpec, rules: Arc<[Rule]>, host: Arc<str>) -> Self {
        let (mut patterns, mut open, mut parsed) = (Vec::new(), Vec::new(), Vec::new());
        let reads = |rule: &Rule| rule.inputs.iter().any(|input| &**input == name);
        for (id, rule) in rules.iter().enumerate().filter(|(_, rule)| reads(rule)) {
            for by in By::all(rule) {
                let (id, parts) = (RuleId(id), by.parts(rule));
                let Some(part) = part_on_line(parts, &line) else {
                    open.push((id, by));
                    continue;
                };
                parsed.push(parts[part].hir());
                patterns.push(Owned { rule: id, by, pattern: parts[part].clone() });
            }
        }
        let filter = Arc::new(Filter::new(&parsed, None));
        let reaches = rules.iter().filter(|rule| reads(rule)).map(|rule| rule.context);
        let reach = reaches.fold(Reach::default(), Reach::widest);
        let plain = rules.iter().map(|rule| is_plain(rule).then_some(rule.severity)).collect();
        Self { rules, host, line, patterns, plain, filter, open, reach }
    }

    /// All rules, of this input and of others: a match says which by its place among them.
    pub const fn rules(&self) -> &Arc<[Rule]> {
        &self.rules
    }

    /// How lines are found by now that `rule` may take: by the costliest of what it takes them by.
    pub fn filtered(&self, rule: RuleId, search: &Search) -> Filtered {
        let is_open = self.open.iter().any(|(open, _)| *open == rule).then_some(Filtered::Never);
        let patterns = (0..).zip(&self.patterns).filter(|(_, owned)| owned.rule == rule);
        let patterns = patterns.map(|(pattern, _)| search.filter.of_pattern(pattern));
        patterns.chain(is_open).max().unwrap_or(Filtered::ByNeedles)
    }

    /// What a thread needs to scan.
    pub fn search(&self) -> Search {
        Search::new(self)
    }

    /// The same for a thread that scanned by other rules until now: what lies around its lines is known.
    pub fn go_over(&self, search: &mut Search) {
        let before = std::mem::replace(search, self.search());
        search.trails = before.trails.at_reach(self.reach);
        before.costs.stopwatch().into_iter().for_each(|stopwatch| search.time_by(stopwatch));
    }

    /// The filter for a stream of which `sample` is some: by what is rare in it. With many rules it takes a while.
    pub fn choose(&self, sample: &[u8]) -> Chosen {
        let parsed: Vec<Hir> = self.patterns.iter().map(|owned| owned.pattern.hir()).collect();
        Chosen(Arc::new(Filter::new(&parsed, Some(sample))))
    }

    /// Takes one line, which may be the beginning of a longer one, or hold several as they were joined.
    pub fn scan<T: Fn() -> Time>(
        &self,
        text: &[u8],
        truncated: bool,
        lines: &Lines<'_, T>,
        search: &mut Search,
        mut found: impl FnMut(Match),
    ) {
        let stretch = Stretch { text, ends: Ends::Decoded };
        let looked_at = Text::new(text);
        self.enter(stretch, lines, search);
        if memchr::memchr(b'\n', text).is_some() {
            // The filter knows single lines.
            let all = 0..self.patterns.len() as u32;
            self.decide(&looked_at, all.map(|pattern| (pattern, Certainty::Maybe)), search);
        } else {
            self.find(text, Ends::Decoded, search);
            let filter = search.filter.clone();
            let candidates = std::mem::take(&mut search.search.candidates);
            let named = candidates.iter().map(|candidate| (candidate.pattern, candidate.certainty));
            let unfiltered = filter.unfiltered().iter().map(|pattern| (*pattern, Certainty::Maybe));
            self.decide(&looked_at, named.chain(unfiltered), search);
            search.search.candidates = candidates;
        }
        let whole = Line { start: 0, end: text.len() };
        self.hand_on(&looked_at, truncated, (stretch, whole), lines, search, &mut found);
        self.leave(stretch, lines, search);
    }

    /// Lets the filter find the candidates. Returns what else is in the block, if it was seen on the way.
    fn find(&self, block: &[u8], ends: Ends, search: &mut Search) -> Option<Passed> {
        let Search { filter, search, costs, scanned, .. } = search;
        let mut lap = costs.block(block.len());
        let seen = filter.find(block, ends, search, lap.as_mut());
        if lap.is_none() {
            return seen;
        }
        scanned.needle_nanos += search.needle_nanos;
        for (patterns, nanos) in filter.by_automata(search) {
            for pattern in patterns {
                let rule = self.patterns[*pattern as usize].rule;
                costs.spend(rule, nanos / patterns.len() as u64);
            }
        }
        seen
    }

    /// Those matches that show lines after theirs get these.
    fn enter<T: Fn() -> Time>(&self, stretch: Stretch<'_>, lines: &Lines<'_, T>, search: &mut Search) {
        if self.reach.after > 0 {
            search.trails.follow(lines.origin, stretch, &lines.time);
        }
    }

    /// Matches that come later may show the last of these lines.
    fn leave<T>(&self, stretch: Stretch<'_>, lines: &Lines<'_, T>, search: &mut Search) {
        if self.reach.before > 0 {
            search.trails.keep(lines.origin, stretch);
        }
    }
}

/// Whether a rule takes each line that one of its patterns matches, as it is.
fn is_plain(rule: &Rule) -> bool {
    let Rule { patterns, ignore, filter, severity_from, context, .. } = rule;
    let has_single_parts = patterns.iter().all(|matcher| matcher.parts.len() == 1);
    has_single_parts && ignore.is_empty() && filter.is_none() && severity_from.is_none() && context.is_empty()
}

/// Whether a pattern can be tried on the line without a parser's help.
fn looks_at_line(pattern: &Pattern, line: &LineSpec) -> bool {
    match pattern.on {
        On::Line => true,
        On::Message => line.parser.message_is_line(),
        On::Field(_) => false,
    }
}

/// The part of a matcher that finds the lines which the others are shown.
fn part_on_line(parts: &[Pattern], line: &LineSpec) -> Option<usize> {
    parts.iter().position(|part| looks_at_line(part, line))
}
