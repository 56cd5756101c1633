//! `hooktail replay`: old logs on their own times, and what would have been sent.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config;
use crate::event::RuleId;
use crate::message::draw::visible;
use crate::message::thousands::Thousands;
use crate::proof::case::Part;
use crate::proof::rehearsal::Stations;
use crate::proof::shown::Shown;
use crate::replay::against::{self, Change, MESSAGES_MAX, Sent};
use crate::replay::object::object;
use crate::replay::page::{self, Page};
use crate::replay::{self, Audience, Caps, LOGS_MAX, Log, Range, Replayed};
use crate::rule::Severity;
use crate::time::{Human, Time};

use super::exit::{Exit, Failure};
use super::load::{ConfigArgs, env, usable};

/// The options of `hooktail replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Logs, also packed by gzip or zstd; several are merged by time; `-` is standard input
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    /// The input that the logs are of [default: the one whose `files` name the log, else the only one]
    #[arg(long, value_name = "NAME")]
    input: Option<String>,

    /// From this time on: `2026-11-24`, `2026-11-24 18:30`, or RFC 3339
    #[arg(long, value_name = "T", value_parser = instant)]
    since: Option<Time>,

    /// Before this time
    #[arg(long, value_name = "T", value_parser = instant)]
    until: Option<Time>,

    /// Print an object a message as JSON
    #[arg(long)]
    json: bool,

    /// Write what was done to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Say only what is different from this rule file: which messages come, go and change
    #[arg(long, value_name = "OTHER.yaml")]
    against: Option<PathBuf>,

    /// Write a page to OUT: a timeline a rule, and the messages as Slack would show them
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,
}

fn instant(text: &str) -> Result<Time, &'static str> {
    Time::parse_local(text)
        .ok_or("write it as `2026-11-24`, `2026-11-24 18:30` or `2026-11-24T18:30:00+01:00`")
}

/// Replays; status 1 where a log could not be read to its end.
pub(super) fn run(args: &ReplayArgs) -> Result<Exit, Failure> {
    if args.logs.len() > LOGS_MAX {
        return Err(Failure::usage(format!("{} logs at once; at most {LOGS_MAX}", args.logs.len())));
    }
    if args.against.is_some() && args.logs.iter().any(|path| path == Path::new("-")) {
        return Err(Failure::usage("standard input can be read once, and `--against` reads each log twice"));
    }
    let stations = Stations::new(args.config.load()?);
    let logs = logs(args, &stations)?;
    let old = match &args.against {
        Some(path) => Some(the_other(args, path)?),
        None => None,
    };
    let bar = progress(&args.logs);
    let mut screen = Screen {
        stations: &stations,
        bar: &bar,
        told: if args.json { Told::Json } else { Told::Words },
        compared: args.against.is_some().then(Vec::new),
        page: args.html.as_ref().map(|_| Page::new(stations.rules.len())),
        messages: 0,
        failure: None,
    };
    let replayed = replay::run(&stations, &logs, range(args), &|bytes| bar.inc(bytes), &mut screen);
    bar.finish_and_clear();
    let Screen { compared, page, messages, failure, .. } = screen;
    let told = match (&old, &compared) {
        (Some(old), Some(new)) => differences(old, new, args.json),
        _ if args.json => String::new(),
        _ => table(&stations, &replayed),
    };
    let told = failure.map_or_else(|| anstream::stdout().write_all(told.as_bytes()), Err);
    // Whoever reads along may have seen enough.
    told.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
        .map_err(Failure::failed)?;
    if let (Some(page), Some(path)) = (page, &args.html) {
        write(path, page.finish(&stations, &replayed).as_bytes())?;
    }
    if let Some(path) = &args.report {
        let mut json = serde_json::to_vec_pretty(&replayed.report).map_err(Failure::failed)?;
        json.push(b'\n');
        write(path, &json)?;
    }
    close(&replayed, messages);
    Ok(if replayed.failures.is_empty() { Exit::Done } else { Exit::Failed })
}

const fn range(args: &ReplayArgs) -> Range {
    Range { since: args.since, until: args.until }
}

/// The messages of the other rule file.
fn the_other(args: &ReplayArgs, path: &Path) -> Result<Vec<Sent>, Failure> {
    let stations = Stations::new(usable(config::load(path, &env))?);
    let logs = logs(args, &stations)?;
    let bar = progress(&args.logs);
    let mut screen = Screen {
        stations: &stations,
        bar: &bar,
        told: if args.json { Told::Json } else { Told::Words },
        compared: Some(Vec::new()),
        page: None,
        messages: 0,
        failure: None,
    };
    replay::run(&stations, &logs, range(args), &|bytes| bar.inc(bytes), &mut screen);
    bar.finish_and_clear();
    Ok(screen.compared.unwrap_or_default())
}

fn logs(args: &ReplayArgs, stations: &Stations) -> Result<Vec<Log>, Failure> {
    let named =
        args.input.as_deref().map(|name| stations.input_named(name)).transpose().map_err(Failure::usage)?;
    args.logs
        .iter()
        .map(|path| {
            if path != Path::new("-") {
                std::fs::metadata(path).map_err(|error| {
                    Failure::failed(format!("failed to read `{}`: {error}", path.display()))
                })?;
            }
            let input = named.map_or_else(|| Log::input_of(path, stations), Ok).map_err(Failure::usage)?;
            Ok(Log::new(path.clone(), input, stations, Caps::default()))
        })
        .collect()
}

/// On a terminal, from the first second on; elsewhere it is not drawn.
fn progress(logs: &[PathBuf]) -> ProgressBar {
    let sizes: Option<u64> =
        logs.iter().map(|path| std::fs::metadata(path).ok().map(|about| about.len())).sum();
    let (bar, template) = match sizes {
        Some(bytes) => (
            ProgressBar::new(bytes),
            "{percent:>3}% [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// In what form messages are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Words,
    Json,
}

/// Where a replay's messages go.
struct Screen<'a> {
    stations: &'a Stations,
    bar: &'a ProgressBar,
    told: Told,
    /// To be compared; then they are not told one by one.
    compared: Option<Vec<Sent>>,
    page: Option<Page>,
    messages: u64,
    /// Standard output takes no more.
    failure: Option<io::Error>,
}

impl Audience for Screen<'_> {
    fn matched(&mut self, rule: RuleId, time: Time) {
        if let Some(page) = &mut self.page {
            page.matched(rule, time);
        }
    }

    fn message(&mut self, shown: Shown) {
        self.messages += 1;
        if let Some(page) = &mut self.page {
            page.message(&shown, self.stations);
        }
        if let Some(compared) = &mut self.compared {
            if compared.len() < MESSAGES_MAX {
                let json = (self.told == Told::Json).then(|| object(&shown).to_string());
                compared.push(Sent::new(&shown, json));
            }
            return;
        }
        let line = match self.told {
            Told::Json => format!("{}\n", object(&shown)),
            Told::Words => line(&Sent::new(&shown, None)) + "\n",
        };
        let told = self.bar.suspend(|| anstream::stdout().write_all(line.as_bytes()));
        if let Err(error) = told {
            self.failure.get_or_insert(error);
        }
    }
}

/// `2026-11-24T18:23:15+01:00 opened    [ERROR] title (rule)`.
fn line(sent: &Sent) -> String {
    let style = match sent.severity {
        Severity::Critical | Severity::Error => AnsiColor::Red.on_default(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info => AnsiColor::Blue.on_default(),
    };
    let severity = sent.severity.name().to_uppercase();
    format!(
        "{} {:<9} {style}[{severity}]{style:#} {} ({})",
        sent.time.to_rfc3339(),
        sent.kind,
        visible(sent.title()),
        sent.rule
    )
}

/// What became of each rule's matches.
fn table(stations: &Stations, replayed: &Replayed) -> String {
    let mut table = String::new();
    for (rule, counters) in stations.rules.iter().zip(&replayed.counters) {
        let counts = page::counts(counters);
        let counts = if counts.is_empty() { "no match" } else { &counts };
        let _ = writeln!(table, "{}: {counts}", rule.name);
    }
    if table.is_empty() { table } else { format!("\n{table}") }
}

fn differences(old: &[Sent], new: &[Sent], json: bool) -> String {
    let changes = against::compare(old, new);
    let mut told = String::new();
    let (mut comes, mut goes, mut differs, mut stays) = (0, 0, 0, 0);
    for change in &changes {
        let (sent, word, mark) = match change {
            Change::Comes(sent) => (sent, "comes", "+"),
            Change::Goes(sent) => (sent, "goes", "-"),
            Change::Changes(sent, _) => (sent, "changes", "~"),
            Change::Stays(_) => {
                stays += 1;
                continue;
            }
        };
        *match change {
            Change::Comes(_) => &mut comes,
            Change::Goes(_) => &mut goes,
            _ => &mut differs,
        } += 1;
        match &sent.object {
            // The object of the message, with one key more in front.
            Some(object) if json => {
                let _ = writeln!(told, "{{\"change\":\"{word}\",{}", object.trim_start_matches('{'));
            }
            _ => {
                let style = match mark {
                    "+" => AnsiColor::Green.on_default(),
                    "-" => AnsiColor::Red.on_default(),
                    _ => Style::new(),
                };
                let _ = writeln!(told, "{style}{mark}{style:#} {}", line(sent));
                if let Change::Changes(_, parts) = change {
                    parts.iter().for_each(|part| told += &difference(part));
                }
            }
        }
    }
    if !json {
        let compared = if old.len().max(new.len()) < MESSAGES_MAX {
            String::new()
        } else {
            format!(" (of the first {} of each)", Thousands(MESSAGES_MAX as u64))
        };
        let _ = writeln!(told, "{comes} come, {goes} go, {differs} change, {stays} stay{compared}");
    }
    told
}

fn difference((part, before, after): &(&Part, Option<&str>, Option<&str>)) -> String {
    let shown =
        |text: &Option<&str>| text.map_or("(none)".to_owned(), |text| visible(text).replace('\n', "⏎"));
    format!("      {part}: {} → {}\n", shown(before), shown(after))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::failed(format!("failed to write `{}`: {error}", path.display())))
}

/// The last words, on standard error.
fn close(replayed: &Replayed, messages: u64) {
    let mut err = io::stderr().lock();
    for path in &replayed.timeless {
        let _ = writeln!(
            err,
            "hooktail: no line of `{}` has a time of its own: all of it counts as one instant",
            path.display()
        );
    }
    for (path, error) in &replayed.failures {
        let _ = writeln!(err, "hooktail: `{}` was not read to its end: {error}", path.display());
    }
    let report = &replayed.report;
    let period = replayed
        .period
        .map_or_else(String::new, |(from, to)| format!(" from {} to {}", from.to_rfc3339(), to.to_rfc3339()));
    let took = Human(Duration::from_secs_f64(report.seconds.max(0.0)));
    let _ = writeln!(
        err,
        "hooktail: {} lines{period}: {} matches, {} messages, in {took}",
        Thousands(report.lines),
        Thousands(report.total().matches),
        Thousands(messages)
    );
}
