//! Alerts made by hand, for the tests of the stations behind the engine.

use super::{Alert, AlertId, EpisodeId, Kind};
use crate::rule::Severity;
use crate::time::Time;

/// An opening of `rule` for the webhook `ops`; its id is also its episode's.
pub(crate) fn alert(rule: &str, id: u128) -> Alert {
    let webhooks = vec!["ops".into()];
    Alert {
        id: AlertId(id),
        episode: EpisodeId(id),
        count: 1,
        ..Alert::of(Kind::Opened, rule.into(), Severity::Error, webhooks, Time::EPOCH)
    }
}
