//! What a webhook is sent next, and when: pure. Time and jitter are arguments; what waits is given, nothing is kept
//! but the webhook's own state.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Alert, AlertId, EpisodeId, Kind};
use crate::rate::Limiter;
use crate::rule::Severity;
use crate::store::Waiting;
use crate::time::Time;

use super::WebhookSpec;
use super::answer::Verdict;

/// What Slack advises never to exceed in one message.
const ATTACHMENTS_MAX: usize = 20;

/// An opening goes alone until it has waited for so long; then it is put together with what else waits.
const OPENING_ALONE: Duration = Duration::from_secs(1);

/// The first backoff; it doubles with each attempt that fails.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// What is to be done now.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// This is to be sent.
    Send(Vec<Part>),
    /// Nothing can be sent for so long.
    Wait(Duration),
    /// Nothing waits.
    Idle,
}

/// One attachment of a message, and the alerts that it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What is drawn: the latest state of the episode.
    pub alert: Arc<Alert>,
    /// The alerts that are delivered with it.
    pub ids: Vec<AlertId>,
}

/// What became of a message.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// These alerts are delivered.
    Delivered(Vec<AlertId>),
    /// This alert is refused for good; the queue moves on.
    SetAside(Vec<AlertId>, String),
    /// They wait on. In words why, where something is wrong.
    Kept(Option<String>),
}

/// The state of one webhook between its messages.
#[derive(Debug)]
pub struct Plan {
    /// Its time stands still while a message is under way: when within that time the receiver counts it is not known,
    /// and counting it at the latest keeps the rate whenever it was.
    limiter: Limiter,
    /// When the message that is under way was sent, and how long all before it were.
    sent_at: Option<Time>,
    under_way: Duration,
    retry_max: Duration,
    retry_probe: Duration,
    /// Nothing is sent before.
    not_before: Time,
    /// Attempts that failed in a row.
    failed: u32,
    /// The last message was refused: its alerts are sent one by one.
    one_by_one: bool,
    broken: Option<String>,
    /// What was sent without a clear answer: it may have arrived, so it is sent again as it was, with the same ids.
    unanswered: Option<Vec<Part>>,
    /// The rule whose turn was last.
    last_rule: Option<Arc<str>>,
}

impl Plan {
    /// For a webhook that is fine, at `now`.
    pub fn new(spec: &WebhookSpec, now: Time) -> Self {
        Self {
            limiter: Limiter::new(spec.rate, now),
            sent_at: None,
            under_way: Duration::ZERO,
            retry_max: spec.retry_max,
            retry_probe: spec.retry_probe,
            not_before: now,
            failed: 0,
            one_by_one: false,
            broken: None,
            unanswered: None,
            last_rule: None,
        }
    }

    /// Why the webhook takes nothing until somebody mends it.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// What to do at `now` with what waits, in the order in which it was decided.
    pub fn next(&mut self, waiting: &[Waiting], now: Time) -> Step {
        if waiting.is_empty() {
            return Step::Idle;
        }
        if now < self.not_before {
            return Step::Wait(self.not_before.since(now));
        }
        if let Err(wait) = self.limiter.take(now - self.under_way) {
            return Step::Wait(wait);
        }
        self.sent_at = Some(now);
        if let Some(parts) = &self.unanswered {
            return Step::Send(parts.clone());
        }
        let parts = if self.one_by_one || self.broken.is_some() {
            waiting.first().map(Part::single).into_iter().collect()
        } else {
            self.put_together(waiting, now)
        };
        Step::Send(parts)
    }

    /// What the receiver's verdict on `parts` means. `jitter` lies in 0..1.
    pub fn answered(&mut self, parts: &[Part], verdict: Verdict, now: Time, jitter: f64) -> Outcome {
        self.unanswered = None;
        self.under_way += self.sent_at.take().map_or(Duration::ZERO, |sent| now.since(sent));
        let ids = || parts.iter().flat_map(|part| part.ids.iter().copied()).collect::<Vec<_>>();
        match verdict {
            Verdict::Delivered => {
                (self.failed, self.broken, self.one_by_one) = (0, None, false);
                self.last_rule = parts.last().map(|part| part.alert.rule.clone());
                Outcome::Delivered(ids())
            }
            Verdict::Pause(pause) => {
                // Up to a tenth later, so that many agents that were paused together don't come back together.
                self.not_before = now + pause + pause.mul_f64(jitter / 10.0);
                Outcome::Kept(None)
            }
            Verdict::Retry(why) => {
                self.not_before = now + self.backoff(jitter);
                self.failed = self.failed.saturating_add(1);
                self.unanswered = Some(parts.to_vec());
                Outcome::Kept(Some(why))
            }
            Verdict::Refused(why) if ids().len() > 1 => {
                self.one_by_one = true;
                Outcome::Kept(Some(format!("{why}: sending its alerts one by one")))
            }
            Verdict::Refused(why) => {
                self.one_by_one = false;
                Outcome::SetAside(ids(), why)
            }
            Verdict::Broken(why) => {
                self.not_before = now + self.retry_probe;
                self.broken = Some(why.clone());
                Outcome::Kept(Some(why))
            }
        }
    }

    /// Full jitter: anything between nothing and the exponential bound, as a fleet that lost its receiver needs it.
    fn backoff(&self, jitter: f64) -> Duration {
        let bound = BACKOFF_FIRST.saturating_mul(1 << self.failed.min(20)).min(self.retry_max);
        bound.mul_f64(jitter.clamp(0.0, 1.0))
    }

    /// Critical first, then the rules in turn; an episode's alerts as one part, and up to [`ATTACHMENTS_MAX`] parts.
    fn put_together(&self, waiting: &[Waiting], now: Time) -> Vec<Part> {
        let episodes = self.order(episodes(waiting));
        let fresh = |episode: &Episode<'_>| {
            let first = episode.waiting[0];
            first.alert.kind == Kind::Opened && now.since(first.since) < OPENING_ALONE
        };
        match episodes.first() {
            Some(first) if fresh(first) => vec![Part::single(first.waiting[0])],
            _ => episodes
                .iter()
                .filter(|episode| !fresh(episode))
                .take(ATTACHMENTS_MAX)
                .map(Episode::part)
                .collect(),
        }
    }

    /// Each rule's first episode, from the rule after the one that was served last, then each rule's second, and so on.
    fn order<'a>(&self, episodes: Vec<Episode<'a>>) -> Vec<Episode<'a>> {
        let mut turns: Vec<(&Arc<str>, u32)> = Vec::new();
        let mut keyed: Vec<_> = Vec::with_capacity(episodes.len());
        for episode in episodes {
            let rule = &episode.waiting[0].alert.rule;
            let place = turns.iter().position(|(known, _)| *known == rule).unwrap_or_else(|| {
                turns.push((rule, 0));
                turns.len() - 1
            });
            let turn = turns[place].1;
            turns[place].1 += 1;
            let had_its_turn = self.last_rule.as_ref().is_some_and(|last| rule <= last);
            keyed.push((
                (episode.severity() != Severity::Critical, turn, had_its_turn, rule.clone()),
                episode,
            ));
        }
        // Stable: of one rule the older episode goes first.
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.into_iter().map(|(_, episode)| episode).collect()
    }
}

/// The waiting alerts of one episode, in order.
struct Episode<'a> {
    waiting: Vec<&'a Waiting>,
}

impl Episode<'_> {
    fn severity(&self) -> Severity {
        self.waiting.iter().map(|waiting| waiting.alert.severity).max().unwrap_or(Severity::Info)
    }

    /// Its latest state, with all that its messages would have said and called.
    fn part(&self) -> Part {
        let ids = self.waiting.iter().map(|waiting| waiting.alert.id).collect();
        let [.., last] = &self.waiting[..] else { unreachable!("an episode is made of its first alert") };
        if self.waiting.len() == 1 {
            return Part { alert: last.alert.clone(), ids };
        }
        let mut merged = (*last.alert).clone();
        merged.suppressed = self.waiting.iter().map(|waiting| waiting.alert.suppressed).sum();
        merged.overflowed = self.waiting.iter().map(|waiting| waiting.alert.overflowed).sum();
        merged.mention =
            self.waiting.iter().flat_map(|waiting| waiting.alert.mention.iter().cloned()).collect();
        merged.mention.sort();
        merged.mention.dedup();
        merged.since_last = self.waiting.iter().map(|waiting| waiting.alert.since_last).sum();
        merged.held_back = self.waiting.iter().rev().find_map(|waiting| waiting.alert.held_back.clone());
        Part { alert: Arc::new(merged), ids }
    }
}

fn episodes(waiting: &[Waiting]) -> Vec<Episode<'_>> {
    let mut episodes: Vec<Episode<'_>> = Vec::new();
    let mut places: HashMap<EpisodeId, usize> = HashMap::new();
    for one in waiting {
        let place = *places.entry(one.alert.episode).or_insert_with(|| {
            episodes.push(Episode { waiting: Vec::new() });
            episodes.len() - 1
        });
        episodes[place].waiting.push(one);
    }
    episodes
}

impl Part {
    fn single(waiting: &Waiting) -> Self {
        Self { alert: waiting.alert.clone(), ids: vec![waiting.alert.id] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests_support::alert;
    use crate::rule::Mention;

    const START: Time = Time::from_secs(1_000_000);

    fn millis(millis: u64) -> Time {
        START + Duration::from_millis(millis)
    }

    fn plan() -> Plan {
        Plan::new(&crate::deliver::tests_support::webhook("ops"), START)
    }

    fn waiting(alert: Alert, at: u64) -> Waiting {
        Waiting { alert: Arc::new(alert), since: millis(at) }
    }

    fn opened(rule: &str, id: u128, at: u64) -> Waiting {
        waiting(alert(rule, id), at)
    }

    fn later(kind: Kind, rule: &str, episode: u128, id: u128) -> Alert {
        Alert { kind, episode: EpisodeId(episode), ..alert(rule, id) }
    }

    #[track_caller]
    fn sent(step: Step) -> Vec<Vec<u128>> {
        let Step::Send(parts) = step else { panic!("nothing is sent: {step:?}") };
        parts.iter().map(|part| part.ids.iter().map(|id| id.0).collect()).collect()
    }

    #[test]
    fn a_fresh_opening_goes_alone_and_at_once() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        assert_eq!(sent(plan().next(&queue, millis(0))), [[1]]);
    }

    #[test]
    fn what_has_waited_is_put_together() {
        let queue = [
            opened("a", 1, 0),
            opened("a", 2, 0),
            opened("b", 3, 0),
            waiting(later(Kind::Summary, "a", 1, 4), 500),
            opened("c", 5, 1_500),
        ];
        assert_eq!(sent(plan().next(&queue, millis(1_600))), [vec![1, 4], vec![3], vec![2]]);
    }

    #[test]
    fn a_message_has_at_most_twenty_attachments() {
        let queue: Vec<Waiting> = (0..50).map(|id| opened("a", id, 0)).collect();
        assert_eq!(sent(plan().next(&queue, millis(2_000))).len(), 20);
    }

    #[test]
    fn critical_goes_first_and_then_the_rules_in_turn() {
        let critical = Alert { severity: Severity::Critical, ..alert("flood", 9) };
        let mut queue: Vec<Waiting> = (10..30).map(|id| opened("flood", id, 0)).collect();
        queue.extend([opened("quiet", 1, 0), waiting(critical, 0)]);
        let mut plan = plan();
        assert_eq!(sent(plan.next(&queue, millis(2_000)))[..3], [[9], [10], [1]]);
        plan.last_rule = Some("flood".into());
        assert_eq!(sent(plan.next(&queue, millis(4_000)))[..3], [[9], [1], [10]]);
    }

    #[test]
    fn the_parts_of_an_episode_keep_their_mentions_and_counts() {
        let first = Alert { mention: vec![Mention::Here], suppressed: 2, ..alert("a", 1) };
        let second = Alert {
            mention: vec![Mention::Channel],
            suppressed: 5,
            count: 8,
            ..later(Kind::Escalated, "a", 1, 2)
        };
        let Step::Send(parts) = plan().next(&[waiting(first, 0), waiting(second, 0)], millis(1_000)) else {
            panic!()
        };
        let told = &parts[0].alert;
        assert_eq!((told.kind, told.count, told.suppressed), (Kind::Escalated, 8, 7));
        assert_eq!(told.mention, [Mention::Here, Mention::Channel]);
    }

    #[test]
    fn the_rate_is_kept() {
        let queue = [opened("a", 1, 0)];
        let mut plan = plan();
        assert_eq!(sent(plan.next(&queue, millis(0))), [[1]]);
        assert_eq!(plan.next(&queue, millis(400)), Step::Wait(Duration::from_millis(600)));
        assert_eq!(plan.next(&[], millis(400)), Step::Idle);
    }

    #[test]
    fn a_message_counts_when_its_answer_comes() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan();
        let Step::Send(parts) = plan.next(&queue, millis(0)) else { panic!("nothing is sent") };
        plan.answered(&parts, Verdict::Delivered, millis(300), 0.0);
        assert_eq!(plan.next(&queue[1..], millis(1_000)), Step::Wait(Duration::from_millis(300)));
        assert_eq!(sent(plan.next(&queue[1..], millis(1_300))), [[2]]);
    }

    fn answer(plan: &mut Plan, queue: &[Waiting], verdict: Verdict, at: u64, jitter: f64) -> Outcome {
        let Step::Send(parts) = plan.next(queue, millis(at)) else { panic!("nothing is sent at {at}") };
        plan.answered(&parts, verdict, millis(at), jitter)
    }

    #[test]
    fn a_failed_message_is_sent_again_as_it_was() {
        let mut queue = vec![opened("a", 1, 0)];
        let mut plan = plan();
        assert!(matches!(
            answer(&mut plan, &queue, Verdict::Retry("500".into()), 0, 0.9),
            Outcome::Kept(Some(_))
        ));
        queue.push(waiting(later(Kind::Summary, "a", 1, 2), 100));
        assert_eq!(plan.next(&queue, millis(100)), Step::Wait(Duration::from_millis(800)));
        assert_eq!(sent(plan.next(&queue, millis(5_000))), [[1]]);
    }

    #[test]
    fn backoff_doubles_up_to_its_bound_with_full_jitter() {
        let mut plan = plan();
        let bounds: Vec<u64> = (0..12)
            .map(|failed| {
                plan.failed = failed;
                assert_eq!(plan.backoff(0.0), Duration::ZERO);
                plan.backoff(1.0).as_secs()
            })
            .collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn a_pause_holds_the_whole_webhook_and_what_waits_is_put_together_after_it() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan();
        let pause = Verdict::Pause(Duration::from_secs(30));
        assert_eq!(answer(&mut plan, &queue, pause, 0, 0.5), Outcome::Kept(None));
        assert_eq!(plan.next(&queue, millis(31_000)), Step::Wait(Duration::from_millis(500)));
        assert_eq!(sent(plan.next(&queue, millis(31_500))), [[1], [2]]);
    }

    #[test]
    fn a_refused_batch_is_sent_one_by_one_and_the_refused_one_is_set_aside() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan();
        let refused = || Verdict::Refused("400 invalid_payload".into());
        assert!(matches!(answer(&mut plan, &queue, refused(), 2_000, 0.0), Outcome::Kept(Some(_))));
        let outcome = answer(&mut plan, &queue, refused(), 4_000, 0.0);
        assert_eq!(outcome, Outcome::SetAside(vec![AlertId(1)], "400 invalid_payload".into()));
        assert_eq!(sent(plan.next(&queue[1..], millis(6_000))), [[2]]);
    }

    #[test]
    fn a_broken_webhook_is_tried_now_and_then_with_its_oldest_alert() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan();
        answer(&mut plan, &queue, Verdict::Broken("404 no_service".into()), 2_000, 0.0);
        assert_eq!(plan.broken(), Some("404 no_service"));
        assert_eq!(plan.next(&queue, millis(3_000)), Step::Wait(Duration::from_secs(599)));
        assert_eq!(
            answer(&mut plan, &queue, Verdict::Delivered, 700_000, 0.0),
            Outcome::Delivered(vec![AlertId(1)])
        );
        assert_eq!(plan.broken(), None);
    }
}
