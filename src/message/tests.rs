//! Alerts to test with.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Alert, AlertId, EpisodeId, Kind, Snapshot};
use crate::event::Texts;
use crate::rule::Severity;
use crate::time::Time;

pub(super) fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect()
}

const START: Time = Time::from_secs(1_795_470_000);

/// An opening with one line.
pub(super) fn alert(line: &str) -> Alert {
    Alert {
        id: AlertId(0x7f3a_9c00 << 96),
        episode: EpisodeId(1),
        kind: Kind::Opened,
        rule: "ssh-bruteforce".into(),
        severity: Severity::Warning,
        mention: vec![],
        webhooks: vec!["ops".into()],
        decided: START + Duration::from_secs(1),
        key: texts(&[("ip", "203.0.113.7")]),
        event: Some(Snapshot {
            line: line.to_owned(),
            left_out: 0,
            truncated: false,
            shape: line.to_owned(),
            time: START,
            input: "auth".into(),
            file: Some("/var/log/auth.log".into()),
            stream: None,
            labels: vec![],
            captures: texts(&[("ip", "203.0.113.7")]),
        }),
        count: 5,
        suppressed: 0,
        first_seen: START,
        last_seen: START,
        since_last: Duration::ZERO,
        folded: None,
        held_back: None,
    }
}
