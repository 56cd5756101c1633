//! `notices`.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Flag, RawNotices};
use crate::config::scalar::name::known_name;
use crate::herald::{Lifecycle, NoticesSpec};

use super::names::Names;
use super::redact::Redaction;

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
        redact: redaction.shared(),
    }
}

/// Where there is no file that could say.
pub(super) fn nobody() -> NoticesSpec {
    NoticesSpec { webhook: Arc::from(""), lifecycle: Lifecycle::Logged, redact: Arc::default() }
}

/// The webhook that is named, if one is.
pub(super) fn named(at: Option<At<'_, RawNotices>>) -> Option<Arc<str>> {
    at.and_then(|at| at.raw.webhook.as_ref()).map(|name| Arc::from(name.0.as_str()))
}
