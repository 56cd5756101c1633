//! A message without anything that a receiver could dislike: for alerts whose whole message was refused.
//!
//! No templates, no links, no fields, no colour of the author's: the rule, the line's beginning in plain letters, the
//! alert's id.

use super::dialect;
use super::escape::Mrkdwn;
use super::frame::Frame;
use super::headline::{HOST_CHARS_MAX, mentions, word};
use super::payload::{Attachment, Message};
use crate::engine::Alert;

const RULE_CHARS_MAX: usize = 100;
const LINE_CHARS_MAX: usize = 500;

/// One message for `alerts`, of which there is one.
pub fn message(alerts: &[&Alert], frame: &Frame<'_>) -> Message {
    let dot = Mrkdwn::ours(" · ");
    let called = mentions(alerts, frame);
    let top = alerts.iter().rev().max_by_key(|alert| alert.severity);
    let headline = top.map(|alert| headline(alert)).unwrap_or_default();
    let text = called.then(&headline).then(&dot).then(&plain(frame.host, HOST_CHARS_MAX));
    let attachments = alerts.iter().map(|alert| attachment(alert)).collect();
    dialect::message(Message { text: text.into(), attachments, ..Message::default() }, frame.flavor)
}

fn attachment(alert: &Alert) -> Attachment {
    let line = alert.event.as_ref().map(|event| plain(&event.line, LINE_CHARS_MAX));
    let footer = plain(&alert.rule, RULE_CHARS_MAX).then(&Mrkdwn::ours(" · "));
    Attachment {
        color: alert.severity.color().to_string(),
        fallback: headline(alert).into(),
        text: line.filter(|line| !line.is_empty()).map(Into::into),
        footer: Some(footer.then(&Mrkdwn::line(&alert.id.short())).into()),
        ts: Some(alert.decided.as_secs()),
        ..Attachment::default()
    }
}

fn headline(alert: &Alert) -> Mrkdwn {
    let word = Mrkdwn::ours("[").then(&Mrkdwn::ours(word(alert))).then(&Mrkdwn::ours("] "));
    word.then(&plain(&alert.rule, RULE_CHARS_MAX))
}

/// Printable ASCII on one line; what is none becomes a question mark.
fn plain(log: &str, max: usize) -> Mrkdwn {
    let ascii = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    Mrkdwn::line_within(&log.chars().take(max).map(ascii).collect::<String>(), max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::alert;
    use crate::rule::Mention;

    #[test]
    fn it_is_plain_and_says_what_it_must() {
        let mut alert = alert("disk \u{1f525} full <!channel>\n*now*");
        alert.mention = vec![Mention::Here];
        let message = message(&[&alert], &Frame::slack(&|_| None, "wéb-1"));
        assert_eq!(message.text, "<!here> [WARNING] ssh-bruteforce · w?b-1");
        let attachment = &message.attachments[0];
        assert_eq!(attachment.fallback, "[WARNING] ssh-bruteforce");
        assert_eq!(attachment.text.as_deref(), Some("disk ? full &lt;!channel&gt;?*\u{2060}now*\u{2060}"));
        assert_eq!(attachment.footer.as_deref(), Some("ssh-bruteforce · 7f3a9c"));
        assert!(attachment.mrkdwn_in.is_empty() && attachment.fields.is_empty());
    }
}
