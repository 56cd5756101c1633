//! A word out of a few.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Text;
use crate::config::spelling::nearest;

/// What the word stands for among `choices`.
pub(in crate::config) fn choice<T: Copy>(
    at: At<'_, Text>,
    key: &str,
    choices: &[(&str, T)],
    report: &mut Report,
) -> Option<T> {
    let Text(word) = at.raw;
    if let Some((_, chosen)) = choices.iter().find(|(name, _)| name == word) {
        return Some(*chosen);
    }
    let names = || choices.iter().map(|(name, _)| *name);
    let diagnostic = report.error(&at.place.value_span(), format!("`{word}` is no `{key}`"));
    match nearest(word, names()) {
        Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
        None => {
            let list = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            diagnostic.help(format!("write {list}"))
        }
    };
    None
}
