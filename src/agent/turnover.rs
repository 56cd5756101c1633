//! The one point at which other rules take the place of those that hold: between two batches, in the engine's thread.
//!
//! Readers go over to the new rules after that, each at its own time. What one of them still brings of the rules of
//! before is taken by the rules of the same names.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::engine::{Reloaded, Silence};
use crate::event::{InputState, Match, Role};
use crate::rule::{Rule, When as RuleWhen};
use crate::rules::Rules;
use crate::store::WriteError;

use super::decide::{Decider, Finish, When};

/// What a reload brings to the engine's thread.
#[derive(Debug)]
pub(super) struct Turnover {
    pub(super) rules: Arc<[Rule]>,
    pub(super) host: Arc<str>,
    /// Keys a rule.
    pub(super) keys_max: usize,
    pub(super) silences: Vec<Silence>,
    /// Inputs of files that were not read before.
    pub(super) new_files: Vec<Arc<str>>,
    /// Brings what became of the rules of before.
    pub(super) done: oneshot::Sender<Reloaded>,
}

/// The way to the engine's thread for a turnover, and its end there. One is under way at a time.
pub(super) fn way() -> (SyncSender<Turnover>, Receiver<Turnover>) {
    sync_channel(1)
}

impl Decider {
    /// Other rules hold from here on, if some have come.
    pub(super) fn turn_over(&mut self) -> Result<Finish, WriteError> {
        let Ok(turnover) = self.turnovers.try_recv() else { return Ok(Finish::Whole) };
        let began = Instant::now();
        // What was decided so far has the secrets that the rules of before take out.
        if self.commit(When::Now)? == Finish::GaveUp {
            return Ok(Finish::GaveUp);
        }
        let Turnover { rules, host, keys_max, silences, new_files, done } = turnover;
        let now = self.clock.now();
        let is_gone = |name: &str| !rules.iter().any(|rule| &*rule.name == name);
        let unfinished = self.unfinished.take_of(is_gone, now);
        self.store.finish(&self.without_secrets(unfinished))?;
        let reloaded = self.engine.reload(rules.clone(), host, keys_max, now);
        let cost_before = |rule: &Rule| self.rules.place(&rule.name).map(|place| self.costs[place.0]);
        self.costs = rules.iter().map(|rule| cost_before(rule).unwrap_or_default()).collect();
        self.rules = Rules::new(rules);
        for rule in reloaded.anew.iter().chain(&reloaded.gone) {
            self.counted_before.remove(rule);
        }
        for input in &new_files {
            self.engine.input(input, InputState::Behind, now);
        }
        self.silences.configure(silences);
        self.engine.silence(self.silences.all(), now);
        self.unstored.since.get_or_insert_with(Instant::now);
        self.happened();
        tracing::debug!(took = ?began.elapsed(), "the engine has gone over to other rules");
        // Whoever asked may have given up waiting.
        let _ = done.send(reloaded);
        Ok(Finish::Whole)
    }
}

/// The matches of `theirs` as matches of `ours`, by the names of the rules.
pub(super) fn of_these(matches: Vec<Match>, theirs: &Arc<[Rule]>, ours: &Rules) -> Vec<Match> {
    if Arc::ptr_eq(theirs, ours.all()) {
        return matches;
    }
    let of_ours = |found: Match| {
        let rule = ours.place_of(theirs, found.rule)?;
        takes(&ours.all()[rule.0], found.role).then_some(Match { rule, ..found })
    };
    matches.into_iter().filter_map(of_ours).collect()
}

/// Whether a rule still has what a line was found for.
fn takes(rule: &Rule, role: Role) -> bool {
    match role {
        Role::Match => true,
        Role::Resolution => rule.resolve.as_ref().is_some_and(|resolve| resolve.pattern.is_some()),
        Role::FollowUp => matches!(rule.when, RuleWhen::NotFollowedBy { .. }),
    }
}
