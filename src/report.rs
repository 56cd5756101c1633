//! What a run did, for a person on standard error and for a program as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deliver::tally::Tallied;
use crate::engine::Counters;
use crate::input::feed::Read;
use crate::message::thousands::Thousands;
use crate::scan::Scanned;
use crate::time::Human;

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
    pub rules: BTreeMap<String, Counters>,
    /// By name.
    pub webhooks: BTreeMap<String, WebhookReport>,
}

/// Of one input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl From<Read> for InputReport {
    fn from(read: Read) -> Self {
        let Read { lines, bytes, truncated, dropped_bytes, nul_bytes, errors, scanned } = read;
        let Scanned { expression_errors, unparsed, too_old } = scanned;
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
        }
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
        self.rules.values().for_each(|rule| total.add(rule));
        total
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
        Ok(())
    }
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", Thousands(n), if n == 1 { one } else { many })
}
