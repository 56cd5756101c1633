//! The documents of [`super::status`], drawn from what was published.

use std::path::Path;
use std::sync::atomic::Ordering;

use crate::deliver::tally::Standing;
use crate::engine::Silence;
use crate::input::batch::Read;
use crate::report::{CostReport, InputReport, WebhookReport};
use crate::store::PastAlerts;
use crate::time::Time;

use super::health::{About, Problem, SILENT_MAX, problems};
use super::ledger::{RuleView, View};
use super::process::Process;
use super::status::{
    Answered, Episode, InputStatus, LastReload, RuleStatus, Series, SilenceStatus, Status, StoreStatus,
    WebhookStatus, first,
};
use super::timeline::Timeline;
use super::{Board, InputSeat, WebhookSeat};

impl Board {
    /// How the agent stands, drawn from `view` and from what the others published.
    pub fn status(&self, view: &View) -> Status {
        let now = self.now();
        let seats = self.seats();
        let inputs: Vec<InputStatus> = seats.inputs.iter().map(|seat| input(seat, view)).collect();
        let webhooks: Vec<WebhookStatus> =
            seats.webhooks.iter().map(|seat| self.webhook(seat, now)).collect();
        let last_reload = self.last_reload();
        let found = self.problems(&inputs, &webhooks, last_reload.as_ref());
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.known.host.to_string(),
            time: now.to_rfc3339(),
            started: self.started.to_rfc3339(),
            uptime_seconds: now.since(self.started).as_secs_f64(),
            ready: ready(&found),
            problems: found,
            process: Process::now(),
            store: self.store(),
            inputs,
            open_episodes: open(view).iter().sum(),
            rules: self.rules(view),
            webhooks,
            silences: silences(view, now),
            last_reload,
        }
    }

    /// Whether nothing keeps the agent from what it is for: as [`Board::status`] says, for whoever wants no more.
    pub fn is_ready(&self) -> bool {
        let now = self.now();
        let seats = self.seats();
        let inputs: Vec<InputStatus> =
            seats.inputs.iter().map(|seat| input(seat, &View::default())).collect();
        let webhooks: Vec<WebhookStatus> =
            seats.webhooks.iter().map(|seat| self.webhook(seat, now)).collect();
        ready(&self.problems(&inputs, &webhooks, self.last_reload().as_ref()))
    }

    fn last_reload(&self) -> Option<LastReload> {
        self.known.last_reload.get().map(LastReload::from)
    }

    /// What somebody should mend, the gravest first: the one list of it.
    fn problems(
        &self,
        inputs: &[InputStatus],
        webhooks: &[WebhookStatus],
        last_reload: Option<&LastReload>,
    ) -> Vec<Problem> {
        let of_agent = |about, text: String| Problem { about, name: String::new(), text };
        let full = self.disk_full.load(Ordering::Relaxed).then(|| {
            let text = "the disk of the state directory is full: reading waits until there is room";
            of_agent(About::Store, text.to_owned())
        });
        let hangs = self.hangs().map(|why| of_agent(About::Engine, why.to_owned()));
        let refused = last_reload.filter(|reload| !reload.taken).map(|reload| {
            let why = first(&reload.text);
            let text = format!("the changed configuration is refused, and the one before goes on: {why}");
            of_agent(About::Configuration, text)
        });
        full.into_iter().chain(hangs).chain(problems(inputs, webhooks)).chain(refused).collect()
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
    pub fn hangs(&self) -> Option<&'static str> {
        (self.known.pulse.silent_for() > SILENT_MAX).then_some(
            "the engine has not answered for over a minute: restart the agent, and report this as a bug",
        )
    }

    fn store(&self) -> StoreStatus {
        let size = |directory: &Path, names: &[&str]| {
            let sizes = names.iter().filter_map(|name| Some(directory.join(name).metadata().ok()?.len()));
            sizes.sum()
        };
        let history = self.outbox().history();
        StoreStatus {
            directory: self.known.state_dir.as_ref().map(|path| path.display().to_string()),
            state_bytes: self
                .known
                .state_dir
                .as_deref()
                .map_or(0, |path| size(path, &["state.db", "state.db-wal", "reserve"])),
            history_bytes: self
                .known
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

fn ready(problems: &[Problem]) -> bool {
    !problems.iter().any(|problem| problem.about.is_grave())
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
        cost: CostReport::from(rule.cost),
        open_episodes,
        last_match: rule.last_match.map(Time::to_rfc3339),
        last_alert: rule.last_alert.map(Time::to_rfc3339),
        hour: None,
        day: None,
    }
}
