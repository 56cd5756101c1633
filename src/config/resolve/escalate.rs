//! `escalate`: what happens when a problem goes on.

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Count, RawRule, RawStep};
use crate::config::scalar::mention::mentions;
use crate::config::scalar::name::{known_names, texts};
use crate::config::scalar::number::number;
use crate::rule::{Dedup, Step};

use super::Scope;
use super::look::severity;

/// More occurrences are not counted by anybody.
const COUNT_MAX: u64 = 1_000_000_000_000;

pub(super) fn resolve(
    layers: &Layers<'_, RawRule>,
    dedup: Option<&Dedup>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Vec<Step> {
    let Some(at) = layers.get("escalate", |raw| &raw.escalate) else { return Vec::new() };
    if dedup.is_none() {
        report
            .error(&at.place.key_span(), "`escalate` with `dedup: off`")
            .label("without `dedup` each alert is a problem of its own, and none goes on");
    }
    let mut steps: Vec<Step> = Vec::new();
    for step in texts(at) {
        let Some(resolved) = step_of(step, scope, report) else { continue };
        if steps.last().is_some_and(|last| last.count >= resolved.count) {
            let at = step.place.key("count");
            report
                .error(&at.value_span(), "the counts of `escalate` must increase")
                .label(format!("must be more than {}", steps.last().map_or(0, |last| last.count)));
        }
        steps.push(resolved);
    }
    steps
}

fn step_of(at: At<'_, RawStep>, scope: &Scope<'_>, report: &mut Report) -> Option<Step> {
    if !at.place.means("count") && !at.place.has("after") {
        let help = "write `{ count: 50, mention: here }`: at the fiftieth occurrence";
        report.error(&at.place.value_span(), "a step of `escalate` needs `count`").help(help);
    }
    if !["mention", "severity", "webhook"].iter().any(|key| at.place.means(key)) {
        let help = "give it a `mention`, a `severity` or a `webhook`";
        report.error(&at.place.value_span(), "a step of `escalate` that changes nothing").help(help);
    }
    let step = Step {
        count: 0,
        mention: at.get("mention", |raw| &raw.mention).map(|at| mentions(at, report)).unwrap_or_default(),
        severity: at.get("severity", |raw| &raw.severity).and_then(|at| severity(at, report)),
        webhooks: at
            .get("webhook", |raw| &raw.webhook)
            .map(|at| known_names(at, "webhook", &scope.webhooks.list(), report))
            .unwrap_or_default(),
    };
    let count = at.get("count", |raw: &RawStep| -> &Option<Count> { &raw.count })?;
    Some(Step { count: number(count, 1..=COUNT_MAX, report)?, ..step })
}
