//! What outlives the process of a rule's last hour and day: one record of the store a rule.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::store::{Record, Space};
use crate::time::Time;

use super::timeline::{Numbered, Timeline};

/// As it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stored {
    /// When.
    pub(super) at: Time,
    /// What the rule had matched by then, ever.
    pub(super) matches: u64,
    pub(super) last_match: Option<Time>,
    pub(super) last_alert: Option<Time>,
    /// The parts in which something came: at most sixty.
    hour: Vec<Numbered>,
    /// At most ninety-six.
    day: Vec<Numbered>,
}

impl Stored {
    pub(super) fn new(
        at: Time,
        matches: u64,
        [last_match, last_alert]: [Option<Time>; 2],
        timeline: &Timeline,
    ) -> Self {
        let (hour, day) = timeline.numbered();
        Self { at, matches, last_match, last_alert, hour, day }
    }

    /// What `record` holds, if it can be read.
    pub(super) fn read(record: &Record) -> Option<Self> {
        serde_json::from_slice(record.value.as_deref()?).ok()
    }

    /// As a record of this rule.
    pub(super) fn record(&self, rule: Arc<str>) -> Record {
        let value = serde_json::to_vec(self).unwrap_or_default();
        Record { value: Some(value.into()), ..gone(rule) }
    }

    /// What came before `now`, and what was matched up to the count `matches` after it was stored: seconds, as often as it
    /// is.
    pub(super) fn timeline(&self, matches: u64, now: Time) -> Timeline {
        let mut timeline = Timeline::restore(&self.hour, &self.day, now);
        let since = matches.saturating_sub(self.matches);
        if since > 0 {
            timeline.add(self.at.min(now), since, 0);
        }
        timeline
    }
}

/// That nothing is kept of this rule any more.
pub(super) fn gone(rule: Arc<str>) -> Record {
    Record { space: Space::Timeline, owner: rule, key: "".into(), value: None }
}
