//! `hooktail preview`: the messages that a rule can have, drawn.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::clock::Clock;
use crate::engine::{Alert, Snapshot};
use crate::event::RuleId;
use crate::message::draw;
use crate::message::frame::Frame;
use crate::message::payload::Message;
use crate::message::redact_alert::redact_alert;
use crate::message::render;
use crate::proof::case::{Case, Entry};
use crate::proof::preview::{alerts, made_up, taken};
use crate::proof::rehearsal::Stations;
use crate::time::Time;
use crate::web::BASE;

use super::exit::{Exit, Failure};
use super::load::ConfigArgs;
use super::screen;

/// The options of `hooktail preview`.
#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// The rule's name
    #[arg(value_name = "RULE")]
    rule: String,

    /// A line that the rule takes [default: one of its tests, else one that is made up]
    #[arg(value_name = "LINE", allow_hyphen_values = true)]
    line: Option<String>,

    /// Write the messages to OUT as Slack would show them, a page of HTML
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,

    /// Print the messages as JSON, as they would be posted
    #[arg(long)]
    json: bool,
}

/// Draws; status 1 where the rule doesn't take the line.
pub(super) fn run(args: &PreviewArgs) -> Result<Exit, Failure> {
    let mut config = args.config.load()?;
    let cases = std::mem::take(&mut config.tests);
    let stations = Stations::new(config);
    let place = stations.rules.iter().position(|rule| *rule.name == *args.rule);
    let rule = RuleId(place.ok_or_else(|| unknown(&stations, &args.rule))?);
    let now = Clock::start().now();
    let event = event(args, &stations, rule, &cases, now)?;
    let drawn: Vec<(Alert, Message)> = alerts(&stations.rules[rule.0], &event, now)
        .into_iter()
        .map(|mut alert| {
            redact_alert(&mut alert, &stations.rules[rule.0].redact);
            let message =
                render::message(&[&alert], &Frame::slack(&|name| stations.rule(name), &stations.host));
            (alert, message)
        })
        .collect();
    if let Some(out) = &args.html {
        write(out, &page(&args.rule, &drawn))?;
    }
    let text = if args.json { as_json(&args.rule, &drawn) } else { in_terminal(&drawn) };
    if args.json || args.html.is_none() {
        anstream::stdout().write_all(text.as_bytes()).map_err(Failure::failed)?;
    }
    Ok(Exit::Done)
}

fn unknown(stations: &Stations, name: &str) -> Failure {
    let known = stations.rules.iter().map(|rule| format!("`{}`", rule.name)).collect::<Vec<_>>().join(", ");
    Failure::usage(format!("there is no rule `{name}`\nhelp: there are {known}"))
}

/// What the messages are made of: the line that was given, else the first of the rule's tests that it takes.
fn event(
    args: &PreviewArgs,
    stations: &Stations,
    rule: RuleId,
    cases: &[Case],
    now: Time,
) -> Result<Snapshot, Failure> {
    if let Some(line) = &args.line {
        return taken(stations, rule, line, now).ok_or_else(|| {
            let help = format!("hooktail explain '{}' says why", line.replace('\'', "'\\''"));
            Failure::failed(format!("the rule `{}` doesn't take this line\nhelp: {help}", args.rule))
        });
    }
    let tests = cases.iter().filter(|case| *case.rule == *args.rule);
    let texts = tests.map(|case| {
        let lines = case.entries.iter().filter_map(|entry| match entry {
            Entry::Line(line) => Some(line.as_str()),
            Entry::Wait(_) => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    let mut tested = texts.filter_map(|text| taken(stations, rule, &text, now));
    Ok(tested.next().unwrap_or_else(|| made_up(&stations.rules[rule.0], now)))
}

fn in_terminal(drawn: &[(Alert, Message)]) -> String {
    let style = screen::stdout_style();
    let parts: Vec<String> = drawn
        .iter()
        .map(|(alert, message)| format!("{}:\n{}", heading(alert), draw::terminal(message, &style)))
        .collect();
    parts.join("\n")
}

/// `escalated, to ops and oncall`.
fn heading(alert: &Alert) -> String {
    let webhooks = alert.webhooks.iter().map(|name| &**name).collect::<Vec<_>>().join(" and ");
    format!("{}, to {webhooks}", alert.kind.name())
}

fn as_json(rule: &str, drawn: &[(Alert, Message)]) -> String {
    let messages: Vec<_> = drawn
        .iter()
        .map(|(alert, message)| json!({ "kind": alert.kind.name(), "webhooks": alert.webhooks, "message": message }))
        .collect();
    format!("{}\n", json!({ "rule": rule, "messages": messages }))
}

const STYLE: &str = "\
body { max-width: 46rem; margin: 0 auto; padding: 20px; }
h1 { margin: 0; font-size: 17px; }
h2 { margin: 22px 0 4px; color: var(--soft); font-size: 12px; font-weight: 400; }
";

/// Everything in one file, and nothing in it that acts.
fn page(rule: &str, drawn: &[(Alert, Message)]) -> String {
    let title = draw::escape(&format!("{rule}: its messages"));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{BASE}{}{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n",
        draw::STYLESHEET
    );
    for (alert, message) in drawn {
        out.push_str(&format!("<h2>{}</h2>\n{}", draw::escape(&heading(alert)), draw::html(message)));
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn write(path: &Path, page: &str) -> Result<(), Failure> {
    std::fs::write(path, page)
        .map_err(|error| Failure::failed(format!("failed to write `{}`: {error}", path.display())))
}
