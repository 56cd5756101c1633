//! Which rules take a line, of those whose patterns may match it: here the patterns decide, one by one.

use crate::event::{Match, Role, RuleId};
use crate::pattern::{Places, Seen, Text};
use crate::time::Time;

use super::Scanner;
use super::block::{Line, Lines};
use super::by::By;
use super::filter::Certainty;
use super::look::Look;
use super::search::Search;
use super::trail::Stretch;

/// By what a rule may take a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Taken {
    rule: RuleId,
    by: By,
    /// Where among the places that is which its pattern caught, if it is known.
    places: Option<usize>,
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
