//! The outbox to the webhooks.

use std::sync::Arc;
use std::time::Duration;

use crate::rate::Rate;
use crate::secret::SecretUrl;

/// A webhook of the configuration, checked.
#[derive(Debug, Clone)]
pub struct WebhookSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Where it posts.
    pub url: SecretUrl,
    /// What it may take: it delays, it drops nothing.
    pub rate: Rate,
    /// Of one request.
    pub timeout: Duration,
    /// The longest backoff.
    pub retry_max: Duration,
    /// How often a broken webhook is tried.
    pub retry_probe: Duration,
}
