//! The state of one rule, and the way of a match through its gates.

use std::sync::Arc;

use crate::event::{Match, Role, Texts};
use crate::rule::{Rule, Throttle, When};
use crate::time::Time;

use super::alert::{Alert, EpisodeId, HeldBack, Kind};
use super::counters::Counters;
use super::episode::Episode;
use super::held::Held;
use super::key::{Key, NONE};
use super::keyed::Keyed;
use super::last::Last;
use super::life::After;
use super::outlet::{Outlet, fingerprint};
use super::silence::{AboutFields, SCHEDULE, Silenced, silence_of};
use super::standing::Standing;
use super::throttle::Throttling;
use super::timers::Due;
use super::when::{Instant, Met, Moment, Said, Verdict, WhenState};

/// All that is kept of a rule between its matches; in each map the key that was seen last is the last to be forgotten.
#[derive(Debug)]
pub(super) struct RuleState {
    pub(super) when: WhenState,
    pub(super) standing: Standing,
    pub(super) episodes: Keyed<Episode>,
    /// For each key of `when` with an alert that still holds, the fingerprint of its episode.
    pub(super) holders: Keyed<Key>,
    /// With `summary: false`: what the closed episode of a key folded, for its next opening.
    pub(super) folded: Keyed<u64>,
    pub(super) throttle: Option<Throttling>,
    pub(super) held: Held,
    pub(super) silenced: Silenced,
    pub(super) counters: Counters,
    /// Something but the maps may have changed since the last [`super::Engine::take_changes`].
    pub(super) touched: bool,
    /// What the store has of the time that went on, where `absent` goes by it.
    pub(super) stored_ran: Option<std::time::Duration>,
}

/// What an alert comes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Match,
    Instant,
    /// The input has ended.
    End,
}

impl RuleState {
    /// Nothing is known yet. `tracked`: what changes will be asked for.
    pub(super) fn new(rule: &Rule, keys_max: usize, tracked: bool, now: Time) -> Self {
        let throttling = |throttle: &Throttle| Throttling::new(throttle.rate, keys_max, tracked, now);
        Self {
            when: WhenState::new(rule, keys_max, tracked),
            standing: Standing::new(std::time::Duration::ZERO, now),
            episodes: Keyed::new(keys_max, tracked),
            holders: Keyed::new(keys_max, tracked),
            folded: Keyed::new(keys_max, tracked),
            throttle: rule.throttle.as_ref().map(throttling),
            held: Held::default(),
            silenced: Silenced::default(),
            counters: Counters::default(),
            touched: true,
            stored_ran: None,
        }
    }

    /// Nobody will ask what changes.
    pub(super) fn untrack(&mut self) {
        self.when.untrack();
        self.episodes.untrack();
        self.holders.untrack();
        self.folded.untrack();
        if let Some(throttle) = &mut self.throttle {
            throttle.untrack();
        }
    }

    /// Sets the timers that follow from the state.
    pub(super) fn arm(&mut self, out: &mut Outlet<'_>) {
        if let Some(schedule) = &out.rule.active_during {
            self.standing.active(schedule.is_active(out.now), out.now);
            if let Some(at) = schedule.next_change(out.now) {
                out.timer(at, Due::Schedule, &NONE);
            }
        }
        self.arm_when(out);
        let fingerprints: Vec<Key> = self.episodes.iter().map(|(key, _)| key.clone()).collect();
        fingerprints.iter().for_each(|fingerprint| self.arm_episode(fingerprint, out));
        if let Some(at) = self.held.due {
            out.timer(at, Due::HeldBack, &NONE);
        }
        for id in self.silenced.ids() {
            self.arm_silence(&id, out);
        }
    }

    /// Sets the timers of `when`: at the start, and when time goes on after it stood still.
    pub(super) fn arm_when(&mut self, out: &mut Outlet<'_>) {
        let Self { when, counters, standing, .. } = self;
        when.arm(&mut Moment { out, counters, standing });
    }

    pub(super) const fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn open_episodes(&self) -> usize {
        self.episodes.iter().filter(|(_, episode)| episode.is_open()).count()
    }

    /// An event of the rule.
    pub(super) fn take(&mut self, found: Match, out: &mut Outlet<'_>) {
        match found.role {
            Role::Match => self.take_match(found, out),
            Role::Resolution => self.resolve_by(&found, out),
            Role::FollowUp => {
                self.pass(&found, out);
                let Self { when, counters, standing, .. } = self;
                when.follow(&found, &mut Moment { out, counters, standing });
            }
        }
    }

    /// A match, through the gates of `engine.md` in their order.
    fn take_match(&mut self, found: Match, out: &mut Outlet<'_>) {
        self.counters.matches += 1;
        self.pass(&found, out);
        let Self { when, counters, standing, .. } = self;
        let verdict = when.take(&found, &mut Moment { out, counters, standing });
        let fields = out.fields(&found);
        let fingerprint = fingerprint(out.rule, &fields);
        let holder = out.rule.when.lasts().then(|| match out.rule.when.by() {
            [] => NONE.clone(),
            by => Key::of(by, &fields),
        });
        let met = match (verdict, &holder) {
            (Verdict::Met(met), _) => Some(met),
            (Verdict::Below, _) | (Verdict::Over, None) => None,
            (Verdict::Over, Some(holder)) => {
                self.over(holder, out);
                None
            }
        };
        self.gates(found, &fingerprint, met, holder.as_ref(), out);
    }

    fn gates(
        &mut self,
        found: Match,
        fingerprint: &Key,
        met: Option<Met>,
        holder: Option<&Key>,
        out: &mut Outlet<'_>,
    ) {
        let is_open = self.episodes.peek(fingerprint).is_some_and(Episode::is_open);
        if !is_open && met.is_none() {
            self.counters.below_when += 1;
            return;
        }
        let last = Last::Live(found);
        let silence = if met.is_some() { self.silence(Some(&last), out) } else { None };
        let gate = match (&met, &silence, is_open) {
            (None, _, _) => &mut self.counters.below_when,
            (Some(_), Some(_), _) => &mut self.counters.silenced,
            (Some(_), None, true) => &mut self.counters.joined,
            (Some(met), None, false) => {
                let met = *met;
                return self.begin(fingerprint, met, Some(last), holder, Cause::Match, out);
            }
        };
        *gate += 1;
        if let Some(silence) = &silence {
            self.silenced.add(silence, &last.key(out.rule, out.host));
            self.arm_silence(silence, out);
        }
        if is_open {
            self.occur(fingerprint, last, met.is_some(), out);
            if silence.is_none() {
                let alert = met.is_some();
                let holder = holder.filter(|_| alert);
                self.after(fingerprint, After { alert, holder, cause: Cause::Match }, out);
            }
        }
    }

    /// One more occurrence of an open episode.
    fn occur(&mut self, fingerprint: &Key, last: Last, alert: bool, out: &Outlet<'_>) {
        let by_shape = super::outlet::fingerprint_fields(out.rule).is_none();
        if let (Some(episode), Last::Live(found)) = (self.episodes.see(fingerprint), last) {
            episode.occur(found, by_shape, out.now);
            if alert {
                episode.alert(out.now);
            }
        }
    }

    /// What the time of an event has passed comes before it.
    fn pass(&mut self, found: &Match, out: &mut Outlet<'_>) {
        let Self { when, counters, standing, .. } = self;
        let said = when.pass(found, &mut Moment { out, counters, standing });
        for (key, said) in said {
            self.instant(&key, said, Cause::Instant, out);
        }
    }

    /// A key of `when` wanted to be looked at again.
    pub(super) fn when_due(&mut self, key: &Key, at: Time, out: &mut Outlet<'_>) {
        let Self { when, counters, standing, .. } = self;
        let said = when.due(key, at, &mut Moment { out, counters, standing });
        for said in said {
            self.instant(key, said, Cause::Instant, out);
        }
    }

    /// What `when` says of a key at an instant.
    fn instant(&mut self, key: &Key, said: Said, cause: Cause, out: &mut Outlet<'_>) {
        match said {
            Said::Over => self.over(key, out),
            Said::Alert(instant) => self.alert_at_instant(key, instant, cause, out),
        }
    }

    fn alert_at_instant(&mut self, key: &Key, instant: Instant, cause: Cause, out: &mut Outlet<'_>) {
        let Instant { met, last, again } = instant;
        let holder = out.rule.when.lasts().then_some(key);
        let fingerprint = last.as_ref().map_or(NONE.clone(), |last| last.fingerprint(out.rule, out.host));
        let is_open = self.episodes.peek(&fingerprint).is_some_and(Episode::is_open);
        if let Some(silence) = self.silence(last.as_ref(), out) {
            if !again {
                let key = last.as_ref().map(|last| last.key(out.rule, out.host)).unwrap_or_default();
                self.silenced.add(&silence, &key);
                self.arm_silence(&silence, out);
            }
            if let Some(episode) = self.episodes.change(&fingerprint).filter(|_| is_open) {
                episode.alert(out.now);
            }
        } else if is_open {
            if let Some(episode) = self.episodes.see(&fingerprint) {
                episode.alert(out.now);
            }
            self.after(&fingerprint, After { alert: true, holder, cause }, out);
        } else if again && !self.could_open(last.as_ref(), out) {
            // It was counted as held back when it was tried first.
        } else {
            self.begin(&fingerprint, met, last, holder, cause, out);
        }
    }

    /// Whether an opening would pass the throttle, without trying: a throttle that refuses takes nothing.
    fn could_open(&self, last: Option<&Last>, out: &Outlet<'_>) -> bool {
        self.throttle.as_ref().is_none_or(|throttle| {
            let key = last.map_or(NONE.clone(), |last| last.throttle_key(out.rule, out.host));
            throttle.would_take(&key, out.now)
        })
    }

    /// An alert that no open episode takes: it opens one, or reopens it, where nothing holds it back.
    fn begin(
        &mut self,
        fingerprint: &Key,
        met: Met,
        last: Option<Last>,
        holder: Option<&Key>,
        cause: Cause,
        out: &mut Outlet<'_>,
    ) {
        let is_match = cause == Cause::Match;
        if self.episodes.peek(fingerprint).is_some() {
            let is_posted = self.reopen(fingerprint, met, last, cause, out);
            match (is_match, is_posted) {
                (true, true) => self.counters.posted += 1,
                (true, false) => self.counters.joined += 1,
                (false, true) => self.counters.timed += 1,
                (false, false) => {}
            }
            self.after(fingerprint, After { alert: true, holder, cause }, out);
        } else if self.throttle_grants(last.as_ref(), out) {
            *(if is_match { &mut self.counters.posted } else { &mut self.counters.timed }) += 1;
            self.open(fingerprint, met, last, holder, cause, out);
        } else {
            self.counters.throttled += u64::from(is_match);
            let key = last.as_ref().map(|last| last.key(out.rule, out.host)).unwrap_or_default();
            self.hold_back(&key, out);
        }
    }

    /// What silences it now: the rule's schedule, or one of the silences.
    pub(super) fn silence(&self, last: Option<&Last>, out: &Outlet<'_>) -> Option<Arc<str>> {
        if out.rule.active_during.as_ref().is_some_and(|schedule| !schedule.is_active(out.now)) {
            return Some(Arc::from(SCHEDULE));
        }
        let about = AboutFields { rule: out.rule, host: out.host, last };
        silence_of(out.silences, &about, out.now).cloned()
    }

    fn arm_silence(&self, id: &Arc<str>, out: &mut Outlet<'_>) {
        if let Some(silence) = out.silences.iter().find(|silence| silence.id == *id) {
            out.timer(silence.until, Due::Silence, &Key::stored(id));
        }
    }

    pub(super) fn throttle_grants(&self, last: Option<&Last>, out: &Outlet<'_>) -> bool {
        let Some(throttle) = &self.throttle else { return true };
        let key = last.map_or(NONE.clone(), |last| last.throttle_key(out.rule, out.host));
        throttle.take(&key, out.now)
    }

    pub(super) fn hold_back(&mut self, key: &Texts, out: &mut Outlet<'_>) {
        if let Some(due) = self.held.add(key, out.now) {
            out.timer(due, Due::HeldBack, &NONE);
        }
    }

    /// Tells what the throttle holds back in a message of its own, if no other message has told it.
    pub(super) fn held_back_due(&mut self, at: Time, out: &mut Outlet<'_>) {
        if self.held.due != Some(at) {
            return;
        }
        if let Some(held) = self.held.take_due(out.now) {
            tell_held_back(held, out);
        }
        if let Some(due) = self.held.due {
            out.timer(due, Due::HeldBack, &NONE);
        }
    }

    /// The silences are others: what those held back that are no longer there is told.
    pub(super) fn silences_changed(&mut self, out: &mut Outlet<'_>) {
        self.schedule_over(out);
        for id in self.silenced.ids().iter().filter(|id| &***id != SCHEDULE) {
            match out.silences.iter().any(|silence| silence.id == *id && silence.until > out.now) {
                true => self.arm_silence(id, out),
                false => self.silence_over(id, out),
            }
        }
    }

    /// A silence may be over.
    pub(super) fn silence_due(&mut self, id: &str, out: &mut Outlet<'_>) {
        let goes_on = out.silences.iter().any(|silence| &*silence.id == id && silence.until > out.now);
        if !goes_on {
            self.silence_over(id, out);
        }
    }

    /// A silence is over: what it held back is told.
    fn silence_over(&mut self, id: &str, out: &mut Outlet<'_>) {
        if let Some(held) = self.silenced.take(id) {
            tell_held_back(held, out);
        }
    }

    /// The rule's schedule begins or ends.
    pub(super) fn schedule_due(&mut self, out: &mut Outlet<'_>) {
        let Some(schedule) = &out.rule.active_during else { return };
        let is_active = schedule.is_active(out.now);
        if let Some(at) = schedule.next_change(out.now) {
            out.timer(at, Due::Schedule, &NONE);
        }
        if self.standing.active(is_active, out.now) {
            self.arm_when(out);
        }
        self.schedule_over(out);
    }

    /// Where the rule is active, what was held back while it wasn't is told: at its schedule's beginning, or at a start that
    /// comes after it.
    fn schedule_over(&mut self, out: &mut Outlet<'_>) {
        let is_active = out.rule.active_during.as_ref().is_none_or(|schedule| schedule.is_active(out.now));
        if is_active && let Some(held) = self.silenced.take(SCHEDULE) {
            tell_held_back(HeldBack { by: super::alert::HeldBy::Schedule, ..held }, out);
        }
    }

    /// What waits for a follow-up alerts; each episode with something counted posts its summary, in the order of their
    /// last messages; what was held back is told.
    pub(super) fn end_of_input(&mut self, out: &mut Outlet<'_>) {
        for said in self.when.end() {
            self.instant(&NONE, said, Cause::End, out);
        }
        if let Some(dedup) = out.rule.dedup.as_ref().filter(|dedup| dedup.summary) {
            let counted = |episode: &&Episode| episode.suppressed > 0;
            let mut waiting: Vec<(Time, Key)> = self
                .episodes
                .iter()
                .filter(|(_, episode)| counted(episode) && self.silence(episode.last.as_ref(), out).is_none())
                .map(|(key, episode)| (episode.last_post, key.clone()))
                .collect();
            waiting.sort();
            waiting.iter().for_each(|(_, fingerprint)| self.summarize(fingerprint, dedup, out));
        }
        if let Some(held) = self.held.take() {
            tell_held_back(held, out);
        }
        self.silenced.ids().iter().for_each(|id| self.silence_over(id, out));
    }
}

/// A message about what was held back, and nothing else.
fn tell_held_back(held: HeldBack, out: &mut Outlet<'_>) {
    let blank = Alert::blank(Kind::HeldBack, out.rule, out.now);
    let alert = Alert { count: held.count, suppressed: held.count, held_back: Some(held), ..blank };
    let id = super::alert::AlertId(out.next_id(&Texts::new()));
    out.alerts.push(Alert { id, episode: EpisodeId(id.0), ..alert });
}

/// Whether a rule's `when` has this holder, and what its number is: for reminders.
pub(super) fn value_of(state: &WhenState, rule: &Rule, key: &Key) -> Option<String> {
    match rule.when {
        When::Level(_) => state.value(key).map(number_text),
        _ => None,
    }
}

/// A number as a person writes it: at most three digits after the point.
pub(super) fn number_text(number: f64) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
