//! Alerts to the message that a webhook gets, key by key as `docs/message.md` describes it.
//!
//! An alert is never lost to its message: a template that fails is replaced by what stands there without one, and the
//! message says so. Redaction has been over the alert before.

use super::alert_scope::alert_scope;
use super::body::{self, Troubles};
use super::dialect;
use super::escape::Mrkdwn;
use super::frame::Frame;
use super::headline::{HOST_CHARS_MAX, Headline, mentions};
use super::link;
use super::markup::{self, Piece};
use super::payload::{Attachment, Field, Message};
use super::scope::Context;
use super::template::Template;
use crate::engine::{Alert, Kind};
use crate::event::Texts;
use crate::flavor::Flavor;
use crate::rule::{Color, FieldSpec, MessageSpec, Rule};
use crate::time::Time;

const FIELDS_MAX: usize = 10;
const TEST_CHARS_MAX: usize = 150;
const FIELD_TITLE_CHARS_MAX: usize = 100;
const FIELD_VALUE_CHARS_MAX: usize = 2_000;
/// Of all fields, where the whole attachment has a bound: the line needs room too.
const FIELDS_SHARE: usize = 4;
const PRETEXT_CHARS_MAX: usize = 1_000;
const FOOTER_CHARS_MAX: usize = 300;
const RULE_CHARS_MAX: usize = 100;

/// One message for `alerts`, of which there is at least one; those for which the receiver has no room are counted in
/// its text and not attached.
///
/// The text is the first headline among those of the highest severity, with the widest of the broadcast mentions, and
/// each person and group once.
pub fn message(alerts: &[&Alert], frame: &Frame<'_>) -> Message {
    let attached = alerts.iter().take(frame.flavor.attachments_max());
    // Of several with the highest severity `max_by_key` gives the last: the order is turned around.
    let top = alerts.iter().rev().max_by_key(|alert| alert.severity);
    let text = top.map(|top| Drawing::new(top, frame).headline().text(alerts.len() - 1, frame));
    let message = Message {
        text: mentions(alerts, frame).then(&text.unwrap_or_default()).into(),
        attachments: attached.map(|alert| draw(alert, frame)).collect(),
        ..Message::default()
    };
    dialect::message(message, frame.flavor)
}

/// A message that only shows that a webhook works, sent at `now`. `words` are a person's: they are escaped all the same.
pub fn test_message(words: &str, host: &str, flavor: Flavor, now: Time) -> Message {
    let words = Mrkdwn::line_within(words, TEST_CHARS_MAX);
    let host = Mrkdwn::line_within(host, HOST_CHARS_MAX);
    let plain: String = Mrkdwn::ours("[TEST] ").then(&words).into();
    let bold = dialect::bold(flavor);
    let test = bold.clone().then(&Mrkdwn::ours("[TEST]")).then(&bold).then(&Mrkdwn::ours(" "));
    let message = Message {
        text: test.then(&words).then(&Mrkdwn::ours(" · ")).then(&host).into(),
        attachments: vec![Attachment {
            color: Color::GOOD.to_string(),
            fallback: plain,
            title: Some(words.into()),
            footer: Some(Mrkdwn::ours("hooktail send · ").then(&host).into()),
            ts: Some(now.as_secs()),
            ..Attachment::default()
        }],
        ..Message::default()
    };
    dialect::message(message, flavor)
}

/// The attachment of one alert.
pub fn attachment(alert: &Alert, frame: &Frame<'_>) -> Attachment {
    dialect::attachment(draw(alert, frame), frame.flavor)
}

fn draw(alert: &Alert, frame: &Frame<'_>) -> Attachment {
    let mut drawing = Drawing::new(alert, frame);
    let headline = drawing.headline();
    let pretext = drawing.pretext();
    let fields = drawing.fields();
    let title_link = drawing.title_link();
    let footer = drawing.footer();
    let own_text = drawing.own_text();
    let used =
        [Some(&headline.line), Some(&footer), pretext.as_ref()].into_iter().flatten().map(Mrkdwn::chars);
    let used = used.sum::<usize>() + fields.iter().map(chars_of).sum::<usize>();
    let room = frame.flavor.attachment_chars_max().saturating_sub(used).min(body::TEXT_CHARS_MAX);
    let text = body::text(alert, own_text.as_deref(), drawing.runbook(), &drawing.troubles, room);

    let rule = drawing.rule;
    let own_fields = !fields.is_empty() && drawing.spec(|spec| spec.fields.as_ref()).is_some();
    let mrkdwn = [("text", !text.is_empty()), ("pretext", pretext.is_some()), ("fields", own_fields)];
    Attachment {
        color: color(alert, rule).to_string(),
        fallback: headline.fallback().into(),
        pretext: pretext.map(Into::into),
        title: Some(headline.line.into()),
        title_link,
        text: (!text.is_empty()).then(|| text.into()),
        mrkdwn_in: mrkdwn.iter().filter(|(_, is)| *is).map(|(part, _)| (*part).to_owned()).collect(),
        fields,
        footer: Some(footer.into()),
        ts: Some(alert.event.as_ref().map_or(alert.decided, |event| event.time).as_secs()),
    }
}

/// What is over is green.
fn color(alert: &Alert, rule: Option<&Rule>) -> Color {
    match (alert.kind, rule) {
        (Kind::Resolved, _) => Color::GOOD,
        (_, Some(rule)) => rule.look(alert.severity).color,
        (_, None) => alert.severity.color(),
    }
}

/// An alert while its attachment is drawn.
struct Drawing<'a, 'r> {
    alert: &'a Alert,
    rule: Option<&'r Rule>,
    frame: Frame<'r>,
    /// Made when the first template wants it.
    context: Option<Context>,
    troubles: Troubles,
}

impl<'a, 'r> Drawing<'a, 'r> {
    fn new(alert: &'a Alert, frame: &Frame<'r>) -> Self {
        Self {
            alert,
            rule: frame.rule(&alert.rule),
            frame: *frame,
            context: None,
            troubles: Troubles::default(),
        }
    }

    /// A part's room, where the receiver bounds the attachment: so many of its characters.
    fn share(&self, max: usize, share: usize) -> usize {
        max.min(self.frame.flavor.attachment_chars_max() / share)
    }

    fn runbook(&self) -> Option<&'r str> {
        self.rule.and_then(|rule| rule.runbook.as_deref())
    }

    /// A part of the rule's message. The templates speak of one alert's line.
    fn spec<T>(&self, part: impl FnOnce(&'r MessageSpec) -> Option<&'r T>) -> Option<&'r T> {
        let of_one = !matches!(self.alert.kind, Kind::HeldBack | Kind::Digest | Kind::Notice);
        self.rule.filter(|_| of_one).and_then(|rule| part(&rule.message))
    }

    /// What a template gave; nothing where there is none or it failed, which is noted.
    fn rendered(&mut self, part: &'static str, template: Option<&Template>) -> Option<Vec<Piece>> {
        let (alert, rule, host) = (self.alert, self.rule, self.frame.host);
        let context = self.context.get_or_insert_with(|| alert_scope(alert, rule, host).into());
        match template?.render(context) {
            Ok(rendered) => {
                let new = rendered.missing.into_iter().filter(|name| !self.troubles.missing.contains(name));
                let new: Vec<String> = new.collect();
                self.troubles.missing.extend(new);
                Some(rendered.pieces)
            }
            Err(why) => {
                self.troubles.failed.push((part, why));
                None
            }
        }
    }

    fn headline(&mut self) -> Headline {
        let title = self.spec(|spec| spec.title.as_ref());
        let title = self.rendered("title", title);
        Headline::new(self.alert, |max| {
            let title = title.map(|pieces| markup::plain(&pieces, max)).filter(|title| !title.is_empty());
            title.unwrap_or_else(|| Mrkdwn::line_within(self.own_title(), max))
        })
    }

    /// The title where no template gives one.
    fn own_title(&self) -> &'a str {
        match (self.alert.kind, &self.alert.event) {
            (Kind::Notice, Some(event)) if !event.line.trim().is_empty() => &event.line,
            _ => &self.alert.rule,
        }
    }

    fn pretext(&mut self) -> Option<Mrkdwn> {
        let template = self.spec(|spec| spec.pretext.as_ref());
        let pieces = self.rendered("pretext", template)?;
        let max = self.share(PRETEXT_CHARS_MAX, FIELDS_SHARE);
        Some(markup::rich(&pieces, max, self.runbook())).filter(|text| !text.is_empty())
    }

    fn own_text(&mut self) -> Option<Vec<Piece>> {
        let template = self.spec(|spec| spec.text.as_ref());
        self.rendered("text", template).filter(|pieces| !markup::plain(pieces, 10).is_empty())
    }

    fn title_link(&mut self) -> Option<String> {
        let template = self.spec(|spec| spec.link.as_ref());
        let own = self.rendered("link", template).and_then(|pieces| link::url(&pieces));
        own.or_else(|| self.runbook().and_then(link::checked))
    }

    fn fields(&mut self) -> Vec<Field> {
        if matches!(self.alert.kind, Kind::HeldBack | Kind::Digest) {
            return Vec::new();
        }
        let value_chars_max = self.share(FIELD_VALUE_CHARS_MAX, 2 * FIELDS_SHARE);
        let all: Vec<Field> = match self.spec(|spec| spec.fields.as_ref()) {
            Some(specs) => {
                let drawn = specs.iter().filter_map(|spec| self.own_field(spec, value_chars_max));
                drawn.take(FIELDS_MAX).collect()
            }
            None => {
                let event = self.alert.event.as_ref();
                event.map(|event| captured(&event.captures, value_chars_max)).unwrap_or_default()
            }
        };
        let mut left = self.frame.flavor.attachment_chars_max() / FIELDS_SHARE;
        let fits = |field: &Field| {
            let chars = chars_of(field);
            left = left.saturating_sub(chars);
            left > 0
        };
        all.into_iter().take_while(fits).collect()
    }

    fn own_field(&mut self, spec: &FieldSpec, value_chars_max: usize) -> Option<Field> {
        let pieces = self.rendered("fields", Some(&spec.value))?;
        let value = markup::rich(&pieces, value_chars_max, self.runbook());
        (!value.is_empty()).then(|| field(&spec.title, value, spec.short))
    }

    /// Rule, host and file, cut so that the alert's id always has its place.
    fn footer(&mut self) -> Mrkdwn {
        let dot = Mrkdwn::ours(" · ");
        let id = dot.clone().then(&Mrkdwn::line(&self.alert.id.short()));
        let room = FOOTER_CHARS_MAX - id.chars();
        let template = self.spec(|spec| spec.footer.as_ref());
        let own = self.rendered("footer", template).map(|pieces| markup::plain(&pieces, room));
        let place = own.filter(|own| !own.is_empty()).unwrap_or_else(|| {
            let rule = Mrkdwn::line_within(&self.alert.rule, RULE_CHARS_MAX).then(&dot);
            let host = rule.then(&Mrkdwn::line_within(self.frame.host, HOST_CHARS_MAX));
            let event = self.alert.event.as_ref().filter(|_| self.alert.kind != Kind::Notice);
            let Some(event) = event else { return host };
            let host = host.then(&Mrkdwn::ours(":"));
            let place = event.file.as_ref().unwrap_or(&event.input);
            let room = room.saturating_sub(host.chars());
            host.then(&Mrkdwn::line_within(place, room))
        });
        place.then(&id)
    }
}

/// The named captures as short fields, in the pattern's order.
fn captured(captures: &Texts, value_chars_max: usize) -> Vec<Field> {
    let told = captures.iter().filter(|(_, value)| !value.is_empty()).take(FIELDS_MAX);
    told.map(|(name, value)| field(name, Mrkdwn::line_within(value, value_chars_max), true)).collect()
}

fn chars_of(field: &Field) -> usize {
    field.title.chars().count() + field.value.chars().count()
}

fn field(title: &str, value: Mrkdwn, short: bool) -> Field {
    Field { title: Mrkdwn::line_within(title, FIELD_TITLE_CHARS_MAX).into(), value: value.into(), short }
}
