//! Whom a message calls.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::severity::Severity;

/// Whom a message calls. The order is by how many it wakes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mention {
    /// One person, by the id that Slack gave (`U…` or `W…`).
    User(String),
    /// A user group, by id (`S…`).
    Group(String),
    /// Who is active in the channel.
    Here,
    /// All of the channel.
    Channel,
    /// All of the workspace, in its general channel.
    Everyone,
}

impl Mention {
    /// Slack's control sequence for it.
    pub fn to_slack(&self) -> String {
        match self {
            Self::User(id) => format!("<@{id}>"),
            Self::Group(id) => format!("<!subteam^{id}>"),
            Self::Here => "<!here>".to_owned(),
            Self::Channel => "<!channel>".to_owned(),
            Self::Everyone => "<!everyone>".to_owned(),
        }
    }

    /// Whether it calls more than those whom it names.
    pub const fn is_broadcast(&self) -> bool {
        matches!(self, Self::Here | Self::Channel | Self::Everyone)
    }
}

/// Why a message lost a mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The webhook's budget is used up.
    Budget,
    /// Only what is critical calls somebody now.
    QuietHours,
}

impl Held {
    /// Whether an alert's mention is left all the same.
    pub fn spares(self, severity: Severity, mention: &Mention) -> bool {
        severity == Severity::Critical || self == Self::Budget && !mention.is_broadcast()
    }
}

impl fmt::Display for Held {
    /// As the message says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Budget => "budget",
            Self::QuietHours => "quiet hours",
        })
    }
}

impl fmt::Display for Mention {
    /// As the configuration spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(id) | Self::Group(id) => id,
            Self::Here => "here",
            Self::Channel => "channel",
            Self::Everyone => "everyone",
        })
    }
}
