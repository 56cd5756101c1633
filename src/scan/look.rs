//! A line that rules look at, one after another: parsed and copied when the first of them needs it.

use std::sync::Arc;

use crate::captures::Captures;
use crate::event::{Event, Match, Parse, Role, RuleId, Texts};
use crate::fields::Fields;
use crate::pattern::{Places, Text};
use crate::rule::{Pattern, Rule, Severity};
use crate::time::Time;

use super::latest::Latest;
use super::{Lines, Scanned, Scanner, looks_at_line, part_on_line};

/// One line, and what is known of it.
pub(super) struct Look<'a, T> {
    pub(super) scanner: &'a Scanner,
    pub(super) text: &'a Text<'a>,
    pub(super) truncated: bool,
    pub(super) lines: &'a Lines<'a, T>,
    pub(super) scanned: &'a mut Scanned,
    pub(super) latest: &'a mut Latest,
    pub(super) event: Option<Arc<Event>>,
    /// Its own time is older than the input's `max_age`; known with the event.
    pub(super) too_old: bool,
}

impl<T: Fn() -> Time> Look<'_, T> {
    /// Whether all parts of a matcher match.
    pub(super) fn matches(&mut self, rule: &Rule, parts: &[Pattern]) -> bool {
        parts.iter().all(|part| self.part_matches(rule, part))
    }

    /// The same of one whose part on the line has matched before.
    pub(super) fn rest_matches(&mut self, rule: &Rule, parts: &[Pattern]) -> bool {
        let tried = part_on_line(parts, &self.scanner.line);
        let mut rest = parts.iter().enumerate().filter(|(part, _)| Some(*part) != tried);
        rest.all(|(_, part)| self.part_matches(rule, part))
    }

    fn part_matches(&mut self, rule: &Rule, part: &Pattern) -> bool {
        if looks_at_line(part, &self.scanner.line) {
            return part.is_match(self.text);
        }
        let event = self.event();
        let subject = fields(self.scanner, rule, &event, Captures::NONE).subject(&part.on);
        subject.is_some_and(|text| part.is_match(&Text::new(&text)))
    }

    /// What a line of which `parts` match is to a rule; a match only if its severity is high enough and `where` holds.
    /// `places` are what the part on the line caught, where that is known.
    pub(super) fn take(
        &mut self,
        id: RuleId,
        rule: &Rule,
        role: Role,
        parts: &[Pattern],
        places: Option<&Places>,
    ) -> Option<Match> {
        let event = self.event();
        let captures = self.captures(rule, &event, parts, places);
        let fields = fields(self.scanner, rule, &event, &captures);
        let level = fields.level();
        let severity = if role == Role::Match { level? } else { level.unwrap_or(rule.severity) };
        if let Some(filter) = rule.filter.as_ref().filter(|_| role == Role::Match) {
            let holds = filter.holds(&Fields { severity, ..fields }).unwrap_or_else(|_| {
                self.scanned.expression_errors += 1;
                false
            });
            if !holds {
                return None;
            }
        }
        Some(Match { rule: id, role, event, captures, severity, around: None })
    }

    /// The match of a rule that takes all that its patterns match: `places` are what this one caught.
    pub(super) fn take_plain(
        &mut self,
        id: RuleId,
        severity: Severity,
        pattern: &Pattern,
        places: &Places,
    ) -> Match {
        let event = self.event();
        let captures = Captures::of_line(pattern, places, &event.line);
        Match { rule: id, role: Role::Match, event, captures, severity, around: None }
    }

    fn captures(&self, rule: &Rule, event: &Event, parts: &[Pattern], places: Option<&Places>) -> Captures {
        let mut with_names = parts.iter().enumerate().filter(|(_, part)| !part.names.is_empty());
        let (first, second) = (with_names.next(), with_names.next());
        match (first, second, places) {
            (None, ..) => Captures::default(),
            (Some((at, part)), None, Some(places)) if part_on_line(parts, &self.scanner.line) == Some(at) => {
                Captures::of_line(part, places, &event.line)
            }
            _ => {
                let caught = |part| fields(self.scanner, rule, event, Captures::NONE).captures_of(part);
                parts.iter().flat_map(caught).collect::<Texts>().into()
            }
        }
    }

    fn event(&mut self) -> Arc<Event> {
        if let Some(event) = &self.event {
            return event.clone();
        }
        let Self { scanner, text, truncated, lines, .. } = self;
        let now = (lines.time)();
        let (mut event, own) = scanner.line.event(text.bytes(), *truncated, lines.origin, now);
        if let Some(own) = own {
            self.too_old = scanner.line.max_age.is_some_and(|max| now.since(own) > max);
            event.time = self.latest.see(lines.origin, event.time);
        }
        self.scanned.unparsed += u64::from(event.parse == Parse::Failed);
        self.event.insert(Arc::new(event)).clone()
    }
}

fn fields<'a>(scanner: &'a Scanner, rule: &'a Rule, event: &'a Event, captures: &'a Captures) -> Fields<'a> {
    Fields { rule, event, captures, severity: rule.severity, host: &scanner.host }
}
