//! The state of one rule, and the way of a match through its gates.

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use xxhash_rust::xxh3::xxh3_128;

use crate::event::{Match, RuleId, Texts};
use crate::fields::Fields;
use crate::rate::KeyedLimiter;
use crate::rule::{Dedup, Mention, Rule, When};
use crate::time::Time;

use super::alert::{Alert, AlertId, EpisodeId, HeldBack, Kind};
use super::counters::Counters;
use super::episode::Episode;
use super::key::Key;
use super::snapshot::snapshot;
use super::timers::{Due, Timers};
use super::top::TopCounts;
use super::window::CountWindow;

/// How soon what the throttle holds back is told in a message of its own; then after twice as long each time.
const HELD_BACK_FIRST: Duration = Duration::from_secs(60);

/// At most one such message in this time.
const HELD_BACK_MAX: Duration = Duration::from_secs(3_600);

/// How many keys such a message names.
const HELD_BACK_KEYS: usize = 5;

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

    fn fields<'m>(&'m self, found: &'m Match) -> Fields<'m> {
        Fields { rule: self.rule, event: &found.event, captures: &found.captures, host: self.host }
    }
}

/// A `when` that is met: how many matches met it, and when the first of them was.
#[derive(Debug, Clone, Copy)]
struct Met {
    count: u64,
    first_seen: Time,
}

/// What the throttle holds back and no message has told yet.
#[derive(Debug)]
struct Held {
    count: u64,
    keys: TopCounts,
    /// How long until the next message of its own, and whether its timer runs.
    interval: Duration,
    armed: bool,
}

impl Default for Held {
    fn default() -> Self {
        Self { count: 0, keys: TopCounts::default(), interval: HELD_BACK_FIRST, armed: false }
    }
}

/// All that is kept of a rule between its matches; in each map the key that was seen last is the last to be forgotten.
#[derive(Debug)]
pub(super) struct RuleState {
    keys_max: usize,
    windows: LruCache<Key, CountWindow>,
    episodes: LruCache<Key, Episode>,
    /// With `summary: false`: what the closed episode of a key folded, for its next opening.
    folded: LruCache<Key, u64>,
    throttle: Option<KeyedLimiter>,
    held: Held,
    counters: Counters,
}

impl RuleState {
    pub(super) fn new(rule: &Rule, keys_max: usize, now: Time) -> Self {
        Self {
            keys_max: keys_max.max(1),
            windows: LruCache::unbounded(),
            episodes: LruCache::unbounded(),
            folded: LruCache::unbounded(),
            throttle: rule.throttle.as_ref().map(|throttle| KeyedLimiter::new(throttle.rate, keys_max, now)),
            held: Held::default(),
            counters: Counters::default(),
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
        let met = self.meets_when(&found, out);
        let fingerprint = fingerprint(out.rule, &out.fields(&found));
        if let Some(episode) = self.episodes.get_mut(&fingerprint) {
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
            Some(_) if !self.throttle_grants(&found, out) => {
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
    pub(super) fn window_up(&mut self, fingerprint: &Key, set: u64, out: &mut Outlet<'_>) {
        let Some(dedup) = &out.rule.dedup else { return };
        let Some(episode) = self.episodes.peek(fingerprint).filter(|episode| episode.timer == set) else {
            return;
        };
        if !episode.alerted || !dedup.summary {
            self.close(fingerprint, dedup);
            return;
        }
        let (last, key) = (episode.last.clone(), episode.key.clone());
        if self.throttle_grants(&last, out) {
            self.summarize(fingerprint, dedup, out);
        } else {
            self.hold_back(&key, out);
            self.restart_window(fingerprint, out);
        }
    }

    /// Tells what the throttle holds back in a message of its own, if no other message has told it.
    pub(super) fn tell_held_back(&mut self, out: &mut Outlet<'_>) {
        self.held.armed = false;
        let Some(held) = self.take_held() else {
            self.held.interval = HELD_BACK_FIRST;
            return;
        };
        let alert = held_back_alert(held, out);
        out.alerts.push(alert);
        self.held.interval = (self.held.interval * 2).min(HELD_BACK_MAX);
        self.arm_held_back(out);
    }

    /// Each episode with something counted posts its summary, in the order of their last messages; what was
    /// held back is told.
    pub(super) fn end_of_input(&mut self, out: &mut Outlet<'_>) {
        if let Some(dedup) = out.rule.dedup.as_ref().filter(|dedup| dedup.summary) {
            let mut waiting: Vec<(u64, Key)> = self
                .episodes
                .iter()
                .filter(|(_, episode)| episode.suppressed > 0)
                .map(|(key, episode)| (episode.timer, key.clone()))
                .collect();
            waiting.sort();
            waiting.iter().for_each(|(_, fingerprint)| self.summarize(fingerprint, dedup, out));
        }
        if let Some(held) = self.take_held() {
            let alert = held_back_alert(held, out);
            out.alerts.push(alert);
        }
    }

    fn meets_when(&mut self, found: &Match, out: &Outlet<'_>) -> Option<Met> {
        match &out.rule.when {
            When::Every => Some(Met { count: 1, first_seen: found.event.time }),
            When::Count { count, within, by } => {
                let key = key_of(by, &out.fields(found));
                let window = match self.windows.get_mut(&key) {
                    Some(window) => window,
                    None => {
                        self.windows.put(key.clone(), CountWindow::default());
                        self.counters.keys_forgotten += forget(&mut self.windows, self.keys_max);
                        self.windows.get_mut(&key)?
                    }
                };
                let first_seen = window.add(found.event.time, *count, *within)?;
                // What is used up holds nothing: an open window costs memory only while it counts.
                self.windows.pop(&key);
                Some(Met { count: u64::from(*count), first_seen })
            }
        }
    }

    fn open(&mut self, fingerprint: Key, met: Met, found: Match, out: &mut Outlet<'_>) {
        let key = fingerprint_texts(out.rule, &out.fields(&found));
        let id = EpisodeId(out.next_id(&key));
        let mut mention = out.rule.look(out.rule.severity).mention.clone();
        let mut episode = Episode::open(id, key, met.count, met.first_seen, found, out.rule);
        episode.suppressed = self.folded.pop(&fingerprint).unwrap_or(0);
        // A step that the opening reaches is part of it.
        if let Some(step) = episode.escalate(&out.rule.escalate) {
            let more =
                step.mention.iter().filter(|whom| !mention.contains(whom)).cloned().collect::<Vec<_>>();
            mention.extend(more);
        }
        self.episodes.put(fingerprint.clone(), episode);
        self.post(&fingerprint, Kind::Opened, mention, out);
        if out.rule.dedup.is_none() {
            self.episodes.pop(&fingerprint);
        }
        self.counters.keys_forgotten += forget(&mut self.episodes, self.keys_max);
    }

    fn close(&mut self, fingerprint: &Key, dedup: &Dedup) {
        let Some(episode) = self.episodes.pop(fingerprint) else { return };
        if !dedup.summary && episode.suppressed > 0 {
            self.folded.put(fingerprint.clone(), episode.suppressed);
            self.counters.keys_forgotten += forget(&mut self.folded, self.keys_max);
        }
    }

    fn summarize(&mut self, fingerprint: &Key, dedup: &Dedup, out: &mut Outlet<'_>) {
        if let Some(episode) = self.episodes.peek_mut(fingerprint) {
            episode.lengthen(dedup);
        }
        self.post(fingerprint, Kind::Summary, Vec::new(), out);
    }

    /// Hands on a message of the episode and starts its window again.
    fn post(&mut self, fingerprint: &Key, kind: Kind, mention: Vec<Mention>, out: &mut Outlet<'_>) {
        let held_back = self.take_held();
        let Some(episode) = self.episodes.peek_mut(fingerprint) else { return };
        let folded = (kind != Kind::Opened).then(|| episode.folded());
        let since_last = if kind == Kind::Opened { Duration::ZERO } else { out.now.since(episode.last_post) };
        let alert = Alert {
            id: AlertId(out.next_id(&episode.key)),
            episode: episode.id,
            kind,
            rule: out.rule.name.clone(),
            severity: episode.severity,
            mention,
            webhooks: episode.webhooks.clone(),
            decided: out.now,
            key: episode.key.clone(),
            event: Some(snapshot(&episode.last, out.rule, out.host)),
            count: episode.count,
            suppressed: episode.suppressed,
            first_seen: episode.first_seen,
            last_seen: episode.last_seen,
            since_last,
            folded,
            held_back,
        };
        episode.posted(out.now);
        out.alerts.push(alert);
        self.restart_window(fingerprint, out);
    }

    fn restart_window(&mut self, fingerprint: &Key, out: &mut Outlet<'_>) {
        if out.rule.dedup.is_none() {
            return;
        }
        let Some(episode) = self.episodes.peek_mut(fingerprint) else { return };
        let set = out.timers.next_set();
        episode.timer = set;
        let due = Due::Window { rule: out.id, fingerprint: fingerprint.clone(), set };
        out.timers.set(out.now + episode.window, due);
    }

    fn throttle_grants(&self, found: &Match, out: &Outlet<'_>) -> bool {
        match (&out.rule.throttle, &self.throttle) {
            (Some(throttle), Some(limiter)) => {
                limiter.take(key_of(&throttle.by, &out.fields(found)).as_str(), out.now)
            }
            _ => true,
        }
    }

    fn hold_back(&mut self, key: &Texts, out: &mut Outlet<'_>) {
        self.held.count += 1;
        let values: Vec<&str> = key.iter().map(|(_, value)| &**value).collect();
        self.held.keys.add(&values.join(", "));
        self.arm_held_back(out);
    }

    fn arm_held_back(&mut self, out: &mut Outlet<'_>) {
        if !self.held.armed {
            self.held.armed = true;
            out.timers.set(out.now + self.held.interval, Due::HeldBack { rule: out.id });
        }
    }

    fn take_held(&mut self) -> Option<HeldBack> {
        if self.held.count == 0 {
            return None;
        }
        let count = std::mem::take(&mut self.held.count);
        let keys = std::mem::take(&mut self.held.keys).top(HELD_BACK_KEYS);
        Some(HeldBack { count, keys })
    }
}

/// Forgets what was seen longest ago, down to the bound; returns how many.
fn forget<V>(map: &mut LruCache<Key, V>, keys_max: usize) -> u64 {
    let over = map.len().saturating_sub(keys_max);
    (0..over).for_each(|_| drop(map.pop_lru()));
    over as u64
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
    match fingerprint_fields(rule) {
        Some(by) => key_of(by, fields),
        None => Key::new(fields.get("shape").as_deref().into_iter()),
    }
}

fn fingerprint_texts(rule: &Rule, fields: &Fields<'_>) -> Texts {
    fields.key(fingerprint_fields(rule).unwrap_or(&[Arc::from("shape")]))
}

fn key_of(by: &[Arc<str>], fields: &Fields<'_>) -> Key {
    let values: Vec<_> = by.iter().map(|name| fields.get(name).unwrap_or_default()).collect();
    Key::new(values.iter().map(|value| &**value))
}
