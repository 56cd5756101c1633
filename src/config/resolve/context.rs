//! `context`: how many neighbouring lines a rule's messages show.

use crate::around::Reach;
use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Count, RawRule};
use crate::config::scalar::number::number;

pub(super) fn resolve(layers: &Layers<'_, RawRule>, report: &mut Report) -> Reach {
    let context = layers.map("context", |raw| &raw.context);
    let Some(place) = context.place() else { return Reach::default() };
    if !["before", "after"].iter().any(|key| context.means(key)) {
        let help = "write `{ before: 3, after: 3 }`, or one of the two";
        report.error(&place.key_span(), "`context` needs `before` or `after`").help(help);
    }
    let mut lines = |at: Option<At<'_, Count>>| {
        let lines = at.and_then(|at| number(at, 0..=Reach::LINES_MAX as u64, report));
        lines.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(0)
    };
    let before = lines(context.get("before", |raw| &raw.before));
    Reach { before, after: lines(context.get("after", |raw| &raw.after)) }
}
