//! Webhooks made by hand, for tests.

use std::num::NonZeroU32;
use std::time::Duration;

use super::WebhookSpec;
use crate::flavor::{Flavor, Persona};
use crate::rate::Rate;
use crate::secret::SecretUrl;

/// A webhook with the defaults of the configuration.
pub(crate) fn webhook(name: &str) -> WebhookSpec {
    WebhookSpec {
        name: name.into(),
        url: SecretUrl::new("http://127.0.0.1:9/services/T0/B0/X".parse().unwrap()),
        url_file: None,
        flavor: Flavor::Slack,
        persona: Persona::default(),
        proxy: None,
        rate_group: None,
        fallback: None,
        rate: Rate { number: NonZeroU32::MIN, per: Duration::from_secs(1), burst: NonZeroU32::MIN },
        timeout: Duration::from_secs(10),
        retry_max: Duration::from_secs(300),
        retry_probe: Duration::from_secs(600),
    }
}
