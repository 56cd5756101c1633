//! Which rules take a line, of those whose patterns may match it: here the patterns decide, one by one.

use crate::event::{Match, Role, RuleId};
use crate::pattern::{Places, Seen, Text};
use crate::time::Time;

use super::block::{Line, Lines};
use super::by::By;
use super::filter::Certainty;
use super::look::Look;
use super::search::Search;
use super::trail::Stretch;
use super::{Owned, Scanner};

/// By what a rule may take a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Taken {
    rule: RuleId,
    by: By,
    /// What its pattern caught, if it is known.
    caught: Option<Caught>,
}

/// What a pattern caught of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Caught {
    pattern: u32,
    /// Where among the places they are.
    places: usize,
}

impl Scanner {
    /// Which rules may take `text`, of those whose `patterns` may match it and those that see every line.
    pub(super) fn decide(
        &self,
        text: &Text<'_>,
        patterns: impl Iterator<Item = (u32, Certainty)>,
        search: &mut Search,
    ) {
        let Search { taken, places, costs, .. } = search;
        taken.clear();
        let mut caught = 0;
        for (number, certainty) in patterns {
            let owned @ Owned { pattern, .. } = &self.patterns[number as usize];
            costs.shown(owned.rule);
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
                        known = Some(Caught { pattern: number, places: caught });
                        caught += 1;
                    }
                }
            }
            taken.push(Taken { rule: owned.rule, by: owned.by, caught: known });
        }
        for (rule, by) in self.open.iter().copied() {
            costs.shown(rule);
            taken.push(Taken { rule, by, caught: None });
        }
        taken.sort_unstable();
    }

    pub(super) fn hand_on<T: Fn() -> Time>(
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
        for Taken { rule: id, by, caught } in taken.iter().copied() {
            let role = by.role();
            if role == Role::Match && decided == Some(id) {
                continue;
            }
            let lap = costs.look(id);
            let taken = match (role, self.plain[id.0], caught) {
                (Role::Match, Some(severity), Some(Caught { pattern, places: at })) => {
                    decided = Some(id);
                    let pattern = &self.patterns[pattern as usize].pattern;
                    Some(look.take_plain(id, severity, pattern, &places[at]))
                }
                _ => {
                    let rule = &self.rules[id.0];
                    let matches = look.rest_matches(rule, by.parts(rule));
                    if matches && role != Role::FollowUp {
                        decided = Some(id);
                    }
                    let mut is_ignored = || {
                        let mut ignore = rule.ignore.iter();
                        role == Role::Match && ignore.any(|matcher| look.matches(rule, &matcher.parts))
                    };
                    let places = caught.map(|caught| &places[caught.places]);
                    let takes = matches && !is_ignored();
                    if takes { look.take(id, rule, role, by.parts(rule), places) } else { None }
                }
            };
            costs.looked(id, lap);
            let Some(mut taken) = taken else { continue };
            if look.too_old {
                look.scanned.too_old += 1;
                break;
            }
            let shows_around = self.plain[id.0].is_none() && !self.rules[id.0].context.is_empty();
            if role == Role::Match && shows_around {
                let new = || trails.around(lines.origin, stretch, line, (lines.time)());
                taken.around = Some(around.get_or_insert_with(new).clone());
            }
            found(taken);
        }
        taken.clear();
    }
}
