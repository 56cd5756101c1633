//! `message` and `runbook`.

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Flag, RawField, RawMessage, RawRule, Text};
use crate::config::scalar::template::{reference_range, template};
use crate::config::source::Place;
use crate::message::template::Template;
use crate::rule::{FieldSpec, MessageSpec};

use super::fields::{Fields, Sight};

/// Slack shows no more fields, and `docs/message.md` allows none.
const FIELDS_MAX: usize = 10;

pub(super) fn resolve(layers: &Layers<'_, RawRule>, fields: &Fields<'_>, report: &mut Report) -> MessageSpec {
    let message = layers.map("message", |raw| &raw.message);
    let mut text = |key, field: fn(&RawMessage) -> &Option<Text>| {
        let at = message.get(key, field)?;
        checked(&at.raw.0, at.place, fields, report)
    };
    let spec = MessageSpec {
        title: text("title", |raw| &raw.title),
        text: text("text", |raw| &raw.text),
        pretext: text("pretext", |raw| &raw.pretext),
        footer: text("footer", |raw| &raw.footer),
        link: text("link", |raw| &raw.link),
        fields: None,
    };
    let table = message.get("fields", |raw| &raw.fields).map(|at| table(at, fields, report));
    MessageSpec { fields: table, ..spec }
}

fn table(at: At<'_, Vec<Option<RawField>>>, fields: &Fields<'_>, report: &mut Report) -> Vec<FieldSpec> {
    if at.raw.len() > FIELDS_MAX {
        let label = format!("{} of them; at most {FIELDS_MAX}", at.raw.len());
        report.error(&at.place.key_span(), "too many fields").label(label);
    }
    let rows = at.raw.iter().enumerate();
    rows.filter_map(|(index, row)| row.as_ref().map(|row| At::new(row, at.place.item(index))))
        .filter_map(|row| field(row, fields, report))
        .collect()
}

fn field(at: At<'_, RawField>, fields: &Fields<'_>, report: &mut Report) -> Option<FieldSpec> {
    for key in ["title", "value"] {
        if !at.place.means(key) {
            let help = "write `{ title: User, value: \"{{ user }}\", short: true }`";
            report.error(&at.place.value_span(), format!("a field needs `{key}`")).help(help);
        }
    }
    let value = at.get("value", |raw| &raw.value)?;
    let value = checked(&value.raw.text, value.place, fields, report);
    let title = at.raw.title.as_ref()?.text.clone();
    Some(FieldSpec { title, value: value?, short: at.raw.short.is_some_and(|Flag(short)| short) })
}

/// A template that parses and reads only what the rule has.
fn checked(text: &str, place: Place<'_>, fields: &Fields<'_>, report: &mut Report) -> Option<Template> {
    let template = template(text, place, report)?;
    for reference in template.references() {
        let range = reference_range(text, &reference);
        fields.check(&reference, Sight::Alert, place, text, range, report);
    }
    Some(template)
}
