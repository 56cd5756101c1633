//! `hooktail why`: the past of an alert or a rule: what matched and was counted, what held alerts back, what was sent when,
//! and what was answered. The history is read as it lies, and the agent need not run; where it is in memory, the agent is
//! asked for it.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::admin::PastAlert;
use crate::admin::client;
use crate::board::{RuleStatus, Status, WebhookStatus};
use crate::message::clean::one_line;
use crate::message::thousands::Thousands;
use crate::time::{Human, Time};

use super::exit::{Exit, Failure};
use super::past::Past;
use super::running::{Running, RunningArgs};
use super::table::Table;

/// So many alerts of a rule, and of an episode, are told.
const OF_RULE_MAX: usize = 20;
const OF_EPISODE_MAX: usize = 100;

/// An id that begins more alerts than this says nothing.
const OF_ID_MAX: usize = 20;

/// How much of a line is printed in a list.
const LINE_CHARS: usize = 80;

/// The options of `hooktail why`.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// A rule's name, or an alert's id as its footer shows it
    #[arg(value_name = "RULE | ID")]
    target: String,

    #[command(flatten)]
    running: RunningArgs,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What was found.
enum Found {
    Rule { now: Option<RuleStatus>, alerts: Vec<PastAlert> },
    Alert { alert: PastAlert, episode: Vec<PastAlert> },
    Several(Vec<PastAlert>),
}

/// Tells it; status 1 where nothing is known by this name or id.
pub(super) fn run(args: &WhyArgs) -> Result<Exit, Failure> {
    let running = args.running.find()?;
    // Without an agent, what it would know of now is left out.
    let status = client::ask(&running.socket(), "GET", "/api/v1/status", "").ok();
    let status: Option<Status> = status.and_then(|json| serde_json::from_value(json).ok());
    let found = find(&running, &args.target, status.as_ref())?;
    let text = if args.json {
        let json = match &found {
            Found::Rule { now, alerts } => json!({ "rule": args.target, "now": now, "alerts": alerts }),
            Found::Alert { alert, episode } => json!({ "alert": alert, "episode": episode }),
            Found::Several(alerts) => json!({ "several": alerts }),
        };
        format!("{json}\n")
    } else {
        let webhooks = status.as_ref().map_or(&[][..], |status| &status.webhooks);
        match &found {
            Found::Rule { now, alerts } => of_rule(&args.target, now.as_ref(), alerts, status.as_ref()),
            Found::Alert { alert, episode } => of_alert(alert, episode, webhooks),
            Found::Several(alerts) => {
                format!("several alerts have an id that begins with {}:\n{}", args.target, list(alerts, true))
            }
        }
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}

fn find(running: &Running, target: &str, status: Option<&Status>) -> Result<Found, Failure> {
    let past = Past(running);
    let alerts = past.of_rule(target, OF_RULE_MAX)?;
    let now = status.and_then(|status| status.rules.iter().find(|rule| rule.name == target)).cloned();
    if now.is_some() || !alerts.is_empty() {
        return Ok(Found::Rule { now, alerts });
    }
    let is_id = !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found = if is_id { past.by_id(target, OF_ID_MAX)? } else { Vec::new() };
    match found.len() {
        0 => {
            let place = match running {
                Running::InDirectory(directory) => format!(" in `{}`", directory.display()),
                Running::InMemory(_) => String::new(),
            };
            Err(Failure::failed(format!(
                "no rule `{target}` is known{place}, and no alert whose id begins so"
            )))
        }
        1 => {
            let alert = found.remove(0);
            let episode = past.of_episode(&alert.episode, OF_EPISODE_MAX)?;
            Ok(Found::Alert { alert, episode })
        }
        _ => Ok(Found::Several(found)),
    }
}

fn of_rule(name: &str, now: Option<&RuleStatus>, alerts: &[PastAlert], status: Option<&Status>) -> String {
    let mut out = format!("rule {name}\n");
    if let Some(rule) = now {
        let gates = &rule.gates;
        let _ = writeln!(out, "  matches so far: {}; of them", Thousands(gates.matches));
        let mut table = Table::default();
        for (count, what) in [
            (gates.below_when, "did not meet `when`"),
            (gates.silenced, "were held back by a silence or the schedule"),
            (gates.joined, "joined an open episode: its next summary counts them"),
            (gates.throttled, "were held back by the throttle"),
            (gates.posted, "opened an episode, and were posted"),
        ] {
            table.row([Thousands(count).to_string(), what.to_owned()]);
        }
        out.push_str(&table.draw("    "));
        if gates.timed > 0 {
            let _ =
                writeln!(out, "  {} openings came at an instant, without a match", Thousands(gates.timed));
        }
        let at = |time: &Option<String>| time.clone().unwrap_or_else(|| "none yet".to_owned());
        let _ = writeln!(out, "  last match: {}, last alert: {}", at(&rule.last_match), at(&rule.last_alert));
        let _ = writeln!(out, "  open episodes: {}", Thousands(rule.open_episodes));
    } else {
        out.push_str("  no agent runs that has it: this is its past\n");
    }
    for silence in status.iter().flat_map(|status| &status.silences) {
        let (filter, why) = (one_line(&silence.filter, LINE_CHARS), one_line(&silence.why, LINE_CHARS));
        let _ = writeln!(out, "  silence {}: `{filter}` until {} ({why})", silence.id, silence.until);
    }
    if alerts.is_empty() {
        out.push_str("  no alert of it is in the history\n");
    } else {
        let _ = write!(out, "alerts, the newest first:\n{}", list(alerts, false));
    }
    out
}

fn list(alerts: &[PastAlert], with_rule: bool) -> String {
    let mut table = Table::default();
    for alert in alerts {
        let rule = with_rule.then(|| alert.rule.clone());
        let line = one_line(alert.line.as_deref().unwrap_or_default(), LINE_CHARS);
        let cells = [alert.id[..6].to_owned(), alert.decided.clone(), alert.kind.clone()];
        table.row(cells.into_iter().chain(rule).chain([count(alert), fates(alert), line]));
    }
    table.draw("  ")
}

fn count(alert: &PastAlert) -> String {
    let times =
        if alert.count == 1 { "once".to_owned() } else { format!("{} times", Thousands(alert.count)) };
    match alert.suppressed {
        0 => times,
        more => format!("{times}, {} of them since the message before", Thousands(more)),
    }
}

/// `ops: delivered, oncall: waits`.
fn fates(alert: &PastAlert) -> String {
    let fate = |webhook: &String| {
        let receipt = alert.receipts.iter().find(|receipt| receipt.webhook == *webhook);
        let fate = receipt.map_or("waits", |receipt| in_words(&receipt.fate));
        format!("{webhook}: {fate}")
    };
    alert.webhooks.iter().map(fate).collect::<Vec<_>>().join(", ")
}

fn in_words(fate: &str) -> &str {
    match fate {
        "set_aside" => "set aside",
        "folded" => "told in a digest",
        "left_to_fallback" => "left to its fallback",
        other => other,
    }
}

fn of_alert(alert: &PastAlert, episode: &[PastAlert], webhooks: &[WebhookStatus]) -> String {
    let mut table = Table::default();
    let mut row = |name: &str, text: String| table.row([name.to_owned(), text]);
    row("alert", format!("{}, {} of rule {}, {}", alert.id, alert.kind, alert.rule, alert.severity.name()));
    row("decided", alert.decided.clone());
    if let Some(line) = &alert.line {
        row("matched", one_line(line, 400));
    }
    if let Some(source) = &alert.source {
        row("read from", source.clone());
    }
    for (name, value) in &alert.key {
        row("key", format!("{name} = {value}"));
    }
    let between = match alert.first_seen == alert.last_seen {
        true => format!("at {}", alert.first_seen),
        false => format!("from {} to {}", alert.first_seen, alert.last_seen),
    };
    row("counted", format!("{}, {between}", count(alert)));
    if let Some((by, count)) = &alert.held_back {
        row("held back", format!("{} before it, by the {by}", Thousands(*count)));
    }
    for webhook in &alert.webhooks {
        row("webhook", format!("{webhook}: {}", sent(alert, webhook, webhooks)));
    }
    let mut out = table.draw("");
    if episode.len() > 1 {
        let _ = write!(out, "its episode, in order:\n{}", list(episode, false));
    }
    out
}

/// What became of an alert at a webhook, and how long that took.
fn sent(alert: &PastAlert, webhook: &str, webhooks: &[WebhookStatus]) -> String {
    if let Some(receipt) = alert.receipts.iter().find(|receipt| receipt.webhook == webhook) {
        let parsed = Time::parse_rfc3339(&receipt.at).zip(Time::parse_rfc3339(&alert.decided));
        let after = parsed.map(|(at, decided)| at.since(decided)).filter(|after| *after > Duration::ZERO);
        let after = after.map_or_else(String::new, |after| format!(", {} later", Human(after)));
        return format!("{} {}{after}: {}", in_words(&receipt.fate), receipt.at, receipt.answer);
    }
    let now = webhooks.iter().find(|known| known.name == webhook);
    match now.map(|now| (&now.broken, &now.last_answer)) {
        Some((Some(why), _)) => format!("waits: it is broken: {why}"),
        Some((None, Some(answer))) if !answer.taken => {
            format!("waits: its receiver last said {}", answer.words)
        }
        _ => "waits".to_owned(),
    }
}
