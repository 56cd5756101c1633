//! Labels: names with single values, taken as text.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Named, Scalar};
use crate::event::{RESERVED, Texts};

/// Labels in the order of the file.
pub(in crate::config) fn labels(at: At<'_, Named<Scalar>>, report: &mut Report) -> Texts {
    let Named(entries) = at.raw;
    let mut labels = Texts::new();
    for (name, value) in entries {
        let place = at.place.key(name);
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is a reserved name: every event has a field of that name");
            report.error(&place.key_span(), message).label("choose another");
            continue;
        }
        // `version: 1.10` is a number to YAML, and would become `1.1`; a label is what is written.
        let spelled = place.spelled();
        let text =
            if value.number && !spelled.contains('$') && !spelled.is_empty() { spelled } else { &value.text };
        labels.push((Arc::from(name.as_str()), Arc::from(text)));
    }
    labels
}
