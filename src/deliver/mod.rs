//! The outbox to the webhooks. `plan`, `batch`, `lane`, `mentions` and `answer` are pure; `place`, `post` and `worker` do what they say.

pub mod answer;
mod batch;
pub mod brief;
pub mod lane;
pub mod mentions;
pub mod place;
pub mod plan;
pub mod post;
pub mod tally;
#[cfg(test)]
pub(crate) mod tests_support;
mod url_file;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use crate::flavor::{Flavor, Persona};
use crate::rate::Rate;
use crate::secret::SecretUrl;

pub use url_file::UrlFile;

/// A webhook of the configuration, checked.
#[derive(Debug, Clone)]
pub struct WebhookSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Where it posts.
    pub url: SecretUrl,
    /// Where that was read from, if it was a file: it is read again when the receiver no longer knows the URL.
    pub url_file: Option<UrlFile>,
    /// What it may take: it delays, it drops nothing.
    pub rate: Rate,
    /// Webhooks of one group share the rate and its pauses.
    pub rate_group: Option<Arc<str>>,
    /// Who gets what this one refuses for good.
    pub fallback: Option<Arc<str>>,
    /// What its receiver is.
    pub flavor: Flavor,
    /// As whom it posts.
    pub persona: Persona,
    /// The way there; without it the environment says.
    pub proxy: Option<SecretUrl>,
    /// Of one request.
    pub timeout: Duration,
    /// The longest backoff.
    pub retry_max: Duration,
    /// How often a broken webhook is tried.
    pub retry_probe: Duration,
}
