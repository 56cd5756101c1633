//! A duration: `500ms`, `10s`, `5m`, `1h30m`, `2d`.

use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Scalar;
use crate::time::{DurationError, parse_duration};

/// A duration longer than nothing.
pub(in crate::config) fn duration(at: At<'_, Scalar>, report: &mut Report) -> Option<Duration> {
    let duration = duration_or_zero(at, report)?;
    if duration.is_zero() {
        report.error(&at.place.value_span(), "a duration of nothing").label("must be longer than 0");
        return None;
    }
    Some(duration)
}

/// A duration, which may be nothing.
pub(in crate::config) fn duration_or_zero(at: At<'_, Scalar>, report: &mut Report) -> Option<Duration> {
    let text = at.raw.text.trim();
    let error = match parse_duration(text) {
        Ok(duration) => return Some(duration),
        Err(error) => error,
    };
    let diagnostic = report.error(&at.place.value_span(), error.to_string());
    match error {
        DurationError::NoUnit => diagnostic.label(format!("did you mean `{text}s`?")),
        DurationError::UnknownUnit(_) | DurationError::Malformed => {
            diagnostic.help("write it as `500ms`, `10s`, `5m`, `1h30m` or `2d`")
        }
        DurationError::TooLong => diagnostic,
    };
    None
}
