//! The headline of an alert: its title and what its kind adds, and the line above all attachments.

use super::dialect;
use super::escape::Mrkdwn;
use super::frame::Frame;
use crate::engine::{Alert, HeldBy, Kind, Still};
use crate::rule::{Mention, Severity};
use crate::time::Human;

/// What a title has room for.
pub(super) const TITLE_CHARS_MAX: usize = 150;

/// A machine's name takes no more than this of a line.
pub(super) const HOST_CHARS_MAX: usize = 80;

/// A message that calls more people than this one by one calls nobody in particular.
const NAMED_MENTIONS_MAX: usize = 50;

/// `title · 41 more in 10m`.
#[derive(Debug, Clone)]
pub(super) struct Headline {
    word: &'static str,
    /// One line with what the kind adds, at most 150 characters.
    pub(super) line: Mrkdwn,
}

impl Headline {
    /// The headline of `alert`; `title` draws its title in so many characters.
    pub(super) fn new(alert: &Alert, title: impl FnOnce(usize) -> Mrkdwn) -> Self {
        let suffix = suffix(alert);
        let line = title(TITLE_CHARS_MAX - suffix.chars()).then(&suffix);
        Self { word: word(alert), line }
    }

    /// `[ERROR] title · 41 more in 10m`.
    pub(super) fn fallback(&self) -> Mrkdwn {
        Mrkdwn::ours("[").then(&Mrkdwn::ours(self.word)).then(&Mrkdwn::ours("] ")).then(&self.line)
    }

    /// `*[ERROR]* title · 41 more in 10m · and 3 more · mention held: budget · web-1`, without mentions.
    pub(super) fn text(&self, more: usize, frame: &Frame<'_>) -> Mrkdwn {
        let dot = Mrkdwn::ours(" · ");
        let bold = dialect::bold(frame.flavor);
        let word = Mrkdwn::ours("[").then(&Mrkdwn::ours(self.word)).then(&Mrkdwn::ours("]"));
        let mut text = bold.clone().then(&word).then(&bold).then(&Mrkdwn::ours(" ")).then(&self.line);
        if more > 0 {
            text = text.then(&dot).then(&Mrkdwn::ours("and "));
            text = text.then(&Mrkdwn::number(more as u64)).then(&Mrkdwn::ours(" more"));
        }
        if let Some(held) = frame.held {
            text = text.then(&dot).then(&Mrkdwn::line(&format!("mention held: {held}")));
        }
        let host = Mrkdwn::line_within(frame.host, HOST_CHARS_MAX);
        if host.is_empty() { text } else { text.then(&dot).then(&host) }
    }
}

/// What stands in brackets before the title.
pub(super) const fn word(alert: &Alert) -> &'static str {
    match (alert.kind, alert.severity) {
        (Kind::Notice, _) => "HOOKTAIL",
        (Kind::Resolved, _) => "RESOLVED",
        (_, Severity::Info) => "INFO",
        (_, Severity::Warning) => "WARNING",
        (_, Severity::Error) => "ERROR",
        (_, Severity::Critical) => "CRITICAL",
    }
}

/// What the kind adds to the title, and how late the alert is.
fn suffix(alert: &Alert) -> Mrkdwn {
    let kind = of_kind(alert);
    match alert.late {
        Some(late) => kind.then(&plain(&format!("{} late", Human(late)))),
        None => kind,
    }
}

fn of_kind(alert: &Alert) -> Mrkdwn {
    let dot = Mrkdwn::ours(" · ");
    let lasted = Human(alert.lasted);
    match (alert.kind, &alert.still) {
        (Kind::Opened | Kind::Notice, _) => Mrkdwn::default(),
        (Kind::Summary, Some(still)) => plain(&match still {
            Still::Missing => format!("still missing after {lasted}"),
            Still::Above(threshold) => format!("still above {threshold} after {lasted}"),
            Still::Below(threshold) => format!("still below {threshold} after {lasted}"),
        }),
        (Kind::Summary, None) => {
            let more = dot.then(&Mrkdwn::number(alert.suppressed)).then(&Mrkdwn::ours(" more"));
            more.then(&in_time(alert.since_last))
        }
        (Kind::Reopened, _) => plain(&format!("again after {}", Human(alert.since_last))),
        (Kind::Resolved, _) => {
            let after = plain(&format!("after {lasted}"));
            match alert.count {
                0 => after,
                1 => after.then(&Mrkdwn::ours(", once")),
                _ => after
                    .then(&Mrkdwn::ours(", "))
                    .then(&Mrkdwn::number(alert.count))
                    .then(&Mrkdwn::ours(" times")),
            }
        }
        (Kind::Escalated, _) => dot.then(&Mrkdwn::number(alert.count)).then(&in_time(alert.elapsed())),
        (Kind::Digest, _) => {
            let alerts = dot.then(&Mrkdwn::number(alert.count)).then(&Mrkdwn::ours(" alerts"));
            alerts.then(&in_time(alert.elapsed()))
        }
        (Kind::HeldBack, _) => dot
            .then(&Mrkdwn::number(alert.count))
            .then(&Mrkdwn::ours(" held back "))
            .then(&Mrkdwn::ours(held_by(alert.held_back.as_ref().map_or(HeldBy::Throttle, |held| held.by)))),
    }
}

/// What held something back, in words.
pub(super) const fn held_by(by: HeldBy) -> &'static str {
    match by {
        HeldBy::Throttle => "by the throttle",
        HeldBy::Silence => "by a silence",
        HeldBy::Schedule => "outside its hours",
    }
}

/// A part of the headline that no log text is in.
fn plain(text: &str) -> Mrkdwn {
    Mrkdwn::ours(" · ").then(&Mrkdwn::line(text))
}

/// ` in 10m`; nothing where it was one instant.
fn in_time(time: std::time::Duration) -> Mrkdwn {
    if time.is_zero() {
        return Mrkdwn::default();
    }
    Mrkdwn::ours(" in ").then(&Mrkdwn::line(&Human(time).to_string()))
}

/// Whom a message calls: of `here`, `channel` and `everyone` the widest, then each person and group once.
pub(super) fn mentions(alerts: &[&Alert], frame: &Frame<'_>) -> Mrkdwn {
    let is_left =
        |alert: &Alert, mention: &Mention| frame.held.is_none_or(|held| held.spares(alert.severity, mention));
    let all =
        alerts.iter().flat_map(|alert| alert.mention.iter().filter(move |mention| is_left(alert, mention)));
    let widest = all.clone().filter(|mention| mention.is_broadcast()).max();
    let mut called: Vec<&Mention> = widest.into_iter().collect();
    for mention in all.filter(|mention| !mention.is_broadcast()) {
        if !called.contains(&mention) && called.len() < NAMED_MENTIONS_MAX {
            called.push(mention);
        }
    }
    let called = called.into_iter().map(|mention| dialect::mention(mention, frame.flavor));
    let called = called.filter(|mention| !mention.is_empty());
    called.fold(Mrkdwn::default(), |text, mention| text.then(&mention).then(&Mrkdwn::ours(" ")))
}
