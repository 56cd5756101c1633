//! `hooktail demo`: the newcomer's first minute. A sample application writes its logs into a temporary folder; the real
//! agent watches them with the quickstart configuration and posts over HTTP to a receiver of its own.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

use crate::agent::{self, Ended, Opened};
use crate::config;
use crate::deliver::brief::Transport;
use crate::deliver::post;
use crate::input::files::Until;
use crate::input::{Source, Start};
use crate::message::draw;
use crate::message::thousands::Thousands;
use crate::rate::Rate;
use crate::sink::{Options, Received, Receiver};
use crate::time::Human;

use super::exit::{Exit, Failure};
use super::load::usable;
use super::{runtime, screen};

/// The options of `hooktail demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How long the sample application writes
    #[arg(long, value_name = "TIME", default_value = "12s", value_parser = crate::time::parse_duration)]
    play: Duration,
}

const RULES: &str = include_str!("../../examples/quickstart.yaml");
const SAMPLE: &str = include_str!("../../examples/demo.log");

/// How often the sample application writes.
const TICK: Duration = Duration::from_millis(25);

/// How long the last messages may take.
const GRACE: Duration = Duration::from_secs(12);

/// Plays the sample, draws what arrives, and counts.
pub(super) fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new().prefix("hooktail-demo-").tempdir().map_err(Failure::failed)?;
    let ended = runtime()?.block_on(play(folder.path(), args.play))?;
    say(&count(&ended))?;
    Ok(if ended.undelivered.is_empty() { Exit::Done } else { Exit::Undelivered })
}

async fn play(folder: &Path, length: Duration) -> Result<Ended, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::failed)?;
    let one = NonZeroU32::MIN;
    let as_slack = Rate { number: one, per: Duration::from_secs(1), burst: one };
    let options = Options { rate: Some(as_slack), ..Options::default() };
    let receiver = Receiver::start(listener, options).map_err(Failure::failed)?;
    let env = |name: &str| match name {
        "SLACK_WEBHOOK_URL" => Some(receiver.webhook_url()),
        "LOG_DIR" => Some(folder.display().to_string()),
        _ => None,
    };
    let mut config = usable(config::from_str(RULES, "quickstart.yaml", folder, &env))?;
    // The logs are the demo's own: what is written before the agent looks at them for the first time is for it too.
    for input in &mut config.inputs {
        if let Source::Files(files) = &mut input.source {
            files.start = Start::Beginning;
        }
    }
    let mut logs = Logs::create(folder).map_err(Failure::failed)?;
    say(&greeting(&receiver, folder))?;

    let (stop, stops) = mpsc::channel(1);
    let mut side = JoinSet::new();
    side.spawn(draw_arrivals(receiver.subscribe()));
    side.spawn(async move {
        let written = logs.play(length).await;
        // Asks the agent to stop: the sample application has ended.
        let _ = stop.send(()).await;
        written
    });
    let transport = Transport::Http(post::Clients::new(&config.webhooks).map_err(Failure::failed)?);
    let options = agent::Options {
        until: Until::Stopped,
        grace: GRACE,
        drain: Some(GRACE),
        transport,
        program: None,
        doors: None,
        on_exit: None,
        reloading: None,
        supervisor: Arc::default(),
    };
    let opened = Opened::in_memory(&config);
    let ended = agent::run(config, opened, options, stops).await.map_err(Failure::failed)?;
    receiver.stop().await.map_err(Failure::failed)?;
    while let Some(done) = side.join_next().await {
        done.map_err(Failure::failed)?.map_err(Failure::failed)?;
    }
    Ok(ended)
}

/// The sample application's two logs.
struct Logs {
    auth: File,
    shop: File,
}

impl Logs {
    fn create(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir(folder.join("app"))?;
        let create = |name: &str| OpenOptions::new().create(true).append(true).open(folder.join(name));
        Ok(Self { auth: create("auth.log")?, shop: create("app/shop.log")? })
    }

    /// Writes the sample over `length`, some lines each tick, each line with the present time in its log's own form.
    async fn play(&mut self, length: Duration) -> std::io::Result<()> {
        let lines: Vec<&str> = SAMPLE.lines().collect();
        let ticks = length.as_millis().div_ceil(TICK.as_millis()).max(1);
        let at_once = lines.len().div_ceil(usize::try_from(ticks).unwrap_or(usize::MAX)).max(1);
        let pause = length / u32::try_from(lines.len().div_ceil(at_once)).unwrap_or(u32::MAX).max(1);
        for lines in lines.chunks(at_once) {
            let now = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system());
            for line in lines {
                match line.split_once('|') {
                    Some(("auth", line)) => writeln!(self.auth, "{} {line}", now.strftime("%b %e %H:%M:%S"))?,
                    Some((_, line)) => {
                        writeln!(self.shop, "{} {line}", now.strftime("%Y-%m-%dT%H:%M:%S%:z"))?;
                    }
                    None => {}
                }
            }
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}

async fn draw_arrivals(mut arrivals: broadcast::Receiver<Arc<Received>>) -> std::io::Result<()> {
    loop {
        match arrivals.recv().await {
            Ok(received) => {
                if let Some(message) =
                    received.verdict.message.as_ref().filter(|_| received.verdict.accepted())
                {
                    let drawn = draw::terminal(message, &screen::stdout_style());
                    writeln!(std::io::stdout(), "{drawn}")?;
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

fn greeting(receiver: &Receiver, folder: &Path) -> String {
    format!(
        "A sample application writes its logs to {}.\n\
         hooktail watches them with examples/quickstart.yaml, and posts to a receiver\n\
         on this machine that behaves as Slack does. Its page, while this runs:\n\
         {}/\n\n",
        folder.display(),
        receiver.url()
    )
}

/// What became of each match, so that the numbers add up, and what was sent.
fn count(ended: &Ended) -> String {
    let report = &ended.report;
    let total = report.total();
    let sum = |count: fn(&crate::report::WebhookReport) -> u64| {
        Thousands(report.webhooks.values().map(count).sum())
    };
    let alerts: u64 = report.webhooks.values().map(|webhook| webhook.attachments).sum();
    let fates = [
        (total.below_when, "below their rule's `when`"),
        (total.joined, "folded into a problem that was told already"),
        (total.throttled, "held back by a throttle, and counted in the rule's next message"),
        (total.posted, "opened a problem"),
    ];
    let mut text = format!(
        "{} lines read in {}, {} matches:\n",
        Thousands(report.lines),
        Human(Duration::from_secs_f64(report.seconds)),
        Thousands(total.matches)
    );
    for (n, fate) in fates {
        text += &format!("{:>6} {fate}\n", Thousands(n).to_string());
    }
    text + &format!(
        "{} messages sent, with {} attachments: {} openings, {} summaries and escalations\n",
        sum(|webhook| webhook.messages),
        Thousands(alerts),
        Thousands(total.posted),
        Thousands(alerts.saturating_sub(total.posted))
    )
}

fn say(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)
}
