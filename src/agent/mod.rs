//! Wires the stations, starts them, and stops them in order: inputs, engine, deliveries. The only module that knows
//! everyone.
//!
//! Each station ends when what it reads from is closed: the engine when the last input has dropped its feed, a worker
//! when nothing more will be decided and nothing waits.

mod decide;
mod desk;
mod ending;
mod inputs;
mod opened;
mod reading;
mod reload;
mod silences;
mod sources;
mod stream_input;
mod turnover;
mod unfinished;
mod watched;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::admin::{self, Doors};
use crate::board::{Board, Known, Ledger, OrderWay};
use crate::clock::Clock;
use crate::config::Config;
use crate::deliver::brief::{Shared, Transport};
use crate::engine::Alert;
use crate::event::InputState;
use crate::herald::Herald;
use crate::input::batch::{self, Read};
use crate::input::bell::Bell;
use crate::input::files::{FilesError, Until};
use crate::input::program::{OnExit, Program};
use crate::input::stdin::StdinError;
use crate::notice::{Notice, Sort};
use crate::pulse::Pulse;
use crate::report::Report;
use crate::rule::Rule;
use crate::rules::Rules;
use crate::scan::Cost;
use crate::store::{Keeps, Space, Store, WriteError};
use crate::supervisor::Supervisor;
use crate::thread;

use decide::{Decider, Finish, Unstored};
use desk::Desk;
use inputs::{Inputs, Turning};
use opened::{restored_engine, restored_silences};
use reload::Reloads;
use sources::{FilesTuning, Sources};
use unfinished::Unfinished;
use watched::{heartbeat, tell_ready};
use workers::{Orders, Workers};

pub use opened::Opened;
pub use reload::{Fresh, Load, Refused, Reloading};

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
    /// What is told of its end.
    pub on_exit: Option<OnExit>,
    /// Where another configuration comes from; `None`: this one holds until the end.
    pub reloading: Option<Reloading>,
    /// Where somebody may look on and ask; `None`: nobody can.
    pub doors: Option<Doors>,
    /// Who is told how the run goes.
    pub supervisor: Arc<Supervisor>,
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
    let (mut agent, begun) = Agent::start(config, opened, options).map_err(AgentError::Setup)?;
    let herald = agent.herald.clone();
    let (supervisor, pulse) = (agent.options.supervisor.clone(), agent.pulse.clone());
    let board = agent.board.clone();
    let (made_of, transport) = (agent.made_of.clone(), agent.options.transport.clone());
    let work = async {
        let failure = agent.read(&mut stops).await;
        if failure.is_some() {
            agent.outlive_program(&mut stops).await;
        }
        if matches!(failure, Some(AgentError::Store(_))) {
            return failure;
        }
        agent.options.supervisor.stopping();
        agent.farewell(started.elapsed());
        let later = agent.deliver(&mut stops).await;
        failure.or(later)
    };
    let failure = tokio::select! {
        failure = work => failure,
        never = herald.run() => match never {},
        never = supervisor.watch(&pulse) => match never {},
        never = heartbeat(&herald, &board, &transport) => match never {},
        never = tell_ready(&supervisor, begun, &made_of) => match never {},
    };
    // After a failure some still work: a timer that they set once the runtime ends would be a panic.
    agent.workers.shutdown().await;
    if let Some(admin) = agent.admin.take() {
        admin.stop().await;
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(agent.end(started.elapsed())),
    }
}

struct Agent {
    options: Options,
    store: Arc<Store>,
    herald: Arc<Herald>,
    inputs: Inputs,
    engine: JoinSet<Result<(Decider, Finish), WriteError>>,
    workers: Workers,
    reloads: Reloads,
    /// Somebody asked to stop.
    stopping: Arc<AtomicBool>,
    /// As long as it is here, the engine waits for a full disk.
    patience: Option<SyncSender<()>>,
    /// What the engine counted, once it has ended.
    decided: Option<Decider>,
    /// When waiting for deliveries ends; known once reading ends.
    deadline: Option<Instant>,
    /// For whoever looks on, and for the heartbeat.
    board: Arc<Board>,
    admin: Option<admin::Server>,
    /// Of the engine's thread.
    pulse: Arc<Pulse>,
    /// `3 rules, 1 input`.
    made_of: String,
}

impl Agent {
    /// And what tells that its readers have looked at what is there.
    fn start(config: Config, opened: Opened, mut options: Options) -> std::io::Result<(Self, Turning)> {
        let Config { host, webhooks, mentions, silences, inputs, rules, notices, limits, threads, .. } =
            config;
        let doors = options.doors.take();
        let Opened { store, mut restored } = opened;
        let rules: Arc<[Rule]> = rules.into();
        let clock = Arc::new(Clock::start());
        if doors.is_some() && store.keeps() == Keeps::InMemory {
            restored.notices.extend(store.keep_history(limits.history, Clock::wall()));
        }
        let store = Arc::new(store);
        let herald = Arc::new(Herald::new(notices, store.outbox().clone(), clock.clone()));
        let (sender, receiver) = batch::channel();
        let sender = Arc::new(sender);
        let bell = Bell::of(&sender);
        let (patience, patient) = sync_channel(1);
        let (turnovers, turned) = turnover::way();
        let (closing, closed) = watch::channel(false);
        let shared = Shared {
            outbox: store.outbox().clone(),
            herald: herald.clone(),
            clock: clock.clone(),
            closing: closed,
        };
        let (program, on_exit) = (options.program.take(), options.on_exit.take());
        let last_reload =
            options.reloading.as_ref().map(|reloading| reloading.last.clone()).unwrap_or_default();
        let pulse = Arc::<Pulse>::default();
        let (orders, placed) = OrderWay::new(bell.clone());
        let board = Arc::new(Board::new(Known {
            host: host.clone(),
            clock: clock.clone(),
            outbox: store.outbox().clone(),
            state_dir: store.path().map(Path::to_owned),
            orders,
            bell,
            pulse: pulse.clone(),
            last_reload,
        }));
        let mut agent = Self {
            store: store.clone(),
            herald: herald.clone(),
            inputs: Inputs::new(program.as_ref(), options.until, clock.clone(), sender)?,
            engine: JoinSet::new(),
            workers: Workers::new(shared, closing),
            reloads: Reloads::new(options.reloading.take(), turnovers, options.supervisor.clone()),
            stopping: Arc::default(),
            patience: Some(patience),
            decided: None,
            deadline: None,
            board: board.clone(),
            admin: None,
            pulse: pulse.clone(),
            made_of: made_of(rules.len(), inputs.len()),
            options,
        };
        let transport = agent.options.transport.clone();
        let webhook_names: Vec<Arc<str>> = webhooks.iter().map(|webhook| webhook.name.clone()).collect();
        agent.workers.brief(Orders {
            webhooks,
            mentions,
            rules: rules.clone(),
            host: host.clone(),
            transport,
        });
        let mut engine = restored_engine(&mut restored, &rules, &host, limits.keys, &clock, store.keeps());
        let files = FilesTuning { deleted_max: limits.deleted_file, threads };
        let sources = Sources::new(inputs, rules.clone(), host.clone(), on_exit, files);
        for input in sources.file_names() {
            engine.input(&input, InputState::Behind, clock.now());
        }
        let silences = restored_silences(&mut restored, silences);
        engine.silence(silences.all(), clock.now());
        agent.seat(&sources, &webhook_names);
        let desk = doors.is_some().then(|| Desk {
            ledger: Ledger::new(&engine, &restored.take_all(Space::Timeline), clock.now()),
            orders: placed,
        });
        let decider = Decider {
            counted_before: engine.counters().map(|(rule, counters)| (rule.name.clone(), counters)).collect(),
            engine,
            reads: sources.names().map(|name| (name, Read::default())).collect(),
            costs: vec![Cost::default(); rules.len()],
            rules: Rules::new(rules),
            store,
            herald: herald.clone(),
            clock,
            stopping: agent.stopping.clone(),
            patience: patient,
            pulse,
            pulse_every: agent.options.supervisor.pulse_every(),
            unstored: Unstored::default(),
            silences,
            board: board.clone(),
            desk,
            turnovers: turned,
            unfinished: Unfinished::default(),
        };
        agent.engine.spawn_blocking(move || {
            thread::call(c"engine");
            decider.run(&receiver)
        });
        restored.notices.drain(..).for_each(|notice| herald.tell(notice));
        let begun = agent.inputs.start(sources, program, restored.take_all(Space::Position))?;
        if let Some(doors) = doors {
            agent.admin = Some(admin::Server::start(doors, &board)?);
        }
        let text = format!("hooktail {} started: {}", env!("CARGO_PKG_VERSION"), agent.made_of);
        herald.tell(Notice { sort: Sort::Started, danger: false, text });
        Ok((agent, begun))
    }
}

/// `3 rules, 1 input`.
fn made_of(rules: usize, inputs: usize) -> String {
    let number = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!("{}, {}", number(rules, "rule"), number(inputs, "input"))
}

/// Waits for ever where there is no such instant.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
