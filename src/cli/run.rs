//! `hooktail run`: follows the inputs and posts.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;

use crate::admin::Doors;
use crate::agent::{self, Ended, Opened, Options};
use crate::config::Config;
use crate::deliver::brief::Transport;
use crate::deliver::post;
use crate::input::files::Until;
use crate::message::draw;
use crate::message::frame::Frame;
use crate::message::payload::Message;
use crate::message::render;
use crate::rate::Rate;
use crate::store::Keeps;
use crate::supervisor::Supervisor;
use crate::time::{DurationError, parse_duration};

use super::exit::{Exit, Failure};
use super::load::ConfigArgs;
use super::reloading::{Fixed, Purpose, Reloader, Source};
use super::running::socket;
use super::state::{StateArgs, StateDir};
use super::{runtime, screen, stops};

/// The options of `hooktail run`.
#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Draw each message on the terminal, and post nothing
    #[arg(long)]
    dry_run: bool,

    /// Read each file from its beginning to its end, and stop
    #[arg(long)]
    until_eof: bool,

    #[command(flatten)]
    ending: EndingArgs,
}

const EXPLANATION: &str = "\
A rule file that changes is taken over while it runs, within a few seconds, and at once at a SIGHUP: it is checked and
its own tests are run first, and a wrong one changes nothing. Windows, episodes, positions and what waits go on where a
rule, an input or a webhook is still the same. With --until-eof nothing is read again.

SIGTERM and SIGINT stop it: what waits is delivered for --grace. A second one ends it at once.";

/// How a run ends: shared by the commands that read.
#[derive(Debug, Args)]
pub(super) struct EndingArgs {
    #[command(flatten)]
    pub(super) state: StateArgs,

    /// At the end of the input: how long to deliver what waits; 0 for ever
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    drain: Duration,

    /// After SIGTERM or SIGINT: how long to go on
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    grace: Duration,

    /// Write what the run did to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// A request that waits will see all that was changed before it is done: a second one would say nothing new.
pub(super) const RELOADS_WAITING: usize = 1;

/// Where drawn messages and the report go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawn {
    /// On standard output: they are the result.
    Stdout,
    /// On standard error: standard output belongs to somebody else.
    Stderr,
}

/// Follows the inputs until they end or a signal comes.
pub(super) fn run(args: RunArgs) -> Result<Exit, Failure> {
    let (config, source) = Source::open(args.config.path()?, Purpose::Run)?;
    let state = args.ending.state.of(&config)?;
    if state == StateDir::None && !args.until_eof {
        tracing::info!(
            "state is kept in memory (`--state-dir none`): a restart begins at the ends of the files"
        );
    }
    let opened = if args.dry_run { state.look(&config)? } else { state.open(&config)? };
    let until = if args.until_eof { Until::Eof } else { Until::Stopped };
    let source = (until == Until::Stopped).then_some(source);
    let doors = match args.dry_run {
        true => None,
        false => Doors::open(config.admin.as_ref(), socket(&config, state.path()).as_deref())
            .map_err(Failure::failed)?,
    };
    follow(config, opened, until, &args.ending, args.dry_run.then_some(Drawn::Stdout), source, doors)
}

/// Runs the agent, tells what it did, and turns what is left into a status. `drawn`: nothing is posted. `source`: where
/// another configuration may come from.
pub(super) fn follow(
    mut config: Config,
    opened: Opened,
    until: Until,
    ending: &EndingArgs,
    drawn: Option<Drawn>,
    source: Option<Arc<Source>>,
    doors: Option<Doors>,
) -> Result<Exit, Failure> {
    if drawn.is_some() {
        unlimit(&mut config);
    }
    let drain = (!ending.drain.is_zero()).then_some(ending.drain);
    // What draws is no service, whoever started it.
    let supervisor = match drawn {
        Some(_) => Supervisor::default(),
        None => Supervisor::from_env(&|name| std::env::var_os(name)),
    };
    let mut options = Options {
        until,
        grace: ending.grace,
        drain,
        transport: transport(&config, drawn).map_err(Failure::failed)?,
        program: None,
        on_exit: None,
        reloading: None,
        doors,
        supervisor: Arc::new(supervisor),
    };
    let host = config.host.clone();
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let (reloads, asked) = mpsc::channel(RELOADS_WAITING);
        let reloads = source.as_ref().map(|_| reloads);
        let _watching = source.as_ref().zip(reloads.clone()).map(|(source, reloads)| source.watch(reloads));
        let (requests, _listening) = stops::requests(reloads).map_err(Failure::failed)?;
        options.reloading = source.map(|source| {
            let adapt = Box::new(move |config: &mut Config| {
                if drawn.is_some() {
                    unlimit(config);
                }
                None
            });
            let transport = Box::new(move |config: &Config| transport(config, drawn));
            let fixed = Fixed::of(&config);
            Reloader { source, fixed, adapt, transport }.reloading(asked)
        });
        agent::run(config, opened, options, requests).await.map_err(Failure::failed)
    });
    // A reader may still wait for its source: it must not hold up the end.
    runtime.shutdown_background();
    let ended = ended?;
    tell(&ended, &host);
    write_report(&ended, ending.report.as_deref())?;
    Ok(status(&ended))
}

/// A run over a whole input has failed somebody if an alert was set aside; an agent that is stopped after a year has not.
fn status(ended: &Ended) -> Exit {
    let set_aside = !ended.stopped && ended.report.dead() > 0;
    if set_aside || !ended.undelivered.is_empty() { Exit::Undelivered } else { Exit::Done }
}

fn transport(config: &Config, drawn: Option<Drawn>) -> Result<Transport, post::ClientError> {
    Ok(match drawn {
        Some(where_to) => Transport::Draw(Arc::new(move |message| draw_on(where_to, message))),
        None => Transport::Http(post::Clients::new(&config.webhooks)?),
    })
}

/// What is drawn waits for nobody.
fn unlimit(config: &mut Config) {
    config.webhooks.iter_mut().for_each(|webhook| webhook.rate = Rate::UNLIMITED);
}

fn draw_on(where_to: Drawn, message: &Message) {
    // In one piece, which is one call of the system. Nobody looks any more: that is no reason to stop watching.
    let _ = match where_to {
        Drawn::Stdout => {
            let text = draw::terminal(message, &screen::stdout_style()) + "\n";
            std::io::stdout().write_all(text.as_bytes())
        }
        Drawn::Stderr => {
            let text = draw::terminal(message, &screen::stderr_style()) + "\n";
            std::io::stderr().write_all(text.as_bytes())
        }
    };
}

/// On standard error: what the run did, and each alert that is left.
fn tell(ended: &Ended, host: &str) {
    let _ = writeln!(std::io::stderr(), "hooktail: {}", ended.report);
    tell_undelivered(ended, host);
}

/// On standard error: each alert that is left, where it is lost, and how many.
pub(super) fn tell_undelivered(ended: &Ended, host: &str) {
    let mut out = std::io::stderr().lock();
    let left = ended.undelivered.len();
    if ended.keeps == Keeps::InMemory {
        for (webhook, alert) in &ended.undelivered {
            let fallback = render::attachment(alert, &Frame::slack(&|_| None, host)).fallback;
            let _ = writeln!(out, "undelivered to `{webhook}`: {fallback} ({})", alert.id.short());
        }
    }
    let _ = match ended.keeps {
        _ if left == 0 => Ok(()),
        Keeps::InMemory => {
            writeln!(out, "hooktail: undelivered, and gone because state was in memory: {left}")
        }
        Keeps::OnDisk => writeln!(out, "hooktail: undelivered, and kept for the next start: {left}"),
    };
}

pub(super) fn write_report(ended: &Ended, path: Option<&std::path::Path>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let mut json = serde_json::to_vec_pretty(&ended.report).map_err(Failure::failed)?;
    json.push(b'\n');
    std::fs::write(path, json).map_err(|error| {
        Failure::failed(format!("failed to write the report to `{}`: {error}", path.display()))
    })
}

/// A duration on the command line: as in the configuration, and a bare `0`.
pub(super) fn duration(text: &str) -> Result<Duration, DurationError> {
    if text == "0" { Ok(Duration::ZERO) } else { parse_duration(text) }
}
