//! How a program ended, and what is posted of it. No I/O.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Match, Origin, Parse, Role, RuleId, Shape, Texts};
use crate::severity::Severity;
use crate::time::{Human, Time};

/// What somebody wants to know of a program's end: `on_exit`, compiled.
#[derive(Debug, Clone)]
pub struct OnExit {
    /// The rule that takes it.
    pub rule: RuleId,
    /// The rule's.
    pub severity: Severity,
    /// How many of its last lines are shown.
    pub lines: usize,
    /// The statuses of which nobody is told.
    pub ok: Vec<u8>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By itself, with this status.
    Status(u8),
    /// By this signal.
    Signal(u8),
}

impl How {
    /// The status that a shell would give for it.
    pub const fn status(self) -> u8 {
        match self {
            Self::Status(status) => status,
            Self::Signal(signal) => 128_u8.saturating_add(signal),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "was ended by {name}"),
                None => write!(f, "was ended by signal {signal}"),
            },
        }
    }
}

/// A program's end.
#[derive(Debug, Clone)]
pub struct Death {
    /// The program's name.
    pub program: Arc<str>,
    /// With status or signal.
    pub how: How,
    /// From its start.
    pub ran: Duration,
}

impl Death {
    /// What is told of it, where somebody wants to know.
    pub(super) fn told(
        &self,
        on_exit: &OnExit,
        last: &[String],
        origin: &Arc<Origin>,
        time: Time,
    ) -> Option<Match> {
        if on_exit.ok.contains(&self.how.status()) {
            return None;
        }
        let line = if last.is_empty() { "(it wrote nothing)".to_owned() } else { last.join("\n") };
        let event = Event {
            origin: origin.clone(),
            line: line.into_bytes().into(),
            truncated: false,
            time,
            parse: Parse::Text,
            shape: Shape::default(),
        };
        let captures = [
            ("program", self.program.to_string()),
            ("how", self.how.to_string()),
            ("ran", Human(self.ran).to_string()),
        ];
        let texts = captures.into_iter().map(|(name, value)| (Arc::from(name), Arc::from(value)));
        Some(Match {
            role: Role::Match,
            rule: on_exit.rule,
            severity: on_exit.severity,
            event: Arc::new(event),
            captures: texts.collect::<Texts>().into(),
            around: None,
        })
    }
}

/// Those that are equal on Linux and macOS.
const fn signal_name(signal: u8) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_words_and_as_a_status() {
        for (how, words, status) in [
            (How::Status(101), "ended with status 101", 101),
            (How::Signal(9), "was ended by SIGKILL", 137),
            (How::Signal(15), "was ended by SIGTERM", 143),
            (How::Signal(34), "was ended by signal 34", 162),
        ] {
            assert_eq!((how.to_string().as_str(), how.status()), (words, status));
        }
    }
}
