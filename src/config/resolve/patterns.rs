//! `match` and `ignore`.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Named, OneOrMany, Text, TextOr};
use crate::config::scalar::name::texts;
use crate::config::scalar::regex::pattern;
use crate::line::parse::Parser;
use crate::rule::{Matcher, On, Pattern};

use super::fields::{Fields, Sight};

/// What a rule's `match` or `ignore` is written as.
pub(super) type RawMatchers = OneOrMany<TextOr<Named<Text>>>;

/// The matchers of a list, and whether all of it could be read.
pub(super) struct Patterns {
    pub(super) matchers: Vec<Matcher>,
    pub(super) complete: bool,
}

/// `fields`: those that an event has before a pattern is tried. `parsers`: of the inputs that the rule reads.
pub(super) fn resolve(
    at: Option<At<'_, RawMatchers>>,
    fields: &Fields<'_>,
    parsers: &[&Parser],
    size_max: usize,
    report: &mut Report,
) -> Patterns {
    let Some(at) = at else { return Patterns { matchers: Vec::new(), complete: true } };
    let json = parsers.iter().any(|parser| matches!(parser, Parser::Json));
    let matchers: Vec<Matcher> = texts(at)
        .filter_map(|item| match item.raw {
            TextOr::Text(text) => {
                let text = Text(text.clone());
                let at = At::new(&text, item.place);
                let part = pattern(at, On::Message, size_max, report)?;
                warn_of_json(&part, json, at, report);
                Some(Matcher { parts: vec![part] })
            }
            TextOr::Map(named) => by_field(At::new(named, item.place), fields, json, size_max, report),
        })
        .collect();
    let complete = matchers.len() == at.raw.items.len();
    Patterns { matchers, complete }
}

fn by_field(
    at: At<'_, Named<Text>>,
    fields: &Fields<'_>,
    json: bool,
    size_max: usize,
    report: &mut Report,
) -> Option<Matcher> {
    let Named(named) = at.raw;
    if named.is_empty() {
        let help = "write `{ level: ERROR }`";
        report.error(&at.place.value_span(), "patterns of no field").help(help);
    }
    let mut parts = Vec::new();
    for (name, text) in named {
        let place = at.place.key(name);
        fields.check_key(name, Sight::Event, place, report);
        let text = At::new(text, place);
        let part = pattern(text, On::field(name), size_max, report);
        parts.extend(part.inspect(|part| warn_of_json(part, json, text, report)));
    }
    (parts.len() == named.len() && !parts.is_empty()).then_some(Matcher { parts })
}

/// `"level":"error"` is never in the message of a JSON line.
fn warn_of_json(part: &Pattern, json: bool, at: At<'_, Text>, report: &mut Report) {
    if json && part.on == On::Message && part.as_str().contains("\":") {
        report
            .warning(&at.place.value_span(), "this pattern looks at the message, not at the JSON around it")
            .help("write `{ FIELD: REGEX }` for one of its fields, `{ line: REGEX }` for the line as it was read");
    }
}
