//! `hooktail status`: what the running agent is doing.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use clap::Args;

use crate::admin::client;
use crate::board::{Episode, Status};
use crate::message::clean::one_line;
use crate::message::thousands::Thousands;
use crate::time::Human;

use super::exit::{Exit, Failure};
use super::running::RunningArgs;
use super::table::Table;

/// How often `--watch` looks again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// So many open problems are printed; the page and the API have more.
const EPISODES_SHOWN: usize = 20;

/// How much of a line or an answer is printed.
const LINE_CHARS: usize = 80;

/// The options of `hooktail status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    running: RunningArgs,

    /// Look again every two seconds
    #[arg(long)]
    watch: bool,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Prints how the agent stands; status 1 where none runs, or something is wrong with it.
pub(super) fn run(args: &StatusArgs) -> Result<Exit, Failure> {
    let draw = || -> Result<(String, Exit), Failure> {
        let socket = args.running.find()?.socket();
        let ask = |path| client::ask(&socket, "GET", path, "").map_err(Failure::failed);
        let json = ask("/api/v1/status")?;
        let ready = json["ready"].as_bool();
        let text = if args.json {
            format!("{json}\n")
        } else {
            let status: Status = serde_json::from_value(json).map_err(Failure::failed)?;
            let episodes: Vec<Episode> =
                serde_json::from_value(ask("/api/v1/episodes")?).map_err(Failure::failed)?;
            words(&status, &episodes)
        };
        Ok((text, if ready == Some(true) { Exit::Done } else { Exit::Failed }))
    };
    let mut out = stdout();
    let mut print = |text: &str| out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if !args.watch {
        let (text, exit) = draw()?;
        print(&text).map_err(Failure::failed)?;
        return Ok(exit);
    }
    let redraws = stdout().is_terminal() && !args.json;
    loop {
        let text = match draw() {
            Ok((text, _)) if redraws => frame(&text, rows()),
            Ok((text, _)) => text,
            // It may be started again.
            Err(failure) if redraws => frame(&failure.to_string(), rows()),
            Err(failure) => return Err(failure),
        };
        print(&text).map_err(Failure::failed)?;
        std::thread::sleep(LOOK_EVERY);
    }
}

/// How many lines the terminal shows; all, where it doesn't say.
fn rows() -> usize {
    let size = rustix::termios::tcgetwinsize(stdout()).map_or(0, |size| usize::from(size.ws_row));
    if size == 0 { usize::MAX } else { size }
}

/// `text` in the place of what the terminal shows: from the upper left corner on, each line cut at the right edge, and
/// nothing behind or below them.
fn frame(text: &str, rows: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut shown: Vec<Cow<'_, str>> = lines.iter().map(|line| Cow::Borrowed(*line)).collect();
    // The last row is the cursor's.
    let room = rows.saturating_sub(1).max(1);
    if shown.len() > room {
        shown.truncate(room - 1);
        shown.push(format!("… {} more lines: a higher window shows them", lines.len() - shown.len()).into());
    }
    let drawn: String = shown.iter().map(|line| format!("{line}\x1b[K\n")).collect();
    format!("\x1b[?7l\x1b[H{drawn}\x1b[J\x1b[?7h")
}

/// For a person: what is wrong first.
fn words(status: &Status, episodes: &[Episode]) -> String {
    let mut out = String::new();
    head(&mut out, status);
    section(&mut out, "INPUT", &inputs(status));
    section(&mut out, "RULE", &rules(status));
    section(&mut out, "WEBHOOK", &webhooks(status));
    section(&mut out, "OPEN", &open(episodes));
    if episodes.len() > EPISODES_SHOWN {
        let more = Thousands((episodes.len() - EPISODES_SHOWN) as u64);
        let _ = writeln!(out, "  and {more} more");
    }
    section(&mut out, "SILENCE", &silences(status));
    out
}

fn head(out: &mut String, status: &Status) {
    let Status { version, host, process, store, uptime_seconds, .. } = status;
    let up = Human(Duration::from_secs_f64(uptime_seconds.max(0.0)));
    let _ = write!(out, "hooktail {version} on {host}, process {}, up {up}", process.pid);
    if let Some(bytes) = process.resident_bytes {
        let _ = write!(out, ", {}", size(bytes));
    }
    let _ = writeln!(out, ", {:.1} % CPU", 100.0 * process.cpu_seconds / uptime_seconds.max(1.0));
    match &store.directory {
        Some(directory) => {
            let (state, history) = (size(store.state_bytes), size(store.history_bytes));
            let alerts = Thousands(store.history_alerts);
            let _ =
                writeln!(out, "state in {directory}: {state}, and {history} of history ({alerts} alerts)");
        }
        None => out.push_str("state in memory\n"),
    }
    if let Some(reload) = &status.last_reload {
        let what = if reload.taken { "taken" } else { "refused" };
        let _ = writeln!(out, "a changed configuration was {what} at {}", reload.at);
    }
    if status.problems.is_empty() {
        out.push_str("all is well\n");
    }
    for problem in &status.problems {
        let _ = writeln!(out, "! {}", one_line(&problem.text, 400));
    }
}

/// A table whose first row names its columns; nothing where there are no others.
fn section(out: &mut String, name: &str, (columns, table): &(&[&str], Vec<Vec<String>>)) {
    if table.is_empty() {
        return;
    }
    let mut rows = Table::default();
    rows.row(std::iter::once(name).chain(columns.iter().copied()));
    table.iter().for_each(|row| rows.row(row));
    let _ = write!(out, "\n{}", rows.draw(""));
}

type Section = (&'static [&'static str], Vec<Vec<String>>);

fn count(n: u64) -> String {
    Thousands(n).to_string()
}

fn inputs(status: &Status) -> Section {
    let rows = status.inputs.iter().map(|input| {
        let files = input.gauge.map_or_else(|| input.source.clone(), |gauge| count(gauge.files));
        let lag = input.gauge.map_or_else(String::new, |gauge| size(gauge.lag_bytes));
        let unreadable = input.gauge.map_or(0, |gauge| gauge.unreadable);
        vec![
            input.name.clone(),
            count(input.read.lines),
            size(input.read.bytes),
            files,
            lag,
            count(unreadable + input.read.errors),
        ]
    });
    (&["lines", "bytes", "files", "unread", "errors"], rows.collect())
}

fn rules(status: &Status) -> Section {
    let rows = status.rules.iter().map(|rule| {
        let gates = &rule.gates;
        let counts = [
            gates.matches,
            gates.below_when,
            gates.silenced,
            gates.joined,
            gates.throttled,
            gates.posted + gates.timed,
            rule.open_episodes,
        ];
        let cpu = Human(Duration::from_secs_f64(rule.cost.scan_seconds.max(0.0))).to_string();
        let last = rule.last_match.clone().unwrap_or_else(|| "-".to_owned());
        std::iter::once(rule.name.clone()).chain(counts.map(count)).chain([cpu, last]).collect()
    });
    (
        &[
            "matches",
            "below when",
            "silenced",
            "joined",
            "throttled",
            "opened",
            "open now",
            "CPU",
            "last match",
        ],
        rows.collect(),
    )
}

fn webhooks(status: &Status) -> Section {
    let rows = status.webhooks.iter().map(|webhook| {
        let oldest = webhook
            .oldest_seconds
            .map_or_else(|| "-".to_owned(), |secs| Human(Duration::from_secs_f64(secs.max(0.0))).to_string());
        let answer = match (&webhook.broken, &webhook.last_answer) {
            (Some(why), _) => format!("broken: {}", one_line(why, LINE_CHARS)),
            (None, Some(answer)) => one_line(&answer.words, LINE_CHARS),
            (None, None) => "-".to_owned(),
        };
        let counts = [webhook.messages, webhook.attachments, webhook.retries, webhook.dead];
        [webhook.name.clone(), count(webhook.queue), oldest]
            .into_iter()
            .chain(counts.map(count))
            .chain([answer])
            .collect()
    });
    (&["waiting", "oldest", "messages", "alerts", "retries", "set aside", "last answer"], rows.collect())
}

fn open(episodes: &[Episode]) -> Section {
    let rows = episodes.iter().take(EPISODES_SHOWN).map(|episode| {
        let key: Vec<String> = episode.key.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let what = match (key.is_empty(), &episode.line) {
            (false, _) => key.join(" "),
            (true, line) => line.clone().unwrap_or_default(),
        };
        vec![
            episode.id[..6].to_owned(),
            episode.severity.name().to_owned(),
            episode.rule.clone(),
            count(episode.count),
            episode.opened.clone(),
            one_line(&what, LINE_CHARS),
        ]
    });
    (&["severity", "rule", "count", "since", "what"], rows.collect())
}

fn silences(status: &Status) -> Section {
    let rows = status.silences.iter().map(|silence| {
        let (filter, why) = (one_line(&silence.filter, LINE_CHARS), one_line(&silence.why, LINE_CHARS));
        vec![silence.id.clone(), silence.until.clone(), filter, why]
    });
    (&["until", "where", "why"], rows.collect())
}

/// `1.5 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_the_place_of_what_is_shown_and_no_more_rows_than_there_are() {
        let drawn = |rows| frame("a\n\nb\nc\n", rows).replace("\x1b[K\n", "|");
        assert_eq!(drawn(usize::MAX), "\x1b[?7l\x1b[Ha||b|c|\x1b[J\x1b[?7h");
        assert_eq!(drawn(5), drawn(usize::MAX));
        assert_eq!(drawn(4), "\x1b[?7l\x1b[Ha||… 2 more lines: a higher window shows them|\x1b[J\x1b[?7h");
        assert_eq!(drawn(1), "\x1b[?7l\x1b[H… 4 more lines: a higher window shows them|\x1b[J\x1b[?7h");
    }
}
