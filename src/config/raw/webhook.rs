//! `webhooks.NAME` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Flag, Scalar, Text, kind};

/// A webhook.
// It can't be printed: its URL is a secret.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = kind::one_of(&["url", "url_file"])))]
pub(in crate::config) struct RawWebhook {
    /// The incoming webhook's URL. It is a secret: better in the environment, or in a file.
    #[schemars(with = "kind::Url", extend("examples" = ["${SLACK_WEBHOOK_URL}"]))]
    pub(in crate::config) url: Option<Text>,
    /// A file that holds the URL, in place of `url`.
    #[schemars(with = "kind::Path", extend("examples" = ["/run/secrets/slack"]))]
    pub(in crate::config) url_file: Option<Text>,
    /// Whose webhook it is: `slack` is an app's, `slack-legacy` a custom integration, `discord` its `/slack` endpoint.
    #[schemars(with = "kind::Flavor", extend("default" = "slack"))]
    pub(in crate::config) flavor: Option<Text>,
    /// The channel that it posts to; not with `slack`, whose webhooks have one each.
    #[schemars(extend("examples" = ["#ops"]))]
    pub(in crate::config) channel: Option<Text>,
    /// The name under which it posts; not with `slack`.
    #[schemars(extend("examples" = ["hooktail"]))]
    pub(in crate::config) username: Option<Text>,
    /// The emoji beside its messages; not with `slack`.
    #[schemars(extend("examples" = [":rotating_light:"]))]
    pub(in crate::config) icon_emoji: Option<Text>,
    /// The URL of the picture beside its messages; not with `slack`.
    #[schemars(with = "kind::Url")]
    pub(in crate::config) icon_url: Option<Text>,
    /// What the webhook may take. It delays, it drops nothing: alerts that wait are put together.
    #[schemars(with = "kind::Rate", extend("default" = "1/s"))]
    pub(in crate::config) rate: Option<Scalar>,
    /// How many messages may go at once.
    #[schemars(extend("default" = 1, "minimum" = 1, "maximum" = 1_000_000))]
    pub(in crate::config) burst: Option<Count>,
    /// Webhooks of one group share one rate: those that post to one channel.
    #[schemars(with = "kind::Name")]
    pub(in crate::config) rate_group: Option<Text>,
    /// Another webhook, for what this one refuses for good: revoked, archived.
    #[schemars(with = "kind::Webhook")]
    pub(in crate::config) fallback: Option<Text>,
    /// How long one request may take.
    #[schemars(with = "kind::Duration", extend("default" = "10s"))]
    pub(in crate::config) timeout: Option<Scalar>,
    /// An HTTP(S) proxy; without it the usual environment variables hold.
    #[schemars(with = "kind::Url", extend("examples" = ["http://proxy.example.com:3128"]))]
    pub(in crate::config) proxy: Option<Text>,
    /// When a message that could not be delivered is tried again.
    pub(in crate::config) retry: Option<RawRetry>,
    /// Allows `http://` to a host that is not loopback.
    #[schemars(extend("default" = false))]
    pub(in crate::config) allow_http: Option<Flag>,
}

/// When a message that could not be delivered is tried again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawRetry {
    /// The longest time between two tries.
    #[schemars(with = "kind::Duration", extend("default" = "5m"))]
    pub(in crate::config) max: Option<Scalar>,
    /// How often a broken webhook is tried.
    #[schemars(with = "kind::Duration", extend("default" = "10m"))]
    pub(in crate::config) probe: Option<Scalar>,
}
