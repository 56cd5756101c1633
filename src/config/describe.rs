//! What a rule does, in plain words: `check` prints it.

use std::fmt::Write;
use std::sync::Arc;

use super::Config;
use crate::around::Reach;
use crate::rule::{
    Dedup, Level, Matcher, Mention, Novelty, Rule, Severity, Step, StepAt, Surge, Throttle, When,
};
use crate::time::Spelled;

/// How much of a pattern is shown.
const PATTERN_CHARS_MAX: usize = 60;

/// What `rule` does, part by part: what it takes, when it alerts, where it posts, what it holds back.
pub fn describe(rule: &Rule, config: &Config) -> Vec<String> {
    let mut parts = vec![taken(rule, config)];
    parts.extend(alerts(&rule.when));
    parts.push(posts(rule));
    parts.extend(shows(rule));
    parts.extend(rule.webhooks.iter().filter_map(|name| falls_back(name, config)));
    parts.push(folds(rule));
    parts.extend(rule.throttle.as_ref().map(throttled));
    parts.extend(rule.escalate.iter().map(step));
    parts.extend(resolved(rule));
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
    if let Some(joined) = joined_lines(rule, config) {
        let _ = write!(text, " ({joined})");
    }
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

/// How its inputs join lines, where all of them do so in one way.
fn joined_lines(rule: &Rule, config: &Config) -> Option<String> {
    let read = config.inputs.iter().filter(|input| rule.inputs.contains(&input.name));
    let mut ways = read.map(|input| input.line.multiline.as_ref().map(|multiline| multiline.by.to_string()));
    let first = ways.next()??;
    ways.all(|way| way.as_ref() == Some(&first)).then_some(first)
}

/// When the matches of a rule make an alert; `None`: each of them does.
pub fn alerts(when: &When) -> Option<String> {
    let text = match when {
        When::Every => return None,
        When::Count { count, within, .. } => format!("alerts when {count} lie within {}", Spelled(*within)),
        When::Distinct { of, count, within, .. } => {
            format!("alerts when {count} different values of `{of}` lie within {}", Spelled(*within))
        }
        When::Absent { after, .. } => format!("alerts when none has come for {}", Spelled(*after)),
        When::Spike(Surge { ratio, within, min, .. }) => format!(
            "alerts when {min} or more come within {within} that are {ratio} times those of the {within} before",
            within = Spelled(*within)
        ),
        When::Drop(Surge { ratio, within, min, .. }) => format!(
            "alerts when {min} or more came within {within} and the {within} after have {ratio} times less",
            within = Spelled(*within)
        ),
        When::Level(level) => leveled(level),
        When::NotFollowedBy { pattern, within, .. } => format!(
            "alerts when none that matches `{}` follows one within {}",
            shortened(pattern.as_str()),
            Spelled(*within)
        ),
        When::New(Novelty { of, remember, learn, .. }) => {
            let mut text =
                format!("alerts when `{of}` has a value that was not seen for {}", Spelled(*remember));
            if !learn.is_zero() {
                let _ = write!(text, ", after {} of learning", Spelled(*learn));
            }
            text
        }
        When::Changed { of, .. } => format!("alerts when `{of}` is another than the last"),
    };
    Some(text + &per(when.by()))
}

fn leveled(level: &Level) -> String {
    let mut text = format!("alerts when `{}` is {} {}", level.of, level.side.name(), level.threshold);
    if let (aggregate, Some(within)) = (level.aggregate, level.within) {
        let (of, side) = (&level.of, level.side.name());
        text = format!(
            "alerts when the {aggregate} of `{of}` over {} is {side} {}",
            Spelled(within),
            level.threshold
        );
    }
    if !level.lasting.is_zero() {
        let _ = write!(text, " for {}", Spelled(level.lasting));
    }
    if level.samples > 1 {
        let _ = write!(text, ", of at least {} numbers", level.samples);
    }
    text
}

/// What ends a problem with a message.
fn resolved(rule: &Rule) -> Option<String> {
    if rule.dedup.is_some() && rule.when.lasts() {
        return Some("says when it is over".to_owned());
    }
    let resolve = rule.resolve.as_ref()?;
    let after = resolve.after.map(|after| format!("after {} without a match", Spelled(after)));
    let line = resolve
        .pattern
        .as_ref()
        .map(|pattern| format!("at a line that matches `{}`", shortened(pattern.as_str())));
    Some(format!("is resolved {}", joined(after.into_iter().chain(line), "or")))
}

fn posts(rule: &Rule) -> String {
    let mut text = format!("posts to {} as ", names(&rule.webhooks));
    let Some(from) = &rule.severity_from else {
        let called = &rule.look(rule.severity).mention;
        let _ = write!(text, "{}", rule.severity);
        if !called.is_empty() {
            let _ = write!(text, " and mentions {}", mentions(called));
        }
        return text;
    };
    let _ = write!(text, "`{}` says, {} where it is unknown", from.field, rule.severity);
    if from.min > Severity::Info {
        let _ = write!(text, ", nothing below {}", from.min);
    }
    for severity in Severity::ALL.into_iter().filter(|severity| *severity >= from.min) {
        let called = &rule.look(severity).mention;
        if !called.is_empty() {
            let _ = write!(text, "; {severity} mentions {}", mentions(called));
        }
    }
    text
}

/// The lines around.
fn shows(rule: &Rule) -> Option<String> {
    let Reach { before, after } = rule.context;
    let side = |lines, side| (lines > 0).then(|| format!("{lines} {side}"));
    let sides = joined(side(before, "before").into_iter().chain(side(after, "after")), "and");
    (!sides.is_empty()).then(|| format!("shows the line with {sides} it"))
}

fn falls_back(name: &str, config: &Config) -> Option<String> {
    let webhook = config.webhooks.iter().find(|webhook| &*webhook.name == name)?;
    let fallback = webhook.fallback.as_ref()?;
    Some(format!("while `{name}` is revoked, posts to `{fallback}` in its place"))
}

fn folds(rule: &Rule) -> String {
    let Some(dedup) = &rule.dedup else { return "each alert is a message of its own".to_owned() };
    let what = match (&dedup.by, &rule.when) {
        (None, When::Every) => "repeats of one shape are".to_owned(),
        (by, when) => format!("repeats{} are", per(by.as_deref().unwrap_or(when.by()))),
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
    let at = match step.at {
        StepAt::Count(count) => format!("at {count}"),
        StepAt::After(after) => format!("after {}", Spelled(after)),
    };
    format!("{at} {}", does.join(", "))
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

fn patterns(patterns: &[Matcher]) -> String {
    joined(patterns.iter().map(|matcher| format!("`{}`", shortened(&matcher.to_string()))), "or")
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
