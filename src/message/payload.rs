//! The JSON that a webhook gets, key by key as `docs/message.md` describes it, and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::flavor::Persona;

/// What one POST carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Where it is posted, for receivers that let a message say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// As whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// With which picture: an emoji's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_emoji: Option<String>,
    /// With which picture: its URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_url: Option<String>,
    /// Mentions, severity, headline and host, as Slack mrkdwn: what a phone shows and a screen reader reads.
    pub text: String,
    /// Always `false`: a URL in a log line must not make Slack fetch it.
    #[serde(default)]
    pub unfurl_links: bool,
    /// Always `false`, as above.
    #[serde(default)]
    pub unfurl_media: bool,
    /// 1 to 20 of them.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

impl Message {
    /// The same, where and as whom `persona` says.
    #[must_use]
    pub fn posted_as(self, persona: &Persona) -> Self {
        let text = |part: &Option<Arc<str>>| part.as_deref().map(str::to_owned);
        Self {
            channel: text(&persona.channel),
            username: text(&persona.username),
            icon_emoji: text(&persona.icon_emoji),
            icon_url: text(&persona.icon_url),
            ..self
        }
    }
}

/// One alert as Slack draws it: a block with a colour bar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// `#rrggbb`.
    pub color: String,
    /// The headline without markup, for what can't draw attachments.
    pub fallback: String,
    /// Author's markup above the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretext: Option<String>,
    /// One line, at most 150 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the title leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_link: Option<String>,
    /// At most 3,000 characters of mrkdwn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Which of the parts are mrkdwn: `text`, `pretext`, `fields`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mrkdwn_in: Vec<String>,
    /// At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Rule, host and file, alert id; at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// When, in whole seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
}

/// A named value in an attachment's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name; Slack takes no markup here.
    pub title: String,
    /// Its value, mrkdwn only where `mrkdwn_in` holds `fields`.
    pub value: String,
    /// Two short fields stand side by side.
    #[serde(default)]
    pub short: bool,
}
