//! What a webhook's receiver is, and as whom it posts. Plain data.

use std::sync::Arc;

/// A receiver that takes Slack's payload, in its own manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavor {
    /// Slack, by an app's webhook.
    #[default]
    Slack,
    /// Slack, by a custom integration, which posts as whom and where it is told.
    SlackLegacy,
    /// Mattermost.
    Mattermost,
    /// Rocket.Chat.
    RocketChat,
    /// Discord, by the `/slack` endpoint of its webhooks.
    Discord,
}

impl Flavor {
    /// By their names in the configuration.
    pub const ALL: [(&'static str, Self); 5] = [
        ("slack", Self::Slack),
        ("slack-legacy", Self::SlackLegacy),
        ("mattermost", Self::Mattermost),
        ("rocketchat", Self::RocketChat),
        ("discord", Self::Discord),
    ];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, flavor)| *flavor == self).map_or("", |(name, _)| name)
    }

    /// Whether it is Slack itself, whose user and group ids the configuration holds.
    pub const fn is_slack(self) -> bool {
        matches!(self, Self::Slack | Self::SlackLegacy)
    }

    /// Whether a message can say where and as whom it is posted.
    pub const fn honours_persona(self) -> bool {
        matches!(self, Self::SlackLegacy | Self::Mattermost | Self::RocketChat)
    }

    /// How many attachments a message may have. Slack advises against more than 20; Discord takes 6,000 characters in
    /// all attachments of a message.
    pub const fn attachments_max(self) -> usize {
        if matches!(self, Self::Discord) { 3 } else { 20 }
    }

    /// How many characters an attachment may have in all its parts. A link is longer in Markdown: of Discord's 2,000
    /// some are left for that.
    pub const fn attachment_chars_max(self) -> usize {
        if matches!(self, Self::Discord) { 1_800 } else { usize::MAX }
    }
}

/// As whom a message is posted, and where; what is `None` is as the webhook's owner set it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Persona {
    /// The channel.
    pub channel: Option<Arc<str>>,
    /// The name.
    pub username: Option<Arc<str>>,
    /// The picture: an emoji's name.
    pub icon_emoji: Option<Arc<str>>,
    /// The picture: its URL.
    pub icon_url: Option<Arc<str>>,
}
