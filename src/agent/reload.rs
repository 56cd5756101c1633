//! A reload, step by step, while everything goes on: the configuration is read, checked and tested beside the one that
//! holds; then the engine goes over to it at one point, and the readers after the engine.
//!
//! The webhooks and their workers come first, so that nothing is decided for one that isn't there; those that are gone
//! leave last.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{Config, Limits};
use crate::deliver::brief::Transport;
use crate::engine::{Reloaded, Silence};
use crate::herald::NoticesSpec;
use crate::input::batch::Batch;
use crate::input::program::OnExit;
use crate::notice::{Notice, Sort};
use crate::reload::{LastReload, Outcome, Reload};
use crate::rule::Rule;
use crate::store::Record;
use crate::supervisor::Supervisor;

use super::inputs::Turning;
use super::sources::{FilesTuning, Sources};
use super::turnover::Turnover;
use super::workers::Orders;
use super::{Agent, made_of};

/// Where another configuration comes from while the agent runs.
pub struct Reloading {
    /// Each asks for a reload; those that wait are one.
    pub requests: mpsc::Receiver<()>,
    /// Reads and checks the configuration, and runs its own tests. It may take its time.
    pub load: Load,
    /// Where it is told what came of each.
    pub last: Arc<LastReload>,
}

/// Gives a configuration that can take the place of the one that holds.
pub type Load = Arc<dyn Fn() -> Result<Fresh, Refused> + Send + Sync>;

impl std::fmt::Debug for Reloading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reloading")
    }
}

/// A configuration without a mistake, to be taken.
#[derive(Debug)]
pub struct Fresh {
    /// Without its rules.
    pub config: Config,
    /// Its rules.
    pub rules: Arc<[Rule]>,
    /// Where messages go.
    pub transport: Transport,
    /// What is told of the end of a program.
    pub on_exit: Option<OnExit>,
    /// What changed and stays as it was until a restart, by its key.
    pub kept: Vec<String>,
}

/// Why a configuration is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In one line.
    pub why: String,
    /// All that is wrong, as `check` prints it.
    pub whole: String,
}

/// How far a reload is.
#[derive(Debug)]
pub(super) struct Reloads {
    asked: Option<Reloading>,
    state: State,
    turnovers: SyncSender<Turnover>,
    supervisor: Arc<Supervisor>,
}

#[derive(Debug)]
enum State {
    Idle,
    Loading(JoinSet<Result<Box<Prepared>, Refused>>),
    /// The engine is to go over.
    Engine(oneshot::Receiver<Reloaded>, Box<Rest>),
    /// The readers of files are.
    Readers(Turning, Box<Told>),
}

/// A configuration with all that takes its time.
#[derive(Debug)]
struct Prepared {
    orders: Orders,
    sources: Sources,
    silences: Vec<Silence>,
    notices: NoticesSpec,
    limits: Limits,
    told: Told,
}

/// What is left to do once the engine has gone over.
#[derive(Debug)]
struct Rest {
    webhooks: Vec<Arc<str>>,
    sources: Sources,
    told: Told,
}

/// What is told of a reload.
#[derive(Debug)]
struct Told {
    /// `3 rules, 1 input`.
    what: String,
    anew: Vec<Arc<str>>,
    gone: Vec<Arc<str>>,
    /// What stays as it was until a restart, by its key.
    kept: Vec<String>,
}

/// A step that can be taken.
#[derive(Debug)]
pub(super) struct Step(Came);

#[derive(Debug)]
enum Came {
    Loaded(Result<Box<Prepared>, Refused>),
    EngineTurned(Reloaded, Box<Rest>),
    /// With the positions of the inputs that are read no longer.
    Done(Box<Told>, Vec<Record>),
}

impl Reloads {
    /// `turnovers`: the way to the engine.
    pub(super) fn new(
        asked: Option<Reloading>,
        turnovers: SyncSender<Turnover>,
        supervisor: Arc<Supervisor>,
    ) -> Self {
        Self { asked, state: State::Idle, turnovers, supervisor }
    }

    /// The next step of a reload that runs, or the first of one that is asked for. Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            match &mut self.state {
                State::Idle => {
                    let asked = match &mut self.asked {
                        Some(asked) => asked.requests.recv().await,
                        None => None,
                    };
                    match asked {
                        Some(()) => self.begin(),
                        None => std::future::pending().await,
                    }
                }
                State::Loading(loading) => {
                    let loaded = loading.join_next().await;
                    self.state = State::Idle;
                    match loaded {
                        Some(Ok(loaded)) => return Step(Came::Loaded(loaded)),
                        Some(Err(panic)) => {
                            let why = format!("reading it panicked; please report this as a bug: {panic}");
                            return Step(Came::Loaded(Err(Refused { whole: why.clone(), why })));
                        }
                        None => {}
                    }
                }
                State::Engine(turned, _) => {
                    let turned = turned.await;
                    // Without an answer the engine has ended, and the run ends.
                    if let (Ok(reloaded), State::Engine(_, rest)) =
                        (turned, std::mem::replace(&mut self.state, State::Idle))
                    {
                        return Step(Came::EngineTurned(reloaded, rest));
                    }
                }
                State::Readers(turning, _) => {
                    let turned = turning.await;
                    if let (Ok(positions), State::Readers(_, told)) =
                        (turned, std::mem::replace(&mut self.state, State::Idle))
                    {
                        return Step(Came::Done(told, positions));
                    }
                }
            }
        }
    }

    /// A reload begins.
    fn begin(&mut self) {
        let Some(asked) = &self.asked else { return };
        tracing::info!("reading the configuration again");
        self.supervisor.reloading();
        let load = asked.load.clone();
        let mut loading = JoinSet::new();
        loading.spawn_blocking(move || load().map(|fresh| Box::new(prepare(fresh))));
        self.state = State::Loading(loading);
    }

    /// A reload is over; `made_of` is what holds now.
    fn end(&mut self, outcome: Outcome, made_of: &str) {
        self.supervisor.ready(made_of);
        if let Some(asked) = &self.asked {
            asked.last.set(Reload { at: Clock::wall(), outcome });
        }
    }

    /// The run ends: no reload is finished or begun any more.
    pub(super) fn stop(&mut self) {
        self.asked = None;
        self.state = State::Idle;
    }
}

fn prepare(fresh: Fresh) -> Prepared {
    let Fresh { config, rules, transport, on_exit, kept } = fresh;
    let Config { host, webhooks, mentions, silences, inputs, notices, limits, threads, .. } = config;
    let what = made_of(rules.len(), inputs.len());
    let files = FilesTuning { deleted_max: limits.deleted_file, threads };
    let sources = Sources::new(inputs, rules.clone(), host.clone(), on_exit, files);
    Prepared {
        orders: Orders { webhooks, mentions, rules, host, transport },
        sources,
        silences,
        notices,
        limits,
        told: Told { what, anew: Vec::new(), gone: Vec::new(), kept },
    }
}

impl Agent {
    /// Takes a step of a reload.
    pub(super) fn reload(&mut self, Step(came): Step) {
        match came {
            Came::Loaded(Ok(prepared)) => self.turn_engine_over(*prepared),
            Came::Loaded(Err(refused)) => self.refuse(refused),
            Came::EngineTurned(reloaded, rest) => self.turn_readers_over(reloaded, *rest),
            Came::Done(told, positions) => {
                self.inputs.keep(positions);
                self.tell_reloaded(&told);
                self.made_of = told.what;
                self.reloads.end(Outcome::Taken, &self.made_of);
            }
        }
    }

    fn refuse(&mut self, refused: Refused) {
        let Refused { why, whole } = refused;
        tracing::error!("the configuration is refused, and the one before goes on:\n{whole}");
        let text = format!("the changed configuration is refused, and the one before goes on: {why}");
        self.herald.tell(Notice { sort: Sort::Configuration, danger: true, text });
        self.reloads.end(Outcome::Refused(whole), &self.made_of);
    }

    fn turn_engine_over(&mut self, prepared: Prepared) {
        let Prepared { orders, sources, silences, notices, limits, told } = prepared;
        // With the last reader the engine ends.
        let Some(sender) = self.inputs.sender() else { return };
        let webhooks: Vec<Arc<str>> = orders.webhooks.iter().map(|webhook| webhook.name.clone()).collect();
        self.store.outbox().open(webhooks.iter().cloned(), limits.outbox);
        self.herald.go_on(notices);
        let (rules, host) = (orders.rules.clone(), orders.host.clone());
        self.workers.brief(orders);
        self.seat(&sources, &webhooks);
        let is_new = |name: &Arc<str>| !self.inputs.file_names().contains(name);
        let new_files = sources.file_names().into_iter().filter(is_new).collect();
        let (done, turned) = oneshot::channel();
        let turnover = Turnover { rules, host, keys_max: limits.keys, silences, new_files, done };
        // One is under way at a time: there is room. Where the engine has much to do, it looks without the bell.
        let _ = self.reloads.turnovers.try_send(turnover);
        let _ = sender.try_send(Batch::bell());
        self.reloads.state = State::Engine(turned, Box::new(Rest { webhooks, sources, told }));
    }

    fn turn_readers_over(&mut self, reloaded: Reloaded, rest: Rest) {
        let Rest { webhooks, sources, mut told } = rest;
        self.store.outbox().close_others(&webhooks);
        self.workers.dismiss_others(&webhooks);
        (told.anew, told.gone) = (reloaded.anew, reloaded.gone);
        let (turning, kept) = self.inputs.turn_over(sources);
        told.kept.extend(kept);
        self.reloads.state = State::Readers(turning, Box::new(told));
    }

    fn tell_reloaded(&self, told: &Told) {
        let Told { what, anew, gone, kept } = told;
        for rule in anew {
            tracing::info!(%rule, "its `when`, `by` or `dedup.by` changed: it starts anew");
        }
        for rule in gone {
            tracing::info!(%rule, "is no longer there: what was kept of it is dropped");
        }
        for key in kept {
            tracing::warn!("{key} stays as it was until a restart");
        }
        let mut text = format!("hooktail reloaded: {what}");
        let quoted = |names: &[Arc<str>]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        for (what, names) in [
            ("starting anew", quoted(anew)),
            ("no longer there", quoted(gone)),
            ("as before until a restart", kept.clone()),
        ] {
            if !names.is_empty() {
                text += &format!("; {what}: {}", names.join(", "));
            }
        }
        self.herald.tell(Notice { sort: Sort::Reloaded, danger: false, text });
    }
}
