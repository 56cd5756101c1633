//! `channel`, `username`, `icon_emoji`, `icon_url` of a webhook.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{RawWebhook, Text};
use crate::config::scalar::url::page_url;
use crate::flavor::{Flavor, Persona};

/// What Slack's page on custom integrations allows.
const CHARS_MAX: usize = 255;

pub(super) fn resolve(at: At<'_, RawWebhook>, flavor: Flavor, report: &mut Report) -> Persona {
    let channel = at.get("channel", |raw| &raw.channel);
    let username = at.get("username", |raw| &raw.username);
    let icon_emoji = at.get("icon_emoji", |raw| &raw.icon_emoji);
    let icon_url = at.get("icon_url", |raw| &raw.icon_url);
    if !flavor.honours_persona() {
        for (key, _) in
            [("channel", channel), ("username", username), ("icon_emoji", icon_emoji), ("icon_url", icon_url)]
                .into_iter()
                .filter(|(_, at)| at.is_some())
        {
            refuse(at, key, flavor, report);
        }
        return Persona::default();
    }
    if let (Some(_), Some(url)) = (icon_emoji, icon_url) {
        report
            .error(&url.place.key_span(), "a webhook has one picture")
            .label("write `icon_emoji` or `icon_url`");
    }
    let icon_url = icon_url.filter(|at| page_url(&at.raw.0, &at.place.value_span(), report).is_some());
    Persona {
        channel: channel.and_then(|at| text(at, "channel", report)),
        username: username.and_then(|at| text(at, "username", report)),
        icon_emoji: icon_emoji.and_then(|at| emoji(at, report)),
        icon_url: icon_url.and_then(|at| text(at, "icon_url", report)),
    }
}

fn refuse(at: At<'_, RawWebhook>, key: &str, flavor: Flavor, report: &mut Report) {
    let span = at.place.key(key).key_span();
    let message = format!("`flavor: {}` has no `{key}`", flavor.name());
    let help = match flavor {
        Flavor::Discord => {
            "a webhook of Discord posts to its own channel; its name and picture are set there"
        }
        _ => {
            "an app's webhook always posts to its own channel under its own name; make one for each channel, \
             or write `flavor: slack-legacy` if it is a custom integration"
        }
    };
    report.error(&span, message).help(help);
}

fn text(at: At<'_, Text>, key: &str, report: &mut Report) -> Option<Arc<str>> {
    let Text(text) = at.raw;
    let chars = text.trim().chars().count();
    if chars == 0 || chars > CHARS_MAX || text.chars().any(char::is_control) {
        let label = format!("1 to {CHARS_MAX} characters on one line");
        report.error(&at.place.value_span(), format!("not a `{key}`")).label(label);
        return None;
    }
    Some(Arc::from(text.trim()))
}

fn emoji(at: At<'_, Text>, report: &mut Report) -> Option<Arc<str>> {
    let Text(written) = at.raw;
    let name = written.trim().trim_matches(':');
    let good = |c: char| c.is_alphanumeric() || "_+-':".contains(c);
    if name.is_empty() || !name.chars().all(good) {
        let help = "write an emoji's name, as `\":rotating_light:\"`";
        report.error(&at.place.value_span(), format!("`{written}` is no emoji")).help(help);
        return None;
    }
    Some(Arc::from(format!(":{name}:")))
}
