//! A colour: `good`, `warning`, `danger` or `"#rrggbb"`.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Text;
use crate::config::spelling::nearest;
use crate::rule::Color;

/// A colour.
pub(in crate::config) fn color(at: At<'_, Text>, report: &mut Report) -> Option<Color> {
    let Text(text) = at.raw;
    let color = Color::parse(text);
    if color.is_none() {
        let diagnostic = report.error(&at.place.value_span(), format!("`{text}` is no colour"));
        match nearest(text, ["good", "warning", "danger"]) {
            Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
            None => diagnostic.help("write `good`, `warning`, `danger`, or six hex digits as \"#8b0000\""),
        };
    }
    color
}
