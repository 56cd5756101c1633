//! What the engine's thread notes and publishes. It costs the matches nothing: what came is the difference between two
//! counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::{Alert, Counters, Engine, Silence, Survey};
use crate::input::batch::Read;
use crate::message::redact_alert::redact_alert;
use crate::rule::{Rule, Severity};
use crate::scan::Cost;
use crate::store::Record;
use crate::time::Time;

use super::Board;
use super::stored::{Stored, gone};
use super::timeline::Timeline;

/// How often a view is published at most, where nobody asks.
const EVERY: Duration = Duration::from_secs(1);

/// How often what came of each rule is stored: a kill costs no more of it. Each minute's worth is written again and again
/// meanwhile, so not each second.
const STORE_EVERY: Duration = Duration::from_secs(10);

/// So many open episodes are drawn at most: more than a person looks through.
const SHOWN_MAX: usize = 200;

/// How the engine stood at an instant.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// When.
    pub at: Time,
    /// What was read, by input.
    pub reads: Vec<(Arc<str>, Read)>,
    /// In the order of the configuration.
    pub rules: Vec<RuleView>,
    /// The open episodes; only while somebody looks.
    pub survey: Option<Survey>,
    /// What nothing is posted of.
    pub silences: Vec<Silence>,
}

/// Of one rule.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// Its name.
    pub name: Arc<str>,
    /// Its severity, where the line does not say another.
    pub severity: Severity,
    /// What became of its matches, ever.
    pub counters: Counters,
    /// What finding its lines cost, since the start.
    pub cost: Cost,
    /// When it last matched, to the second.
    pub last_match: Option<Time>,
    /// When it last made an alert.
    pub last_alert: Option<Time>,
    /// What came over the last hour and day.
    pub timeline: Arc<Timeline>,
}

/// What is noted of each rule between two views.
#[derive(Debug)]
pub struct Ledger {
    rules: BTreeMap<Arc<str>, Log>,
    published: Option<Instant>,
    /// There is nothing that the view which was published last does not show.
    shown: bool,
    stored: Option<Instant>,
    /// What is stored is all that there is.
    kept: bool,
    /// Rules of which something is stored that are there no longer.
    gone: Vec<Arc<str>>,
}

#[derive(Debug, Default)]
struct Log {
    matches: Option<u64>,
    alerts: u64,
    last_match: Option<Time>,
    last_alert: Option<Time>,
    timeline: Arc<Timeline>,
    /// It is another one than what is stored.
    changed: bool,
}

impl Ledger {
    /// Goes on from what was stored of the rules; what `engine` has counted so far is of the past.
    pub fn new(engine: &Engine, records: &[Record], now: Time) -> Self {
        let mut stored: BTreeMap<&Arc<str>, Stored> =
            records.iter().filter_map(|record| Some((&record.owner, Stored::read(record)?))).collect();
        let mut log = |rule: &Rule, counters: Counters| {
            let log = Log { matches: Some(counters.matches), ..Log::default() };
            let Some(stored) = stored.remove(&rule.name) else { return log };
            let timeline = Arc::new(stored.timeline(counters.matches, now));
            let [last_match, last_alert] =
                [stored.last_match, stored.last_alert].map(|at| at.map(|at| at.min(now)));
            Log { last_match, last_alert, timeline, ..log }
        };
        let rules = engine.counters().map(|(rule, counters)| (rule.name.clone(), log(rule, counters)));
        let rules = rules.collect();
        let gone: Vec<Arc<str>> = stored.into_keys().cloned().collect();
        Self { rules, published: None, shown: false, stored: None, kept: gone.is_empty(), gone }
    }

    /// What is to be stored of the rules, and is not yet.
    pub fn take_changes(&mut self, now: Time) -> Vec<Record> {
        self.kept = true;
        let mut records: Vec<Record> = self.gone.drain(..).map(gone).collect();
        for (rule, log) in self.rules.iter_mut().filter(|(_, log)| log.changed) {
            log.changed = false;
            let last = [log.last_match, log.last_alert];
            records
                .push(Stored::new(now, log.matches.unwrap_or(0), last, &log.timeline).record(rule.clone()));
        }
        if !records.is_empty() {
            self.stored = Some(Instant::now());
        }
        records
    }

    /// How long it is until there is such, and some time has passed since there was; `None`: there is none.
    pub fn changes_due_in(&self) -> Option<Duration> {
        (!self.kept).then(|| rest(self.stored, STORE_EVERY))
    }

    /// Something has happened.
    pub fn happened(&mut self) {
        self.shown = false;
    }

    /// These were decided.
    pub fn alerts(&mut self, alerts: &[Arc<Alert>]) {
        for alert in alerts {
            if let Some(log) = self.rules.get_mut(&alert.rule) {
                log.alerts += 1;
                log.last_alert = Some(alert.decided);
            }
        }
    }

    /// How long it is until the next view; `None`: until something happens.
    pub fn view_due_in(&self) -> Option<Duration> {
        (!self.shown).then(|| rest(self.published, EVERY))
    }

    /// Publishes how the engine stands.
    pub fn publish(
        &mut self,
        board: &Board,
        engine: &Engine,
        reads: Vec<(Arc<str>, Read)>,
        costs: &[Cost],
        now: Time,
    ) {
        (self.published, self.shown) = (Some(Instant::now()), true);
        let rules = engine.counters().zip(costs);
        let rules = rules.map(|((rule, counters), cost)| self.rule(rule, counters, *cost, now));
        let rules: Vec<RuleView> = rules.collect();
        if rules.len() < self.rules.len() {
            let is_left = |name: &Arc<str>| rules.iter().any(|rule| rule.name == *name);
            self.gone.extend(self.rules.keys().filter(|name| !is_left(name)).cloned());
            self.rules.retain(|name, _| is_left(name));
            self.kept = false;
        }
        let redact = |alert: &mut Alert, rule: &Rule| redact_alert(alert, &rule.redact);
        let survey = board.is_looked_at(now).then(|| engine.survey(SHOWN_MAX, &redact));
        board.publish(View { at: now, reads, rules, survey, silences: engine.silences().to_vec() });
    }

    fn rule(&mut self, rule: &Rule, counters: Counters, cost: Cost, now: Time) -> RuleView {
        let log = self.rules.entry(rule.name.clone()).or_default();
        let matches = counters.matches.saturating_sub(log.matches.unwrap_or(0));
        log.matches = Some(counters.matches);
        let alerts = std::mem::take(&mut log.alerts);
        if matches > 0 {
            log.last_match = Some(now);
        }
        if matches + alerts > 0 {
            Arc::make_mut(&mut log.timeline).add(now, matches, alerts);
            log.changed = true;
            self.kept = false;
        }
        RuleView {
            name: rule.name.clone(),
            severity: rule.severity,
            counters,
            cost,
            last_match: log.last_match,
            last_alert: log.last_alert,
            timeline: log.timeline.clone(),
        }
    }
}

/// What is left of `every` since then.
fn rest(since: Option<Instant>, every: Duration) -> Duration {
    since.map_or(Duration::ZERO, |at| every.saturating_sub(at.elapsed()))
}
