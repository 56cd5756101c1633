//! A template over the fields of an alert.

use std::ops::Range;

use crate::config::diagnostic::Report;
use crate::config::source::Place;
use crate::message::template::Template;

/// A template that parses.
pub(in crate::config) fn template(text: &str, place: Place<'_>, report: &mut Report) -> Option<Template> {
    Template::parse(text)
        .map_err(|error| {
            let span = match error.range.clone() {
                Some(range) => place.inner_span(text, range),
                None => place.value_span(),
            };
            report.error(&span, "the template is wrong").label(error.message);
        })
        .ok()
}

/// Where a template reads the field `name`: the first place inside `{{ }}` or `{% %}`.
pub(in crate::config) fn reference_range(text: &str, name: &str) -> Option<Range<usize>> {
    super::expression::words(text, name).find(|range| {
        let before = &text[..range.start];
        let last = |marks: [&str; 2]| marks.iter().filter_map(|mark| before.rfind(mark)).max();
        last(["{{", "{%"]) > last(["}}", "%}"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_stands_in_braces() {
        let text = "ip {{ x.ip }} from {{ ip }}";
        assert_eq!(reference_range(text, "ip"), Some(22..24));
        assert_eq!(reference_range(text, "from"), None);
    }
}
