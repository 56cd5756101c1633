//! What is the same for all alerts of a message.

use std::fmt;

use crate::flavor::Flavor;
use crate::mention::Held;
use crate::rule::Rule;

/// Finds a rule by its name; `None`: it is gone after a reload.
type Rules<'r> = dyn Fn(&str) -> Option<&'r Rule> + 'r;

/// What a message is drawn with, beside its alerts.
#[derive(Clone, Copy)]
pub struct Frame<'r> {
    /// For templates and colours; without its rule an alert is drawn with the defaults.
    pub rules: &'r Rules<'r>,
    /// This machine's name.
    pub host: &'r str,
    /// What its receiver is.
    pub flavor: Flavor,
    /// Why it may not call everybody that its alerts would call.
    pub held: Option<Held>,
}

impl<'r> Frame<'r> {
    /// For Slack, with all mentions.
    pub fn slack(rules: &'r Rules<'r>, host: &'r str) -> Self {
        Self { rules, host, flavor: Flavor::Slack, held: None }
    }

    /// The rule of that name.
    pub(super) fn rule(&self, name: &str) -> Option<&'r Rule> {
        (self.rules)(name)
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rules: _, host, flavor, held } = self;
        f.debug_struct("Frame")
            .field("host", host)
            .field("flavor", flavor)
            .field("held", held)
            .finish_non_exhaustive()
    }
}
