//! The one renderer of a message: what Slack would show, drawn in a terminal and as HTML.
//!
//! The input may come from anyone who can post to `sink`, so nothing of it is trusted: control characters never
//! reach a terminal, and in HTML every text is escaped. Pure but for the machine's time zone.

mod html;
pub mod mrkdwn;
mod terminal;
mod visible;
pub mod words;

use jiff::tz::TimeZone;

use super::payload::{Attachment, Message};

pub use html::escape;
pub use visible::all as visible;

/// The rules for the classes that [`html`] uses, light and dark. It names no colour of a message: those are in the
/// fragments, as SVG attributes, so that a page may forbid inline styles.
pub const STYLESHEET: &str = include_str!("style.css");

/// How a terminal wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours and emphasis, as ANSI escape sequences; else plain text.
    pub color: bool,
    /// Columns; less than 20 counts as 20.
    pub width: usize,
}

/// `message` for a terminal, in whole lines.
pub fn terminal(message: &Message, style: &Style) -> String {
    terminal::draw(message, style, &TimeZone::system())
}

/// `message` as a fragment of HTML, to stand in a page that has [`STYLESHEET`].
pub fn html(message: &Message) -> String {
    html::draw(message, &TimeZone::system())
}

/// Which parts of an attachment Slack formats.
fn formats(attachment: &Attachment, part: &str) -> bool {
    attachment.mrkdwn_in.iter().any(|name| name == part)
}

/// The pieces of one part of `attachment`: formatted only where it is listed, mentions and links always.
fn pieces(attachment: &Attachment, part: &str, text: &str) -> Vec<mrkdwn::Piece> {
    if formats(attachment, part) { mrkdwn::parse(text) } else { mrkdwn::plain(text) }
}

/// The bar's colour; grey for what is no colour, as in Slack.
fn color(text: &str) -> (u8, u8, u8) {
    let hex = match text {
        "good" => "2eb886",
        "warning" => "daa038",
        "danger" => "a30200",
        other => other.strip_prefix('#').unwrap_or(other),
    };
    let channel = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    match (hex.len(), channel(0), channel(2), channel(4)) {
        (6, Some(red), Some(green), Some(blue)) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            (red, green, blue)
        }
        _ => (0xdd, 0xdd, 0xdd),
    }
}

/// `2026-11-27 21:20:00` in `zone`, or nothing for a time that no calendar has.
fn clock(secs: i64, zone: &TimeZone) -> Option<String> {
    let stamp = jiff::Timestamp::from_second(secs).ok()?;
    Some(stamp.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests;
