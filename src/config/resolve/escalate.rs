//! `escalate`: what happens when a problem goes on.

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Count, RawRule, RawStep, Scalar};
use crate::config::scalar::duration::duration;
use crate::config::scalar::mention::mentions;
use crate::config::scalar::name::{known_names, texts};
use crate::config::scalar::number::number;
use crate::rule::{Dedup, Step, StepAt};
use crate::time::Spelled;

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
        if let Some(more) = steps.iter().rev().find_map(|earlier| not_after(earlier.at, resolved.at)) {
            let (key, words) = match resolved.at {
                StepAt::Count(_) => ("count", "the counts of `escalate` must increase"),
                StepAt::After(_) => ("after", "the durations of `escalate` must increase"),
            };
            report.error(&step.place.key(key).value_span(), words).label(format!("must be more than {more}"));
        }
        steps.push(resolved);
    }
    steps
}

/// What `later` must be more than and is not, of one sort.
fn not_after(earlier: StepAt, later: StepAt) -> Option<String> {
    match (earlier, later) {
        (StepAt::Count(earlier), StepAt::Count(later)) => (earlier >= later).then(|| earlier.to_string()),
        (StepAt::After(earlier), StepAt::After(later)) => {
            (earlier >= later).then(|| Spelled(earlier).to_string())
        }
        _ => None,
    }
}

fn step_of(at: At<'_, RawStep>, scope: &Scope<'_>, report: &mut Report) -> Option<Step> {
    let (count, after) = (at.place.means("count"), at.place.means("after"));
    if !count && !after {
        let help = "write `{ count: 50, mention: here }`: at the fiftieth occurrence; or `{ after: 1h, … }`";
        report.error(&at.place.value_span(), "a step of `escalate` needs `count` or `after`").help(help);
    }
    if count && after {
        let help = "write two steps";
        report.error(&at.place.value_span(), "a step of `escalate` with both `count` and `after`").help(help);
    }
    if !["mention", "severity", "webhook"].iter().any(|key| at.place.means(key)) {
        let help = "give it a `mention`, a `severity` or a `webhook`";
        report.error(&at.place.value_span(), "a step of `escalate` that changes nothing").help(help);
    }
    let step = Step {
        at: StepAt::Count(0),
        mention: at.get("mention", |raw| &raw.mention).map(|at| mentions(at, report)).unwrap_or_default(),
        severity: at.get("severity", |raw| &raw.severity).and_then(|at| severity(at, report)),
        webhooks: at
            .get("webhook", |raw| &raw.webhook)
            .map(|at| known_names(at, "webhook", &scope.webhooks.list(), report))
            .unwrap_or_default(),
    };
    if let Some(after) = at.get("after", |raw: &RawStep| -> &Option<Scalar> { &raw.after }) {
        return Some(Step { at: StepAt::After(duration(after, report)?), ..step });
    }
    let count = at.get("count", |raw: &RawStep| -> &Option<Count> { &raw.count })?;
    Some(Step { at: StepAt::Count(number(count, 1..=COUNT_MAX, report)?), ..step })
}
