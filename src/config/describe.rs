//! What a rule does, in plain words: `check` prints it.

use std::fmt::Write;
use std::sync::Arc;

use super::Config;
use crate::rule::{Dedup, Mention, Pattern, Rule, Step, Throttle, When};
use crate::time::Spelled;

/// How much of a pattern is shown.
const PATTERN_CHARS_MAX: usize = 60;

/// What `rule` does, part by part: what it takes, when it alerts, where it posts, what it holds back.
pub fn describe(rule: &Rule, config: &Config) -> Vec<String> {
    let mut parts = vec![taken(rule, config)];
    parts.extend(alerts(&rule.when));
    parts.push(posts(rule));
    parts.extend(rule.webhooks.iter().filter_map(|name| falls_back(name, config)));
    parts.push(folds(rule));
    parts.extend(rule.throttle.as_ref().map(throttled));
    parts.extend(rule.escalate.iter().map(step));
    parts.extend(
        rule.active_during
            .as_ref()
            .map(|schedule| format!("is silent outside `{}`: {schedule}", schedule.name)),
    );
    parts
}

fn taken(rule: &Rule, config: &Config) -> String {
    let mut text = if rule.inputs.len() == config.inputs.len() && config.inputs.len() > 1 {
        "takes lines of all inputs".to_owned()
    } else {
        format!("takes lines of {}", names(&rule.inputs))
    };
    if !rule.patterns.is_empty() {
        let _ = write!(text, " that match {}", patterns(&rule.patterns));
    }
    if !rule.ignore.is_empty() {
        let _ = write!(text, ", unless they match {}", patterns(&rule.ignore));
    }
    if let Some(filter) = &rule.filter {
        let _ = write!(text, ", where `{}`", filter.source().trim());
    }
    text
}

/// When the matches of a rule make an alert; `None`: each of them does.
pub fn alerts(when: &When) -> Option<String> {
    match when {
        When::Every => None,
        When::Count { count, within, by } => {
            Some(format!("alerts when {count} lie within {}{}", Spelled(*within), per(by)))
        }
    }
}

fn posts(rule: &Rule) -> String {
    let mut text = format!("posts to {} as {}", names(&rule.webhooks), rule.severity);
    let called = &rule.look(rule.severity).mention;
    if !called.is_empty() {
        let _ = write!(text, " and mentions {}", mentions(called));
    }
    text
}

fn falls_back(name: &str, config: &Config) -> Option<String> {
    let webhook = config.webhooks.iter().find(|webhook| &*webhook.name == name)?;
    let fallback = webhook.fallback.as_ref()?;
    Some(format!("while `{name}` is revoked, posts to `{fallback}` in its place"))
}

fn folds(rule: &Rule) -> String {
    let Some(dedup) = &rule.dedup else { return "each alert is a message of its own".to_owned() };
    let what = match (&dedup.by, &rule.when) {
        (Some(by), _) | (None, When::Count { by, .. }) if !by.is_empty() => format!("repeats{} are", per(by)),
        (Some(_), _) | (None, When::Count { .. }) => "repeats are".to_owned(),
        (None, When::Every) => "repeats of one shape are".to_owned(),
    };
    format!("{what} folded for {}", growth(dedup))
}

fn growth(dedup: &Dedup) -> String {
    let window = Spelled(dedup.window).to_string();
    if !dedup.summary {
        return format!("{window}, without a summary");
    }
    if dedup.backoff <= 1.0 || dedup.max <= dedup.window {
        return format!("{window} at a time");
    }
    let longer = if dedup.backoff == 2.0 {
        "twice as long".to_owned()
    } else {
        format!("{} times as long", dedup.backoff)
    };
    format!("{window}, then {longer} each time, up to {}", Spelled(dedup.max))
}

fn throttled(throttle: &Throttle) -> String {
    let messages = if throttle.rate.burst.get() == 1 { "message" } else { "messages" };
    let (burst, interval) = (throttle.rate.burst, Spelled(throttle.rate.interval()));
    let by = if throttle.by.is_empty() { String::new() } else { format!(",{}", per(&throttle.by)) };
    format!("at most {burst} {messages} at once, then one every {interval}{by}")
}

fn step(step: &Step) -> String {
    let mut does = Vec::new();
    if !step.mention.is_empty() {
        does.push(format!("mentions {}", mentions(&step.mention)));
    }
    does.extend(step.severity.map(|severity| format!("becomes {severity}")));
    if !step.webhooks.is_empty() {
        does.push(format!("posts to {} too", names(&step.webhooks)));
    }
    format!("at {} {}", step.count, does.join(", "))
}

fn per(by: &[Arc<str>]) -> String {
    if by.is_empty() { String::new() } else { format!(" per {}", names(by)) }
}

fn names(names: &[Arc<str>]) -> String {
    joined(names.iter().map(|name| format!("`{name}`")), "and")
}

fn mentions(mentions: &[Mention]) -> String {
    joined(mentions.iter().map(ToString::to_string), "and")
}

fn patterns(patterns: &[Pattern]) -> String {
    joined(patterns.iter().map(|pattern| format!("`{}`", shortened(pattern.regex.as_str()))), "or")
}

fn shortened(pattern: &str) -> String {
    match pattern.char_indices().nth(PATTERN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &pattern[..end]),
        None => pattern.to_owned(),
    }
}

fn joined(words: impl Iterator<Item = String>, last: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}
