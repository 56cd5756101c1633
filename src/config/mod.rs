//! YAML to checked, typed rules; every mistake as a diagnostic with its place.

use std::sync::Arc;

use crate::deliver::WebhookSpec;
use crate::input::InputSpec;
use crate::rule::Rule;

/// A configuration without a mistake.
#[derive(Debug)]
pub struct Config {
    /// This machine's name in messages.
    pub host: Arc<str>,
    /// By the order of the file.
    pub webhooks: Vec<WebhookSpec>,
    /// By the order of the file.
    pub inputs: Vec<InputSpec>,
    /// By the order of the file, without those that are not `enabled`.
    pub rules: Vec<Rule>,
    /// The bounds.
    pub limits: Limits,
}

/// The bounds that the configuration may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys a rule.
    pub keys: usize,
    /// Alerts that wait a webhook.
    pub outbox: usize,
    /// A compiled regex, in bytes.
    pub regex: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 100_000, outbox: 2_000, regex: 10 * 1024 * 1024 }
    }
}
