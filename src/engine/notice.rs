//! Something about hooktail itself as an alert: no rule decided it, and no line led to it.

use std::sync::Arc;

use super::alert::{Alert, AlertId, Context, EpisodeId, Kind, Snapshot};
use super::snapshot::keep;
use crate::event::{Parsed, Texts};
use crate::notice::Notice;
use crate::rule::Severity;
use crate::time::Time;

/// What stands in the place of a rule's name. No rule can have it.
const ITSELF: &str = "hooktail itself";

impl Alert {
    /// `notice` for `webhook`. Its words stand in the place of the line.
    pub fn notice(id: AlertId, notice: &Notice, webhook: Arc<str>, now: Time) -> Self {
        let (line, left_out) = keep(&notice.text);
        let event = Snapshot {
            line,
            left_out,
            truncated: false,
            message: None,
            shape: String::new(),
            time: now,
            input: ITSELF.into(),
            file: None,
            context: Context::default(),
            stream: None,
            labels: Texts::new(),
            fields: Parsed::new(),
            captures: Texts::new(),
        };
        let severity = if notice.danger { Severity::Error } else { Severity::Info };
        Self {
            id,
            episode: EpisodeId(id.0),
            event: Some(event),
            count: 1,
            ..Self::of(Kind::Notice, ITSELF.into(), severity, vec![webhook], now)
        }
    }
}
