//! Old logs through the rules, on the logs' own times: what would have been sent.
//!
//! One thread a log unpacks, cuts, and scans; this one merges what the rules took by its time and asks the engine. The
//! queues between them are short, so that memory doesn't grow with the logs.

pub mod against;
mod archive;
mod log;
mod merge;
pub mod object;
pub mod page;
mod timeline;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use crate::engine::Counters;
use crate::event::RuleId;
use crate::input::batch::Read;
use crate::proof::rehearsal::{Rehearsal, Stations};
use crate::proof::shown::Shown;
use crate::report::{InputReport, Report, RuleReport, WebhookReport};
use crate::rule::Rule;
use crate::scan::Cost;
use crate::time::Time;

pub use archive::Caps;
pub use log::{Log, Range};
pub use timeline::Timeline;

use merge::Merge;

/// More logs at once have more threads and open files than one run should; a day has 24 hours, a year 366 days.
pub const LOGS_MAX: usize = 400;

/// Whoever hears what happens in a replay, in its order.
pub trait Audience {
    /// A rule took a line.
    fn matched(&mut self, rule: RuleId, time: Time);

    /// A message would have been sent.
    fn message(&mut self, shown: Shown);
}

/// What a replay did.
#[derive(Debug)]
pub struct Replayed {
    /// In numbers.
    pub report: Report,
    /// By rule, in the order of the configuration.
    pub counters: Vec<Counters>,
    /// The times of the first line and of the last; `None`: there was none.
    pub period: Option<(Time, Time)>,
    /// Logs that could not be read to their ends.
    pub failures: Vec<(PathBuf, io::Error)>,
    /// Logs in which no line has a time of its own.
    pub timeless: Vec<PathBuf>,
}

/// Replays `logs`. `read` hears of each piece of a file that was read, in bytes, from several threads.
pub fn run(
    stations: &Stations,
    logs: &[Log],
    range: Range,
    read: &(dyn Fn(u64) + Sync),
    audience: &mut dyn Audience,
) -> Replayed {
    let began = Instant::now();
    thread::scope(|scope| {
        let streams = logs
            .iter()
            .map(|log| {
                let (sender, receiver) = merge::channel();
                scope.spawn(move || log::follow(log, stations, range, read, &sender));
                receiver
            })
            .collect();
        let mut merge = Merge::new(streams);
        let mut play = Play { stations, audience, webhooks: vec![0; stations.webhooks.len()] };
        let counters = play.through(&mut merge);
        let webhooks = play.webhooks;
        let mut replayed = ended(stations, logs, merge, counters, &webhooks);
        replayed.report.seconds = began.elapsed().as_secs_f64();
        replayed
    })
}

struct Play<'a> {
    stations: &'a Stations,
    audience: &'a mut dyn Audience,
    /// How many messages each got.
    webhooks: Vec<u64>,
}

impl Play<'_> {
    fn through(&mut self, merge: &mut Merge) -> Vec<Counters> {
        merge.prime();
        let Some(start) = merge.start() else { return vec![Counters::default(); self.stations.rules.len()] };
        let mut rehearsal = Rehearsal::new(self.stations, start);
        while let Some((time, found)) = merge.next() {
            self.audience.matched(found.rule, found.event.time);
            rehearsal.take(found, time);
            self.tell(&mut rehearsal);
        }
        rehearsal.advance(merge.latest());
        rehearsal.end();
        self.tell(&mut rehearsal);
        rehearsal.counters().map(|(_, counters)| counters).collect()
    }

    fn tell(&mut self, rehearsal: &mut Rehearsal<'_>) {
        for alert in rehearsal.take_alerts() {
            for webhook in &alert.webhooks {
                if let Some(place) = self.stations.webhooks.iter().position(|name| name == webhook) {
                    self.webhooks[place] += 1;
                }
            }
            let rule = self.stations.rule(&alert.rule);
            self.audience.message(Shown::new(alert, rule, &self.stations.host));
        }
    }
}

fn ended(
    stations: &Stations,
    logs: &[Log],
    merge: Merge,
    counters: Vec<Counters>,
    webhooks: &[u64],
) -> Replayed {
    let mut report = Report::default();
    let mut reads = vec![Read::default(); stations.inputs.len()];
    let mut costs = vec![Cost::default(); stations.rules.len()];
    let (mut failures, mut timeless) = (Vec::new(), Vec::new());
    let period = merge.start().map(|start| (start, merge.latest()));
    for (log, end) in logs.iter().zip(merge.into_ends()) {
        reads[log.input].add(end.read);
        end.costs.into_iter().for_each(|(rule, cost)| costs[rule.0].add(cost));
        report.lines += end.read.lines;
        report.bytes += end.read.bytes;
        failures.extend(end.failure.map(|error| (log.path.clone(), error)));
        timeless.extend(end.timeless.then(|| log.path.clone()));
    }
    let read_inputs = stations.inputs.iter().zip(reads).enumerate();
    report.inputs = read_inputs
        .filter(|(place, _)| logs.iter().any(|log| log.input == *place))
        .map(|(_, (input, read))| (input.name.to_string(), InputReport::from(read)))
        .collect();
    let rules = stations.rules.iter().zip(&counters).zip(costs);
    let told = |((rule, counters), cost): ((&Rule, &Counters), Cost)| {
        (rule.name.to_string(), RuleReport::new(*counters, cost))
    };
    report.rules = rules.map(told).collect();
    let posted = stations.webhooks.iter().zip(webhooks);
    report.webhooks = posted
        .map(|(name, n)| {
            let counted = WebhookReport { messages: *n, attachments: *n, ..WebhookReport::default() };
            (name.to_string(), counted)
        })
        .collect();
    Replayed { report, counters, period, failures, timeless }
}
