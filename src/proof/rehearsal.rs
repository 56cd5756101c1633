//! Lines through the stations of `run`, under a clock that the lines tell: the latest of their times.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Limits};
use crate::engine::{Alert, Counters, Engine, Silence};
use crate::event::{Match, Origin, RuleId};
use crate::input::{InputSpec, Source};
use crate::line::join::Joiner;
use crate::line::split::Line;
use crate::message::redact_alert::redact_alert;
use crate::rule::Rule;
use crate::scan::{Lines, Scanned, Scanner, Search};
use crate::time::Time;

/// What a configuration is made of once nothing is read: its rules, and a scanner for each input.
#[derive(Debug)]
pub struct Stations {
    /// This machine's name in messages.
    pub host: Arc<str>,
    /// Their names, in the order of the configuration.
    pub webhooks: Vec<Arc<str>>,
    /// In the order of the configuration.
    pub inputs: Vec<InputSpec>,
    /// In the order of the configuration.
    pub rules: Arc<[Rule]>,
    /// By input.
    scanners: Vec<Scanner>,
    limits: Limits,
    silences: Vec<Silence>,
}

impl Stations {
    /// The stations of `config`.
    pub fn new(mut config: Config) -> Self {
        let rules = std::mem::take(&mut config.rules);
        Self::with(&config, rules.into())
    }

    /// The stations of `config`, whose rules are these.
    pub fn with(config: &Config, rules: Arc<[Rule]>) -> Self {
        let Config { host, webhooks, inputs, limits, silences, .. } = config;
        let scanners = inputs
            .iter()
            .map(|input| Scanner::new(&input.name, input.line.clone(), rules.clone(), host.clone()))
            .collect();
        Self {
            host: host.clone(),
            webhooks: webhooks.iter().map(|webhook| webhook.name.clone()).collect(),
            inputs: inputs.clone(),
            rules,
            scanners,
            limits: *limits,
            silences: silences.clone(),
        }
    }

    /// The rule of that name.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| &*rule.name == name)
    }

    /// The place of the input of that name.
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| &*input.name == name)
    }

    /// The same, or the words for whoever misspelled it.
    ///
    /// # Errors
    /// There is no such input.
    pub fn input_named(&self, name: &str) -> Result<usize, UnknownInput> {
        self.input(name).ok_or_else(|| {
            let known = self.inputs.iter().map(|input| format!("`{}`", input.name));
            UnknownInput { name: name.to_owned(), known: known.collect::<Vec<_>>().join(", ") }
        })
    }

    /// A line as the rules of the input at `input` see it.
    pub fn text<'l>(&self, input: usize, line: &'l [u8]) -> Cow<'l, [u8]> {
        self.inputs[input].line.text(line)
    }

    /// What joins the lines of the input at `input`; `None`: each is an event.
    pub fn joiner(&self, input: usize) -> Option<Joiner> {
        Joiner::new(&self.inputs[input].line)
    }

    /// The events that the lines of `text` are to the input at `input`.
    fn events(&self, input: usize, text: &[u8]) -> Vec<Vec<u8>> {
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| Line::cut(line, self.inputs[input].line.line_bytes_max));
        let Some(mut joiner) = self.joiner(input) else {
            return lines.map(|line| line.bytes.to_vec()).collect();
        };
        let mut events = Vec::new();
        lines.for_each(|line| joiner.add(line, |joined| events.push(joined.text.to_vec())));
        joiner.finish(|joined| events.push(joined.text.to_vec()));
        events
    }

    /// What `rule` makes of the first event of `text`, read at `now`, that it takes, of the first of its inputs of which
    /// it takes one.
    pub fn take(&self, rule: RuleId, text: &[u8], now: Time) -> Option<Match> {
        let reads = |input: &InputSpec| self.rules[rule.0].inputs.contains(&input.name);
        let inputs = self.inputs.iter().enumerate().filter(|(_, input)| reads(input));
        inputs.map(|(place, _)| place).find_map(|input| {
            let mut taken = None;
            for event in self.events(input, text) {
                let line = Line { bytes: &event, truncated: false };
                self.scan(input, &self.origin(input), line, now, &mut self.search(input), |found| {
                    if found.rule == rule {
                        taken.get_or_insert(found);
                    }
                });
            }
            taken
        })
    }

    /// Hands on what rules take of a line of the input at `input`, whose time is `time`.
    pub fn scan(
        &self,
        input: usize,
        origin: &Arc<Origin>,
        line: Line<'_>,
        time: Time,
        search: &mut Search,
        found: impl FnMut(Match),
    ) {
        let text = self.text(input, line.bytes);
        let lines = Lines { origin, time: || time };
        self.scanners[input].scan(&text, line.truncated, &lines, search, found);
    }

    /// What a thread needs to scan lines of the input at `input`.
    pub fn search(&self, input: usize) -> Search {
        self.scanners[input].search()
    }

    /// The own time of a line of the input at `input` that is read at `now`.
    pub fn own_time(&self, input: usize, line: Line<'_>, now: Time) -> Option<Time> {
        self.inputs[input].line.own_time(&self.text(input, line.bytes), now)
    }

    /// Where a line of the input at `input` would come from: the first of its globs stands for a file.
    pub fn origin(&self, input: usize) -> Arc<Origin> {
        let spec = &self.inputs[input];
        let file = match &spec.source {
            Source::Files(files) => files.globs.first().map(|glob| Arc::from(glob.as_str())),
            Source::Stdin { .. } => None,
        };
        Arc::new(Origin { input: spec.name.clone(), file, stream: None, labels: spec.labels.clone() })
    }
}

/// Somebody named an input that isn't there.
#[derive(Debug, thiserror::Error)]
#[error("there is no input `{name}`\nhelp: there are {known}")]
pub struct UnknownInput {
    name: String,
    known: String,
}

/// One run of lines through the stations, from nothing.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    stations: &'a Stations,
    engine: Engine,
    /// The latest time that was told.
    now: Time,
    /// One for each input's scanner.
    searches: Vec<Search>,
}

impl<'a> Rehearsal<'a> {
    /// Begins at `start`, the time of the first line.
    pub fn new(stations: &'a Stations, start: Time) -> Self {
        let keys_max = stations.limits.keys;
        let mut engine = Engine::new(stations.rules.clone(), stations.host.clone(), keys_max, start);
        engine.silence(stations.silences.clone(), start);
        let searches = stations.scanners.iter().map(Scanner::search).collect();
        Self { stations, engine, now: start, searches }
    }

    /// The clock.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// A line of the input at `input` that is read at `time`; where it has a time of its own, that is the clock's.
    pub fn line(&mut self, input: usize, origin: &Arc<Origin>, line: Line<'_>, time: Time) {
        self.take_where(input, origin, line, time, |_| true);
    }

    /// The same, of which only the rule `of` hears.
    pub fn line_for(&mut self, of: RuleId, input: usize, origin: &Arc<Origin>, line: Line<'_>, time: Time) {
        self.take_where(input, origin, line, time, |rule| rule == of);
    }

    fn take_where(
        &mut self,
        input: usize,
        origin: &Arc<Origin>,
        line: Line<'_>,
        time: Time,
        hears: impl Fn(RuleId) -> bool,
    ) {
        self.advance(self.stations.own_time(input, line, time).unwrap_or(time));
        let time = self.now;
        let Self { stations, engine, now, searches } = self;
        let take = |found: Match| {
            if hears(found.rule) {
                engine.take(found, *now);
            }
        };
        stations.scan(input, origin, line, time, &mut searches[input], take);
    }

    /// A match whose place in time is `time`.
    pub fn take(&mut self, found: Match, time: Time) {
        self.now = self.now.max(time);
        self.engine.take(found, self.now);
    }

    /// Time passes until `time`; it never goes back.
    pub fn advance(&mut self, time: Time) {
        if time > self.now {
            self.now = time;
        }
        if self.engine.next_due().is_some_and(|due| due <= self.now) {
            self.engine.advance(self.now);
        }
    }

    /// Time passes.
    pub fn wait(&mut self, time: Duration) {
        self.advance(self.now + time);
    }

    /// The only input has ended.
    pub fn end(&mut self) {
        self.engine.end_of_input(self.now);
    }

    /// What was decided since the last call, redacted, with the lines around that have come by now.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        let mut alerts = self.engine.take_alerts();
        for alert in &mut alerts {
            alert.settle(self.now);
            if let Some(rule) = self.stations.rule(&alert.rule) {
                redact_alert(alert, &rule.redact);
            }
        }
        alerts
    }

    /// What became of each rule's matches.
    pub fn counters(&self) -> impl Iterator<Item = (&Rule, Counters)> {
        self.engine.counters()
    }

    /// What became of the matches of one rule.
    pub fn counters_of(&self, rule: RuleId) -> Counters {
        self.counters().nth(rule.0).map(|(_, counters)| counters).unwrap_or_default()
    }

    /// What scanning could not do.
    pub fn scanned(&self) -> Scanned {
        let mut all = Scanned::default();
        self.searches.iter().for_each(|search| all.add(search.scanned));
        all
    }
}
