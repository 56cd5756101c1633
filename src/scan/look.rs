//! A line that rules look at, one after another: parsed and copied when the first of them needs it.

use std::sync::Arc;

use crate::event::{Event, Match, Parse, Role, RuleId, Texts};
use crate::fields::Fields;
use crate::rule::{Matcher, Pattern, Rule};
use crate::time::Time;

use super::latest::Latest;
use super::{By, Lines, Scanned, Scanner, looks_at_line, part_on_line};

/// One line, and what is known of it.
pub(super) struct Look<'a, T> {
    pub(super) scanner: &'a Scanner,
    pub(super) text: &'a [u8],
    pub(super) truncated: bool,
    pub(super) lines: &'a Lines<'a, T>,
    pub(super) scanned: &'a mut Scanned,
    pub(super) latest: &'a mut Latest,
    pub(super) event: Option<Arc<Event>>,
    /// Its own time is older than the input's `max_age`; known with the event.
    pub(super) too_old: bool,
}

impl<T: Fn() -> Time> Look<'_, T> {
    /// Whether all parts of `matcher` match.
    pub(super) fn matches(&mut self, rule: &Rule, matcher: &Matcher) -> bool {
        matcher.parts.iter().all(|part| self.part_matches(rule, part))
    }

    /// Whether `rule` takes the line by `by`, of which what could be tried on the line alone has matched before.
    pub(super) fn is_taken(&mut self, rule: &Rule, by: By) -> bool {
        match (by.matcher(rule), by.other(rule)) {
            (Some(matcher), _) => self.rest_matches(rule, matcher),
            (None, Some(other)) => looks_at_line(other, &self.scanner.line) || self.part_matches(rule, other),
            (None, None) => true,
        }
    }

    /// Whether all parts of `matcher` match, of which the one on the line has matched before.
    fn rest_matches(&mut self, rule: &Rule, matcher: &Matcher) -> bool {
        let tried = part_on_line(matcher, &self.scanner.line);
        let mut rest = matcher.parts.iter().enumerate().filter(|(part, _)| Some(*part) != tried);
        rest.all(|(_, part)| self.part_matches(rule, part))
    }

    fn part_matches(&mut self, rule: &Rule, part: &Pattern) -> bool {
        if looks_at_line(part, &self.scanner.line) {
            return part.regex.is_match(self.text);
        }
        let event = self.event();
        let subject = fields(self.scanner, rule, &event, &[]).subject(&part.on);
        subject.is_some_and(|text| part.regex.is_match(&text))
    }

    /// The match of a rule that takes the line by `by`, if its severity is high enough and its `where` holds. Neither
    /// is asked of what ends or follows.
    pub(super) fn take(&mut self, id: RuleId, rule: &Rule, by: By) -> Option<Match> {
        let (event, role) = (self.event(), by.role());
        let parts = match by.matcher(rule) {
            Some(matcher) => &*matcher.parts,
            None => by.other(rule).map(std::slice::from_ref).unwrap_or_default(),
        };
        let caught = |part| fields(self.scanner, rule, &event, &[]).captures_of(part);
        let captures: Texts = parts.iter().flat_map(caught).collect();
        if role != Role::Match {
            return Some(Match { rule: id, role, event, captures, severity: rule.severity });
        }
        let fields = fields(self.scanner, rule, &event, &captures);
        let severity = fields.level()?;
        if let Some(filter) = &rule.filter {
            let holds = filter.holds(&Fields { severity, ..fields }).unwrap_or_else(|_| {
                self.scanned.expression_errors += 1;
                false
            });
            if !holds {
                return None;
            }
        }
        Some(Match { rule: id, role, event, captures, severity })
    }

    fn event(&mut self) -> Arc<Event> {
        if let Some(event) = &self.event {
            return event.clone();
        }
        let Self { scanner, text, truncated, lines, .. } = self;
        let now = (lines.time)();
        let (mut event, own) = scanner.line.event(text, *truncated, lines.origin, now);
        if let Some(own) = own {
            self.too_old = scanner.line.max_age.is_some_and(|max| now.since(own) > max);
            event.time = self.latest.see(lines.origin, event.time);
        }
        self.scanned.unparsed += u64::from(event.parse == Parse::Failed);
        self.event.insert(Arc::new(event)).clone()
    }
}

fn fields<'a>(
    scanner: &'a Scanner,
    rule: &'a Rule,
    event: &'a Event,
    captures: &'a [(Arc<str>, Arc<str>)],
) -> Fields<'a> {
    Fields { rule, event, captures, severity: rule.severity, host: &scanner.host }
}
