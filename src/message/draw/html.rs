//! A message as HTML: the structure here, all looks in `style.css`.

use jiff::tz::TimeZone;

use super::mrkdwn::{self, Mark, Piece};
use super::{clock, color, pieces, visible};
use crate::message::payload::{Attachment, Field, Message};

/// `text` as HTML text or the value of a quoted attribute; characters that would act are shown as their codes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible::all(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn draw(message: &Message, zone: &TimeZone) -> String {
    let mut out = String::from("<div class=\"ht-message\">\n");
    if !message.text.is_empty() {
        element(&mut out, "div", "ht-lead", &inline(&mrkdwn::parse(&message.text)));
    }
    for part in &message.attachments {
        attachment(&mut out, part, zone);
    }
    out.push_str("</div>\n");
    out
}

fn element(out: &mut String, tag: &str, class: &str, inner: &str) {
    out.push_str(&format!("<{tag} class=\"{class}\">{inner}</{tag}>\n"));
}

fn attachment(out: &mut String, part: &Attachment, zone: &TimeZone) {
    if let Some(pretext) = &part.pretext {
        element(out, "div", "ht-pretext", &inline(&pieces(part, "pretext", pretext)));
    }
    let (red, green, blue) = color(&part.color);
    out.push_str("<div class=\"ht-attachment\">\n<svg class=\"ht-bar\" aria-hidden=\"true\">");
    out.push_str(&format!("<rect width=\"100%\" height=\"100%\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/>"));
    out.push_str("</svg>\n<div class=\"ht-body\">\n");
    if let Some(title) = &part.title {
        element(out, "div", "ht-title", &heading(title, part.title_link.as_deref()));
    }
    if let Some(text) = &part.text {
        element(out, "div", "ht-text", &inline(&pieces(part, "text", text)));
    } else if part.title.is_none() {
        element(out, "div", "ht-text", &escape(&part.fallback));
    }
    if !part.fields.is_empty() {
        let fields: String = part.fields.iter().map(|each| field(part, each)).collect();
        element(out, "dl", "ht-fields", &fields);
    }
    footer(out, part, zone);
    out.push_str("</div>\n</div>\n");
}

fn heading(title: &str, leads_to: Option<&str>) -> String {
    let words = inline(&mrkdwn::plain(title));
    leads_to.and_then(|url| anchor(&mrkdwn::unescape(url), &words)).unwrap_or(words)
}

fn field(part: &Attachment, field: &Field) -> String {
    let class = if field.short { "ht-field ht-short" } else { "ht-field" };
    let value = inline(&pieces(part, "fields", &field.value));
    let title = escape(&mrkdwn::unescape(&field.title));
    format!("<div class=\"{class}\"><dt>{title}</dt><dd>{value}</dd></div>")
}

fn footer(out: &mut String, part: &Attachment, zone: &TimeZone) {
    let words = part.footer.as_deref().map(|text| inline(&mrkdwn::plain(text)));
    let time = part.ts.and_then(|secs| clock(secs, zone));
    let time = time.map(|time| format!("<time datetime=\"{}\">{time}</time>", time.replace(' ', "T")));
    let parts: Vec<String> = words.into_iter().chain(time).collect();
    if !parts.is_empty() {
        element(out, "div", "ht-footer", &parts.join(" · "));
    }
}

fn inline(pieces: &[Piece]) -> String {
    pieces.iter().map(piece).collect()
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => escape(text),
        Piece::Marked(Mark::Bold, inner) => format!("<strong>{}</strong>", inline(inner)),
        Piece::Marked(Mark::Italic, inner) => format!("<em>{}</em>", inline(inner)),
        Piece::Marked(Mark::Strike, inner) => format!("<s>{}</s>", inline(inner)),
        Piece::Code(inner) => format!("<code class=\"ht-code\">{}</code>", inline(inner)),
        Piece::Block(inner) => format!("<pre class=\"ht-block\">{}</pre>", inline(inner)),
        Piece::Mention(name) => format!("<span class=\"ht-mention\">{}</span>", escape(name)),
        Piece::Link { url, label } => {
            anchor(url, &escape(label)).unwrap_or_else(|| escape(&format!("<{url}>")))
        }
    }
}

/// A link to `url`, where that is an address which a browser may safely be led to.
fn anchor(url: &str, inner: &str) -> Option<String> {
    let lower = url.to_ascii_lowercase();
    let known = ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme));
    let url = escape(url);
    known.then(|| format!("<a href=\"{url}\" target=\"_blank\" rel=\"noopener noreferrer\">{inner}</a>"))
}
