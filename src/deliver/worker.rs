//! One webhook's worker: asks the plan, posts, tells the plan the answer, and settles with the outbox. It ends when it
//! is told that nothing more will be decided and nothing waits, or when it is aborted at the end of the grace.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::block_in_place;

use crate::clock::Clock;
use crate::engine::Alert;
use crate::message::clean::one_line;
use crate::message::frame::Frame;
use crate::message::payload::Message;
use crate::message::{render, simplest};
use crate::notice::{Notice, Sort};
use crate::secret::SecretUrl;
use crate::store::Fate;
use crate::time::Spelled;

use super::WebhookSpec;
use super::answer::{Answer, Verdict, explain, verdict};
use super::brief::{Brief, Shared, Transport};
use super::mentions::{Cost, Grant};
use super::place::{Place, SharedLane};
use super::plan::{Calls, Form, Outcome, Outgoing, Plan, Step, Target};
use super::post::post;
use super::tally::{LastAnswer, Standing, Tally};

/// How much of a headline our own log shows.
const FALLBACK_CHARS: usize = 256;

/// How much of a receiver's answer is kept.
const SAID_CHARS: usize = 120;

/// How often the `url_file` of a broken webhook is looked at.
const URL_FILE_LOOKS: Duration = Duration::from_secs(5);

/// Delivers what waits for the webhook of `brief`. Another brief is taken between two messages; without a sender of
/// any the webhook is no longer there, and the worker ends.
pub async fn run(brief: Brief, briefs: watch::Receiver<Brief>, shared: Shared, tally: Arc<Tally>) {
    let plan =
        Plan::new(&brief.own.spec, brief.fallback.as_ref().map(|place| &place.spec), shared.clock.now());
    Worker { brief, briefs, shared, tally, plan, grants: [Grant::None; 2] }.run().await;
}

struct Worker {
    brief: Brief,
    briefs: watch::Receiver<Brief>,
    shared: Shared,
    tally: Arc<Tally>,
    plan: Plan,
    /// By [`Target`]: places of the budgets that were taken for what was then not posted.
    grants: [Grant; 2],
}

/// What a worker waits for.
enum Pause {
    /// Something to deliver.
    Work,
    /// So long.
    Time(Duration),
    /// So long, or until a message of the lane is answered.
    Lane(Duration, Arc<SharedLane>),
}

impl Pause {
    /// When the time is over; what [`Pause::Work`] waits for is the outbox's.
    async fn over(&self) {
        match self {
            Self::Work => std::future::pending().await,
            Self::Time(time) => tokio::time::sleep(*time).await,
            Self::Lane(time, lane) => tokio::select! {
                () = tokio::time::sleep(*time) => {}
                () = lane.answered() => {}
            },
        }
    }
}

impl Worker {
    async fn run(mut self) {
        let mut closing = self.shared.closing.clone();
        loop {
            let closed = *closing.borrow_and_update();
            let waiting = self.shared.outbox.waiting(&self.brief.own.spec.name);
            // Asked for after what waits: that was decided by the rules of this brief, or of one before it.
            match self.briefs.has_changed() {
                Ok(false) => {}
                Ok(true) => {
                    self.take_brief();
                    continue;
                }
                Err(_) => return self.leave(waiting.len()),
            }
            let pause = match self.plan.next(&waiting, self.shared.clock.now()) {
                Step::Idle if closed => return,
                // A webhook that somebody must mend first is not waited for at the end.
                Step::Wait(_) if closed && self.plan.is_stuck() => return,
                Step::Idle => Pause::Work,
                Step::Wait(wait) => {
                    self.waits(Some(wait));
                    Pause::Time(self.until_looked_at(wait))
                }
                Step::Settle(ids) => {
                    let (name, now) = (&self.brief.own.spec.name, self.shared.clock.now());
                    block_in_place(|| {
                        self.shared.outbox.note(
                            name,
                            &ids,
                            Fate::LeftToFallback,
                            "its fallback gets it",
                            now,
                        );
                    });
                    block_in_place(|| self.shared.outbox.settle(&self.brief.own.spec.name, &ids));
                    continue;
                }
                Step::Send(outgoing) => match self.take_place(outgoing.to) {
                    Ok(()) => {
                        self.waits(None);
                        let calls = self.calls(&outgoing);
                        self.send(&Outgoing { calls, ..outgoing }).await;
                        continue;
                    }
                    Err(wait) => {
                        self.waits(Some(wait));
                        Pause::Lane(wait, self.place(outgoing.to).lane.clone())
                    }
                },
            };
            tokio::select! {
                () = self.shared.outbox.changed(&self.brief.own.spec.name), if matches!(pause, Pause::Work) => {}
                () = pause.over(), if !matches!(pause, Pause::Work) => {}
                changed = closing.changed(), if !closed => if changed.is_err() { return },
                // What follows from it is asked for above.
                _ = self.briefs.changed() => self.briefs.mark_changed(),
            }
            self.look_at_url_files();
        }
    }

    /// Something waits, and nothing can be sent for so long.
    fn waits(&self, wait: Option<Duration>) {
        let until = wait.map(|wait| self.shared.clock.now() + wait);
        self.tally.stands(|standing| standing.waits_until = until);
    }

    /// Goes on by another brief. Somebody may have mended what was broken: it is tried at once.
    fn take_brief(&mut self) {
        self.brief = self.briefs.borrow_and_update().clone();
        let fallback = self.brief.fallback.as_ref().map(|place| &place.spec);
        self.plan.renew(&self.brief.own.spec, fallback, self.shared.clock.now());
    }

    /// The webhook is no longer there.
    fn leave(&self, left: usize) {
        if left > 0 {
            let name = &self.brief.own.spec.name;
            let text = format!(
                "the webhook `{name}` is no longer in the configuration: what waits for it is kept, and sent when it \
                 is there again: {left}"
            );
            self.shared.herald.tell(Notice { sort: Sort::Webhook, danger: true, text });
        }
    }

    fn place(&self, target: Target) -> &Place {
        match (target, &self.brief.fallback) {
            (Target::Fallback, Some(fallback)) => fallback,
            _ => &self.brief.own,
        }
    }

    fn take_place(&self, target: Target) -> Result<(), Duration> {
        self.place(target).lane.take(self.shared.clock.now())
    }

    /// Whom a message may call. What is sent again unchanged was asked about before.
    fn calls(&mut self, outgoing: &Outgoing) -> Calls {
        if outgoing.calls != Calls::Open {
            return outgoing.calls;
        }
        let (to, now) = (outgoing.to as usize, self.shared.clock.now());
        let mut budget = self.place(outgoing.to).budget.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = budget.weigh(&outgoing.parts, self.grants[to], now, Clock::wall());
        drop(budget);
        match cost {
            Cost::Nothing => Calls::All,
            Cost::One => {
                self.grants[to] = Grant::Unused;
                Calls::All
            }
            Cost::Held(held) => Calls::Held(held),
        }
    }

    /// While a webhook is broken, its `url_file` is looked at now and then.
    fn until_looked_at(&self, wait: Duration) -> Duration {
        let of_fallback = self.brief.fallback.as_ref().filter(|_| self.plan.fallback_rests());
        let broken = self.plan.broken().map(|_| &self.brief.own).into_iter().chain(of_fallback);
        let looks = broken.into_iter().any(|place| place.spec.url_file.is_some());
        if looks { wait.min(URL_FILE_LOOKS) } else { wait }
    }

    /// A broken webhook whose file holds another URL is tried at once.
    fn look_at_url_files(&mut self) {
        let now = self.shared.clock.now();
        if self.plan.broken().is_some()
            && let Some(url) = other_url(&self.brief.own.spec)
        {
            self.brief.own.spec.url = url;
            self.plan.mended(now);
        }
        if self.plan.fallback_rests()
            && let Some(fallback) = &mut self.brief.fallback
            && let Some(url) = other_url(&fallback.spec)
        {
            fallback.spec.url = url;
            self.plan.fallback_mended();
        }
    }

    fn draw(&self, outgoing: &Outgoing, alerts: &[&Alert], spec: &WebhookSpec) -> Message {
        let rule = |name: &str| self.brief.rules.named(name);
        let held = match outgoing.calls {
            Calls::Held(held) => Some(held),
            Calls::Open | Calls::All => None,
        };
        let frame = Frame { rules: &rule, host: &self.brief.host, flavor: spec.flavor, held };
        let message = match outgoing.form {
            Form::Whole => render::message(alerts, &frame),
            Form::Simplest => simplest::message(alerts, &frame),
        };
        message.posted_as(&spec.persona)
    }

    async fn send(&mut self, outgoing: &Outgoing) {
        let alerts: Vec<_> = outgoing.parts.iter().map(|part| &*part.alert).collect();
        let place = self.place(outgoing.to).clone();
        let message = self.draw(outgoing, &alerts, &place.spec);
        let answer = match &self.brief.transport {
            Transport::Http(clients) => post(clients, &place.spec, &message).await,
            Transport::Draw(draw) => {
                draw(&message);
                Answer::Http { status: 200, retry_after: None, body: "ok".to_owned() }
            }
        };
        let now = self.shared.clock.now();
        let verdict = verdict(&answer, place.spec.flavor, now);
        let meaning = explain(&verdict);
        let said = said(&answer, &meaning);
        let taken = verdict == Verdict::Delivered;
        let health = self.health();
        let outcome = self.plan.answered(outgoing, verdict, now, fastrand::f64());
        if let Outcome::Delivered(_) = outcome {
            self.grants[outgoing.to as usize] = Grant::None;
        }
        let pause = if let Outcome::Paused(until) = outcome { Some(until) } else { None };
        place.lane.answer(now, pause);
        self.stands(LastAnswer { at: now, taken, words: said.clone() });
        self.settle(&outcome, &place.spec.name, &said, &message, &alerts);
        self.tell(&outcome, &place.spec.name, &meaning, &ids(&alerts));
        if health != self.health() {
            block_in_place(|| self.tell_health(health, &meaning));
            self.look_at_url_files();
        }
    }

    /// Counts what became of the message, and takes out of the outbox what is done with. Nothing is waited for between
    /// the answer and this: what was taken is settled even when the worker is aborted.
    fn settle(&self, outcome: &Outcome, to: &str, said: &str, message: &Message, alerts: &[&Alert]) {
        let tally = &self.tally;
        match outcome {
            Outcome::Delivered(settled) => {
                tally.delivered(alerts.len());
                let (own, now) = (&self.brief.own.spec.name, self.shared.clock.now());
                let by = if to == &**own { said.to_owned() } else { format!("by `{to}`: {said}") };
                block_in_place(|| {
                    self.shared.outbox.note(own, settled, Fate::Delivered, &by, now);
                    self.shared.outbox.settle(own, settled);
                });
            }
            Outcome::SetAside(settled, why) => {
                for attachment in &message.attachments {
                    tracing::error!(webhook = %to, alerts = %ids(alerts), answer = %why,
                        "set aside: {}", one_line(&attachment.fallback, FALLBACK_CHARS));
                }
                tally.set_aside(settled.len());
                let now = self.shared.clock.now();
                block_in_place(|| self.shared.outbox.set_aside(&self.brief.own.spec.name, settled, why, now));
            }
            Outcome::Paused(_) | Outcome::Kept(_) => tally.kept(),
        }
    }

    fn tell(&self, outcome: &Outcome, to: &str, meaning: &str, alerts: &str) {
        match outcome {
            Outcome::Delivered(_) if matches!(self.brief.transport, Transport::Http(_)) => {
                tracing::info!(webhook = %to, alerts, "delivered");
            }
            Outcome::Delivered(_) | Outcome::SetAside(..) => {}
            Outcome::Paused(_) => tracing::info!(webhook = %to, alerts, "the receiver asks for a pause"),
            // That it is broken has been told when it broke.
            Outcome::Kept(_) if self.plan.is_stuck() => {
                tracing::debug!(webhook = %to, answer = %meaning, alerts, "kept: the webhook is still broken");
            }
            Outcome::Kept(why) => {
                tracing::warn!(webhook = %to, answer = %why, alerts, "not delivered: it is sent again");
            }
        }
    }

    fn stands(&self, answer: LastAnswer) {
        let broken = self.plan.broken().map(str::to_owned);
        let replaced = self.health() == Health::Replaced;
        let fallback = self.brief.fallback.as_ref().filter(|_| replaced).map(|place| place.spec.name.clone());
        self.tally.stands(|standing| {
            *standing = Standing { answer: Some(answer), broken, fallback, waits_until: None };
        });
    }

    fn health(&self) -> Health {
        match self.plan.broken() {
            None => Health::Well,
            Some(_) if self.plan.is_stuck() => Health::Stuck,
            Some(_) => Health::Replaced,
        }
    }

    /// The webhook's health is another one since an answer that means this.
    fn tell_health(&self, before: Health, meaning: &str) {
        let name = &self.brief.own.spec.name;
        let fallback = self.brief.fallback.as_ref().map_or("", |fallback| &fallback.spec.name);
        let herald = &self.shared.herald;
        match (before, self.health()) {
            (_, Health::Well) => tracing::info!(webhook = %name, "the webhook takes messages again"),
            (Health::Well, Health::Replaced) => {
                let text =
                    format!("the webhook `{name}` is broken: its alerts go to `{fallback}`: {meaning}");
                herald.tell(Notice { sort: Sort::Webhook, danger: false, text });
            }
            (_, Health::Replaced) => tracing::info!(webhook = %name, "its alerts go to `{fallback}` again"),
            (_, Health::Stuck) => {
                let too = if self.brief.fallback.is_some() { " and its fallback are" } else { " is" };
                let every = Spelled(self.brief.own.spec.retry_probe);
                let text = format!(
                    "the webhook `{name}`{too} broken: its alerts are kept, and it is tried again every {every}: {meaning}"
                );
                herald.tell_of(name, Notice { sort: Sort::Webhook, danger: true, text });
            }
        }
    }
}

/// Whether alerts arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    /// At the webhook.
    Well,
    /// At its fallback.
    Replaced,
    /// Nowhere.
    Stuck,
}

/// What the webhook's `url_file` holds, where that is another URL than the one in use. What is wrong with the file was
/// told when it was read for the first time, or is about to be mended.
fn other_url(spec: &WebhookSpec) -> Option<SecretUrl> {
    let file = spec.url_file.as_ref()?;
    let url = file.url().ok().filter(|url| *url != spec.url)?;
    tracing::info!(webhook = %spec.name, file = %file.path().display(), "the file holds another URL: trying it");
    Some(url)
}

/// What a receiver said, in its own words.
fn said(answer: &Answer, meaning: &str) -> String {
    match answer {
        Answer::Http { status, body, .. } => {
            let body = one_line(body, SAID_CHARS);
            format!("{status} {body}").trim_end().to_owned()
        }
        Answer::Nothing(_) => meaning.to_owned(),
    }
}

fn ids(alerts: &[&Alert]) -> String {
    alerts.iter().map(|alert| alert.id.short()).collect::<Vec<_>>().join(" ")
}
