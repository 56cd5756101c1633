//! The end of a run: what waits is delivered, and what was done is told.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::Counters;
use crate::notice::{Notice, Sort};
use crate::report::{InputReport, Report, RuleReport, WebhookReport};
use crate::rule::Rule;
use crate::scan::Cost;
use crate::time::Human;

use super::decide::Decider;
use super::{Agent, AgentError, Ended, sleep_until};

impl Agent {
    /// Tells that the agent ends, and what the herald holds back.
    pub(super) fn farewell(&self, took: Duration) {
        let why = if self.deadline.is_some() { "stopped" } else { "ended with its inputs" };
        let text = format!("hooktail {why}, after {}", Human(took));
        self.herald.finish();
        self.herald.tell(Notice { sort: Sort::Stopped, danger: false, text });
    }

    /// Until nothing waits, the deadline is over, or somebody asks again to stop.
    pub(super) async fn deliver(&mut self, stops: &mut mpsc::Receiver<()>) -> Option<AgentError> {
        tracing::debug!("nothing more is decided: delivering what waits");
        self.store.outbox().show_all();
        self.workers.close();
        let mut deadline = match (self.deadline, self.options.drain) {
            (Some(deadline), _) => Some(deadline),
            (None, Some(drain)) => Some(Instant::now() + drain),
            (None, None) => None,
        };
        let store = self.store.clone();
        loop {
            tokio::select! {
                ended = self.workers.ended() => match ended {
                    None => return None,
                    Some(Ok(())) => {}
                    Some(Err(panic)) => tracing::error!(%panic, "a webhook's worker panicked: please report this as a bug"),
                },
                error = store.failed() => return Some(self.give_up(error)),
                () = sleep_until(deadline) => break,
                Some(()) = stops.recv() => match self.deadline {
                    // The first request came after the end of the input: the grace begins.
                    None => {
                        let grace = Instant::now() + self.options.grace;
                        self.deadline = Some(grace);
                        deadline = Some(deadline.map_or(grace, |deadline| deadline.min(grace)));
                    }
                    Some(_) => break,
                },
            }
        }
        self.workers.shutdown().await;
        None
    }

    pub(super) fn end(self, took: Duration) -> Ended {
        let mut report = Report { seconds: took.as_secs_f64(), ..Report::default() };
        if let Some(Decider { engine, reads, costs, counted_before, .. }) = &self.decided {
            for (name, read) in reads {
                report.lines += read.lines;
                report.bytes += read.bytes;
                report.inputs.insert(name.to_string(), InputReport::from(*read));
            }
            let counted = |((rule, counters), cost): ((&Rule, Counters), &Cost)| {
                let before = counted_before.get(&rule.name).copied().unwrap_or_default();
                (rule.name.to_string(), RuleReport::new(counters.since(&before), *cost))
            };
            report.rules = engine.counters().zip(costs).map(counted).collect();
        }
        let mut undelivered = Vec::new();
        for (name, tally) in self.workers.tallies() {
            let left = self.store.outbox().waiting(name);
            let counted =
                WebhookReport::new(tally.read(), self.store.outbox().overflowed(name), left.len() as u64);
            report.webhooks.insert(name.to_string(), counted);
            undelivered.extend(left.into_iter().map(|waiting| (name.clone(), waiting.alert)));
        }
        Ended { report, stopped: self.deadline.is_some(), undelivered, keeps: self.store.keeps() }
    }
}
