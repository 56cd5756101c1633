//! `hooktail exec`: runs a program, and watches its output and its end.
//!
//! Nothing of ours may come between the program and whoever started it: its output passes on, signals reach it, and its
//! status is ours.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use clap::Args;
use tokio::sync::{mpsc, oneshot};

use crate::admin::Doors;
use crate::agent::{self, AgentError, Opened, Options};
use crate::config::{Config, OnExitSpec};
use crate::deliver::brief::Transport;
use crate::deliver::post::{self, ClientError};
use crate::event::RuleId;
use crate::input::files::Until;
use crate::input::program::{Death, OnExit, Pipe, Program};
use crate::input::waker::Waker;

use super::child::{Child, Signals};
use super::exit::{Exit, Failure};
use super::load::ConfigArgs;
use super::reloading::{Fixed, Purpose, Reloader, Source};
use super::run::{RELOADS_WAITING, duration, tell_undelivered, write_report};
use super::running::socket;
use super::runtime;
use super::state::{StateArgs, StateDir};

/// How long what the program left in its pipes is waited for: somebody whom it started may hold them open.
const LINGER: Duration = Duration::from_secs(1);

/// After a request to stop and the program's end: how long to deliver what waits. Whoever asked waits for us too.
const GRACE: Duration = Duration::from_secs(5);

/// Our own status where we could not start.
pub(super) const NOT_STARTED: u8 = 125;
/// The program is there and can't be run.
const NOT_RUN: u8 = 126;
/// There is no such program.
const NOT_FOUND: u8 = 127;

/// The options of `hooktail exec`.
#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct ExecArgs {
    #[command(flatten)]
    config: ConfigArgs,

    #[command(flatten)]
    state: StateArgs,

    /// At the program's end: how long to deliver what waits; 0 for ever; after a signal at most 5s
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    drain: Duration,

    /// Write what was done to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// The program and its arguments
    #[arg(last = true, required = true, num_args = 1.., value_name = "PROGRAM ARG")]
    command: Vec<OsString>,
}

const EXPLANATION: &str = "\
The program's standard output and standard error pass on as they are. Its lines are what the input with `stdin: true`
reads; where the rule file has none, an input `exec` is added, for the rules that name no input. The field `stream` is
`stdout` or `stderr`. The other inputs of the file are read too. `on_exit` in the file posts the program's end.

SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 go on to the program. Standard input is the program's. A rule
file that changes is taken over within seconds; SIGHUP is the program's, and reloads nothing of ours.

Exit status: the program's; 128+N where signal N ended it; 126 or 127 where it could not be run or found; 125 where
hooktail itself could not start (a wrong rule file or command line). A state directory that can't be used is a warning.";

/// Runs the program to its end.
pub(super) fn run(args: &ExecArgs) -> Exit {
    exec(args).unwrap_or_else(|failure| {
        failure.tell();
        Exit::Program(NOT_STARTED)
    })
}

fn exec(args: &ExecArgs) -> Result<Exit, Failure> {
    let (mut config, source) = Source::open(args.config.path()?, Purpose::Exec)?;
    let on_exit = config.on_exit.take().map(|on_exit| watch_end(on_exit, &mut config));
    let host = config.host.clone();
    let opened = open(&config, &args.state.or_memory());
    // Only a wrong configuration keeps the program from starting: a port in use would not be one.
    let doors = Doors::open(None, socket(&config, opened.directory()).as_deref()).map_err(Failure::failed)?;
    let watching = Watching {
        opened,
        doors,
        transport: transport(&config).map_err(Failure::failed)?,
        config,
        source,
        drain: (!args.drain.is_zero()).then_some(args.drain),
        on_exit,
        ours: our_streams().map_err(Failure::failed)?,
        wakers: [waker()?, waker()?],
    };
    let runtime = runtime()?;
    let (exit, done) = runtime.block_on(watch(watching, &args.command))?;
    // Somebody may still wait to write to a stream that nobody reads: he must not hold up the end.
    runtime.shutdown_background();
    match done {
        Some(Ok(ended)) => {
            tell_undelivered(&ended, &host);
            if let Err(failure) = write_report(&ended, args.report.as_deref()) {
                failure.tell();
            }
        }
        Some(Err(error)) => drop(Failure::failed(error).tell()),
        None => {}
    }
    Ok(exit)
}

/// What is ready before the program runs.
struct Watching {
    config: Config,
    source: Arc<Source>,
    opened: Opened,
    doors: Option<Doors>,
    transport: Transport,
    drain: Option<Duration>,
    on_exit: Option<OnExit>,
    /// Our own standard output and standard error.
    ours: [File; 2],
    /// Of the two streams.
    wakers: [Arc<Waker>; 2],
}

type Done = Result<agent::Ended, AgentError>;

/// Runs the program until it has ended and what waits is delivered; what the agent did, if it ran.
async fn watch(ready: Watching, command: &[OsString]) -> Result<(Exit, Option<Done>), Failure> {
    let Watching { config, source, opened, doors, transport, drain, on_exit, ours, wakers } = ready;
    let mut signals = Signals::listen().map_err(Failure::failed)?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("there is no program to run"));
    };
    let child = match Child::start(program, arguments) {
        Ok(child) => child,
        Err(error) => return Ok((not_started(program, &error), None)),
    };
    let process = child.process;
    let (death, dies) = sync_channel(1);
    let (reloads, asked) = mpsc::channel(RELOADS_WAITING);
    let _watching = source.watch(reloads);
    let options = Options {
        until: Until::Stopped,
        grace: GRACE,
        drain,
        transport,
        program: Some(watched(child, ours, &wakers, dies)),
        on_exit,
        reloading: Some(reloader(source, &config).reloading(asked)),
        doors,
        supervisor: Arc::default(),
    };
    let (stops, requests) = mpsc::channel(2);
    let (ends, mut ended) = oneshot::channel();
    let mut tending = pin!(async {
        let end = signals.tend(process).await;
        // Neither is ever full or closed before.
        let _ = ends.send(end.how);
        let _ = death.try_send(Death { program: name(program), how: end.how, ran: end.ran });
        if end.asked {
            let _ = stops.try_send(());
        }
        after_end(&mut signals, &wakers, &stops).await
    });
    let done = tokio::select! {
        done = agent::run(config, opened, options, requests) => done,
        never = &mut tending => match never {},
    };
    // Where the agent failed, the program goes on.
    let how = tokio::select! {
        Ok(how) = &mut ended => how,
        never = &mut tending => match never {},
    };
    Ok((Exit::Program(how.status()), Some(done)))
}

/// SIGHUP is the program's: what has changed in the files is all that is heeded.
fn reloader(source: Arc<Source>, config: &Config) -> Reloader {
    Reloader {
        source,
        fixed: Fixed::of(config),
        adapt: Box::new(|config| config.on_exit.take().map(|on_exit| watch_end(on_exit, config))),
        transport: Box::new(transport),
    }
}

fn transport(config: &Config) -> Result<Transport, ClientError> {
    Ok(Transport::Http(post::Clients::new(&config.webhooks)?))
}

fn name(program: &OsStr) -> Arc<str> {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into()
}

fn waker() -> Result<Arc<Waker>, Failure> {
    Waker::new().map(Arc::new).map_err(Failure::failed)
}

/// Once the program has ended: what follows from it, until it is dropped.
async fn after_end(signals: &mut Signals, wakers: &[Arc<Waker>], stops: &mpsc::Sender<()>) -> Infallible {
    let mut linger = pin!(tokio::time::sleep(LINGER));
    let mut lingers = true;
    loop {
        tokio::select! {
            () = &mut linger, if lingers => {
                lingers = false;
                wakers.iter().for_each(|waker| waker.finish());
            }
            () = signals.request() => drop(stops.try_send(())),
        }
    }
}

/// The rule for the program's end takes its place behind the others.
fn watch_end(on_exit: OnExitSpec, config: &mut Config) -> OnExit {
    let OnExitSpec { rule, lines, ok } = on_exit;
    let severity = rule.severity;
    config.rules.push(rule);
    OnExit { rule: RuleId(config.rules.len() - 1), severity, lines, ok }
}

/// Nothing about the state keeps the program from running.
fn open(config: &Config, state_dir: &StateDir) -> Opened {
    let StateDir::Directory(path) = state_dir else { return Opened::in_memory(config) };
    Opened::in_directory(config, path).unwrap_or_else(|error| {
        let error = error.to_string();
        let why = error.split_once("\nhelp: ").map_or(&*error, |(why, _)| why);
        tracing::warn!("{why}: state is kept in memory");
        Opened::in_memory(config)
    })
}

/// Our own streams, without the buffers of the standard library.
fn our_streams() -> std::io::Result<[File; 2]> {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
    let stderr = std::io::stderr().as_fd().try_clone_to_owned()?;
    Ok([stdout.into(), stderr.into()])
}

fn watched(
    child: Child,
    [stdout, stderr]: [File; 2],
    wakers: &[Arc<Waker>; 2],
    death: Receiver<Death>,
) -> Program {
    Program {
        stdout: Pipe { from: child.stdout, to: stdout, waker: wakers[0].clone() },
        stderr: Pipe { from: child.stderr, to: stderr, waker: wakers[1].clone() },
        death,
    }
}

fn not_started(program: &OsStr, error: &std::io::Error) -> Exit {
    Failure::failed(format!("failed to run `{}`: {error}", program.to_string_lossy())).tell();
    Exit::Program(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN })
}
