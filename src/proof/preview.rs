//! The messages that a rule can have, made up of one line of its. Pure.

use std::time::Duration;

use crate::around::Reach;
use crate::engine::{Alert, AlertId, Context, EpisodeId, Folded, HeldBack, Kind, Snapshot};
use crate::event::{Match, RuleId, Texts, find};
use crate::rule::{Rule, Severity, StepAt, When};
use crate::time::Time;

use super::rehearsal::Stations;

/// How many were folded in the summary that is shown.
const FOLDED: u64 = 41;

/// How many the throttle held back in the message that is shown.
const HELD_BACK: u64 = 37;

/// After how long the problem is over in the message that is shown.
const RESOLVED_AFTER: Duration = Duration::from_secs(720);

/// How soon it is back.
const REOPENED_AFTER: Duration = Duration::from_secs(180);

/// What a rule reads of a line that it takes; `None`: it doesn't take it.
pub fn taken(stations: &Stations, rule: RuleId, line: &str, now: Time) -> Option<Snapshot> {
    let found: Match = stations.take(rule, line.as_bytes(), now)?;
    let rule = &stations.rules[rule.0];
    Some(Snapshot { context: around(rule), ..Snapshot::of(&found, rule, &stations.host) })
}

/// As many lines as the rule shows, which nobody wrote.
fn around(rule: &Rule) -> Context {
    let Reach { before, after } = rule.context;
    let lines = |count, side| vec![format!("(a line {side} it)"); count];
    Context { before: lines(before, "before"), after: lines(after, "after") }
}

/// A line that nobody wrote, in which each named group caught its own name.
pub fn made_up(rule: &Rule, now: Time) -> Snapshot {
    let parts = rule.patterns.iter().flat_map(|matcher| &matcher.parts);
    let names = parts.flat_map(|part| part.names.iter().cloned());
    let mut captures = Texts::new();
    for name in names {
        if find(&captures, &name).is_none() {
            captures.push((name.clone(), name));
        }
    }
    Snapshot {
        line: format!("(a line that `{}` takes)", rule.name),
        left_out: 0,
        truncated: false,
        message: None,
        shape: String::new(),
        time: now,
        input: rule.inputs.first().cloned().unwrap_or_else(|| "input".into()),
        file: None,
        context: around(rule),
        stream: None,
        labels: rule.labels.clone(),
        fields: crate::event::Parsed::new(),
        captures,
    }
}

/// One alert of each kind that `rule` can have, for the line that is `event`.
pub fn alerts(rule: &Rule, event: &Snapshot, now: Time) -> Vec<Alert> {
    let opened = opened(rule, event, now);
    let mut all = vec![opened.clone()];
    if let Some(dedup) = rule.dedup.as_ref().filter(|dedup| dedup.summary) {
        all.push(summary(&opened, dedup.window));
    }
    let mut severity = rule.severity;
    for step in &rule.escalate {
        severity = step.severity.unwrap_or(severity);
        let mention = step.mention.clone();
        let webhooks = rule.webhooks.iter().chain(&step.webhooks).cloned().collect();
        let (count, took) = match step.at {
            StepAt::Count(count) => (count, Duration::from_secs(180)),
            StepAt::After(after) => (FOLDED, after),
        };
        all.push(Alert { mention, webhooks, severity, ..escalated(&opened, count, took) });
    }
    if rule.resolve.is_some() || rule.when.lasts() {
        let resolved = resolved(&opened, severity);
        let reopened = reopened(&opened, &resolved);
        all.extend([resolved, reopened]);
    }
    if rule.throttle.is_some() {
        all.push(held_back(&opened));
    }
    // Each with an id of its own, as it would have.
    for (alert, number) in all.iter_mut().zip(1..) {
        alert.id = AlertId(u128::from(number * 0x00a1_b2c3_u32) << 96);
    }
    all
}

fn opened(rule: &Rule, event: &Snapshot, now: Time) -> Alert {
    let (count, took) = match &rule.when {
        When::Count { count, within, .. } | When::Distinct { count, within, .. } => {
            (u64::from(*count), *within / 2)
        }
        _ => (1, Duration::ZERO),
    };
    let by = Some(rule.when.by()).filter(|by| !by.is_empty());
    let fields = rule.dedup.as_ref().and_then(|dedup| dedup.by.as_deref()).or(by);
    let value = |name: &str| find(&event.captures, name).or_else(|| find(&event.labels, name));
    let fields = fields.into_iter().flatten();
    Alert {
        episode: EpisodeId(1),
        mention: rule.look(rule.severity).mention.clone(),
        key: fields.filter_map(|name| Some((name.clone(), value(name)?.clone()))).collect(),
        event: Some(event.clone()),
        count,
        first_seen: now - took,
        ..Alert::blank(Kind::Opened, rule, now)
    }
}

fn summary(opened: &Alert, window: Duration) -> Alert {
    Alert {
        kind: Kind::Summary,
        mention: Vec::new(),
        count: opened.count + FOLDED,
        suppressed: FOLDED,
        first_seen: opened.first_seen - window,
        since_last: window,
        folded: Some(Folded::default()),
        ..opened.clone()
    }
}

fn escalated(opened: &Alert, count: u64, took: Duration) -> Alert {
    let took = took.max(opened.elapsed());
    Alert {
        kind: Kind::Escalated,
        count,
        suppressed: count.saturating_sub(opened.count),
        first_seen: opened.last_seen - took,
        since_last: took,
        folded: Some(Folded::default()),
        ..opened.clone()
    }
}

fn resolved(opened: &Alert, severity: Severity) -> Alert {
    let (count, lasted) = (opened.count + FOLDED, opened.elapsed() + RESOLVED_AFTER);
    Alert {
        kind: Kind::Resolved,
        severity,
        mention: Vec::new(),
        count,
        suppressed: FOLDED,
        first_seen: opened.last_seen - lasted,
        since_last: RESOLVED_AFTER,
        lasted,
        ..opened.clone()
    }
}

/// The problem is back soon after its end.
fn reopened(opened: &Alert, resolved: &Alert) -> Alert {
    Alert {
        kind: Kind::Reopened,
        count: resolved.count + opened.count,
        suppressed: opened.count,
        first_seen: resolved.first_seen - REOPENED_AFTER,
        since_last: REOPENED_AFTER,
        lasted: resolved.lasted + REOPENED_AFTER,
        reopened: 1,
        folded: Some(Folded::default()),
        ..resolved.clone()
    }
}

fn held_back(opened: &Alert) -> Alert {
    let key: Vec<&str> = opened.key.iter().map(|(_, value)| &**value).collect();
    Alert {
        kind: Kind::HeldBack,
        severity: opened.severity.max(Severity::Info),
        mention: Vec::new(),
        event: None,
        key: Texts::new(),
        count: HELD_BACK,
        held_back: Some(HeldBack {
            count: HELD_BACK,
            keys: vec![(key.join(", "), HELD_BACK)],
            ..HeldBack::default()
        }),
        ..opened.clone()
    }
}
