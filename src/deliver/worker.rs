//! One webhook's worker: asks the plan, posts, tells the plan the answer, and settles with the outbox. It ends when it
//! is told that nothing more will be decided and nothing waits, or when it is aborted at the end of the grace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::block_in_place;

use crate::clock::Clock;
use crate::message::clean::one_line;
use crate::message::payload::Message;
use crate::message::render;
use crate::rule::Rule;
use crate::store::Outbox;

use super::WebhookSpec;
use super::answer::{Answer, explain, verdict};
use super::plan::{Outcome, Part, Plan, Step};
use super::post::post;

/// How much of a headline our own log shows.
const FALLBACK_CHARS: usize = 256;

/// Where messages go.
#[derive(Clone)]
pub enum Transport {
    /// To the webhook's URL.
    Http(reqwest::Client),
    /// Nowhere: they are drawn for a person.
    Draw(Arc<dyn Fn(&Message) + Send + Sync>),
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http(_) => "Http",
            Self::Draw(_) => "Draw",
        })
    }
}

/// What the workers of all webhooks share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// What waits.
    pub outbox: Arc<Outbox>,
    /// For the messages' templates and colours.
    pub rules: Arc<[Rule]>,
    /// This machine's name in messages.
    pub host: Arc<str>,
    /// The engine's.
    pub clock: Arc<Clock>,
    /// Where messages go.
    pub transport: Transport,
    /// `true` once nothing more will be decided.
    pub closing: watch::Receiver<bool>,
}

/// What a webhook got, counted while it runs.
#[derive(Debug, Default)]
pub struct Tally {
    messages: AtomicU64,
    attachments: AtomicU64,
    retries: AtomicU64,
    dead: AtomicU64,
}

/// A [`Tally`] in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tallied {
    /// Messages that the receiver took.
    pub messages: u64,
    /// Attachments in them.
    pub attachments: u64,
    /// Messages that were sent again.
    pub retries: u64,
    /// Alerts that were set aside.
    pub dead: u64,
}

impl Tally {
    /// So far.
    pub fn read(&self) -> Tallied {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tallied {
            messages: load(&self.messages),
            attachments: load(&self.attachments),
            retries: load(&self.retries),
            dead: load(&self.dead),
        }
    }
}

fn add(count: &AtomicU64, n: usize) {
    count.fetch_add(n as u64, Ordering::Relaxed);
}

/// Delivers what waits for one webhook.
pub async fn run(spec: WebhookSpec, shared: Shared, tally: Arc<Tally>) {
    let mut plan = Plan::new(&spec, shared.clock.now());
    let mut closing = shared.closing.clone();
    loop {
        let closed = *closing.borrow_and_update();
        let waiting = shared.outbox.waiting(&spec.name);
        match plan.next(&waiting, shared.clock.now()) {
            Step::Idle if closed => return,
            // A webhook that somebody must mend first is not waited for at the end.
            Step::Wait(_) if closed && plan.broken().is_some() => return,
            Step::Idle => tokio::select! {
                () = shared.outbox.changed(&spec.name) => {}
                changed = closing.changed() => if changed.is_err() { return },
            },
            Step::Wait(wait) => tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = closing.changed(), if !closed => if changed.is_err() { return },
            },
            Step::Send(parts) => send(&spec, &shared, &tally, &mut plan, &parts).await,
        }
    }
}

async fn send(spec: &WebhookSpec, shared: &Shared, tally: &Tally, plan: &mut Plan, parts: &[Part]) {
    let alerts: Vec<_> = parts.iter().map(|part| &*part.alert).collect();
    let rule = |name: &str| shared.rules.iter().find(|rule| &*rule.name == name);
    let message = render::message(&alerts, &rule, &shared.host);
    let answer = match &shared.transport {
        Transport::Http(client) => post(client, spec, &message).await,
        Transport::Draw(draw) => {
            draw(&message);
            Answer::Http { status: 200, retry_after: None, body: "ok".to_owned() }
        }
    };
    let now = shared.clock.now();
    let verdict = verdict(&answer, now);
    let meaning = explain(&verdict);
    let outcome = plan.answered(parts, verdict, now, fastrand::f64());
    let ids = || alerts.iter().map(|alert| alert.id.short()).collect::<Vec<_>>().join(" ");
    match outcome {
        Outcome::Delivered(settled) => {
            if let Transport::Http(_) = shared.transport {
                tracing::info!(webhook = %spec.name, alerts = %ids(), "delivered");
            }
            add(&tally.messages, 1);
            add(&tally.attachments, alerts.len());
            // Nothing is waited for between the answer and this: what was taken is settled even when the worker is aborted.
            block_in_place(|| shared.outbox.settle(&spec.name, &settled));
        }
        Outcome::SetAside(settled, why) => {
            for attachment in &message.attachments {
                tracing::error!(webhook = %spec.name, alerts = %ids(), answer = %meaning,
                    "set aside: {}", one_line(&attachment.fallback, FALLBACK_CHARS));
            }
            add(&tally.dead, settled.len());
            block_in_place(|| shared.outbox.set_aside(&spec.name, &settled, &why, now));
        }
        Outcome::Kept(why) => {
            add(&tally.retries, 1);
            match (why, plan.broken()) {
                (Some(_), Some(_)) => {
                    tracing::error!(webhook = %spec.name, answer = %meaning, alerts = %ids(),
                    "the webhook is broken: its alerts are kept, and it is tried again every {}",
                    crate::time::Spelled(spec.retry_probe));
                }
                (Some(why), None) => {
                    tracing::warn!(webhook = %spec.name, answer = %why, alerts = %ids(), "not delivered: it is sent again");
                }
                (None, _) => {
                    tracing::info!(webhook = %spec.name, alerts = %ids(), "the receiver asks for a pause");
                }
            }
        }
    }
}
