//! `notices`.

use std::sync::Arc;
use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Flag, RawHeartbeat, RawNotices};
use crate::config::scalar::duration::duration;
use crate::config::scalar::name::known_name;
use crate::config::scalar::url::secret_page_url;
use crate::herald::{HeartbeatSpec, Lifecycle, NoticesSpec};

use super::names::Names;
use super::redact::Redaction;

const EVERY: Duration = Duration::from_secs(60);
/// More often would be a load for who listens, and tell nothing more.
const EVERY_LEAST: Duration = Duration::from_secs(1);

/// Without `webhook` the first one hears of what is told.
pub(super) fn resolve(
    at: Option<At<'_, RawNotices>>,
    webhooks: &Names<'_>,
    redaction: &Redaction,
    report: &mut Report,
) -> NoticesSpec {
    let known = webhooks.list();
    let named = at.and_then(|at| at.get("webhook", |raw| &raw.webhook));
    let named = named.and_then(|at| known_name(at, "webhook", &known, report));
    let told = at.is_some_and(|at| at.raw.lifecycle == Some(Flag(true)));
    NoticesSpec {
        webhook: named.unwrap_or_else(|| Arc::from(known.first().copied().unwrap_or_default())),
        lifecycle: if told { Lifecycle::Told } else { Lifecycle::Logged },
        heartbeat: at
            .and_then(|at| at.get("heartbeat", |raw| &raw.heartbeat))
            .and_then(|at| heartbeat(at, report)),
        redact: redaction.shared(),
    }
}

fn heartbeat(at: At<'_, RawHeartbeat>, report: &mut Report) -> Option<HeartbeatSpec> {
    let every = at.get("every", |raw| &raw.every).and_then(|at| {
        let every = duration(at, report)?;
        if every < EVERY_LEAST {
            report.error(&at.place.value_span(), "a heartbeat too often").label("at least 1s");
        }
        Some(every)
    });
    let Some(url) = at.get("url", |raw| &raw.url) else {
        if !at.place.means("url") {
            let help = "write `{ url: \"${HEARTBEAT_URL}\", every: 1m }`";
            report.error(&at.place.key_span(), "a heartbeat needs `url`").help(help);
        }
        return None;
    };
    let url = secret_page_url(&url.raw.0, &url.place.value_span(), report)?;
    Some(HeartbeatSpec { url, every: every.unwrap_or(EVERY) })
}

/// Where there is no file that could say.
pub(super) fn nobody() -> NoticesSpec {
    NoticesSpec {
        webhook: Arc::from(""),
        lifecycle: Lifecycle::Logged,
        heartbeat: None,
        redact: Arc::default(),
    }
}

/// The webhook that is named, if one is.
pub(super) fn named(at: Option<At<'_, RawNotices>>) -> Option<Arc<str>> {
    at.and_then(|at| at.raw.webhook.as_ref()).map(|name| Arc::from(name.0.as_str()))
}
