//! The state of one rule, and the way of a match through its gates.

use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use crate::event::{Match, RuleId, Texts};
use crate::fields::Fields;
use crate::rule::{Dedup, Mention, Rule, Throttle, When};
use crate::time::Time;

use super::alert::{Alert, AlertId, EpisodeId, HeldBack, Kind};
use super::counters::Counters;
use super::episode::Episode;
use super::held::Held;
use super::key::{Key, NONE};
use super::keyed::Keyed;
use super::last::Last;
use super::throttle::Throttling;
use super::timers::{Due, Timer, Timers};
use super::when::{Met, WhenState};

/// What a rule's state needs of the engine while it acts: the time, and where alerts and timers go.
#[derive(Debug)]
pub(super) struct Outlet<'a> {
    pub(super) id: RuleId,
    pub(super) rule: &'a Rule,
    pub(super) host: &'a str,
    pub(super) now: Time,
    pub(super) timers: &'a mut Timers,
    pub(super) alerts: &'a mut Vec<Alert>,
    pub(super) decided: &'a mut u64,
}

impl Outlet<'_> {
    /// A number that no other alert of this rule and time has, the same each time the same things happen.
    fn next_id(&mut self, key: &Texts) -> u128 {
        *self.decided += 1;
        let mut seed = format!("{}\0{}\0{}", self.rule.name, self.now.as_nanos(), self.decided);
        key.iter().for_each(|(_, value)| seed.extend(["\0", value]));
        xxh3_128(seed.as_bytes())
    }

    fn timer(&mut self, at: Time, due: Due, key: &Key) {
        self.timers.set(Timer { at, due, rule: self.id, key: key.clone() });
    }

    fn fields<'m>(&'m self, found: &'m Match) -> Fields<'m> {
        Fields::of(self.rule, found, self.host)
    }
}

/// All that is kept of a rule between its matches; in each map the key that was seen last is the last to be forgotten.
#[derive(Debug)]
pub(super) struct RuleState {
    pub(super) when: WhenState,
    pub(super) episodes: Keyed<Episode>,
    /// With `summary: false`: what the closed episode of a key folded, for its next opening.
    pub(super) folded: Keyed<u64>,
    pub(super) throttle: Option<Throttling>,
    pub(super) held: Held,
    pub(super) counters: Counters,
    /// Something but the maps may have changed since the last [`super::Engine::take_changes`].
    pub(super) touched: bool,
}

impl RuleState {
    /// Nothing is known yet. `tracked`: what changes will be asked for.
    pub(super) fn new(rule: &Rule, keys_max: usize, tracked: bool, now: Time) -> Self {
        let throttling = |throttle: &Throttle| Throttling::new(throttle.rate, keys_max, tracked, now);
        Self {
            when: WhenState::new(rule, keys_max, tracked),
            episodes: Keyed::new(keys_max, tracked),
            folded: Keyed::new(keys_max, tracked),
            throttle: rule.throttle.as_ref().map(throttling),
            held: Held::default(),
            counters: Counters::default(),
            touched: true,
        }
    }

    /// Nobody will ask what changes.
    pub(super) fn untrack(&mut self) {
        self.when.untrack();
        self.episodes.untrack();
        self.folded.untrack();
        if let Some(throttle) = &mut self.throttle {
            throttle.untrack();
        }
    }

    /// Sets the timers that follow from the state.
    pub(super) fn arm(&self, rule: RuleId, timers: &mut Timers) {
        for (key, episode) in self.episodes.iter() {
            timers.set(Timer { at: episode.window_up(), due: Due::Window, rule, key: key.clone() });
        }
        if let Some(at) = self.held.due {
            timers.set(Timer { at, due: Due::HeldBack, rule, key: NONE.clone() });
        }
    }

    pub(super) const fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn open_episodes(&self) -> usize {
        self.episodes.len()
    }

    /// A match, through the gates of `engine.md` in their order.
    pub(super) fn take(&mut self, found: Match, out: &mut Outlet<'_>) {
        self.counters.matches += 1;
        let fields = out.fields(&found);
        let met = self.when.take(&fields, found.event.time, &mut self.counters.keys_forgotten);
        let fingerprint = fingerprint(out.rule, &fields);
        if let Some(episode) = self.episodes.see(&fingerprint) {
            let gate = if met.is_some() { &mut self.counters.joined } else { &mut self.counters.below_when };
            *gate += 1;
            episode.occur(found, met.is_some(), fingerprint_fields(out.rule).is_none());
            if let Some(step) = episode.escalate(&out.rule.escalate) {
                self.post(&fingerprint, Kind::Escalated, step.mention.clone(), out);
            }
            return;
        }
        match met {
            None => self.counters.below_when += 1,
            Some(_) if !self.throttle_grants(&Last::Live(found.clone()), out) => {
                self.counters.throttled += 1;
                self.hold_back(&fingerprint_texts(out.rule, &out.fields(&found)), out);
            }
            Some(met) => {
                self.counters.posted += 1;
                self.open(fingerprint, met, found, out);
            }
        }
    }

    /// The window of an episode is up: it tells what it folded, or closes.
    pub(super) fn window_up(&mut self, fingerprint: &Key, at: Time, out: &mut Outlet<'_>) {
        let Some(dedup) = &out.rule.dedup else { return };
        let Some(episode) = self.episodes.peek(fingerprint).filter(|episode| episode.window_up() == at)
        else {
            return;
        };
        if !episode.alerted || !dedup.summary {
            self.close(fingerprint, dedup);
        } else if self.throttle_grants(&episode.last, out) {
            self.summarize(fingerprint, dedup, out);
        } else {
            let key = episode.key.clone();
            self.hold_back(&key, out);
            self.restart_window(fingerprint, out);
        }
    }

    /// Tells what the throttle holds back in a message of its own, if no other message has told it.
    pub(super) fn held_back_due(&mut self, at: Time, out: &mut Outlet<'_>) {
        if self.held.due != Some(at) {
            return;
        }
        if let Some(held) = self.held.take_due(out.now) {
            let alert = held_back_alert(held, out);
            out.alerts.push(alert);
        }
        if let Some(due) = self.held.due {
            out.timer(due, Due::HeldBack, &NONE);
        }
    }

    /// Each episode with something counted posts its summary, in the order of their last messages; what was
    /// held back is told.
    pub(super) fn end_of_input(&mut self, out: &mut Outlet<'_>) {
        if let Some(dedup) = out.rule.dedup.as_ref().filter(|dedup| dedup.summary) {
            let mut waiting: Vec<(Time, Key)> = self
                .episodes
                .iter()
                .filter(|(_, episode)| episode.suppressed > 0)
                .map(|(key, episode)| (episode.last_post, key.clone()))
                .collect();
            waiting.sort();
            waiting.iter().for_each(|(_, fingerprint)| self.summarize(fingerprint, dedup, out));
        }
        if let Some(held) = self.held.take() {
            let alert = held_back_alert(held, out);
            out.alerts.push(alert);
        }
    }

    fn open(&mut self, fingerprint: Key, met: Met, found: Match, out: &mut Outlet<'_>) {
        let key = fingerprint_texts(out.rule, &out.fields(&found));
        let id = EpisodeId(out.next_id(&key));
        let mut mention = out.rule.look(found.severity).mention.clone();
        let mut episode = Episode::open(id, key, met.count, met.first_seen, found, out.rule);
        episode.suppressed = self.folded.remove(&fingerprint).unwrap_or(0);
        // A step that the opening reaches is part of it.
        if let Some(step) = episode.escalate(&out.rule.escalate) {
            let more =
                step.mention.iter().filter(|whom| !mention.contains(whom)).cloned().collect::<Vec<_>>();
            mention.extend(more);
        }
        self.counters.keys_forgotten += self.episodes.put(fingerprint.clone(), episode);
        self.post(&fingerprint, Kind::Opened, mention, out);
        if out.rule.dedup.is_none() {
            self.episodes.remove(&fingerprint);
        }
    }

    fn close(&mut self, fingerprint: &Key, dedup: &Dedup) {
        let Some(episode) = self.episodes.remove(fingerprint) else { return };
        if !dedup.summary && episode.suppressed > 0 {
            self.counters.keys_forgotten += self.folded.put(fingerprint.clone(), episode.suppressed);
        }
    }

    fn summarize(&mut self, fingerprint: &Key, dedup: &Dedup, out: &mut Outlet<'_>) {
        if let Some(episode) = self.episodes.change(fingerprint) {
            episode.lengthen(dedup);
        }
        self.post(fingerprint, Kind::Summary, Vec::new(), out);
    }

    /// Hands on a message of the episode and starts its window again.
    fn post(&mut self, fingerprint: &Key, kind: Kind, mention: Vec<Mention>, out: &mut Outlet<'_>) {
        let held_back = self.held.take();
        let Some(episode) = self.episodes.change(fingerprint) else { return };
        let draft = episode.draft(kind, out.rule, out.host, out.now);
        let alert = Alert { id: AlertId(out.next_id(&episode.key)), mention, held_back, ..draft };
        episode.posted(out.now);
        out.alerts.push(alert);
        self.restart_window(fingerprint, out);
    }

    fn restart_window(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        if out.rule.dedup.is_none() {
            return;
        }
        let Some(episode) = self.episodes.change(fingerprint) else { return };
        episode.window_since = out.now;
        let up = episode.window_up();
        out.timer(up, Due::Window, fingerprint);
    }

    fn throttle_grants(&self, last: &Last, out: &Outlet<'_>) -> bool {
        let Some(throttle) = &self.throttle else { return true };
        throttle.take(&last.throttle_key(out.rule, out.host), out.now)
    }

    fn hold_back(&mut self, key: &Texts, out: &mut Outlet<'_>) {
        if let Some(due) = self.held.add(key, out.now) {
            out.timer(due, Due::HeldBack, &NONE);
        }
    }
}

fn held_back_alert(held: HeldBack, out: &mut Outlet<'_>) -> Alert {
    let id = out.next_id(&Texts::new());
    Alert {
        id: AlertId(id),
        episode: EpisodeId(id),
        kind: Kind::HeldBack,
        rule: out.rule.name.clone(),
        severity: out.rule.severity,
        mention: Vec::new(),
        webhooks: out.rule.webhooks.clone(),
        decided: out.now,
        key: Texts::new(),
        event: None,
        count: held.count,
        suppressed: held.count,
        first_seen: out.now,
        last_seen: out.now,
        since_last: Duration::ZERO,
        folded: None,
        held_back: Some(held),
    }
}

/// The fields that tell a rule's episodes apart; `None`: the message's shape does.
fn fingerprint_fields(rule: &Rule) -> Option<&[Arc<str>]> {
    match (rule.dedup.as_ref().and_then(|dedup| dedup.by.as_deref()), &rule.when) {
        (Some(by), _) => Some(by),
        (None, When::Count { by, .. }) => Some(by),
        (None, When::Every) => None,
    }
}

fn fingerprint(rule: &Rule, fields: &Fields<'_>) -> Key {
    let by = fingerprint_texts(rule, fields);
    let severity = rule.severity_from.as_ref().map(|_| fields.severity.name());
    Key::new(severity.into_iter().chain(by.iter().map(|(_, value)| &**value)))
}

fn fingerprint_texts(rule: &Rule, fields: &Fields<'_>) -> Texts {
    fields.key(fingerprint_fields(rule).unwrap_or(&[Arc::from("shape")]))
}
