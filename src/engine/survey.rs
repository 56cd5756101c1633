//! The open episodes as somebody sees them who looks on.

use std::cmp::Reverse;

use crate::rule::Rule;

use super::Engine;
use super::alert::{Alert, Kind};
use super::episode::Episode;
use super::records::Redact;

/// The episodes that are open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// How many there are of each rule, in the order of the rules.
    pub open: Vec<u64>,
    /// Some of them, the gravest and the latest first, each as a summary would tell it now.
    pub shown: Vec<Alert>,
}

impl Engine {
    /// The open episodes, of which at most `shown_max` are drawn; without secrets.
    pub fn survey(&self, shown_max: usize, redact: Redact<'_>) -> Survey {
        let mut open = Vec::with_capacity(self.states.len());
        let mut all: Vec<(&Rule, &Episode)> = Vec::new();
        for (rule, state) in self.rules.iter().zip(&self.states) {
            let before = all.len();
            let episodes = state.episodes.iter().map(|(_, episode)| episode);
            all.extend(episodes.filter(|episode| episode.is_open()).map(|episode| (rule, episode)));
            open.push((all.len() - before) as u64);
        }
        let weight = |(_, episode): &(&Rule, &Episode)| Reverse((episode.severity, episode.last_occurrence));
        if all.len() > shown_max {
            all.select_nth_unstable_by_key(shown_max, weight);
            all.truncate(shown_max);
        }
        all.sort_by_key(weight);
        let shown = all.into_iter().map(|(rule, episode)| {
            let mut alert = episode.draft(Kind::Summary, rule, &self.host, self.now);
            redact(&mut alert, rule);
            alert
        });
        Survey { open, shown: shown.collect() }
    }
}
