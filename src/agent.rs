//! Wires the stations, starts them, and stops them in order: inputs, engine, deliveries. The only module that knows
//! everyone.
//!
//! Each station ends when what it reads from is closed: the engine when the last input has dropped its feed, a worker
//! when nothing more will be decided and nothing waits.

use std::collections::HashMap;
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::Config;
use crate::deliver::WebhookSpec;
use crate::deliver::lane::Lane;
use crate::deliver::mentions::{Budget, MentionSpec};
use crate::deliver::worker::{self, Place, Shared, SharedLane, Tally, Transport};
use crate::engine::{Alert, Engine};
use crate::event::Origin;
use crate::input::feed::{self, Batch, Feed, Read};
use crate::input::files::{self, FilesError, Until};
use crate::input::stdin::{self, StdinError};
use crate::input::waker::Waker;
use crate::input::{InputSpec, Source};
use crate::message::redact_alert::redact_alert;
use crate::notice::Notice;
use crate::report::{InputReport, Report, WebhookReport};
use crate::rule::Rule;
use crate::scan::Scanner;
use crate::store::Outbox;
use crate::time::Time;

/// Of the grace that a stop is given, standard input is read for so much at most: the rest is for delivering.
const READING_SHARE: f64 = 0.8;

/// How a run is to go.
#[derive(Debug)]
pub struct Options {
    /// When reading files ends.
    pub until: Until,
    /// After a stop: how long to deliver what waits.
    pub grace: Duration,
    /// After the end of the input: how long to deliver what waits; `None`: for ever.
    pub drain: Option<Duration>,
    /// Where messages go.
    pub transport: Transport,
}

/// Why a run ended that should not have.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The system gave no pipe or descriptor.
    #[error("failed to set up the inputs")]
    Setup(#[source] std::io::Error),
    /// Reading files.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Reading standard input.
    #[error(transparent)]
    Stdin(#[from] StdinError),
    /// A bug: a part of the agent panicked.
    #[error("a part of the agent panicked; please report this as a bug")]
    Panicked(#[from] JoinError),
}

/// What a run did, and what is left of it.
#[derive(Debug)]
pub struct Ended {
    /// In numbers.
    pub report: Report,
    /// It was asked to stop; otherwise its inputs ended.
    pub stopped: bool,
    /// By webhook, alerts that no receiver took.
    pub undelivered: Vec<(Arc<str>, Arc<Alert>)>,
}

/// Runs `config` until its inputs end or `stops` brings a request to stop; a second request ends the wait for
/// deliveries at once.
///
/// # Errors
/// An input failed as a whole, or a part of the agent panicked. What was decided before was still delivered.
pub async fn run(
    config: Config,
    options: Options,
    mut stops: mpsc::Receiver<()>,
) -> Result<Ended, AgentError> {
    let started = Instant::now();
    let mut agent = Agent::start(config, options).map_err(AgentError::Setup)?;
    let failure = agent.read(&mut stops).await;
    agent.deliver(&mut stops).await;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(agent.end(started.elapsed())),
    }
}

struct Agent {
    options: Options,
    rules: Arc<[Rule]>,
    input_names: Vec<Arc<str>>,
    outbox: Arc<Outbox>,
    tallies: Vec<(Arc<str>, Arc<Tally>)>,
    wakers: Wakers,
    readers: JoinSet<Result<(), AgentError>>,
    engine: JoinSet<Decided>,
    workers: JoinSet<()>,
    closing: watch::Sender<bool>,
    /// What the engine counted, once it has ended.
    decided: Option<Decided>,
    /// When waiting for deliveries ends; known once reading ends.
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct Wakers {
    files: Arc<Waker>,
    stdin: Arc<Waker>,
}

/// What the engine's thread leaves.
#[derive(Debug)]
struct Decided {
    engine: Engine,
    reads: Vec<Read>,
}

impl Agent {
    fn start(config: Config, options: Options) -> std::io::Result<Self> {
        let Config { host, webhooks, mentions, inputs, rules, limits, .. } = config;
        let rules: Arc<[Rule]> = rules.into();
        let clock = Arc::new(Clock::start());
        let outbox =
            Arc::new(Outbox::new(webhooks.iter().map(|webhook| webhook.name.clone()), limits.outbox));
        let (sender, receiver) = feed::channel();
        let wakers = Wakers { files: Arc::new(Waker::new()?), stdin: Arc::new(Waker::new()?) };
        let (closing, closed) = watch::channel(false);
        let mut agent = Self {
            input_names: inputs.iter().map(|input| input.name.clone()).collect(),
            outbox: outbox.clone(),
            tallies: Vec::new(),
            wakers,
            readers: JoinSet::new(),
            engine: JoinSet::new(),
            workers: JoinSet::new(),
            closing,
            decided: None,
            deadline: None,
            rules: rules.clone(),
            options,
        };
        let shared = Shared {
            outbox: outbox.clone(),
            rules: rules.clone(),
            host: host.clone(),
            clock: clock.clone(),
            transport: agent.options.transport.clone(),
            closing: closed,
        };
        agent.start_workers(webhooks, &mentions, &shared);
        let engine = Engine::new(rules.clone(), host.clone(), limits.keys, clock.now());
        let reads = vec![Read::default(); inputs.len()];
        let decided = Decided { engine, reads };
        let engine_clock = clock.clone();
        agent.engine.spawn_blocking(move || decide(decided, &receiver, &outbox, &rules, &engine_clock));
        agent.start_readers(inputs, &host, &clock, sender)?;
        Ok(agent)
    }

    fn start_workers(&mut self, webhooks: Vec<WebhookSpec>, mentions: &MentionSpec, shared: &Shared) {
        let places = places(webhooks, mentions, shared.clock.now());
        for own in &places {
            let tally = Arc::new(Tally::default());
            self.tallies.push((own.spec.name.clone(), tally.clone()));
            let fallback = own.spec.fallback.as_ref();
            let fallback = fallback.and_then(|name| places.iter().find(|place| place.spec.name == *name));
            self.workers.spawn(worker::run(own.clone(), fallback.cloned(), shared.clone(), tally));
        }
    }

    /// Takes the only sender: when the readers have ended, the channel is closed.
    fn start_readers(
        &mut self,
        inputs: Vec<InputSpec>,
        host: &Arc<str>,
        clock: &Arc<Clock>,
        sender: SyncSender<Batch>,
    ) -> std::io::Result<()> {
        let mut file_inputs = Vec::new();
        for (place, input) in inputs.into_iter().enumerate() {
            let scanner = Arc::new(Scanner::new(&input.name, self.rules.clone(), host.clone()));
            let feed = Feed::new(place, scanner, input.line, clock.clone(), sender.clone());
            match input.source {
                Source::Files(spec) => file_inputs.push((spec, input.labels, input.name, feed)),
                Source::Stdin { passthrough } => {
                    let origin = Origin { input: input.name, file: None, stream: None, labels: input.labels };
                    self.start_stdin(origin, passthrough, feed)?;
                }
            }
        }
        if !file_inputs.is_empty() {
            let (until, waker) = (self.options.until, self.wakers.files.clone());
            self.readers.spawn_blocking(move || Ok(files::run(file_inputs, until, &waker)?));
        }
        Ok(())
    }

    fn start_stdin(&mut self, origin: Origin, passthrough: bool, feed: Feed) -> std::io::Result<()> {
        // The standard handles buffer: what is read or passed on here must not wait in a buffer.
        let source = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let out = match passthrough {
            true => Some(File::from(std::io::stdout().as_fd().try_clone_to_owned()?)),
            false => None,
        };
        let waker = self.wakers.stdin.clone();
        self.readers.spawn_blocking(move || Ok(stdin::run(source, out, Arc::new(origin), feed, &waker)?));
        Ok(())
    }

    /// Until all inputs have ended, and the engine after them. Returns what went wrong first.
    async fn read(&mut self, stops: &mut mpsc::Receiver<()>) -> Option<AgentError> {
        let mut failure = None;
        let mut reading_ends: Option<Instant> = None;
        loop {
            tokio::select! {
                ended = self.readers.join_next() => {
                    let Some(ended) = ended else { break };
                    if let Err(error) = ended.map_err(AgentError::from).flatten() {
                        failure.get_or_insert(error);
                        self.wakers.files.stop();
                        self.wakers.stdin.stop();
                    }
                }
                Some(()) = stops.recv() => match reading_ends {
                    None => {
                        let now = Instant::now();
                        self.deadline = Some(now + self.options.grace);
                        reading_ends = Some(now + self.options.grace.mul_f64(READING_SHARE));
                        self.wakers.files.stop();
                        // A person at a keyboard sends nothing more; a program's last lines are the ones that matter.
                        if std::io::stdin().is_terminal() {
                            self.wakers.stdin.stop();
                        }
                        tracing::info!(grace = ?self.options.grace, "stopping: delivering what waits");
                    }
                    Some(_) => {
                        self.deadline = Some(Instant::now());
                        self.wakers.stdin.stop();
                    }
                },
                () = sleep_until(reading_ends.filter(|_| !self.wakers.stdin.stopped())) => self.wakers.stdin.stop(),
            }
        }
        match self.engine.join_next().await {
            Some(Ok(decided)) => self.decided = Some(decided),
            Some(Err(panic)) => drop(failure.get_or_insert(panic.into())),
            None => {}
        }
        failure
    }

    /// Until nothing waits, the deadline is over, or somebody asks again to stop.
    async fn deliver(&mut self, stops: &mut mpsc::Receiver<()>) {
        tracing::debug!("nothing more is decided: delivering what waits");
        self.closing.send_replace(true);
        let mut deadline = match (self.deadline, self.options.drain) {
            (Some(deadline), _) => Some(deadline),
            (None, Some(drain)) => Some(Instant::now() + drain),
            (None, None) => None,
        };
        loop {
            tokio::select! {
                ended = self.workers.join_next() => match ended {
                    None => return,
                    Some(Ok(())) => {}
                    Some(Err(panic)) => tracing::error!(%panic, "a webhook's worker panicked: please report this as a bug"),
                },
                () = sleep_until(deadline) => return self.workers.shutdown().await,
                Some(()) = stops.recv() => match self.deadline {
                    // The first request came after the end of the input: the grace begins.
                    None => {
                        let grace = Instant::now() + self.options.grace;
                        self.deadline = Some(grace);
                        deadline = Some(deadline.map_or(grace, |deadline| deadline.min(grace)));
                    }
                    Some(_) => return self.workers.shutdown().await,
                },
            }
        }
    }

    fn end(self, took: Duration) -> Ended {
        let mut report = Report { seconds: took.as_secs_f64(), ..Report::default() };
        if let Some(Decided { engine, reads }) = &self.decided {
            for (name, read) in self.input_names.iter().zip(reads) {
                report.lines += read.lines;
                report.bytes += read.bytes;
                report.inputs.insert(name.to_string(), InputReport::from(*read));
            }
            report.rules =
                engine.counters().map(|(rule, counters)| (rule.name.to_string(), counters)).collect();
        }
        let mut undelivered = Vec::new();
        for (name, tally) in &self.tallies {
            let left = self.outbox.waiting(name);
            let counted = WebhookReport::new(tally.read(), self.outbox.overflowed(name), left.len() as u64);
            report.webhooks.insert(name.to_string(), counted);
            undelivered.extend(left.into_iter().map(|waiting| (name.clone(), waiting.alert)));
        }
        Ended { report, stopped: self.deadline.is_some(), undelivered }
    }
}

/// The webhooks with their rates; those of one group share one.
fn places(webhooks: Vec<WebhookSpec>, mentions: &MentionSpec, now: Time) -> Vec<Place> {
    let mut groups: HashMap<Arc<str>, Arc<SharedLane>> = HashMap::new();
    let place = |spec: WebhookSpec| {
        let new = || Arc::new(SharedLane::new(Lane::new(spec.rate, now)));
        let lane = match &spec.rate_group {
            Some(group) => groups.entry(group.clone()).or_insert_with(new).clone(),
            None => new(),
        };
        let budget = Arc::new(Mutex::new(Budget::new(mentions.clone(), now)));
        Place { spec, lane, budget }
    };
    webhooks.into_iter().map(place).collect()
}

/// Waits for ever where there is no such instant.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// The engine's thread: batches and the time in, alerts to the outbox, until the last input is gone. State is in memory:
/// the end is an end of the input, and what was counted is told.
fn decide(
    mut decided: Decided,
    batches: &Receiver<Batch>,
    outbox: &Outbox,
    rules: &[Rule],
    clock: &Clock,
) -> Decided {
    let Decided { engine, reads } = &mut decided;
    loop {
        match receive(batches, engine.next_due().map(|due| due.since(clock.now()))) {
            Ok(batch) => {
                let now = clock.now();
                reads[batch.input].add(batch.read);
                batch.notices.iter().for_each(tell);
                batch.matches.into_iter().for_each(|found| engine.take(found, now));
            }
            Err(RecvTimeoutError::Timeout) => engine.advance(clock.now()),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        commit(engine, outbox, rules, clock);
    }
    engine.end_of_input(clock.now());
    commit(engine, outbox, rules, clock);
    decided
}

fn receive(batches: &Receiver<Batch>, wait: Option<Duration>) -> Result<Batch, RecvTimeoutError> {
    match wait {
        Some(wait) => batches.recv_timeout(wait),
        None => batches.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn tell(notice: &Notice) {
    if notice.danger {
        tracing::error!(about = ?notice.sort, "{}", notice.text);
    } else {
        tracing::warn!(about = ?notice.sort, "{}", notice.text);
    }
}

/// Redacts what was decided, and stores it.
fn commit(engine: &mut Engine, outbox: &Outbox, rules: &[Rule], clock: &Clock) {
    let mut alerts = engine.take_alerts();
    for alert in &mut alerts {
        if let Some(rule) = rules.iter().find(|rule| rule.name == alert.rule) {
            redact_alert(alert, &rule.redact);
        }
    }
    outbox.commit(alerts, clock.now());
}
