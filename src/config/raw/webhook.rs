//! `webhooks.NAME` as it is written.

use serde::Deserialize;

use super::{Count, Flag, Scalar, Text};

/// A webhook. It can't be printed: its URL is a secret.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawWebhook {
    /// The incoming webhook's URL.
    pub(in crate::config) url: Option<Text>,
    /// A file that holds the URL.
    pub(in crate::config) url_file: Option<Text>,
    /// `slack` (an app's webhook), `slack-legacy` (a custom integration), `mattermost`, `rocketchat` or `discord`.
    pub(in crate::config) flavor: Option<Text>,
    /// The channel that it posts to, where a message can say so.
    pub(in crate::config) channel: Option<Text>,
    /// The name under which it posts.
    pub(in crate::config) username: Option<Text>,
    /// The emoji beside its messages: `:rotating_light:`.
    pub(in crate::config) icon_emoji: Option<Text>,
    /// The URL of the picture beside its messages.
    pub(in crate::config) icon_url: Option<Text>,
    /// What the webhook may take: `1/s`. It delays, it drops nothing.
    pub(in crate::config) rate: Option<Scalar>,
    /// How many messages may go at once.
    pub(in crate::config) burst: Option<Count>,
    /// Webhooks of one group share one rate: those that post to one channel.
    pub(in crate::config) rate_group: Option<Text>,
    /// Another webhook, for what this one refuses for good.
    pub(in crate::config) fallback: Option<Text>,
    /// Of one request.
    pub(in crate::config) timeout: Option<Scalar>,
    /// An HTTP(S) proxy; without it the usual environment variables hold.
    pub(in crate::config) proxy: Option<Text>,
    /// When a message that could not be delivered is tried again.
    pub(in crate::config) retry: Option<RawRetry>,
    /// Allows `http://` to a host that is not loopback.
    pub(in crate::config) allow_http: Option<Flag>,
}

/// When a message that could not be delivered is tried again.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRetry {
    /// The longest backoff.
    pub(in crate::config) max: Option<Scalar>,
    /// How often a broken webhook is tried.
    pub(in crate::config) probe: Option<Scalar>,
}
