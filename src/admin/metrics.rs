//! The state as Prometheus reads it: the text format, version 0.0.4, written from one [`Status`]. Pure.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write};

use crate::board::{Gauged, InputStatus, RuleStatus, Status, WebhookStatus};

/// Of the answer.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metric's name, its kind, what it counts, and the labels of its samples.
pub type Metric = (&'static str, &'static str, &'static str);

/// All metrics, in the order in which they are written.
pub const METRICS: &[Metric] = &[
    ("hooktail_build_info", "gauge", "1, with the version as label"),
    ("hooktail_ready", "gauge", "Whether nothing keeps the agent from what it is for"),
    ("hooktail_problems", "gauge", "What somebody should mend, by what it is about"),
    ("hooktail_uptime_seconds", "gauge", "How long the agent has run"),
    ("hooktail_config_last_reload_successful", "gauge", "Whether the last changed configuration was taken"),
    ("process_cpu_seconds_total", "counter", "Processor time of all threads"),
    ("process_resident_memory_bytes", "gauge", "Resident memory"),
    ("process_open_fds", "gauge", "Open descriptors"),
    ("hooktail_input_lines_total", "counter", "Lines read"),
    ("hooktail_input_bytes_total", "counter", "Bytes read"),
    ("hooktail_input_truncated_lines_total", "counter", "Lines cut at max_line"),
    ("hooktail_input_dropped_bytes_total", "counter", "Bytes of unfinished lines lost with a truncation"),
    ("hooktail_input_nul_bytes_total", "counter", "Bytes that nobody wrote, passed before a line"),
    ("hooktail_input_read_errors_total", "counter", "Reads that failed"),
    ("hooktail_input_expression_errors_total", "counter", "Expressions that could not be evaluated"),
    ("hooktail_input_unparsed_lines_total", "counter", "Lines that are not what parse says"),
    ("hooktail_input_too_old_lines_total", "counter", "Lines older than max_age"),
    (
        "hooktail_input_filter_seconds_total",
        "counter",
        "Processor time of looking for what the rules need, for all together",
    ),
    ("hooktail_input_files", "gauge", "Files that are followed"),
    ("hooktail_input_open_files", "gauge", "Files that are open"),
    ("hooktail_input_unreadable_files", "gauge", "Files and paths that can't be read"),
    ("hooktail_input_lag_bytes", "gauge", "Bytes that are there and were not read yet"),
    ("hooktail_rule_matches_total", "counter", "Matches; the sum of the gates"),
    ("hooktail_rule_gate_total", "counter", "Matches by the gate at which they ended"),
    ("hooktail_rule_timed_total", "counter", "Openings at an instant, without a match"),
    ("hooktail_rule_keys_forgotten_total", "counter", "Keys forgotten because of limits.keys"),
    ("hooktail_rule_not_numbers_total", "counter", "Matches without the number that above or below wants"),
    ("hooktail_rule_open_episodes", "gauge", "Open episodes"),
    ("hooktail_rule_shown_lines_total", "counter", "Lines that were looked at for a pattern of the rule"),
    (
        "hooktail_rule_scan_seconds_total",
        "counter",
        "Processor time of looking at lines for the rule, from samples",
    ),
    ("hooktail_webhook_queue_alerts", "gauge", "Alerts that wait"),
    ("hooktail_webhook_oldest_alert_seconds", "gauge", "How long the oldest alert has waited"),
    ("hooktail_webhook_broken", "gauge", "Whether it takes nothing until somebody mends it"),
    ("hooktail_webhook_messages_total", "counter", "Messages that it took"),
    ("hooktail_webhook_attachments_total", "counter", "Attachments in them"),
    ("hooktail_webhook_retries_total", "counter", "Messages that were sent again"),
    ("hooktail_webhook_dead_alerts_total", "counter", "Alerts that were set aside"),
    ("hooktail_webhook_overflowed_alerts_total", "counter", "Alerts that found the outbox full"),
    ("hooktail_store_state_bytes", "gauge", "Size of the state's files"),
    ("hooktail_store_history_bytes", "gauge", "Size of the history's files"),
    ("hooktail_store_full", "gauge", "Whether reading waits for room on the disk"),
    ("hooktail_history_alerts", "gauge", "Alerts in the history"),
    ("hooktail_history_left_total", "counter", "Alerts that left the history because of its bounds"),
    ("hooktail_history_missing_total", "counter", "Alerts that the history could not take"),
    ("hooktail_silences", "gauge", "Silences that hold"),
];

/// All samples of `status`.
pub(super) fn text(status: &Status) -> String {
    let mut out = Out { text: String::new(), metrics: METRICS.iter() };
    let flag = |flag: bool| u8::from(flag);
    out.one(&[("version", &status.version)], 1);
    out.one(&[], flag(status.ready));
    out.many(
        status
            .problems
            .iter()
            .fold(Vec::new(), |mut counts: Vec<(&str, u64)>, problem| {
                match counts.iter_mut().find(|(about, _)| *about == problem.about.name()) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((problem.about.name(), 1)),
                }
                counts
            })
            .into_iter()
            .map(|(about, count)| (vec![("about", about)], count)),
    );
    out.one(&[], status.uptime_seconds);
    out.many(status.last_reload.iter().map(|reload| (vec![], flag(reload.taken))));
    out.one(&[], status.process.cpu_seconds);
    out.many(status.process.resident_bytes.iter().map(|bytes| (vec![], *bytes)));
    out.many(status.process.open_descriptors.iter().map(|open| (vec![], *open)));
    inputs(&mut out, &status.inputs);
    rules(&mut out, &status.rules);
    webhooks(&mut out, &status.webhooks);
    let store = &status.store;
    out.one(&[], store.state_bytes);
    out.one(&[], store.history_bytes);
    out.one(&[], flag(store.full));
    out.one(&[], store.history_alerts);
    out.one(&[], store.history_left);
    out.one(&[], store.history_missing);
    out.one(&[], status.silences.len());
    debug_assert!(out.metrics.next().is_none(), "each metric is written");
    out.text
}

fn inputs(out: &mut Out<'_>, inputs: &[InputStatus]) {
    let counted: [fn(&InputStatus) -> u64; 9] = [
        |input| input.read.lines,
        |input| input.read.bytes,
        |input| input.read.truncated,
        |input| input.read.dropped_bytes,
        |input| input.read.nul_bytes,
        |input| input.read.errors,
        |input| input.read.expression_errors,
        |input| input.read.unparsed,
        |input| input.read.too_old,
    ];
    for count in counted {
        out.many(inputs.iter().map(|input| (vec![("input", input.name.as_str())], count(input))));
    }
    out.many(inputs.iter().map(|input| (vec![("input", input.name.as_str())], input.read.filter_seconds)));
    let gauged: [fn(&Gauged) -> u64; 4] =
        [|gauge| gauge.files, |gauge| gauge.open_files, |gauge| gauge.unreadable, |gauge| gauge.lag_bytes];
    for gauge in gauged {
        let of_files = inputs.iter().filter_map(|input| Some((input, input.gauge?)));
        out.many(of_files.map(|(input, files)| (vec![("input", input.name.as_str())], gauge(&files))));
    }
}

fn rules(out: &mut Out<'_>, rules: &[RuleStatus]) {
    let of = |count: fn(&RuleStatus) -> u64| {
        rules.iter().map(move |rule| (vec![("rule", rule.name.as_str())], count(rule)))
    };
    out.many(of(|rule| rule.gates.matches));
    out.many(rules.iter().flat_map(|rule| {
        let gates = [
            ("below_when", rule.gates.below_when),
            ("silenced", rule.gates.silenced),
            ("joined", rule.gates.joined),
            ("throttled", rule.gates.throttled),
            ("posted", rule.gates.posted),
        ];
        gates.map(|(gate, count)| (vec![("rule", rule.name.as_str()), ("gate", gate)], count))
    }));
    out.many(of(|rule| rule.gates.timed));
    out.many(of(|rule| rule.gates.keys_forgotten));
    out.many(of(|rule| rule.gates.not_numbers));
    out.many(of(|rule| rule.open_episodes));
    out.many(of(|rule| rule.cost.shown));
    out.many(rules.iter().map(|rule| (vec![("rule", rule.name.as_str())], rule.cost.scan_seconds)));
}

fn webhooks(out: &mut Out<'_>, webhooks: &[WebhookStatus]) {
    let numbers: [fn(&WebhookStatus) -> f64; 8] = [
        |webhook| webhook.queue as f64,
        |webhook| webhook.oldest_seconds.unwrap_or(0.0),
        |webhook| f64::from(webhook.broken.is_some()),
        |webhook| webhook.messages as f64,
        |webhook| webhook.attachments as f64,
        |webhook| webhook.retries as f64,
        |webhook| webhook.dead as f64,
        |webhook| webhook.overflowed as f64,
    ];
    for number in numbers {
        out.many(webhooks.iter().map(|webhook| (vec![("webhook", webhook.name.as_str())], number(webhook))));
    }
}

/// Writes the metrics one after the other.
struct Out<'a> {
    text: String,
    metrics: std::slice::Iter<'a, Metric>,
}

impl Out<'_> {
    /// The only sample of the next metric.
    fn one(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.many(std::iter::once((labels.to_vec(), value)));
    }

    /// The samples of the next metric.
    fn many<'l>(&mut self, samples: impl Iterator<Item = (Vec<(&'l str, &'l str)>, impl Display)>) {
        let Some((name, kind, help)) = self.metrics.next() else { return };
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.text, "{name}{labels} {value}");
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
