//! Instants and the two ways of writing durations: as configuration text (`1h30m`) and as a person reads them.
//!
//! No clock is read here: an instant always comes in from outside.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since the Unix epoch, before it negative. Good from 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch; clamped to what nanoseconds can hold.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// How long it is since `earlier`; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The time of day in the machine's time zone, as `17:33:32`; with the date in front where that is not `today`'s.
    pub fn to_time_of_day(self, today: Self) -> String {
        let in_zone = |time: Self| {
            let stamp = jiff::Timestamp::from_nanosecond(i128::from(time.0)).ok()?;
            Some(stamp.to_zoned_datetime(jiff::tz::TimeZone::system()))
        };
        let Some(zoned) = in_zone(self) else { return self.0.to_string() };
        let is_today = in_zone(today).is_some_and(|today| today.date() == zoned.date());
        zoned.strftime(if is_today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
    }

    /// Reads RFC 3339 text, with its zone: `2026-03-29T01:30:00+01:00`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.trim().parse().ok()?;
        i64::try_from(stamp.as_nanosecond()).ok().map(Self)
    }

    /// Reads a day, a day and a time of day in the machine's time zone, or RFC 3339 text.
    pub fn parse_local(text: &str) -> Option<Self> {
        if let Some(time) = Self::parse_rfc3339(text) {
            return Some(time);
        }
        let civil: jiff::civil::DateTime = text.trim().parse().ok()?;
        let stamp = jiff::tz::TimeZone::system().to_timestamp(civil).ok()?;
        i64::try_from(stamp.as_nanosecond()).ok().map(Self)
    }

    /// RFC 3339 text in the machine's time zone, with as many digits as it takes.
    pub fn to_rfc3339_exact(self) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).map_or_else(
            |_| self.0.to_string(),
            |stamp| {
                let zoned = stamp.to_zoned_datetime(jiff::tz::TimeZone::system());
                zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
            },
        )
    }

    /// RFC 3339 text in the machine's time zone, to the second.
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).map_or_else(
            |_| self.0.to_string(),
            |stamp| {
                stamp
                    .to_zoned_datetime(jiff::tz::TimeZone::system())
                    .strftime("%Y-%m-%dT%H:%M:%S%:z")
                    .to_string()
            },
        )
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(later.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(earlier.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit.
    #[error("a duration needs a unit")]
    NoUnit,
    /// A unit that is not one of `ms`, `s`, `m`, `h`, `d`.
    #[error("`{0}` is no unit of time")]
    UnknownUnit(String),
    /// Anything else.
    #[error("not a duration")]
    Malformed,
    /// More than 100 years.
    #[error("longer than 100 years")]
    TooLong,
}

/// The longest duration that a configuration can name, so that sums with instants stay in range.
const DURATION_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Reads a duration as the configuration spells it: `500ms`, `10s`, `5m`, `1h30m`, `2d`; whole numbers only.
///
/// # Errors
/// A number without a unit, an unknown unit, anything that is not a row of number and unit, or over 100 years.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Malformed);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit_len = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        if digits == 0 {
            return Err(DurationError::Malformed);
        }
        let number = u64::from_str(&rest[..digits]).map_err(|_| DurationError::TooLong)?;
        let unit = &rest[digits..digits + unit_len];
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" if digits == rest.len() => return Err(DurationError::NoUnit),
            "" => return Err(DurationError::Malformed),
            other => return Err(DurationError::UnknownUnit(other.to_owned())),
        };
        let part = number.checked_mul(millis).map(Duration::from_millis).ok_or(DurationError::TooLong)?;
        total = total.checked_add(part).filter(|sum| *sum <= DURATION_MAX).ok_or(DurationError::TooLong)?;
        rest = &rest[digits + unit_len..];
    }
    Ok(total)
}

/// A duration for a person: the two largest units (`1h 30m`), or one with a decimal below ten seconds (`2.5s`).
#[derive(Debug, Clone, Copy)]
pub struct Human(pub Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis < 1_000 {
            return if millis == 0 { f.write_str("0s") } else { write!(f, "{millis}ms") };
        }
        let secs = self.0.as_secs();
        if secs < 10 && millis % 1_000 >= 100 {
            return write!(f, "{secs}.{}s", millis % 1_000 / 100);
        }
        let parts = [(secs / 86_400, "d"), (secs / 3_600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
        let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(parts.len() - 1);
        write!(f, "{}{}", parts[first].0, parts[first].1)?;
        match parts.get(first + 1) {
            Some((n, unit)) if *n > 0 => write!(f, " {n}{unit}"),
            _ => Ok(()),
        }
    }
}

/// A duration as the configuration would spell it: `1h30m`, exact to the millisecond.
#[derive(Debug, Clone, Copy)]
pub struct Spelled(pub Duration);

impl fmt::Display for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_the_configuration_spells_them() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_duration("10"), Err(DurationError::NoUnit));
        assert_eq!(parse_duration("5 minutes"), Err(DurationError::Malformed));
        assert_eq!(parse_duration("5w"), Err(DurationError::UnknownUnit("w".into())));
        assert_eq!(parse_duration("-5m"), Err(DurationError::Malformed));
        assert_eq!(parse_duration("99999999d"), Err(DurationError::TooLong));
        assert_eq!(parse_duration(""), Err(DurationError::Malformed));
    }

    #[test]
    fn what_is_spelled_reads_back() {
        for millis in [0, 1, 999, 1_000, 61_000, 5_400_000, 90_061_001] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&Spelled(duration).to_string()), Ok(duration));
        }
    }

    #[test]
    fn a_time_of_another_day_has_its_date() {
        let time = Time::from_secs(1_795_470_000);
        let short = time.to_time_of_day(time);
        assert_eq!(short.len(), "17:33:32".len());
        let long = time.to_time_of_day(time + Duration::from_secs(86_400));
        assert!(long.len() == "2026-11-23 17:33:32".len() && long.ends_with(&short), "{long}");
    }

    #[test]
    fn people_read_two_units() {
        for (millis, text) in [
            (0, "0s"),
            (20, "20ms"),
            (2_500, "2.5s"),
            (10_900, "10s"),
            (60_000, "1m"),
            (5_400_000, "1h 30m"),
            (86_400_000, "1d"),
            (90_000_000, "1d 1h"),
        ] {
            assert_eq!(Human(Duration::from_millis(millis)).to_string(), text);
        }
    }
}
