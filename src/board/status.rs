//! The whole of it as documents: what the API answers, the page shows, the metrics count and `hooktail status` prints.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::deliver::tally::{LastAnswer, Standing};
use crate::engine::{Alert, Counters, Kind, Silence};
use crate::input::feed::Read;
use crate::reload::{Outcome, Reload};
use crate::report::{InputReport, WebhookReport};
use crate::rule::Severity;
use crate::store::PastAlerts;
use crate::time::Time;

use super::gauge::Gauged;
use super::health::{About, Problem, SILENT_MAX, problems};
use super::ledger::{RuleView, View};
use super::process::Process;
use super::timeline::{Part, Timeline};
use super::{Board, InputSeat, WebhookSeat};

/// How the agent stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of hooktail.
    pub version: String,
    /// The machine's name in messages.
    pub host: String,
    /// When this was drawn, in RFC 3339, as all times here.
    pub time: String,
    /// When the agent started.
    pub started: String,
    /// For how long it has run.
    pub uptime_seconds: f64,
    /// Nothing is wrong that keeps it from what it is for.
    pub ready: bool,
    /// What somebody should mend, the gravest first.
    pub problems: Vec<Problem>,
    /// What the process uses.
    pub process: Process,
    /// Where state is kept.
    pub store: StoreStatus,
    /// By the order of the configuration.
    pub inputs: Vec<InputStatus>,
    /// By the order of the configuration.
    pub rules: Vec<RuleStatus>,
    /// How many episodes are open.
    pub open_episodes: u64,
    /// By the order of the configuration.
    pub webhooks: Vec<WebhookStatus>,
    /// What nothing is posted of.
    pub silences: Vec<SilenceStatus>,
    /// What came of the last change of the configuration.
    pub last_reload: Option<LastReload>,
}

/// Of the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Where; `null`: state is in memory.
    pub directory: Option<String>,
    /// The state's files, without the history.
    pub state_bytes: u64,
    /// The history's files.
    pub history_bytes: u64,
    /// Alerts in the history.
    pub history_alerts: u64,
    /// Alerts that left it because of its bounds, since the start.
    pub history_left: u64,
    /// Alerts that it could not take, since the start.
    pub history_missing: u64,
    /// The disk is full: reading waits.
    pub full: bool,
}

/// Of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputStatus {
    /// Its name.
    pub name: String,
    /// `files`, `stdin`, …
    pub source: String,
    /// What was read of it, as in the report of a run.
    #[serde(flatten)]
    pub read: InputReport,
    /// How its files stand; `null`: it has none.
    pub gauge: Option<Gauged>,
}

/// Of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// Its name.
    pub name: String,
    /// Where the line does not say another.
    pub severity: Severity,
    /// At which gate its matches ended, ever.
    pub gates: Gates,
    /// Open episodes.
    pub open_episodes: u64,
    /// When it last matched, to the second, since the start.
    pub last_match: Option<String>,
    /// When it last made an alert, since the start.
    pub last_alert: Option<String>,
    /// Matches and alerts of the last hour, minute by minute, the oldest first; only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hour: Option<Series>,
    /// Of the last day, by quarters of an hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub day: Option<Series>,
}

/// A rule's counters.
pub type Gates = Counters;

/// Numbers over time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Matches.
    pub matches: Vec<u32>,
    /// Alerts.
    pub alerts: Vec<u32>,
}

/// Of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookStatus {
    /// Its name.
    pub name: String,
    /// Its URL, masked.
    pub url: String,
    /// Alerts that wait.
    pub queue: u64,
    /// For how long the oldest has waited.
    pub oldest_seconds: Option<f64>,
    /// Messages that it took, since the start.
    pub messages: u64,
    /// Attachments in them.
    pub attachments: u64,
    /// Messages that were sent again.
    pub retries: u64,
    /// Alerts that were set aside.
    pub dead: u64,
    /// Alerts that found the outbox full.
    pub overflowed: u64,
    /// What its receiver said last.
    pub last_answer: Option<Answered>,
    /// Why it takes nothing until somebody mends it.
    pub broken: Option<String>,
    /// Where its alerts go meanwhile.
    pub fallback: Option<String>,
    /// Nothing is sent before, though something waits.
    pub waits_until: Option<String>,
}

/// A receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When.
    pub at: String,
    /// Whether it took the message.
    pub taken: bool,
    /// In its words.
    pub words: String,
}

/// Of a silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceStatus {
    /// By it, it is ended.
    pub id: String,
    /// The expression.
    #[serde(rename = "where")]
    pub filter: String,
    /// When it ends.
    pub until: String,
    /// Why.
    pub why: String,
    /// It stands in the configuration, and is ended there.
    pub configured: bool,
}

/// What came of a changed configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReload {
    /// When.
    pub at: String,
    /// Whether it holds now.
    pub taken: bool,
    /// All that is wrong with it, as `check` prints it; empty where it holds.
    pub text: String,
}

impl From<Reload> for LastReload {
    fn from(Reload { at, outcome }: Reload) -> Self {
        let (taken, text) = match outcome {
            Outcome::Taken => (true, String::new()),
            Outcome::Refused(whole) => (false, whole),
        };
        Self { at: at.to_rfc3339(), taken, text }
    }
}

/// The first line of what is wrong: what a person begins with.
fn first(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// An open episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Its own id, which `why` and `silence` take as that of its first alert.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// It holds now.
    pub severity: Severity,
    /// The fields that tell it from the rule's others.
    pub key: BTreeMap<String, String>,
    /// When it opened.
    pub opened: String,
    /// When it last occurred, by the lines' own times.
    pub last_seen: String,
    /// Occurrences.
    pub count: u64,
    /// Of them, since its last message.
    pub suppressed: u64,
    /// The webhooks that hear of it.
    pub webhooks: Vec<String>,
    /// The last line.
    pub line: Option<String>,
}

impl Episode {
    fn of(alert: &Alert) -> Self {
        debug_assert_eq!(alert.kind, Kind::Summary);
        let key = alert.key.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Self {
            id: format!("{:032x}", alert.episode.0),
            rule: alert.rule.to_string(),
            severity: alert.severity,
            key: key.collect(),
            opened: (alert.decided - alert.lasted).to_rfc3339(),
            last_seen: alert.last_seen.to_rfc3339(),
            count: alert.count,
            suppressed: alert.suppressed,
            webhooks: alert.webhooks.iter().map(ToString::to_string).collect(),
            line: alert.event.as_ref().map(|event| event.line.clone()),
        }
    }
}

impl From<&Silence> for SilenceStatus {
    fn from(silence: &Silence) -> Self {
        Self {
            id: silence.id.to_string(),
            filter: silence.filter.source().trim().to_owned(),
            until: silence.until.to_rfc3339(),
            why: silence.why.clone(),
            configured: silence.is_configured(),
        }
    }
}

impl From<LastAnswer> for Answered {
    fn from(LastAnswer { at, taken, words }: LastAnswer) -> Self {
        Self { at: at.to_rfc3339(), taken, words }
    }
}

impl Board {
    /// How the agent stands, drawn from `view` and from what the others published.
    pub fn status(&self, view: &View) -> Status {
        let now = self.now();
        let seats = self.seats();
        let inputs: Vec<InputStatus> = seats.inputs.iter().map(|seat| input(seat, view)).collect();
        let webhooks: Vec<WebhookStatus> =
            seats.webhooks.iter().map(|seat| self.webhook(seat, now)).collect();
        let store = self.store();
        let mut found = self.own_problems(view, &store);
        found.extend(problems(&inputs, &webhooks));
        let last_reload = self.last_reload.get().map(LastReload::from);
        found.extend(last_reload.iter().filter(|reload| !reload.taken).map(|reload| Problem {
            about: About::Configuration,
            name: String::new(),
            text: format!(
                "the changed configuration is refused, and the one before goes on: {}",
                first(&reload.text)
            ),
        }));
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.host.to_string(),
            time: now.to_rfc3339(),
            started: self.started.to_rfc3339(),
            uptime_seconds: now.since(self.started).as_secs_f64(),
            ready: !found.iter().any(|problem| problem.about.is_grave()),
            problems: found,
            process: Process::now(),
            store,
            inputs,
            open_episodes: open(view).iter().sum(),
            rules: self.rules(view),
            webhooks,
            silences: silences(view, now),
            last_reload,
        }
    }

    /// The rules alone.
    pub fn rules(&self, view: &View) -> Vec<RuleStatus> {
        let open = open(view);
        let open = open.iter().copied().chain(std::iter::repeat(0));
        view.rules.iter().zip(open).map(|(rule, open)| rule_status(rule, open)).collect()
    }

    /// The rules with what they did over the last hour and day.
    pub fn rules_over_time(&self, view: &View) -> Vec<RuleStatus> {
        let now = self.now();
        let mut rules = self.rules(view);
        for (status, rule) in rules.iter_mut().zip(&view.rules) {
            let timeline: &Timeline = &rule.timeline;
            status.hour = Some(Series::of(&timeline.hour(now)));
            status.day = Some(Series::of(&timeline.day(now)));
        }
        rules
    }

    /// The open episodes, the gravest and the latest first; not all, where there are very many.
    pub fn episodes(&self, view: &View) -> Vec<Episode> {
        view.survey.iter().flat_map(|survey| &survey.shown).map(Episode::of).collect()
    }

    /// What nothing is posted of.
    pub fn silences(&self, view: &View) -> Vec<SilenceStatus> {
        silences(view, self.now())
    }

    /// Why the agent would have to be started again.
    pub fn hangs(&self, view: &View) -> Option<&'static str> {
        let silent = self.now().since(view.at.max(self.started)) > SILENT_MAX;
        // A full disk is waited for, and at the end nothing more is decided.
        let waits = self.disk_full.load(Ordering::Relaxed) || self.over.load(Ordering::Relaxed);
        (silent && !waits).then_some(
            "the engine has not answered for over a minute: restart the agent, and report this as a bug",
        )
    }

    fn own_problems(&self, view: &View, store: &StoreStatus) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |about, text: &str| {
            problems.push(Problem { about, name: String::new(), text: text.to_owned() });
        };
        if store.full {
            add(About::Store, "the disk of the state directory is full: reading waits until there is room");
        }
        if let Some(why) = self.hangs(view) {
            add(About::Engine, why);
        }
        problems
    }

    fn store(&self) -> StoreStatus {
        let size = |directory: &Path, names: &[&str]| {
            let sizes = names.iter().filter_map(|name| Some(directory.join(name).metadata().ok()?.len()));
            sizes.sum()
        };
        let history = self.outbox().history();
        StoreStatus {
            directory: self.state_dir.as_ref().map(|path| path.display().to_string()),
            state_bytes: self
                .state_dir
                .as_deref()
                .map_or(0, |path| size(path, &["state.db", "state.db-wal", "reserve"])),
            history_bytes: self
                .state_dir
                .as_deref()
                .map_or(0, |path| size(path, &["history.db", "history.db-wal"])),
            history_alerts: history
                .and_then(|history| history.read(|past: &PastAlerts<'_>| past.count()).ok())
                .unwrap_or(0),
            history_left: history.map_or(0, |history| history.left()),
            history_missing: history.map_or(0, |history| history.missing()),
            full: self.disk_full.load(Ordering::Relaxed),
        }
    }

    fn webhook(&self, seat: &WebhookSeat, now: Time) -> WebhookStatus {
        let WebhookSeat { name, url, tally } = seat;
        let Standing { answer, broken, fallback, waits_until } = tally.standing();
        let queue = self.outbox().len(name) as u64;
        let report = WebhookReport::new(tally.read(), self.outbox().overflowed(name), queue);
        WebhookStatus {
            name: name.to_string(),
            url: url.clone(),
            queue,
            oldest_seconds: self.outbox().oldest(name).map(|since| now.since(since).as_secs_f64()),
            messages: report.messages,
            attachments: report.attachments,
            retries: report.retries,
            dead: report.dead,
            overflowed: report.overflowed,
            last_answer: answer.map(Answered::from),
            broken,
            fallback: fallback.map(|name| name.to_string()),
            waits_until: waits_until.filter(|until| *until > now).map(Time::to_rfc3339),
        }
    }
}

fn open(view: &View) -> Vec<u64> {
    view.survey.as_ref().map(|survey| survey.open.clone()).unwrap_or_default()
}

fn silences(view: &View, now: Time) -> Vec<SilenceStatus> {
    let mut holding: Vec<&Silence> = view.silences.iter().filter(|silence| silence.until > now).collect();
    holding.sort_by_key(|silence| silence.until);
    holding.into_iter().map(SilenceStatus::from).collect()
}

fn input(seat: &InputSeat, view: &View) -> InputStatus {
    let read = view.reads.iter().find(|(name, _)| *name == seat.name);
    InputStatus {
        name: seat.name.to_string(),
        source: seat.source.to_owned(),
        read: InputReport::from(read.map_or_else(Read::default, |(_, read)| *read)),
        gauge: seat.gauge.as_ref().map(|gauge| gauge.read()),
    }
}

fn rule_status(rule: &RuleView, open_episodes: u64) -> RuleStatus {
    RuleStatus {
        name: rule.name.to_string(),
        severity: rule.severity,
        gates: rule.counters,
        open_episodes,
        last_match: rule.last_match.map(Time::to_rfc3339),
        last_alert: rule.last_alert.map(Time::to_rfc3339),
        hour: None,
        day: None,
    }
}

impl Series {
    fn of(parts: &[Part]) -> Self {
        Self {
            matches: parts.iter().map(|part| part.matches).collect(),
            alerts: parts.iter().map(|part| part.alerts).collect(),
        }
    }
}
