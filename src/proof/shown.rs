//! What a message shows, part by part.

use crate::engine::Alert;
use crate::event::find;
use crate::message::draw::words;
use crate::message::frame::Frame;
use crate::message::payload::{Attachment, Message};
use crate::message::render;
use crate::rule::Rule;

use super::case::Part;

/// An alert, and the message that it would be alone.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What was decided, redacted.
    pub alert: Alert,
    /// What a webhook would get.
    pub message: Message,
}

impl Shown {
    /// The message of `alert`, which is of `rule`.
    pub fn new(alert: Alert, rule: Option<&Rule>, host: &str) -> Self {
        let message = render::message(&[&alert], &Frame::slack(&|_| rule, host));
        Self { alert, message }
    }

    /// What `part` says; `None` where the message has no such part.
    pub fn part(&self, part: &Part) -> Option<String> {
        let attachment = self.message.attachments.first();
        match part {
            Part::Kind => Some(self.alert.kind.name().to_owned()),
            Part::Title => attachment.and_then(words::title),
            Part::Text => attachment.and_then(words::text),
            Part::Pretext => attachment.and_then(words::pretext),
            Part::Link => attachment.and_then(words::title_link),
            Part::Mention => Some(Part::mentions(&self.alert.mention)),
            Part::Severity => Some(self.alert.severity.name().to_owned()),
            Part::Webhook => Some(Part::webhooks(&self.alert.webhooks)),
            Part::Count => Some(self.alert.count.to_string()),
            Part::Suppressed => Some(self.alert.suppressed.to_string()),
            Part::Key(name) => find(&self.alert.key, name).map(ToString::to_string),
            Part::Field(name) => {
                attachment.and_then(|shown| in_table(shown, name)).or_else(|| self.field(name))
            }
        }
    }

    /// A field of the line that the message is about.
    fn field(&self, name: &str) -> Option<String> {
        let event = self.alert.event.as_ref()?;
        let text = find(&event.captures, name).or_else(|| find(&event.labels, name));
        text.map(ToString::to_string)
    }
}

fn in_table(attachment: &Attachment, name: &str) -> Option<String> {
    words::fields(attachment).into_iter().find(|(title, _)| title == name).map(|(_, value)| value)
}
