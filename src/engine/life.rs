//! The life of a rule's episodes: opening, messages, resolution, and coming back.

use std::time::Duration;

use crate::event::{Match, Texts};
use crate::fields::Fields;
use crate::rule::{Dedup, Mention, Severity, Side, StepAt, When};
use crate::time::Time;

use super::alert::{Alert, EpisodeId, Kind, Still};
use super::episode::{Episode, Phase};
use super::key::Key;
use super::last::Last;
use super::outlet::{Outlet, fingerprint, fingerprint_fields};
use super::rule_state::{Cause, RuleState, number_text, value_of};
use super::timers::Due;
use super::when::Met;

/// From this reopening on, none is posted, and a resolution only once it has stood.
const FLAPPING_FROM: u64 = 3;

/// How soon a step by the clock is tried again that a silence holds back.
const RETRY: Duration = Duration::from_secs(60);

/// What just happened to an open episode.
#[derive(Debug, Clone, Copy)]
pub(super) struct After<'a> {
    /// An alert came; else a mere occurrence.
    pub(super) alert: bool,
    /// The key of `when` for which it holds, where it does.
    pub(super) holder: Option<&'a Key>,
    pub(super) cause: Cause,
}

impl RuleState {
    /// An alert opens an episode.
    pub(super) fn open(
        &mut self,
        fingerprint: &Key,
        met: Met,
        last: Option<Last>,
        holder: Option<&Key>,
        cause: Cause,
        out: &mut Outlet<'_>,
    ) {
        let key = last.as_ref().map(|last| last.key(out.rule, out.host)).unwrap_or_default();
        let id = EpisodeId(out.next_id(&key));
        let mut episode = Episode::open(id, key, met, last, out.rule, out.now);
        let mut mention = out.rule.look(episode.severity).mention.clone();
        episode.suppressed = self.folded.remove(fingerprint).unwrap_or(0);
        // A step that the opening reaches is part of it.
        let reached = episode.reached(&out.rule.escalate, true, out.now);
        if let Some(step) = episode.escalate(&out.rule.escalate, &reached) {
            let more = step.mention.iter().filter(|whom| !mention.contains(whom)).cloned();
            mention.extend(more.collect::<Vec<_>>());
        }
        self.counters.keys_forgotten += self.episodes.put(fingerprint.clone(), episode);
        if let Some(holder) = holder {
            self.hold(holder, fingerprint);
        }
        self.post(fingerprint, Kind::Opened, mention, cause, out);
        if out.rule.dedup.is_none() {
            self.episodes.remove(fingerprint);
            holder.map(|holder| self.holders.remove(holder));
            return;
        }
        self.arm_episode(fingerprint, out);
    }

    /// An alert soon after a resolution. Returns whether it is posted.
    pub(super) fn reopen(
        &mut self,
        fingerprint: &Key,
        met: Met,
        last: Option<Last>,
        cause: Cause,
        out: &mut Outlet<'_>,
    ) -> bool {
        let (Some(dedup), Some(episode)) = (&out.rule.dedup, self.episodes.see(fingerprint)) else {
            return false;
        };
        let by_shape = fingerprint_fields(out.rule).is_none();
        episode.reopen(met, last, dedup, by_shape, out.now);
        let is_posted = episode.reopened < FLAPPING_FROM;
        if is_posted {
            self.post(fingerprint, Kind::Reopened, Vec::new(), cause, out);
        } else {
            self.restart_window(fingerprint, out);
        }
        self.arm_episode(fingerprint, out);
        is_posted
    }

    /// After an occurrence or an alert of an open episode: a step that was reached, and what was quiet is told at once.
    pub(super) fn after(&mut self, fingerprint: &Key, after: After<'_>, out: &mut Outlet<'_>) {
        let After { alert, holder, cause } = after;
        if let Some(holder) = holder {
            self.hold(holder, fingerprint);
        }
        let Some(episode) = self.episodes.peek(fingerprint).filter(|episode| episode.is_open()) else {
            return;
        };
        let is_quiet = episode.window_since.is_none();
        let reached = episode.reached(&out.rule.escalate, alert, out.now);
        if !reached.is_empty() && self.take_steps(fingerprint, &reached, cause, out) {
            return;
        }
        if alert && is_quiet {
            self.tell_summary(fingerprint, cause, out);
        }
    }

    /// Takes the steps that were `reached`; returns whether their message went out.
    fn take_steps(
        &mut self,
        fingerprint: &Key,
        reached: &[usize],
        cause: Cause,
        out: &mut Outlet<'_>,
    ) -> bool {
        let last = self.episodes.peek(fingerprint).and_then(|episode| episode.last.as_ref());
        if self.silence(last, out).is_some() {
            return false;
        }
        let Some(episode) = self.episodes.change(fingerprint) else { return false };
        let Some(step) = episode.escalate(&out.rule.escalate, reached) else { return false };
        self.post(fingerprint, Kind::Escalated, step.mention.clone(), cause, out);
        true
    }

    /// Notes that an alert of a key of `when` holds.
    fn hold(&mut self, holder: &Key, fingerprint: &Key) {
        if self.holders.peek(holder).is_some() {
            return;
        }
        self.counters.keys_forgotten += self.holders.put(holder.clone(), fingerprint.clone());
        if let Some(episode) = self.episodes.change(fingerprint) {
            episode.holding += 1;
        }
    }

    /// What held for a key of `when` is over; with the last of its keys an episode is resolved.
    pub(super) fn over(&mut self, holder: &Key, out: &mut Outlet<'_>) {
        let Some(fingerprint) = self.holders.remove(holder) else { return };
        let Some(episode) = self.episodes.change(&fingerprint) else { return };
        episode.holding = episode.holding.saturating_sub(1);
        if episode.holding == 0 && episode.is_open() {
            self.resolve(&fingerprint, out);
        }
    }

    /// An event that `resolve` names: it ends the episode of its key, or without `by` all of the rule's.
    pub(super) fn resolve_by(&mut self, found: &Match, out: &mut Outlet<'_>) {
        if fingerprint_fields(out.rule).is_some_and(|by| !by.is_empty()) {
            // Where the severity is read from a field, what ends a problem has another one.
            let severities =
                if out.rule.severity_from.is_some() { &Severity::ALL[..] } else { &[found.severity] };
            for severity in severities {
                let fields = Fields { severity: *severity, ..out.fields(found) };
                let fingerprint = fingerprint(out.rule, &fields);
                if self.episodes.peek(&fingerprint).is_some_and(Episode::is_open) {
                    self.resolve(&fingerprint, out);
                }
            }
            return;
        }
        let mut open: Vec<(Time, Key)> = self
            .episodes
            .iter()
            .filter(|(_, episode)| episode.is_open())
            .map(|(key, episode)| (episode.opened, key.clone()))
            .collect();
        open.sort();
        let from = out.alerts.len();
        open.iter().for_each(|(_, fingerprint)| self.resolve(fingerprint, out));
        put_together(out.alerts, from);
    }

    /// The problem is over.
    pub(super) fn resolve(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        let Some(dedup) = &out.rule.dedup else { return };
        let Some(episode) = self.episodes.change(fingerprint) else { return };
        let flaps = episode.reopened >= FLAPPING_FROM;
        episode.phase = if flaps { Phase::Settling(out.now) } else { Phase::Resolved(out.now) };
        episode.window_since = None;
        if !flaps {
            self.post(fingerprint, Kind::Resolved, Vec::new(), Cause::Instant, out);
        }
        out.timer(out.now + dedup.window, Due::Resolution, fingerprint);
    }

    /// The window of an episode is up: it tells what it folded, goes quiet, or closes.
    pub(super) fn window_up(&mut self, fingerprint: &Key, at: Time, out: &mut Outlet<'_>) {
        let Some(dedup) = &out.rule.dedup else { return };
        let is_up = |episode: &&Episode| episode.is_open() && episode.window_up() == Some(at);
        let Some(episode) = self.episodes.peek(fingerprint).filter(is_up) else { return };
        let holds = episode.holding > 0;
        if !holds && !episode.alerted {
            return self.end_quietly(fingerprint, dedup, out);
        }
        if !dedup.summary {
            match holds || out.rule.resolve.is_some() {
                true => self.restart_window(fingerprint, out),
                false => self.close(fingerprint, dedup),
            }
        } else if self.silence(episode.last.as_ref(), out).is_some() {
            self.restart_window(fingerprint, out);
        } else {
            self.tell_summary(fingerprint, Cause::Instant, out);
        }
    }

    /// No alert came in the window: what only a resolution closes stays, quiet.
    fn end_quietly(&mut self, fingerprint: &Key, dedup: &Dedup, out: &Outlet<'_>) {
        match self.episodes.change(fingerprint) {
            Some(episode) if out.rule.resolve.is_some() => episode.window_since = None,
            _ => self.close(fingerprint, dedup),
        }
    }

    fn close(&mut self, fingerprint: &Key, dedup: &Dedup) {
        let Some(episode) = self.episodes.remove(fingerprint) else { return };
        if !dedup.summary && episode.suppressed > 0 {
            self.counters.keys_forgotten += self.folded.put(fingerprint.clone(), episode.suppressed);
        }
    }

    /// A resolution is due, or has stood for long enough, or was long enough ago.
    pub(super) fn resolution_due(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        let (Some(dedup), Some(episode)) = (&out.rule.dedup, self.episodes.peek(fingerprint)) else { return };
        match episode.phase {
            Phase::Open => {
                let Some((at, is_told)) = self.ends_at(episode, out) else { return };
                match (at <= out.now, is_told) {
                    (false, _) => out.timer(at, Due::Resolution, fingerprint),
                    (true, true) => self.resolve(fingerprint, out),
                    (true, false) => drop(self.episodes.remove(fingerprint)),
                }
            }
            Phase::Resolved(at) if at + dedup.window <= out.now => drop(self.episodes.remove(fingerprint)),
            Phase::Settling(at) if at + dedup.window <= out.now => {
                self.post(fingerprint, Kind::Resolved, Vec::new(), Cause::Instant, out);
                self.episodes.remove(fingerprint);
            }
            Phase::Resolved(_) | Phase::Settling(_) => {}
        }
    }

    /// When an open episode that stays quiet ends, and whether that is told.
    fn ends_at(&self, episode: &Episode, out: &Outlet<'_>) -> Option<(Time, bool)> {
        let (resolve, dedup) = (out.rule.resolve.as_ref()?, out.rule.dedup.as_ref()?);
        Some(match resolve.after {
            Some(after) => (episode.last_occurrence + after, true),
            None => (episode.last_alert + dedup.max, false),
        })
    }

    /// Sets the timers of an episode.
    pub(super) fn arm_episode(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        let (Some(dedup), Some(episode)) = (&out.rule.dedup, self.episodes.peek(fingerprint)) else { return };
        match episode.phase {
            Phase::Open => {
                if let Some(up) = episode.window_up() {
                    out.timer(up, Due::Window, fingerprint);
                }
                if let Some((at, _)) = self.ends_at(episode, out) {
                    out.timer(at, Due::Resolution, fingerprint);
                }
                if out.rule.when.lasts() {
                    for step in &out.rule.escalate {
                        if let StepAt::After(after) = step.at {
                            out.timer(episode.opened + after, Due::Escalation, fingerprint);
                        }
                    }
                }
            }
            Phase::Resolved(at) | Phase::Settling(at) => {
                out.timer(at + dedup.window, Due::Resolution, fingerprint);
            }
        }
    }

    /// An alert that holds has lasted for long enough for a step.
    pub(super) fn escalation_due(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        let holds = |episode: &&Episode| episode.is_open() && episode.holding > 0;
        let Some(episode) = self.episodes.peek(fingerprint).filter(holds) else { return };
        let reached = episode.reached(&out.rule.escalate, true, out.now);
        if reached.is_empty() {
            return;
        }
        if self.silence(episode.last.as_ref(), out).is_some() {
            return out.timer(out.now + RETRY, Due::Escalation, fingerprint);
        }
        let Some(episode) = self.episodes.change(fingerprint) else { return };
        if let Some(step) = episode.escalate(&out.rule.escalate, &reached) {
            self.post(fingerprint, Kind::Escalated, step.mention.clone(), Cause::Instant, out);
        }
    }

    /// A summary, where the throttle lets it pass.
    fn tell_summary(&mut self, fingerprint: &Key, cause: Cause, out: &mut Outlet<'_>) {
        let (Some(dedup), Some(episode)) = (&out.rule.dedup, self.episodes.peek(fingerprint)) else { return };
        if !dedup.summary {
            self.restart_window(fingerprint, out);
        } else if self.throttle_grants(episode.last.as_ref(), out) {
            self.lengthen(fingerprint, dedup);
            self.post(fingerprint, Kind::Summary, Vec::new(), cause, out);
        } else {
            let key: Texts = episode.key.clone();
            self.hold_back(&key, out);
            self.restart_window(fingerprint, out);
        }
    }

    /// A summary, also where the throttle would hold it back.
    pub(super) fn summarize(&mut self, fingerprint: &Key, dedup: &Dedup, out: &mut Outlet<'_>) {
        self.lengthen(fingerprint, dedup);
        self.post(fingerprint, Kind::Summary, Vec::new(), Cause::Instant, out);
    }

    fn lengthen(&mut self, fingerprint: &Key, dedup: &Dedup) {
        if let Some(episode) = self.episodes.change(fingerprint) {
            episode.lengthen(dedup);
        }
    }

    /// Hands on a message of the episode and starts its window again.
    fn post(
        &mut self,
        fingerprint: &Key,
        kind: Kind,
        mention: Vec<Mention>,
        cause: Cause,
        out: &mut Outlet<'_>,
    ) {
        let held_back = self.held.take();
        let holder = self.holder_of(fingerprint, out);
        let value = holder.as_ref().and_then(|holder| value_of(&self.when, out.rule, holder));
        let Some(episode) = self.episodes.change(fingerprint) else { return };
        let draft = episode.draft(kind, out.rule, out.host, out.now);
        let age = episode.last.as_ref().map(|last| out.now.since(last.time()));
        let late = age.filter(|age| cause == Cause::Match && *age > out.rule.late);
        let is_reminder = kind == Kind::Summary && episode.holding > 0;
        let alert = Alert {
            mention: if late.is_some() { Vec::new() } else { mention },
            held_back,
            late,
            lasted: draft.lasted + missed_before(&out.rule.when),
            still: is_reminder.then(|| still(&out.rule.when)).flatten(),
            value,
            input_ended: cause == Cause::End,
            ..draft
        };
        episode.posted(out.now);
        let is_open = episode.is_open();
        out.post(alert);
        if is_open {
            self.restart_window(fingerprint, out);
        }
    }

    /// A key of `when` that holds in this episode, where its number is wanted.
    fn holder_of(&self, fingerprint: &Key, out: &Outlet<'_>) -> Option<Key> {
        matches!(out.rule.when, When::Level(_)).then_some(())?;
        // Nearly always the two keys are the same.
        if self.holders.peek(fingerprint) == Some(fingerprint) {
            return Some(fingerprint.clone());
        }
        self.holders.iter().find(|(_, of)| *of == fingerprint).map(|(holder, _)| holder.clone())
    }

    pub(super) fn restart_window(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        if out.rule.dedup.is_none() {
            return;
        }
        let Some(episode) = self.episodes.change(fingerprint) else { return };
        episode.window_since = Some(out.now);
        out.timer(out.now + episode.window, Due::Window, fingerprint);
    }
}

/// For how long nothing had matched when `absent` alerted.
fn missed_before(when: &When) -> Duration {
    match when {
        When::Absent { after, .. } => *after,
        _ => Duration::ZERO,
    }
}

/// What still holds, for a reminder.
fn still(when: &When) -> Option<Still> {
    match when {
        When::Absent { .. } => Some(Still::Missing),
        When::Level(level) => {
            let threshold = number_text(level.threshold);
            Some(match level.side {
                Side::Above => Still::Above(threshold),
                Side::Below => Still::Below(threshold),
            })
        }
        _ => None,
    }
}

/// The resolutions from `from` on as one: that of the episode that opened first, which tells how many more it stands for.
fn put_together(alerts: &mut Vec<Alert>, from: usize) {
    let others = alerts.split_off((from + 1).min(alerts.len()));
    let Some(first) = alerts.get_mut(from) else { return };
    for other in others {
        first.more_resolved += 1;
        first.count += other.count;
        first.suppressed += other.suppressed;
        first.first_seen = first.first_seen.min(other.first_seen);
        first.last_seen = first.last_seen.max(other.last_seen);
        first.severity = first.severity.max(other.severity);
        first.reopened = first.reopened.max(other.reopened);
        let webhooks = other.webhooks.into_iter().filter(|webhook| !first.webhooks.contains(webhook));
        let webhooks: Vec<_> = webhooks.collect();
        first.webhooks.extend(webhooks);
        first.folded = None;
    }
}
