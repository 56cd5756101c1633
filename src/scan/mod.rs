//! Which rules take a line: the first gate of `engine.md`. No I/O, no clock.
//!
//! Nearly every line matches nothing. So whole blocks are looked at, by one filter for all the patterns of an input;
//! it names the lines that a pattern may match, and only there the patterns decide, one by one. Only a line that a rule
//! takes is copied. The filter is no semantics: what is taken is what the plain loop over all rules would take.

mod automata;
#[cfg(test)]
mod automata_tests;
mod block;
mod bytes;
mod cost;
mod filter;
#[cfg(test)]
mod filter_tests;
mod grams;
mod latest;
mod look;
mod needle;
mod rarity;
mod relax;
mod run;
mod sample;
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
use crate::event::{Match, Origin, Role, RuleId};
use crate::line::LineSpec;
use crate::pattern::{Places, Seen, Text};
use crate::rule::{Matcher, On, Pattern, Rule, When};
use crate::time::Time;

use block::{Line, line_at};
use cost::Costs;
use filter::{Certainty, Filter};
use latest::Latest;
use look::Look;
use sample::Sample;
use trail::{Stretch, Trails};
use vector::Passed;

pub use block::{Survey, survey};
pub use cost::{Cost, Stopwatch};
pub use filter::Filtered;

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
    /// Its pattern that is tried on the line.
    part: usize,
}

/// By what a rule takes a line. The order is that in which a line's parts for a rule are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// By what ends an episode: such a line is never a match of the rule.
    Resolution,
    /// By what follows a match: the line may be one itself.
    FollowUp,
    /// By one of its matchers, the first of which that matches gives the captures.
    Matcher(usize),
    /// Only `where` decides.
    Filter,
}

impl By {
    const fn role(self) -> Role {
        match self {
            Self::Resolution => Role::Resolution,
            Self::FollowUp => Role::FollowUp,
            Self::Matcher(_) | Self::Filter => Role::Match,
        }
    }

    /// What must match, all of it; none where `where` decides.
    fn parts(self, rule: &Rule) -> &[Pattern] {
        let parts = match (self, &rule.when) {
            (Self::Resolution, _) => {
                rule.resolve.as_ref().and_then(|resolve| resolve.pattern.as_ref()).map(std::slice::from_ref)
            }
            (Self::FollowUp, When::NotFollowedBy { pattern, .. }) => Some(std::slice::from_ref(pattern)),
            (Self::Matcher(place), _) => rule.patterns.get(place).map(|matcher| &*matcher.parts),
            (Self::FollowUp | Self::Filter, _) => None,
        };
        parts.unwrap_or_default()
    }

    /// All that a rule takes lines by.
    fn all(rule: &Rule) -> impl Iterator<Item = Self> {
        let filter = rule.patterns.is_empty().then_some(Self::Filter);
        let patterns = (0..rule.patterns.len()).map(Self::Matcher);
        let others = [Self::Resolution, Self::FollowUp].into_iter();
        others.filter(|by| !by.parts(rule).is_empty()).chain(patterns).chain(filter)
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
    latest: Latest,
    trails: Trails,
    costs: Costs,
    /// By what rules may take the line that is looked at.
    taken: Vec<Taken>,
    /// What patterns caught of it; kept from line to line for their room.
    places: Vec<Places>,
}

/// By what a rule may take a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Taken {
    rule: RuleId,
    by: By,
    /// Where among the places that is which its pattern caught, if it is known.
    places: Option<usize>,
}

/// A filter for a stream of which some was seen.
#[derive(Debug)]
pub struct Chosen(Arc<Filter>);

/// What scanning cost and could not do, for the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Expressions that could not be evaluated: a missing field, text compared with a number.
    pub expression_errors: u64,
    /// Lines that were parsed and are not what the input's `parse` says.
    pub unparsed: u64,
    /// Lines that a rule would have taken, had they not been older than `max_age`.
    pub too_old: u64,
    /// Processor time of looking for the needles of all rules together, in nanoseconds.
    pub needle_nanos: u64,
}

impl Scanned {
    /// Adds what another stretch of lines could not.
    pub fn add(&mut self, other: Self) {
        self.expression_errors += other.expression_errors;
        self.unparsed += other.unparsed;
        self.too_old += other.too_old;
        self.needle_nanos += other.needle_nanos;
    }
}

/// What the lines of a block have in common.
#[derive(Debug)]
pub struct Lines<'a, T> {
    /// Where they were read.
    pub origin: &'a Arc<Origin>,
    /// When they are read; asked only where a rule may take a line.
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

impl Search {
    /// What is done from now on is timed.
    pub fn time_by(&mut self, stopwatch: Stopwatch) {
        self.costs = Costs::new(self.costs.rules(), Some(stopwatch));
    }

    /// What rules cost since this was taken last.
    pub fn take_costs(&mut self) -> Vec<(RuleId, Cost)> {
        self.costs.take()
    }

    /// The file of these lines holds something else now: what comes next follows none of them.
    pub fn forget(&mut self, origin: &Arc<Origin>) {
        self.trails.forget(origin);
    }

    /// The file of these lines was scanned with `other` until now: what is known of it goes over.
    pub fn adopt(&mut self, origin: &Arc<Origin>, other: &mut Self) {
        self.trails.adopt(origin, &mut other.trails);
        self.latest.adopt(origin, &mut other.latest);
    }

    /// Some of the stream, once, when enough of it was seen to choose what to look for in it. `block` comes next.
    pub fn sample(&mut self, block: &[u8]) -> Option<Vec<u8>> {
        self.sample.add(block)
    }

    /// Finds lines by a filter that the same scanner chose.
    pub fn go_by(&mut self, Chosen(filter): Chosen) {
        self.search = filter.search();
        self.filter = filter;
    }

    /// Finds lines by the filter that `other` has by now, and chooses none itself: they scan one stream.
    pub fn find_as(&mut self, other: &Self) {
        if !Arc::ptr_eq(&self.filter, &other.filter) {
            (self.filter, self.search) = (other.filter.clone(), other.filter.search());
        }
        self.sample = Sample::none();
    }
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
                patterns.push(Owned { rule: id, by, part });
                parsed.push(parts[part].hir());
            }
        }
        let filter = Arc::new(Filter::new(&parsed, None));
        let reaches = rules.iter().filter(|rule| reads(rule)).map(|rule| rule.context);
        let reach = reaches.fold(Reach::default(), Reach::widest);
        Self { rules, host, line, patterns, filter, open, reach }
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
        Search {
            scanned: Scanned::default(),
            filter: self.filter.clone(),
            search: self.filter.search(),
            sample: Sample::new(self.patterns.len()),
            latest: Latest::new(),
            trails: Trails::new(self.reach),
            costs: Costs::new(self.rules.len(), None),
            taken: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The same for a thread that scanned by other rules until now: what lies around its lines is known.
    pub fn go_over(&self, search: &mut Search) {
        let before = std::mem::replace(search, self.search());
        search.trails = before.trails.at_reach(self.reach);
        before.costs.stopwatch().into_iter().for_each(|stopwatch| search.time_by(stopwatch));
    }

    /// The filter for a stream of which `sample` is some: by what is rare in it. With many rules it takes a while.
    pub fn choose(&self, sample: &[u8]) -> Chosen {
        let parsed: Vec<Hir> = self.patterns.iter().map(|owned| self.pattern(owned).hir()).collect();
        Chosen(Arc::new(Filter::new(&parsed, Some(sample))))
    }

    /// Looks at a block, and tells what is in it. [`Scanner::take_block`] comes next, where nothing of it is in the way.
    pub fn look_at(&self, block: &[u8], ends: Ends, search: &mut Search) -> Survey {
        let filter = search.filter.clone();
        let seen = self.find(&filter, block, ends, search);
        seen.map_or_else(|| survey(block), |seen| Survey::new(block, seen))
    }

    /// Looks at a block, and takes it.
    pub fn scan_block<T: Fn() -> Time>(
        &self,
        block: &[u8],
        ends: Ends,
        lines: &Lines<'_, T>,
        search: &mut Search,
        found: impl FnMut(Match),
    ) {
        let filter = search.filter.clone();
        self.find(&filter, block, ends, search);
        self.take_block(block, ends, lines, search, found);
    }

    /// Hands each match of a rule on a line of the block that was looked at last to `found`, in the order of the lines and
    /// of the rules. The lines are whole, and none is longer than what is kept of a line.
    pub fn take_block<T: Fn() -> Time>(
        &self,
        block: &[u8],
        ends: Ends,
        lines: &Lines<'_, T>,
        search: &mut Search,
        mut found: impl FnMut(Match),
    ) {
        let stretch = Stretch { text: block, ends };
        self.enter(stretch, lines, search);
        let filter = search.filter.clone();
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
            let text = Text::new(line.text(block, ends));
            let named = named.iter().map(|candidate| (candidate.pattern, candidate.certainty));
            self.decide(&text, named.chain(unfiltered.clone()), search);
            self.hand_on(&text, false, (stretch, line), lines, search, &mut found);
        }
        search.search.candidates = candidates;
        self.leave(stretch, lines, search);
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
        let stretch = Stretch { text, ends: Ends::Decoded };
        let looked_at = Text::new(text);
        self.enter(stretch, lines, search);
        if memchr::memchr(b'\n', text).is_some() {
            // The filter knows single lines.
            let all = 0..self.patterns.len() as u32;
            self.decide(&looked_at, all.map(|pattern| (pattern, Certainty::Maybe)), search);
        } else {
            let filter = search.filter.clone();
            self.find(&filter, text, Ends::Decoded, search);
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

    /// Lets `filter` find the candidates.
    fn find(&self, filter: &Filter, block: &[u8], ends: Ends, search: &mut Search) -> Option<Passed> {
        let mut lap = search.costs.block(block.len());
        let seen = filter.find(block, ends, &mut search.search, lap.as_mut());
        if lap.is_none() {
            return seen;
        }
        search.scanned.needle_nanos += search.search.needle_nanos;
        for (patterns, nanos) in filter.by_automata(&search.search) {
            for pattern in patterns {
                let rule = self.patterns[*pattern as usize].rule;
                search.costs.spend(rule, nanos / patterns.len() as u64);
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

    fn pattern(&self, owned: &Owned) -> &Pattern {
        &owned.by.parts(&self.rules[owned.rule.0])[owned.part]
    }

    /// Which rules may take `text`, of those whose `patterns` may match it and those that see every line.
    fn decide(&self, text: &Text<'_>, patterns: impl Iterator<Item = (u32, Certainty)>, search: &mut Search) {
        let Search { taken, places, costs, .. } = search;
        taken.clear();
        let mut caught = 0;
        for (pattern, certainty) in patterns {
            let owned = &self.patterns[pattern as usize];
            costs.shown(owned.rule);
            let pattern = self.pattern(owned);
            let mut known = None;
            // What is sure is looked at for its groups.
            if certainty == Certainty::Maybe || !pattern.names.is_empty() {
                if places.len() == caught {
                    places.push(Places::default());
                }
                let lap = costs.look(owned.rule);
                let seen = pattern.see(text, &mut places[caught]);
                costs.looked(owned.rule, lap);
                match seen {
                    Seen::Nothing => continue,
                    Seen::Match => {}
                    Seen::Caught => {
                        known = Some(caught);
                        caught += 1;
                    }
                }
            }
            taken.push(Taken { rule: owned.rule, by: owned.by, places: known });
        }
        for (rule, by) in self.open.iter().copied() {
            costs.shown(rule);
            taken.push(Taken { rule, by, places: None });
        }
        taken.sort_unstable();
    }

    fn hand_on<T: Fn() -> Time>(
        &self,
        text: &Text<'_>,
        truncated: bool,
        (stretch, line): (Stretch<'_>, Line),
        lines: &Lines<'_, T>,
        search: &mut Search,
        found: &mut impl FnMut(Match),
    ) {
        let Search { scanned, taken, places, latest, trails, costs, .. } = search;
        let mut look =
            Look { scanner: self, text, truncated, lines, scanned, latest, event: None, too_old: false };
        // Whose match is decided: by the first of its matchers that matches, or because the line ends an episode.
        let mut decided = None;
        // Of the line, whichever rules take it.
        let mut around = None;
        for Taken { rule: id, by, places: caught } in taken.iter().copied() {
            let caught = caught.map(|caught| &places[caught]);
            let (rule, role) = (&self.rules[id.0], by.role());
            if role == Role::Match && decided == Some(id) {
                continue;
            }
            let lap = costs.look(id);
            let matches = look.rest_matches(rule, by.parts(rule));
            if matches && role != Role::FollowUp {
                decided = Some(id);
            }
            let is_ignored = |look: &mut Look<'_, T>| {
                role == Role::Match && rule.ignore.iter().any(|matcher| look.matches(rule, &matcher.parts))
            };
            let takes = matches && !is_ignored(&mut look);
            let taken = if takes { look.take(id, rule, role, by.parts(rule), caught) } else { None };
            costs.looked(id, lap);
            let Some(mut taken) = taken else { continue };
            if look.too_old {
                look.scanned.too_old += 1;
                break;
            }
            if role == Role::Match && !rule.context.is_empty() {
                let new = || trails.around(lines.origin, stretch, line, (lines.time)());
                taken.around = Some(around.get_or_insert_with(new).clone());
            }
            found(taken);
        }
        taken.clear();
    }
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
