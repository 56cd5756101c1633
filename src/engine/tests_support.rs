//! Alerts made by hand, for the tests of the stations behind the engine.

use std::time::Duration;

use super::{Alert, AlertId, EpisodeId, Kind};
use crate::event::Texts;
use crate::rule::Severity;
use crate::time::Time;

/// An opening of `rule` for the webhook `ops`; its id is also its episode's.
pub(crate) fn alert(rule: &str, id: u128) -> Alert {
    Alert {
        id: AlertId(id),
        episode: EpisodeId(id),
        kind: Kind::Opened,
        rule: rule.into(),
        severity: Severity::Error,
        mention: Vec::new(),
        webhooks: vec!["ops".into()],
        decided: Time::EPOCH,
        key: Texts::new(),
        event: None,
        count: 1,
        suppressed: 0,
        first_seen: Time::EPOCH,
        last_seen: Time::EPOCH,
        since_last: Duration::ZERO,
        folded: None,
        held_back: None,
    }
}
