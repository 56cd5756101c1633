//! The outbox to the webhooks. `plan` and `answer` are pure; `post` and `worker` do what they say.

pub mod answer;
pub mod plan;
pub mod post;
#[cfg(test)]
pub(crate) mod tests_support;
pub mod worker;

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
