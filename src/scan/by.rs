//! What lines are to a rule: by its matchers, by what ends an episode, by what follows a match.

use crate::event::Role;
use crate::rule::{Pattern, Rule, When};

/// By what a rule takes a line. The order is that in which a line's parts for a rule are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
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
    pub(super) const fn role(self) -> Role {
        match self {
            Self::Resolution => Role::Resolution,
            Self::FollowUp => Role::FollowUp,
            Self::Matcher(_) | Self::Filter => Role::Match,
        }
    }

    /// What must match, all of it; none where `where` decides.
    pub(super) fn parts(self, rule: &Rule) -> &[Pattern] {
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
    pub(super) fn all(rule: &Rule) -> impl Iterator<Item = Self> {
        let filter = rule.patterns.is_empty().then_some(Self::Filter);
        let patterns = (0..rule.patterns.len()).map(Self::Matcher);
        let others = [Self::Resolution, Self::FollowUp].into_iter();
        others.filter(|by| !by.parts(rule).is_empty()).chain(patterns).chain(filter)
    }
}
