//! Wires the stations, starts them, and stops them in order: inputs, engine, deliveries. The only module that knows
//! everyone.
//!
//! Each station ends when what it reads from is closed: the engine when the last input has dropped its feed, a worker
//! when nothing more will be decided and nothing waits.

mod decide;
mod unfinished;

use std::collections::HashMap;
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
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
use crate::deliver::place::{Place, SharedLane};
use crate::deliver::tally::Tally;
use crate::deliver::worker::{self, Shared, Transport};
use crate::engine::{Alert, Engine};
use crate::event::{InputState, Origin};
use crate::herald::Herald;
use crate::input::feed::{self, Batch, Feed, Read};
use crate::input::files::{self, FilesError, Reading, Until};
use crate::input::program::{self, Program, Watch};
use crate::input::stdin::{self, StdinError, WhenClosed};
use crate::input::waker::Waker;
use crate::input::{InputSpec, Source};
use crate::notice::{Notice, Sort};
use crate::report::{InputReport, Report, WebhookReport};
use crate::rule::Rule;
use crate::scan::Scanner;
use crate::store::{self, Keeps, OpenError, Restored, Space, Store, WriteError};
use crate::time::{Human, Time};

use decide::{Decider, Finish, Unstored};
use unfinished::Unfinished;

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
    /// What is read in the place of standard input; its end ends the run.
    pub program: Option<Program>,
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
    /// Reading standard input, or a program's output.
    #[error(transparent)]
    Stdin(#[from] StdinError),
    /// The state can't be written any more.
    #[error(transparent)]
    Store(Arc<WriteError>),
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
    /// Whether they wait for the next start.
    pub keeps: Keeps,
}

/// A store that is open, and what it held.
#[derive(Debug)]
pub struct Opened {
    store: Store,
    restored: Restored,
}

impl Opened {
    /// For `config`, in memory.
    pub fn in_memory(config: &Config) -> Self {
        let store = Store::in_memory(webhook_names(config), config.limits.outbox);
        Self { store, restored: Restored::default() }
    }

    /// For `config`, in this state directory, which is then this process's.
    ///
    /// # Errors
    /// It can't be used; nothing was changed.
    pub fn in_directory(config: &Config, path: &Path) -> Result<Self, OpenError> {
        let (store, restored) = Store::open(path, webhook_names(config), config.limits.outbox)?;
        Ok(Self { store, restored })
    }

    /// For `config`, in memory, from where this state directory would go on; it is not written. The alerts that wait in
    /// it stay there.
    ///
    /// # Errors
    /// It can't be read.
    pub fn looking_at(config: &Config, path: &Path) -> Result<Self, OpenError> {
        let restored = store::look(path)?;
        Ok(Self { restored, ..Self::in_memory(config) })
    }
}

fn webhook_names(config: &Config) -> impl Iterator<Item = Arc<str>> {
    config.webhooks.iter().map(|webhook| webhook.name.clone())
}

/// Runs `config` from where `opened` left off, until its inputs end or `stops` brings a request to stop; a second request ends the wait for
/// deliveries at once.
///
/// # Errors
/// An input failed as a whole, or a part of the agent panicked: what was decided before was still delivered. Or the state
/// can't be written any more: nothing was done after that, and a start goes on from what is on the disk.
pub async fn run(
    config: Config,
    opened: Opened,
    options: Options,
    mut stops: mpsc::Receiver<()>,
) -> Result<Ended, AgentError> {
    let started = Instant::now();
    let mut agent = Agent::start(config, opened, options).map_err(AgentError::Setup)?;
    let herald = agent.herald.clone();
    let work = async {
        let failure = agent.read(&mut stops).await;
        if failure.is_some() {
            agent.outlive_program(&mut stops).await;
        }
        if matches!(failure, Some(AgentError::Store(_))) {
            return failure;
        }
        agent.farewell(started.elapsed());
        let later = agent.deliver(&mut stops).await;
        failure.or(later)
    };
    let failure = tokio::select! {
        failure = work => failure,
        never = herald.run() => match never {},
    };
    // After a failure some still work: a timer that they set once the runtime ends would be a panic.
    agent.workers.shutdown().await;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(agent.end(started.elapsed())),
    }
}

struct Agent {
    options: Options,
    rules: Arc<[Rule]>,
    input_names: Vec<Arc<str>>,
    store: Arc<Store>,
    herald: Arc<Herald>,
    tallies: Vec<(Arc<str>, Arc<Tally>)>,
    wakers: Wakers,
    readers: JoinSet<Result<Reader, AgentError>>,
    engine: JoinSet<Result<(Decider, Finish), WriteError>>,
    workers: JoinSet<()>,
    closing: watch::Sender<bool>,
    /// Somebody asked to stop.
    stopping: Arc<AtomicBool>,
    /// As long as it is here, the engine waits for a full disk.
    patience: Option<SyncSender<()>>,
    /// How long a deleted file is held open.
    deleted_max: Duration,
    /// What the engine counted, once it has ended.
    decided: Option<Decider>,
    /// When waiting for deliveries ends; known once reading ends.
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct Wakers {
    files: Arc<Waker>,
    stdin: Arc<Waker>,
    /// Of a program's streams.
    program: Vec<Arc<Waker>>,
}

/// Which reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Files,
    Stdin,
    Program,
}

impl Agent {
    fn start(config: Config, opened: Opened, options: Options) -> std::io::Result<Self> {
        let Config { host, webhooks, mentions, silences, inputs, rules, notices, limits, .. } = config;
        let Opened { store, mut restored } = opened;
        let rules: Arc<[Rule]> = rules.into();
        let clock = Arc::new(Clock::start());
        let store = Arc::new(store);
        let herald = Arc::new(Herald::new(notices, store.outbox().clone(), clock.clone()));
        let (sender, receiver) = feed::channel();
        let (patience, patient) = sync_channel(1);
        let streams = options.program.iter().flat_map(|program| [&program.stdout, &program.stderr]);
        let wakers = Wakers {
            files: Arc::new(Waker::new()?),
            stdin: Arc::new(Waker::new()?),
            program: streams.map(|pipe| pipe.waker.clone()).collect(),
        };
        let (closing, closed) = watch::channel(false);
        let mut agent = Self {
            input_names: inputs.iter().map(|input| input.name.clone()).collect(),
            store: store.clone(),
            herald: herald.clone(),
            tallies: Vec::new(),
            wakers,
            readers: JoinSet::new(),
            engine: JoinSet::new(),
            workers: JoinSet::new(),
            closing,
            stopping: Arc::default(),
            patience: Some(patience),
            deleted_max: limits.deleted_file,
            decided: None,
            deadline: None,
            rules: rules.clone(),
            options,
        };
        let shared = Shared {
            outbox: store.outbox().clone(),
            rules: rules.clone(),
            host: host.clone(),
            herald: herald.clone(),
            clock: clock.clone(),
            transport: agent.options.transport.clone(),
            closing: closed,
        };
        agent.start_workers(webhooks, &mentions, &shared);
        let started = started_with(rules.len(), inputs.len());
        let mut engine = restored_engine(&mut restored, &rules, &host, limits.keys, &clock, store.keeps());
        for input in inputs.iter().filter(|input| matches!(input.source, Source::Files(_))) {
            engine.input(&input.name, InputState::Behind, clock.now());
        }
        engine.silence(silences, clock.now());
        let decider = Decider {
            counted_before: engine.counters().map(|(_, counters)| counters).collect(),
            engine,
            input_names: agent.input_names.clone(),
            reads: vec![Read::default(); inputs.len()],
            rules,
            store,
            herald: herald.clone(),
            clock: clock.clone(),
            stopping: agent.stopping.clone(),
            patience: patient,
            unstored: Unstored::default(),
            unfinished: Unfinished::default(),
        };
        agent.engine.spawn_blocking(move || decider.run(&receiver));
        restored.notices.drain(..).for_each(|notice| herald.tell(notice));
        agent.start_readers(inputs, restored, &host, &clock, sender)?;
        herald.tell(Notice { sort: Sort::Started, danger: false, text: started });
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
        mut restored: Restored,
        host: &Arc<str>,
        clock: &Arc<Clock>,
        sender: SyncSender<Batch>,
    ) -> std::io::Result<()> {
        let mut file_inputs = Vec::new();
        for (place, input) in inputs.into_iter().enumerate() {
            let scanner =
                Arc::new(Scanner::new(&input.name, input.line.clone(), self.rules.clone(), host.clone()));
            let feed =
                || Feed::new(place, scanner.clone(), input.line.clone(), clock.clone(), sender.clone());
            match input.source {
                Source::Files(spec) => {
                    let positions = restored.take(Space::Position, &input.name);
                    file_inputs.push(Reading {
                        spec,
                        labels: input.labels,
                        name: input.name,
                        feed: feed(),
                        positions,
                        deleted_max: self.deleted_max,
                    });
                }
                Source::Stdin { passthrough } => {
                    let origin = Origin { input: input.name, file: None, stream: None, labels: input.labels };
                    match self.options.program.take() {
                        Some(program) => {
                            let (stdout, stderr) = (feed(), feed());
                            let (sender, clock) = (sender.clone(), clock.clone());
                            let watch = Watch { stdout, stderr, sender, input: place, origin, clock };
                            self.readers.spawn_blocking(move || {
                                program::run(program, watch)?;
                                Ok(Reader::Program)
                            });
                        }
                        None => self.start_stdin(origin, passthrough, feed())?,
                    }
                }
            }
        }
        if !file_inputs.is_empty() {
            let (until, waker) = (self.options.until, self.wakers.files.clone());
            self.readers.spawn_blocking(move || {
                files::run(file_inputs, until, &waker)?;
                Ok(Reader::Files)
            });
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
        self.readers.spawn_blocking(move || {
            stdin::run(source, out, WhenClosed::Watch, Arc::new(origin), feed, &waker)?;
            Ok(Reader::Stdin)
        });
        Ok(())
    }

    /// Until all inputs have ended, and the engine after them. Returns what went wrong first.
    async fn read(&mut self, stops: &mut mpsc::Receiver<()>) -> Option<AgentError> {
        let mut failure = None;
        let mut reading_ends: Option<Instant> = None;
        let store = self.store.clone();
        let decided = loop {
            tokio::select! {
                Some(ended) = self.readers.join_next() => {
                    match ended.map_err(AgentError::from).flatten() {
                        Ok(Reader::Files | Reader::Stdin) => {}
                        Ok(Reader::Program) => self.wakers.files.stop(),
                        Err(error) => {
                            failure.get_or_insert(error);
                            self.stop_reading();
                        }
                    }
                }
                Some(ended) = self.engine.join_next() => break ended,
                error = store.failed() => return Some(self.give_up(error)),
                Some(()) = stops.recv() => match reading_ends {
                    None => {
                        let now = Instant::now();
                        self.deadline = Some(now + self.options.grace);
                        reading_ends = Some(now + self.options.grace.mul_f64(READING_SHARE));
                        self.stopping.store(true, Ordering::Relaxed);
                        self.wakers.files.stop();
                        // A person at a keyboard sends nothing more; a program's last lines are the ones that matter.
                        if self.wakers.program.is_empty() && std::io::stdin().is_terminal() {
                            self.wakers.stdin.stop();
                        }
                        tracing::info!(grace = ?self.options.grace, "stopping: delivering what waits");
                    }
                    Some(_) => {
                        self.deadline = Some(Instant::now());
                        self.stop_reading();
                        self.stop_program();
                    }
                },
                () = sleep_until(reading_ends.filter(|_| self.patience.is_some())) => {
                    self.stop_reading();
                    self.stop_program();
                }
            }
        };
        match decided.map_err(AgentError::from) {
            Ok(Ok((decider, finish))) => {
                self.decided = Some(decider);
                failure = failure.or(self.rest(finish).await);
            }
            Ok(Err(error)) => return Some(self.give_up(Arc::new(error))),
            Err(panic) => {
                self.stop_reading();
                failure.get_or_insert(panic);
            }
        }
        failure
    }

    /// Tells that the agent ends, and what the herald holds back.
    fn farewell(&self, took: Duration) {
        let why = if self.deadline.is_some() { "stopped" } else { "ended with its inputs" };
        let text = format!("hooktail {why}, after {}", Human(took));
        self.herald.finish();
        self.herald.tell(Notice { sort: Sort::Stopped, danger: false, text });
    }

    /// A program's output is not waited for any longer. Only after its end: until then it is passed on, whatever happens.
    fn stop_program(&self) {
        self.wakers.program.iter().for_each(|waker| waker.stop());
    }

    /// Passes on what a program writes although nothing is watched any more, until its end.
    async fn outlive_program(&mut self, stops: &mut mpsc::Receiver<()>) {
        if self.wakers.program.is_empty() {
            return;
        }
        loop {
            tokio::select! {
                ended = self.readers.join_next() => if ended.is_none() { return },
                Some(()) = stops.recv() => self.stop_program(),
            }
        }
    }

    /// No input is waited for any longer, nor a full disk.
    fn stop_reading(&mut self) {
        self.wakers.files.stop();
        self.wakers.stdin.stop();
        self.patience = None;
    }

    /// The readers' ends, which come with the engine's.
    async fn rest(&mut self, finish: Finish) -> Option<AgentError> {
        self.stop_reading();
        let mut failure = None;
        while let Some(ended) = self.readers.join_next().await {
            if let Err(error) = ended.map_err(AgentError::from).flatten() {
                failure.get_or_insert(error);
            }
        }
        match finish {
            Finish::Whole => failure,
            Finish::GaveUp => {
                // That the engine is gone is then no failure of the readers.
                tracing::error!(
                    "the state could not be written until the stop: what was read since the last commit is read again at \
                     the next start, and of standard input it is lost"
                );
                None
            }
        }
    }

    /// The state can't be written any more: whatever is done from now on would be forgotten.
    fn give_up(&mut self, error: Arc<WriteError>) -> AgentError {
        self.stop_reading();
        self.workers.abort_all();
        AgentError::Store(error)
    }

    /// Until nothing waits, the deadline is over, or somebody asks again to stop.
    async fn deliver(&mut self, stops: &mut mpsc::Receiver<()>) -> Option<AgentError> {
        tracing::debug!("nothing more is decided: delivering what waits");
        self.store.outbox().show_all();
        self.closing.send_replace(true);
        let mut deadline = match (self.deadline, self.options.drain) {
            (Some(deadline), _) => Some(deadline),
            (None, Some(drain)) => Some(Instant::now() + drain),
            (None, None) => None,
        };
        let store = self.store.clone();
        loop {
            tokio::select! {
                ended = self.workers.join_next() => match ended {
                    None => return None,
                    Some(Ok(())) => {}
                    Some(Err(panic)) => tracing::error!(%panic, "a webhook's worker panicked: please report this as a bug"),
                },
                error = store.failed() => return Some(self.give_up(error)),
                () = sleep_until(deadline) => break,
                Some(()) = stops.recv() => match self.deadline {
                    // The first request came after the end of the input: the grace begins.
                    None => {
                        let grace = Instant::now() + self.options.grace;
                        self.deadline = Some(grace);
                        deadline = Some(deadline.map_or(grace, |deadline| deadline.min(grace)));
                    }
                    Some(_) => break,
                },
            }
        }
        self.workers.shutdown().await;
        None
    }

    fn end(self, took: Duration) -> Ended {
        let mut report = Report { seconds: took.as_secs_f64(), ..Report::default() };
        if let Some(Decider { engine, reads, counted_before, .. }) = &self.decided {
            for (name, read) in self.input_names.iter().zip(reads) {
                report.lines += read.lines;
                report.bytes += read.bytes;
                report.inputs.insert(name.to_string(), InputReport::from(*read));
            }
            let counted = engine.counters().zip(counted_before);
            report.rules = counted
                .map(|((rule, counters), before)| (rule.name.to_string(), counters.since(before)))
                .collect();
        }
        let mut undelivered = Vec::new();
        for (name, tally) in &self.tallies {
            let left = self.store.outbox().waiting(name);
            let counted =
                WebhookReport::new(tally.read(), self.store.outbox().overflowed(name), left.len() as u64);
            report.webhooks.insert(name.to_string(), counted);
            undelivered.extend(left.into_iter().map(|waiting| (name.clone(), waiting.alert)));
        }
        Ended { report, stopped: self.deadline.is_some(), undelivered, keeps: self.store.keeps() }
    }
}

/// The engine as it was when it was stored last.
fn restored_engine(
    restored: &mut Restored,
    rules: &Arc<[Rule]>,
    host: &Arc<str>,
    keys_max: usize,
    clock: &Clock,
    keeps: Keeps,
) -> Engine {
    let records = restored.take_all(Space::Engine);
    let (mut engine, came_of) = Engine::restore(rules.clone(), host.clone(), keys_max, records, clock.now());
    for rule in &came_of.anew {
        tracing::info!(%rule, "its `when`, `by` or `dedup.by` changed: it starts anew");
    }
    for rule in &came_of.gone {
        tracing::info!(%rule, "is no longer there: what was kept of it is dropped");
    }
    if came_of.unreadable > 0 {
        let text =
            format!("{} records of rules could not be read: what they held starts anew", came_of.unreadable);
        restored.notices.push(Notice { sort: Sort::Damage, danger: true, text });
    }
    if keeps == Keeps::InMemory {
        engine.untrack();
    }
    engine
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

/// `hooktail 0.1.0 started: 3 rules, 1 input`.
fn started_with(rules: usize, inputs: usize) -> String {
    let number = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let version = env!("CARGO_PKG_VERSION");
    format!("hooktail {version} started: {}, {}", number(rules, "rule"), number(inputs, "input"))
}

/// Waits for ever where there is no such instant.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
