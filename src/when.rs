//! What the configuration's `when` is compiled to: which matches of a rule make an alert.
//!
//! What it serializes to is part of what is stored with a rule: a change starts the rule's state anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::rule::Pattern;

/// Which matches, or instants, make an alert. `by`: the fields whose values have a state each; empty: one for the rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Each match.
    Every,
    /// So many of them within a sliding window.
    Count {
        /// 1 to [`When::COUNT_MAX`].
        count: u32,
        /// The window's length.
        within: Duration,
        /// The fields.
        by: Vec<Arc<str>>,
    },
    /// So many different values of a field within a sliding window.
    Distinct {
        /// The field.
        of: Arc<str>,
        /// 1 to [`When::COUNT_MAX`].
        count: u32,
        /// The window's length.
        within: Duration,
        /// The fields.
        by: Vec<Arc<str>>,
    },
    /// No match for so long.
    Absent {
        /// How long.
        after: Duration,
        /// The fields.
        by: Vec<Arc<str>>,
    },
    /// A window with so many times the matches of the one before it.
    Spike(Surge),
    /// A window with so many times less.
    Drop(Surge),
    /// A number beyond a threshold.
    Level(Level),
    /// A match that nothing of another sort follows in time.
    NotFollowedBy {
        /// What would follow it.
        pattern: Pattern,
        /// In what time.
        within: Duration,
        /// The fields.
        by: Vec<Arc<str>>,
    },
    /// A value of a field that was not seen before.
    New(Novelty),
    /// A value of a field that is not the one before it.
    Changed {
        /// The field.
        of: Arc<str>,
        /// The fields.
        by: Vec<Arc<str>>,
    },
}

impl When {
    /// The largest `count`: so many times or values are kept a key.
    pub const COUNT_MAX: u32 = 10_000;

    /// The fields whose values have a state each.
    pub fn by(&self) -> &[Arc<str>] {
        match self {
            Self::Every => &[],
            Self::Count { by, .. }
            | Self::Distinct { by, .. }
            | Self::Absent { by, .. }
            | Self::NotFollowedBy { by, .. }
            | Self::Changed { by, .. } => by,
            Self::Spike(spec) | Self::Drop(spec) => &spec.by,
            Self::Level(spec) => &spec.by,
            Self::New(spec) => &spec.by,
        }
    }

    /// Whether an alert of it holds until it is over, and so resolves by itself.
    pub const fn lasts(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Level(_))
    }
}

/// `spike` and `drop`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Surge {
    /// How many times as many; at least 1.
    pub ratio: f64,
    /// The length of each of the two windows.
    pub within: Duration,
    /// How many there are at least in the window with more.
    pub min: u64,
    /// The fields.
    pub by: Vec<Arc<str>>,
}

/// `above` and `below`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Level {
    /// On which side it alerts.
    pub side: Side,
    /// What it must not go beyond.
    pub threshold: f64,
    /// The field with the number.
    pub of: Arc<str>,
    /// What is made of the numbers of the window.
    pub aggregate: Aggregate,
    /// The window's length; none where only the last number counts.
    pub within: Option<Duration>,
    /// For how long it must have been beyond; and not beyond, to be over.
    pub lasting: Duration,
    /// How many numbers there must be.
    pub samples: u64,
    /// The fields.
    pub by: Vec<Arc<str>>,
}

/// A side of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// More than it.
    Above,
    /// Less than it.
    Below,
}

impl Side {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// What is made of the numbers of a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// The latest.
    Last,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// Their sum.
    Sum,
    /// The increase a second of a counter.
    Rate,
    /// The number that so many per cent don't exceed.
    Percentile(Percent),
}

impl Aggregate {
    /// Reads its name in the configuration: `avg`, `p99`, `p99.9`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "last" => Self::Last,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "rate" => Self::Rate,
            _ => Self::Percentile(Percent::new(name.strip_prefix('p')?)?),
        })
    }
}

impl fmt::Display for Aggregate {
    /// As the configuration spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Avg => f.write_str("avg"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Sum => f.write_str("sum"),
            Self::Rate => f.write_str("rate"),
            Self::Percentile(percent) => write!(f, "p{}", percent.0),
        }
    }
}

/// More than 0, less than 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Percent(f64);

impl Percent {
    /// Reads digits, with a point among them at most.
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let percent: f64 = text.parse().ok().filter(|_| plain)?;
        (percent > 0.0 && percent < 100.0).then_some(Self(percent))
    }

    /// Its number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// `new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Novelty {
    /// The field.
    pub of: Arc<str>,
    /// For how long a value is known.
    pub remember: Duration,
    /// After the rule's first event: how long values are only remembered.
    pub learn: Duration,
    /// The fields.
    pub by: Vec<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_by_name() {
        for name in ["last", "avg", "min", "max", "sum", "rate", "p50", "p99", "p99.9", "p0.1"] {
            assert_eq!(Aggregate::parse(name).unwrap().to_string(), name);
        }
        for name in ["p0", "p100", "p", "p-1", "p1e1", "pinf", "mean", "p1.2.3", ""] {
            assert_eq!(Aggregate::parse(name), None, "{name}");
        }
    }
}
