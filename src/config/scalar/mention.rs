//! A mention: `here`, `channel`, `everyone`, a user id or a user-group id.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{OneOrMany, Text};
use crate::rule::Mention;

use super::name::texts;

/// Mentions, each once.
pub(in crate::config) fn mentions(at: At<'_, OneOrMany<Text>>, report: &mut Report) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for mention in texts(at).filter_map(|text| mention(text, report)) {
        if !mentions.contains(&mention) {
            mentions.push(mention);
        }
    }
    mentions
}

fn mention(at: At<'_, Text>, report: &mut Report) -> Option<Mention> {
    let Text(text) = at.raw;
    if let Some(mention) = parse(text) {
        return Some(mention);
    }
    let span = at.place.value_span();
    let bare = text.trim_start_matches(['@', '<', '!']).trim_end_matches('>');
    if let Some(mention @ (Mention::Here | Mention::Channel | Mention::Everyone)) = parse(bare) {
        report.warning(&span, format!("`{text}` is taken for `{bare}`")).label(format!("write `{bare}`"));
        return Some(mention);
    }
    let diagnostic = report.error(&span, format!("`{text}` is no mention"));
    if text.starts_with('#') {
        diagnostic.help(
            "a channel can't be mentioned: a webhook posts to its own; write `here` or `channel` to call who is in it",
        );
    } else {
        diagnostic.help(
            "Slack needs the id, not the name: `U…` or `W…` of a person (profile, \"Copy member ID\"), `S…` of a user group; \
             or `here`, `channel`, `everyone`",
        );
    }
    None
}

fn parse(text: &str) -> Option<Mention> {
    match text {
        "here" => return Some(Mention::Here),
        "channel" => return Some(Mention::Channel),
        "everyone" => return Some(Mention::Everyone),
        _ => {}
    }
    let id = text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    match text.as_bytes().first() {
        Some(b'U' | b'W') if id => Some(Mention::User(text.to_owned())),
        Some(b'S') if id => Some(Mention::Group(text.to_owned())),
        _ => None,
    }
}
