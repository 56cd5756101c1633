//! What a run did, for a person on standard error and for a program as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deliver::tally::Tallied;
use crate::engine::Counters;
use crate::input::batch::Read;
use crate::message::thousands::Thousands;
use crate::scan::{Cost, Scanned};
use crate::time::Human;

/// What finding lines costs is told from so much on.
const SCAN_SECONDS_TOLD: f64 = 1.0;

/// And so many rules at most that take so much of it each.
const COSTLIEST_TOLD: usize = 3;
const SHARE_TOLD: f64 = 0.1;

/// What a run did. The keys are those of `docs/report.md`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// From the start to the end, on the wall.
    pub seconds: f64,
    /// By name.
    pub inputs: BTreeMap<String, InputReport>,
    /// By name.
    pub rules: BTreeMap<String, RuleReport>,
    /// By name.
    pub webhooks: BTreeMap<String, WebhookReport>,
}

/// Of one input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct InputReport {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Lines cut at `max_line`.
    pub truncated: u64,
    /// Bytes of unfinished lines that went with a truncation of their file.
    pub dropped_bytes: u64,
    /// Bytes that nobody wrote, and that were passed before a line: what a hole in a file reads as.
    pub nul_bytes: u64,
    /// Reads that failed.
    pub errors: u64,
    /// Expressions that could not be evaluated, and so did not hold.
    pub expression_errors: u64,
    /// Lines that are not what `parse` says, and were matched as text.
    pub unparsed: u64,
    /// Lines that a rule would have taken, had they not been older than `max_age`.
    pub too_old: u64,
    /// Processor time of looking for what the rules' patterns need, for all of them together.
    pub filter_seconds: f64,
}

impl From<Read> for InputReport {
    fn from(read: Read) -> Self {
        let Read { lines, bytes, truncated, dropped_bytes, nul_bytes, errors, scanned } = read;
        let Scanned { expression_errors, unparsed, too_old, needle_nanos } = scanned;
        Self {
            lines,
            bytes,
            truncated,
            dropped_bytes,
            nul_bytes,
            errors,
            expression_errors,
            unparsed,
            too_old,
            filter_seconds: seconds(needle_nanos),
        }
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct RuleReport {
    /// At which gate its matches ended.
    #[serde(flatten)]
    pub counters: Counters,
    /// What finding its lines cost.
    #[serde(flatten)]
    pub cost: CostReport,
}

impl RuleReport {
    /// What became of a rule's matches, and what finding them cost.
    pub fn new(counters: Counters, cost: Cost) -> Self {
        Self { counters, cost: CostReport::from(cost) }
    }
}

/// What finding a rule's lines cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CostReport {
    /// How often a line was looked at for one of its patterns, or for its `where` alone.
    pub shown: u64,
    /// Processor time of it, from samples.
    pub scan_seconds: f64,
}

impl From<Cost> for CostReport {
    fn from(Cost { shown, nanos }: Cost) -> Self {
        Self { shown, scan_seconds: seconds(nanos) }
    }
}

/// Of one webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WebhookReport {
    /// Messages that it took.
    pub messages: u64,
    /// Attachments in them.
    pub attachments: u64,
    /// Messages sent again.
    pub retries: u64,
    /// Alerts set aside.
    pub dead: u64,
    /// Alerts that found the outbox full, and were folded into a digest of their rule.
    pub overflowed: u64,
    /// Alerts that were left when the run ended.
    pub undelivered: u64,
}

impl WebhookReport {
    /// What its worker counted, what found the outbox full, and what is left.
    pub fn new(tallied: Tallied, overflowed: u64, undelivered: u64) -> Self {
        let Tallied { messages, attachments, retries, dead } = tallied;
        Self { messages, attachments, retries, dead, overflowed, undelivered }
    }
}

impl Report {
    /// Alerts that were left when the run ended.
    pub fn undelivered(&self) -> u64 {
        self.webhooks.values().map(|webhook| webhook.undelivered).sum()
    }

    /// Alerts that the receivers refused for good.
    pub fn dead(&self) -> u64 {
        self.webhooks.values().map(|webhook| webhook.dead).sum()
    }

    /// All rules together.
    pub fn total(&self) -> Counters {
        let mut total = Counters::default();
        self.rules.values().for_each(|rule| total.add(&rule.counters));
        total
    }

    /// Processor time of finding the rules' lines, of all inputs.
    fn scan_seconds(&self) -> f64 {
        let filters = self.inputs.values().map(|input| input.filter_seconds);
        filters.chain(self.rules.values().map(|rule| rule.cost.scan_seconds)).sum()
    }

    /// The rules that take most of it, with their shares; none where it is too little to tell.
    fn costliest(&self) -> Vec<(&str, f64)> {
        let all = self.scan_seconds();
        if all < SCAN_SECONDS_TOLD {
            return Vec::new();
        }
        let shares = self.rules.iter().map(|(name, rule)| (name.as_str(), rule.cost.scan_seconds / all));
        let mut shares: Vec<_> = shares.filter(|(_, share)| *share >= SHARE_TOLD).collect();
        shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        shares.truncate(COSTLIEST_TOLD);
        shares
    }
}

impl fmt::Display for Report {
    /// One line: what was read, found, sent and held back, and the time it took.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let messages: u64 = self.webhooks.values().map(|webhook| webhook.messages).sum();
        let attachments: u64 = self.webhooks.values().map(|webhook| webhook.attachments).sum();
        write!(
            f,
            "{} ({}), {}, {} posted in {} in {}",
            counted(self.lines, "line", "lines"),
            counted(self.bytes, "byte", "bytes"),
            counted(total.matches, "match", "matches"),
            counted(attachments, "alert", "alerts"),
            counted(messages, "message", "messages"),
            Human(Duration::from_secs_f64(self.seconds.max(0.0)))
        )?;
        let held_back = [
            (total.joined, "folded away"),
            (total.below_when, "below `when`"),
            (total.throttled, "held back by the throttle"),
            (total.silenced, "silenced"),
            (self.dead(), "set aside"),
            (self.undelivered(), "undelivered"),
            (self.inputs.values().map(|input| input.truncated).sum(), "lines cut"),
            (self.inputs.values().map(|input| input.errors).sum(), "read errors"),
            (self.inputs.values().map(|input| input.expression_errors).sum(), "expressions failed"),
            (self.inputs.values().map(|input| input.unparsed).sum(), "lines not parsed"),
            (self.inputs.values().map(|input| input.too_old).sum(), "lines too old"),
            (total.keys_forgotten, "keys forgotten"),
        ];
        for (n, what) in held_back.into_iter().filter(|(n, _)| *n > 0) {
            write!(f, "; {} {what}", Thousands(n))?;
        }
        let costliest = self.costliest();
        if !costliest.is_empty() {
            let scanning = Human(Duration::from_secs_f64(self.scan_seconds()));
            let shares: Vec<String> =
                costliest.iter().map(|(rule, share)| format!("`{rule}` {:.0} %", 100.0 * share)).collect();
            write!(f, "; of {scanning} of CPU for finding lines, {}", shares.join(", "))?;
        }
        Ok(())
    }
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", Thousands(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rules: &[(&str, f64)]) -> Report {
        let cost = |seconds| CostReport { shown: 1, scan_seconds: seconds };
        let rule = |(name, seconds): &(&str, f64)| {
            (name.to_string(), RuleReport { cost: cost(*seconds), ..RuleReport::default() })
        };
        let input = InputReport { filter_seconds: 0.5, ..InputReport::default() };
        Report {
            inputs: [("app".to_owned(), input)].into(),
            rules: rules.iter().map(rule).collect(),
            ..Report::default()
        }
    }

    #[test]
    fn the_rules_that_take_the_processor_are_named_where_it_is_worth_it() {
        let told = |rules: &[(&str, f64)]| {
            let line = of(rules).to_string();
            line.split_once("; ").map(|(_, rest)| rest.to_owned())
        };
        assert_eq!(
            told(&[("a", 0.9), ("b", 6.0), ("c", 1.0), ("d", 0.9), ("e", 0.7)]).as_deref(),
            Some("of 10s of CPU for finding lines, `b` 60 %, `c` 10 %")
        );
        assert_eq!(told(&[("a", 0.4)]), None, "less than a second");
        assert_eq!(told(&[("a", 0.06), ("b", 0.06)]), None, "the filter takes most of it");
    }
}
