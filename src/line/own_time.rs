//! A line's own time: where `time` says that it is read.

use std::sync::Arc;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::stamp::stamp;
use crate::event::Parse;
use crate::fields::lookup;
use crate::time::Time;

/// Under these names a parsed line has its time, the first that can be read.
const TIMES: [&str; 4] = ["time", "ts", "timestamp", "@timestamp"];

/// A time without a year may be so far ahead of the clock before it is taken for one of a year ago, in seconds.
const AHEAD_SECS_MAX: i64 = 86_400;

/// Where an event's own time is read.
#[derive(Debug, Clone)]
pub enum TimeSpec {
    /// From the parser's field of a usual name, else from the line's beginning. What names no zone is of this one.
    Auto(TimeZone),
    /// Nowhere: the time is when the line was read.
    Read,
    /// From one field alone.
    Field(TimeField),
}

/// A field that has the time.
#[derive(Debug, Clone)]
pub struct TimeField {
    /// `line`, `message`, or a parsed one by its path.
    pub name: Arc<str>,
    /// How it is written, in the letters of `strptime`; `None`: in one of the usual ways.
    pub format: Option<Arc<str>>,
    /// Of what names none.
    pub zone: TimeZone,
}

impl Default for TimeSpec {
    fn default() -> Self {
        Self::Auto(TimeZone::system())
    }
}

impl TimeSpec {
    /// The event's own time; a year that is not written is chosen so that the time is the last one before `now`.
    pub fn own(&self, line: &[u8], parse: &Parse, now: Time) -> Option<Time> {
        match self {
            Self::Read => None,
            Self::Auto(zone) => {
                let usual = match parse {
                    Parse::Fields(parsed) => {
                        TIMES.iter().find_map(|name| of_value(parsed.fields.get(*name)?, now, zone))
                    }
                    Parse::Text | Parse::Failed => None,
                };
                usual.or_else(|| stamp(line, now, zone))
            }
            Self::Field(field) => field.own(line, parse, now),
        }
    }
}

impl TimeField {
    fn own(&self, line: &[u8], parse: &Parse, now: Time) -> Option<Time> {
        let text = match (&*self.name, parse) {
            ("line", _) | ("message", Parse::Text | Parse::Failed) => String::from_utf8_lossy(line),
            ("message", Parse::Fields(parsed)) => {
                String::from_utf8_lossy(parsed.message.as_deref().unwrap_or(line))
            }
            (path, Parse::Fields(parsed)) => match lookup(&parsed.fields, path)? {
                Value::String(text) => text.into(),
                Value::Number(number) => number.to_string().into(),
                _ => return None,
            },
            _ => return None,
        };
        match &self.format {
            Some(format) => by_format(text.trim_start(), format, now, &self.zone),
            None => stamp(text.as_bytes(), now, &self.zone),
        }
    }
}

fn of_value(value: &Value, now: Time, zone: &TimeZone) -> Option<Time> {
    match value {
        Value::String(text) => stamp(text.as_bytes(), now, zone),
        Value::Number(number) => stamp(number.to_string().as_bytes(), now, zone),
        _ => None,
    }
}

/// The time at the beginning of `text`, written as `format` says.
pub fn by_format(text: &str, format: &str, now: Time, zone: &TimeZone) -> Option<Time> {
    let (mut parts, _) = BrokenDownTime::parse_prefix(format, text).ok()?;
    if let Ok(stamp) = parts.to_timestamp() {
        return instant(stamp);
    }
    if parts.year().is_some() {
        return instant(zone.to_timestamp(parts.to_datetime().ok()?).ok()?);
    }
    let this_year = jiff::Timestamp::from_second(now.as_secs() + AHEAD_SECS_MAX).ok()?;
    let this_year = this_year.to_zoned_datetime(zone.clone()).year();
    // The 29th of February is in one of the last eight years.
    (0..=8).find_map(|back| {
        parts.set_year(Some(this_year - back)).ok()?;
        let time = match parts.to_timestamp() {
            Ok(stamp) => instant(stamp)?,
            Err(_) => instant(zone.to_timestamp(parts.to_datetime().ok()?).ok()?)?,
        };
        (time.as_secs() <= now.as_secs() + AHEAD_SECS_MAX).then_some(time)
    })
}

fn instant(stamp: jiff::Timestamp) -> Option<Time> {
    i64::try_from(stamp.as_nanosecond()).ok().map(Time::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LineSpec;
    use crate::line::parse::Parser;

    /// 2026-11-25T12:00:00Z.
    const NOW: Time = Time::from_secs(1_795_608_000);

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    #[track_caller]
    fn check(parser: Parser, time: TimeSpec, line: &str, expected: Option<&str>) {
        let spec = LineSpec { parser, time, ..LineSpec::default() };
        let own = spec.own_time(line.as_bytes(), NOW);
        assert_eq!(own, expected.map(|text| Time::parse_rfc3339(text).unwrap()), "{line}");
    }

    #[test]
    fn a_parsed_line_has_its_time_in_a_field() {
        let auto = || TimeSpec::Auto(berlin());
        for (line, expected) in [
            (r#"{"time":"2026-03-29T01:30:00Z"}"#, Some("2026-03-29T01:30:00Z")),
            (r#"{"time":1767225600250,"level":30}"#, Some("2026-01-01T00:00:00.25Z")),
            (r#"{"ts":1767225600.5}"#, Some("2026-01-01T00:00:00.5Z")),
            (r#"{"@timestamp":"2026-03-29 03:30:00.5"}"#, Some("2026-03-29T03:30:00.5+02:00")),
            (r#"{"time":"12ms","timestamp":"2026-03-29T01:30:00Z"}"#, Some("2026-03-29T01:30:00Z")),
            (r#"{"time":17,"ts":null}"#, None),
            ("2026-03-29T01:30:00Z no JSON", Some("2026-03-29T01:30:00Z")),
        ] {
            check(Parser::Json, auto(), line, expected);
        }
        check(Parser::Logfmt, auto(), "ts=2026-03-29T01:30:00Z a=b", Some("2026-03-29T01:30:00Z"));
        let line = r#"10.0.0.1 - - [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 1"#;
        check(Parser::Clf, auto(), line, Some("2026-10-10T13:55:36-07:00"));
        check(Parser::Text, TimeSpec::Read, line, None);
    }

    #[test]
    fn a_field_has_its_format_and_its_zone() {
        let field = |name: &str, format: Option<&str>| {
            TimeSpec::Field(TimeField { name: name.into(), format: format.map(Into::into), zone: berlin() })
        };
        for (format, line, expected) in [
            (
                Some("%d/%b/%Y:%H:%M:%S %z"),
                r#"{"at":{"x":"10/Oct/2026:13:55:36 -0700"}}"#,
                "2026-10-10T13:55:36-07:00",
            ),
            (Some("%d.%m.%Y %H:%M"), r#"{"at":{"x":"10.10.2026 13:55"}}"#, "2026-10-10T13:55:00+02:00"),
            (Some("%s"), r#"{"at":{"x":1767225600}}"#, "2026-01-01T00:00:00Z"),
            (None, r#"{"at":{"x":"2026-10-10 13:55:00"}}"#, "2026-10-10T13:55:00+02:00"),
        ] {
            check(Parser::Json, field("at.x", format), line, Some(expected));
        }
        check(Parser::Json, field("at.x", None), r#"{"time":"2026-10-10 13:55:00"}"#, None);
        let format = Some("%b %d %H.%M");
        check(Parser::Text, field("line", format), "Nov 25 12.30 up", Some("2026-11-25T12:30:00+01:00"));
        check(Parser::Text, field("line", format), "Nov 27 12.30 up", Some("2025-11-27T12:30:00+01:00"));
        check(Parser::Text, field("line", format), "Feb 29 12.30 up", Some("2024-02-29T12:30:00+01:00"));
        check(Parser::Text, field("line", format), "up", None);
    }
}
