//! An expression over the fields of an event.

use std::ops::Range;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Text;
use crate::expr::Expr;

/// An expression that parses.
pub(in crate::config) fn expression(at: At<'_, Text>, report: &mut Report) -> Option<Expr> {
    let Text(text) = at.raw;
    Expr::parse(text)
        .map_err(|error| {
            let span = match error.range.clone() {
                Some(range) => at.place.inner_span(text, range),
                None => at.place.value_span(),
            };
            report.error(&span, "the expression is wrong").label(error.message);
        })
        .ok()
}

/// Where an expression reads the field `name`.
pub(in crate::config) fn reference_range(text: &str, name: &str) -> Option<Range<usize>> {
    words(text, name).next()
}

/// The places of `name` in `text` that are no part of a longer name.
pub(super) fn words<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).map(|(start, found)| start..start + found.len()).filter(move |range| {
        !text[..range.start].ends_with(|c: char| part(c) || c == '.') && !text[range.end..].starts_with(part)
    })
}
