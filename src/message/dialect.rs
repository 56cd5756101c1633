//! The last step of a message: from what every receiver takes to what its own understands.
//!
//! Until here each `@` of a log or a template is followed by a zero-width space, because most receivers take a bare
//! `@channel` for a mention. Slack doesn't, so there it is taken out again.

use super::escape::{BREAK, Mrkdwn};
use super::payload::{Attachment, Field, Message};
use crate::flavor::Flavor;
use crate::mention::Mention;

/// A configured mention, the only live one. Nothing where the receiver has nothing like it, or its id is none.
pub(super) fn mention(mention: &Mention, flavor: Flavor) -> Mrkdwn {
    use Flavor::{Discord, Mattermost, RocketChat, Slack, SlackLegacy};
    match (flavor, mention) {
        (Slack | SlackLegacy, _) => Mrkdwn::mention(mention),
        // The configuration's ids are Slack's.
        (_, Mention::User(_) | Mention::Group(_)) => Mrkdwn::default(),
        (_, Mention::Here) => Mrkdwn::ours("@here"),
        (Mattermost, Mention::Channel) => Mrkdwn::ours("@channel"),
        (Mattermost | RocketChat, _) => Mrkdwn::ours("@all"),
        (Discord, _) => Mrkdwn::ours("@everyone"),
    }
}

/// What makes the severity bold.
pub(super) fn bold(flavor: Flavor) -> Mrkdwn {
    Mrkdwn::ours(if matches!(flavor, Flavor::Mattermost | Flavor::Discord) { "**" } else { "*" })
}

/// The message as `flavor` takes it.
pub(super) fn message(mut message: Message, flavor: Flavor) -> Message {
    message.text = spoken(&message.text, flavor);
    message.attachments = message.attachments.into_iter().map(|each| attachment(each, flavor)).collect();
    message
}

/// The attachment as `flavor` takes it.
pub(super) fn attachment(attachment: Attachment, flavor: Flavor) -> Attachment {
    let spoken = |text: &str| spoken(text, flavor);
    let part = |text: Option<String>| text.map(|text| spoken(&text));
    let Attachment { color, fallback, pretext, title, title_link, text, mrkdwn_in, fields, footer, ts } =
        attachment;
    let field =
        |field: Field| Field { title: spoken(&field.title), value: spoken(&field.value), short: field.short };
    Attachment {
        color,
        fallback: spoken(&fallback),
        pretext: part(pretext),
        title: part(title),
        title_link,
        text: part(text),
        // Discord's schema has no such key.
        mrkdwn_in: if flavor == Flavor::Discord { Vec::new() } else { mrkdwn_in },
        fields: fields.into_iter().map(field).collect(),
        footer: part(footer),
        ts,
    }
}

fn spoken(text: &str, flavor: Flavor) -> String {
    match flavor {
        Flavor::Slack | Flavor::SlackLegacy => {
            text.replace(['@', BREAK].iter().collect::<String>().as_str(), "@")
        }
        // It reads Slack's links itself.
        Flavor::Mattermost => text.to_owned(),
        Flavor::RocketChat | Flavor::Discord => markdown_links(text),
    }
}

/// `<https://…|label>` as `[label](https://…)`. What begins with `<` is live, all else is escaped.
fn markdown_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('>') else {
            out.push('<');
            rest = after;
            continue;
        };
        match inside.split_once('|') {
            None => out.push_str(inside),
            Some((target, label)) if target.starts_with("!date^") => out.push_str(label),
            Some((target, label)) => {
                let target = target.replace('(', "%28").replace(')', "%29");
                out.push_str(&format!("[{}]({target})", label.replace(['[', ']'], "")));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_receiver_has_its_own_mentions() {
        let user = Mention::User("U0123456".into());
        let all = [Mention::Here, Mention::Channel, Mention::Everyone, user, Mention::Group("S01".into())];
        for (flavor, expected) in [
            (Flavor::Slack, "<!here> <!channel> <!everyone> <@U0123456> <!subteam^S01>"),
            (Flavor::SlackLegacy, "<!here> <!channel> <!everyone> <@U0123456> <!subteam^S01>"),
            (Flavor::Mattermost, "@here @channel @all  "),
            (Flavor::RocketChat, "@here @all @all  "),
            (Flavor::Discord, "@here @everyone @everyone  "),
        ] {
            let shown: Vec<String> = all.iter().map(|each| mention(each, flavor).into()).collect();
            assert_eq!(shown.join(" "), expected, "{flavor:?}");
        }
    }

    #[test]
    fn an_at_is_dead_where_it_would_call_and_as_it_was_where_not() {
        let log = "ask @channel or root@web-1";
        for (text, flavor, expected) in [
            (Mrkdwn::line(log), Flavor::Slack, "ask @channel or root@web-1"),
            (Mrkdwn::line(log), Flavor::Mattermost, "ask @\u{200b}channel or root@\u{200b}web-1"),
            (Mrkdwn::code(log, 100, 0), Flavor::Slack, "```ask @channel or root@web-1```"),
            (Mrkdwn::code(log, 100, 0), Flavor::Discord, "```ask @\u{200b}channel or root@\u{200b}web-1```"),
        ] {
            assert_eq!(spoken(&String::from(text), flavor), expected);
        }
    }

    #[test]
    fn links_are_spelled_as_each_receiver_reads_them() {
        let slack = "see <https://a/(b)|the [log]> &lt;x&gt; <mailto:a@b|mail>, <!date^1^{time}|noon>";
        assert_eq!(spoken(slack, Flavor::Mattermost), slack);
        let markdown = "see [the log](https://a/%28b%29) &lt;x&gt; [mail](mailto:a@b), noon";
        assert_eq!(spoken(slack, Flavor::Discord), markdown);
        assert_eq!(spoken("a < b", Flavor::RocketChat), "a < b");
    }
}
