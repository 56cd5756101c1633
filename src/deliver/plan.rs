//! What a webhook is sent next, and when: pure. Time and jitter are arguments; what waits is given, nothing is kept
//! but the webhook's own state.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::AlertId;
use crate::mention::Held;
use crate::store::Waiting;
use crate::time::Time;

use super::WebhookSpec;
use super::answer::Verdict;
use super::batch::{Measure, put_together};

pub use super::batch::Part;

/// The first backoff; it doubles with each attempt that fails.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// What is to be done now.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// This is to be sent, as soon as the rate allows it.
    Send(Outgoing),
    /// These alerts need not be sent: the fallback gets them anyway.
    Settle(Vec<AlertId>),
    /// Nothing can be sent for so long.
    Wait(Duration),
    /// Nothing waits.
    Idle,
}

/// A message before it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Who gets it.
    pub to: Target,
    /// How it is drawn.
    pub form: Form,
    /// Whom it may call.
    pub calls: Calls,
    /// Its attachments.
    pub parts: Vec<Part>,
}

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The webhook itself.
    Own,
    /// Its `fallback`, while it is broken.
    Fallback,
}

/// How a message is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With all that the rule wants.
    Whole,
    /// Without anything that a receiver could dislike: it has refused the whole one.
    Simplest,
}

/// Whom a message may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// It has to be asked for when it is sent.
    Open,
    /// Everybody.
    All,
    /// It lost its mentions.
    Held(Held),
}

/// What became of a message.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// These alerts are delivered.
    Delivered(Vec<AlertId>),
    /// These are refused for good, in any form; the queue moves on.
    SetAside(Vec<AlertId>, String),
    /// The receiver asks for a pause, which holds for all that share its rate.
    Paused(Time),
    /// They wait on; why, in words.
    Kept(String),
}

/// The state of one webhook between its messages.
#[derive(Debug)]
pub struct Plan {
    /// By [`Target`].
    measures: [Measure; 2],
    retry_max: Duration,
    retry_probe: Duration,
    /// The name of the webhook that gets what this one refuses for good.
    fallback: Option<Arc<str>>,
    /// Nothing is sent before.
    not_before: Time,
    /// Attempts that failed in a row.
    failed: u32,
    /// The parts of a message that was refused: each is sent alone.
    singly: VecDeque<Part>,
    /// One that was refused alone: it is drawn in its simplest form.
    simplest: Option<Part>,
    broken: Option<Broken>,
    /// The fallback is broken too, and is not tried before.
    fallback_rests_until: Option<Time>,
    /// What was sent without a clear answer: it may have arrived, so it is sent again as it was, with the same ids.
    unanswered: Option<Outgoing>,
    /// The rule whose turn was last.
    last_rule: Option<Arc<str>>,
}

/// The webhook takes nothing until somebody mends it.
#[derive(Debug)]
struct Broken {
    why: String,
    /// When it is tried again.
    probe_at: Time,
}

impl Plan {
    /// For a webhook that is fine, at `now`.
    pub fn new(spec: &WebhookSpec, fallback: Option<&WebhookSpec>, now: Time) -> Self {
        let measures = [spec, fallback.unwrap_or(spec)]
            .map(|spec| Measure { rate: spec.rate, attachments_max: spec.flavor.attachments_max() });
        Self {
            measures,
            retry_max: spec.retry_max,
            retry_probe: spec.retry_probe,
            fallback: fallback.map(|fallback| fallback.name.clone()),
            not_before: now,
            failed: 0,
            singly: VecDeque::new(),
            simplest: None,
            broken: None,
            fallback_rests_until: None,
            unanswered: None,
            last_rule: None,
        }
    }

    /// Goes on for a webhook that may have changed, and its fallback: whatever kept it from being tried is over. What
    /// was sent without a clear answer is sent again as it was.
    pub fn renew(&mut self, spec: &WebhookSpec, fallback: Option<&WebhookSpec>, now: Time) {
        let before = std::mem::replace(self, Self::new(spec, fallback, now));
        let known = |to: Target| to == Target::Own || before.fallback == self.fallback;
        self.unanswered = before.unanswered.filter(|outgoing| known(outgoing.to));
        (self.singly, self.simplest, self.last_rule) = (before.singly, before.simplest, before.last_rule);
        self.broken = before.broken.map(|broken| Broken { probe_at: now, ..broken });
    }

    /// Why the webhook takes nothing until somebody mends it.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_ref().map(|broken| broken.why.as_str())
    }

    /// Whether nothing can be delivered until somebody mends something.
    pub fn is_stuck(&self) -> bool {
        self.broken.is_some() && (self.fallback.is_none() || self.fallback_rests_until.is_some())
    }

    /// Somebody has mended the webhook, or so it seems: it is tried at once.
    pub fn mended(&mut self, now: Time) {
        if let Some(broken) = &mut self.broken {
            broken.probe_at = now;
        }
        self.not_before = now;
    }

    /// Whether the fallback is broken too, and left alone for a while.
    pub fn fallback_rests(&self) -> bool {
        self.fallback_rests_until.is_some()
    }

    /// Somebody has mended the fallback, or so it seems: it is tried at once.
    pub fn fallback_mended(&mut self) {
        self.fallback_rests_until = None;
    }

    /// What to do at `now` with what waits, in the order in which it was decided.
    pub fn next(&mut self, waiting: &[Waiting], now: Time) -> Step {
        if waiting.is_empty() {
            return Step::Idle;
        }
        if now < self.not_before {
            return Step::Wait(self.not_before.since(now));
        }
        if let Some(outgoing) = &self.unanswered {
            return Step::Send(outgoing.clone());
        }
        let to = match self.target(now) {
            Ok(to) => to,
            Err(opens_at) => return Step::Wait(opens_at.since(now)),
        };
        let probes = to == Target::Own && self.broken.is_some();
        if probes {
            return send(to, Form::Whole, waiting.iter().take(1).map(Part::single).collect());
        }
        if let Some(part) = &self.simplest {
            return send(to, Form::Simplest, vec![part.clone()]);
        }
        if let Some(part) = self.singly.front() {
            return send(to, Form::Whole, vec![part.clone()]);
        }
        if to == Target::Fallback
            && let Some(doubled) = self.told_by_the_fallback(waiting)
        {
            return Step::Settle(doubled);
        }
        send(
            to,
            Form::Whole,
            put_together(waiting, &self.measures[to as usize], self.last_rule.as_ref(), now),
        )
    }

    /// Who can be sent to, or when somebody can.
    fn target(&self, now: Time) -> Result<Target, Time> {
        let Some(broken) = &self.broken else { return Ok(Target::Own) };
        if now >= broken.probe_at {
            return Ok(Target::Own);
        }
        match (&self.fallback, self.fallback_rests_until) {
            (None, _) => Err(broken.probe_at),
            (Some(_), Some(until)) if now < until => Err(broken.probe_at.min(until)),
            (Some(_), _) => Ok(Target::Fallback),
        }
    }

    /// Alerts that the fallback gets for itself.
    fn told_by_the_fallback(&self, waiting: &[Waiting]) -> Option<Vec<AlertId>> {
        let fallback = self.fallback.as_ref()?;
        let doubled = waiting.iter().filter(|waiting| waiting.alert.webhooks.contains(fallback));
        let ids: Vec<AlertId> = doubled.map(|waiting| waiting.alert.id).collect();
        (!ids.is_empty()).then_some(ids)
    }

    /// What the receiver's verdict on `outgoing` means. `jitter` lies in 0..1.
    pub fn answered(&mut self, outgoing: &Outgoing, verdict: Verdict, now: Time, jitter: f64) -> Outcome {
        self.unanswered = None;
        let Outgoing { to, form, parts, .. } = outgoing;
        let ids = || parts.iter().flat_map(|part| part.ids.iter().copied()).collect::<Vec<_>>();
        match (verdict, to) {
            (Verdict::Delivered, _) => {
                self.failed = 0;
                match to {
                    Target::Own => self.broken = None,
                    Target::Fallback => self.fallback_rests_until = None,
                }
                self.last_rule = parts.last().map(|part| part.alert.rule.clone());
                self.done_with(&ids());
                Outcome::Delivered(ids())
            }
            // Up to a tenth later, so that many agents that were paused together don't come back together.
            (Verdict::Pause(pause), _) => Outcome::Paused(now + pause + pause.mul_f64(jitter / 10.0)),
            (Verdict::Retry(why), Target::Own) if self.broken.is_some() => self.break_down(why, now),
            (Verdict::Retry(why), _) => {
                self.not_before = now + self.backoff(jitter);
                self.failed = self.failed.saturating_add(1);
                self.unanswered = Some(outgoing.clone());
                Outcome::Kept(why)
            }
            (Verdict::Refused(why), _) if parts.len() > 1 => {
                self.singly = parts.iter().cloned().collect();
                Outcome::Kept(format!("{why}: sending its alerts one by one"))
            }
            (Verdict::Refused(why), _) if *form == Form::Whole => {
                self.simplest = parts.first().cloned();
                Outcome::Kept(format!("{why}: sending it in its simplest form"))
            }
            (Verdict::Refused(why), _) => {
                self.done_with(&ids());
                Outcome::SetAside(ids(), why)
            }
            (Verdict::Broken(why), Target::Own) => self.break_down(why, now),
            (Verdict::Broken(why), Target::Fallback) => {
                self.fallback_rests_until = Some(now + self.retry_probe);
                Outcome::Kept(format!("the fallback is broken too: {why}"))
            }
        }
    }

    fn break_down(&mut self, why: String, now: Time) -> Outcome {
        self.broken = Some(Broken { why: why.clone(), probe_at: now + self.retry_probe });
        Outcome::Kept(why)
    }

    /// These alerts are out of the queue.
    fn done_with(&mut self, ids: &[AlertId]) {
        let is_done = |part: &Part| part.ids.iter().any(|id| ids.contains(id));
        self.singly.retain(|part| !is_done(part));
        self.simplest = self.simplest.take().filter(|part| !is_done(part));
    }

    /// Full jitter: anything between nothing and the exponential bound, as a fleet that lost its receiver needs it.
    fn backoff(&self, jitter: f64) -> Duration {
        let bound = BACKOFF_FIRST.saturating_mul(1 << self.failed.min(20)).min(self.retry_max);
        bound.mul_f64(jitter.clamp(0.0, 1.0))
    }
}

fn send(to: Target, form: Form, parts: Vec<Part>) -> Step {
    Step::Send(Outgoing { to, form, calls: Calls::Open, parts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::tests_support::webhook;
    use crate::engine::tests_support::alert;
    use crate::engine::{Alert, EpisodeId, Kind};

    const START: Time = Time::from_secs(1_000_000);

    fn millis(millis: u64) -> Time {
        START + Duration::from_millis(millis)
    }

    fn plan() -> Plan {
        Plan::new(&webhook("ops"), None, START)
    }

    fn plan_with_fallback() -> Plan {
        Plan::new(&webhook("ops"), Some(&webhook("spare")), START)
    }

    #[test]
    fn a_reload_tries_what_was_broken_at_once_and_repeats_nothing_in_another_form() {
        let mut plan = plan_with_fallback();
        let all = [opened("a", 1, 0), opened("a", 2, 0)];
        let first = outgoing(plan.next(&all[..1], START));
        plan.answered(&first, Verdict::Retry("no answer".into()), START, 1.0);
        assert!(matches!(plan.next(&all, START), Step::Wait(_)));
        plan.renew(&webhook("ops"), Some(&webhook("spare")), START);
        let again = outgoing(plan.next(&all, START));
        assert_eq!(again.parts, first.parts, "it may have arrived: it is sent as it was");
        plan.answered(&again, Verdict::Broken("gone".into()), START, 1.0);
        assert_eq!(outgoing(plan.next(&all, START)).to, Target::Fallback);
        plan.renew(&webhook("ops"), None, START);
        let probe = outgoing(plan.next(&all, START));
        assert_eq!((probe.to, probe.parts.len()), (Target::Own, 1));
        plan.answered(&probe, Verdict::Delivered, START, 1.0);
        assert_eq!(plan.broken(), None);
    }

    fn waiting(alert: Alert, at: u64) -> Waiting {
        Waiting { alert: Arc::new(alert), since: millis(at) }
    }

    fn opened(rule: &str, id: u128, at: u64) -> Waiting {
        waiting(alert(rule, id), at)
    }

    #[track_caller]
    fn outgoing(step: Step) -> Outgoing {
        let Step::Send(outgoing) = step else { panic!("nothing is sent: {step:?}") };
        outgoing
    }

    fn ids(outgoing: &Outgoing) -> Vec<Vec<u128>> {
        outgoing.parts.iter().map(|part| part.ids.iter().map(|id| id.0).collect()).collect()
    }

    #[track_caller]
    fn sent(step: Step) -> Vec<Vec<u128>> {
        ids(&outgoing(step))
    }

    #[track_caller]
    fn answer(plan: &mut Plan, queue: &[Waiting], verdict: Verdict, at: u64, jitter: f64) -> Outcome {
        let outgoing = outgoing(plan.next(queue, millis(at)));
        plan.answered(&outgoing, verdict, millis(at), jitter)
    }

    fn refused() -> Verdict {
        Verdict::Refused("400 invalid_payload".into())
    }

    fn revoked() -> Verdict {
        Verdict::Broken("404 no_service".into())
    }

    fn kept(outcome: Outcome) {
        assert!(matches!(outcome, Outcome::Kept(_)), "{outcome:?}");
    }

    #[test]
    fn a_failed_message_is_sent_again_as_it_was() {
        let mut queue = vec![opened("a", 1, 0)];
        let mut plan = plan();
        kept(answer(&mut plan, &queue, Verdict::Retry("500".into()), 0, 0.9));
        let summary = Alert { kind: Kind::Summary, episode: EpisodeId(1), ..alert("a", 2) };
        queue.push(waiting(summary, 100));
        assert_eq!(plan.next(&queue, millis(100)), Step::Wait(Duration::from_millis(800)));
        assert_eq!(sent(plan.next(&queue, millis(5_000))), [[1]]);
        assert_eq!(plan.next(&[], millis(5_000)), Step::Idle);
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
    fn after_a_pause_what_waits_is_put_together_anew() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan();
        let pause = Verdict::Pause(Duration::from_secs(30));
        assert_eq!(answer(&mut plan, &queue, pause, 0, 0.5), Outcome::Paused(millis(31_500)));
        assert_eq!(sent(plan.next(&queue, millis(31_500))), [[1], [2]]);
    }

    #[test]
    fn what_is_refused_alone_is_drawn_in_its_simplest_form_and_then_set_aside() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0), opened("c", 3, 0)];
        let mut plan = plan();
        kept(answer(&mut plan, &queue, refused(), 2_000, 0.0));
        kept(answer(&mut plan, &queue, refused(), 4_000, 0.0));
        let simplest = outgoing(plan.next(&queue, millis(6_000)));
        assert_eq!((ids(&simplest), simplest.form), (vec![vec![1]], Form::Simplest));
        let outcome = plan.answered(&simplest, refused(), millis(6_000), 0.0);
        assert_eq!(outcome, Outcome::SetAside(vec![AlertId(1)], "400 invalid_payload".into()));
        let rest = &queue[1..];
        let outcome = answer(&mut plan, rest, Verdict::Delivered, 8_000, 0.0);
        assert_eq!(
            outcome,
            Outcome::Delivered(vec![AlertId(2)]),
            "the refused message goes one by one to its end"
        );
        assert_eq!(
            answer(&mut plan, &rest[1..], refused(), 9_000, 0.0),
            Outcome::Kept("400 invalid_payload: sending it in its simplest form".into())
        );
        let outcome = answer(&mut plan, &rest[1..], Verdict::Delivered, 10_000, 0.0);
        assert_eq!(outcome, Outcome::Delivered(vec![AlertId(3)]));
        let later = [opened("a", 4, 8_000), opened("b", 5, 8_000)];
        assert_eq!(sent(plan.next(&later, millis(20_000))), [[4], [5]]);
    }

    #[test]
    fn a_broken_webhook_is_tried_now_and_then_with_its_oldest_alert() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan();
        kept(answer(&mut plan, &queue, revoked(), 2_000, 0.0));
        assert_eq!((plan.broken(), plan.is_stuck()), (Some("404 no_service"), true));
        assert_eq!(plan.next(&queue, millis(3_000)), Step::Wait(Duration::from_secs(599)));
        kept(answer(&mut plan, &queue, Verdict::Retry("timed out".into()), 602_000, 0.0));
        assert_eq!(plan.next(&queue, millis(603_000)), Step::Wait(Duration::from_secs(599)));
        let outcome = answer(&mut plan, &queue, Verdict::Delivered, 1_300_000, 0.0);
        assert_eq!(outcome, Outcome::Delivered(vec![AlertId(1)]));
        assert_eq!(plan.broken(), None);
    }

    #[test]
    fn a_webhook_that_seems_mended_is_tried_at_once() {
        let queue = [opened("a", 1, 0)];
        let mut plan = plan();
        kept(answer(&mut plan, &queue, revoked(), 0, 0.0));
        plan.mended(millis(5_000));
        assert_eq!(sent(plan.next(&queue, millis(5_000))), [[1]]);
    }

    #[test]
    fn the_fallback_gets_what_the_webhook_refuses_for_good() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        let mut plan = plan_with_fallback();
        kept(answer(&mut plan, &queue, revoked(), 2_000, 0.0));
        assert!(!plan.is_stuck());
        let first = outgoing(plan.next(&queue, millis(3_000)));
        assert_eq!((first.to, ids(&first)), (Target::Fallback, vec![vec![1], vec![2]]));
        plan.answered(&first, Verdict::Delivered, millis(3_000), 0.0);
        assert_eq!(plan.broken(), Some("404 no_service"));
        // The next one after the time of a probe is the probe.
        let queue = [opened("a", 3, 610_000), opened("a", 4, 610_000)];
        let probe = outgoing(plan.next(&queue, millis(612_000)));
        assert_eq!((probe.to, ids(&probe)), (Target::Own, vec![vec![3]]));
        kept(plan.answered(&probe, revoked(), millis(612_000), 0.0));
        assert_eq!(outgoing(plan.next(&queue, millis(613_000))).to, Target::Fallback);
    }

    #[test]
    fn a_broken_fallback_is_not_followed_further() {
        let queue = [opened("a", 1, 0)];
        let mut plan = plan_with_fallback();
        kept(answer(&mut plan, &queue, revoked(), 0, 0.0));
        kept(answer(&mut plan, &queue, revoked(), 1_000, 0.0));
        assert!(plan.is_stuck());
        assert_eq!(plan.next(&queue, millis(2_000)), Step::Wait(Duration::from_secs(598)));
        assert_eq!(outgoing(plan.next(&queue, millis(600_000))).to, Target::Own);
    }

    #[test]
    fn what_the_fallback_gets_anyway_is_not_sent_to_it_twice() {
        let both = Alert { webhooks: vec!["ops".into(), "spare".into()], ..alert("a", 1) };
        let queue = [waiting(both, 0), opened("b", 2, 0)];
        let mut plan = plan_with_fallback();
        kept(answer(&mut plan, &queue, revoked(), 0, 0.0));
        assert_eq!(plan.next(&queue, millis(1_000)), Step::Settle(vec![AlertId(1)]));
        assert_eq!(sent(plan.next(&queue[1..], millis(2_000))), [[2]]);
    }
}
