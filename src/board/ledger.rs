//! What the engine's thread notes and publishes. It costs the matches nothing: what came is the difference between two
//! counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::{Alert, Counters, Engine, Silence, Survey};
use crate::input::feed::Read;
use crate::message::redact_alert::redact_alert;
use crate::rule::{Rule, Severity};
use crate::scan::Cost;
use crate::time::Time;

use super::Board;
use super::timeline::Timeline;

/// How often a view is published.
const EVERY: Duration = Duration::from_secs(1);

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
    /// When it last matched, to the second, since the start.
    pub last_match: Option<Time>,
    /// When it last made an alert, since the start.
    pub last_alert: Option<Time>,
    /// Since the start.
    pub timeline: Arc<Timeline>,
}

/// What is noted of each rule between two views.
#[derive(Debug)]
pub struct Ledger {
    rules: BTreeMap<Arc<str>, Log>,
    published: Option<Instant>,
}

#[derive(Debug, Default)]
struct Log {
    matches: Option<u64>,
    alerts: u64,
    last_match: Option<Time>,
    last_alert: Option<Time>,
    timeline: Arc<Timeline>,
}

impl Ledger {
    /// Nothing is noted yet; what `engine` has counted so far is of the past.
    pub fn new(engine: &Engine) -> Self {
        let log = |counters: Counters| Log { matches: Some(counters.matches), ..Log::default() };
        let rules = engine.counters().map(|(rule, counters)| (rule.name.clone(), log(counters)));
        Self { rules: rules.collect(), published: None }
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

    /// How long it is until the next view.
    pub fn due_in(&self) -> Duration {
        self.published.map_or(Duration::ZERO, |at| EVERY.saturating_sub(at.elapsed()))
    }

    /// Publishes how the engine stands.
    pub fn publish(
        &mut self,
        board: &Board,
        engine: &Engine,
        reads: Vec<(Arc<str>, Read)>,
        costs: &BTreeMap<Arc<str>, Cost>,
        now: Time,
    ) {
        self.published = Some(Instant::now());
        let cost = |rule: &Rule| costs.get(&rule.name).copied().unwrap_or_default();
        let rules = engine.counters().map(|(rule, counters)| self.rule(rule, counters, cost(rule), now));
        let rules: Vec<RuleView> = rules.collect();
        if rules.len() < self.rules.len() {
            self.rules.retain(|name, _| rules.iter().any(|rule| rule.name == *name));
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
