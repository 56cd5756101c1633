//! What the parts of a message say, without any markup: for comparing, not for drawing.

use super::mrkdwn::{self, Piece};
use super::{Attachment, pieces, visible};

/// The headline.
pub fn title(part: &Attachment) -> Option<String> {
    part.title.as_deref().map(|title| flat(&mrkdwn::plain(title)))
}

/// Where the headline leads.
pub fn title_link(part: &Attachment) -> Option<String> {
    part.title_link.as_deref().map(mrkdwn::unescape)
}

/// The text; code blocks by what is in them.
pub fn text(part: &Attachment) -> Option<String> {
    part.text.as_deref().map(|text| flat(&pieces(part, "text", text)))
}

/// What stands above the attachment.
pub fn pretext(part: &Attachment) -> Option<String> {
    part.pretext.as_deref().map(|text| flat(&pieces(part, "pretext", text)))
}

/// The table: titles and values.
pub fn fields(part: &Attachment) -> Vec<(String, String)> {
    let field = |field: &super::super::payload::Field| {
        (flat(&mrkdwn::plain(&field.title)), flat(&pieces(part, "fields", &field.value)))
    };
    part.fields.iter().map(field).collect()
}

/// A block stands on lines of its own.
fn flat(pieces: &[Piece]) -> String {
    let mut out = String::new();
    let mut after_block = false;
    for piece in pieces {
        let block = matches!(piece, Piece::Block(_));
        if (block || after_block) && !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&words(piece));
        after_block = block;
    }
    visible(&out)
}

fn words(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) | Piece::Mention(text) => text.clone(),
        Piece::Marked(_, inner) | Piece::Code(inner) | Piece::Block(inner) => flat(inner),
        Piece::Link { label, .. } => label.clone(),
    }
}
