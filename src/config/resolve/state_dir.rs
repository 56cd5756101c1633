//! `state_dir`.

use std::path::PathBuf;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Text;

pub(super) fn resolve(at: Option<At<'_, Text>>, report: &mut Report) -> Option<PathBuf> {
    let at = at?;
    let Text(text) = at.raw;
    let span = at.place.value_span();
    match text.trim() {
        "" => {
            report.error(&span, "an empty path");
            None
        }
        "none" => {
            let help = "`--state-dir none` keeps state in memory; a directory of that name is `./none`";
            report.error(&span, "`none` is no directory").help(help);
            None
        }
        _ => Some(at.place.source.base.join(text)),
    }
}
