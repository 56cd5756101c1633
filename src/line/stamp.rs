//! The time that a line begins with: RFC 3339 and its looser forms, syslog, common log, or seconds since 1970.
//!
//! It is looked at for each line that is replayed, so it is read digit by digit and costs no allocation.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::time::Time;

/// How far into a line a time in brackets is looked for: an address, an identity and a user stand before it.
const BRACKET_BYTES_MAX: usize = 200;

/// A time without a year is taken for one of the last twelve months; clocks that run ahead by less are no reason to
/// think that it is of a year ago.
const AHEAD_SECS_MAX: i64 = 86_400;

/// Seconds since 1970 lie in this range, 2001 to 2100; another number of as many digits is something else.
const EPOCH_SECS: std::ops::Range<i64> = 1_000_000_000..4_102_444_800;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// The time at the beginning of `line`. Where it names no zone it is of `zone`, where it names no year the last before
/// `near`.
pub fn stamp(line: &[u8], near: Time, zone: &TimeZone) -> Option<Time> {
    let line = line.get(..line.len().min(BRACKET_BYTES_MAX))?.trim_ascii_start();
    // The priority of a syslog line stands before its time.
    let line = priority(line).unwrap_or(line);
    let open = line.strip_prefix(b"[").unwrap_or(line);
    match open.first()? {
        b'0'..=b'9' => iso(open, zone).or_else(|| epoch(open)).or_else(|| common(line)),
        b'A'..=b'Z' => syslog(open, near, zone).or_else(|| with_weekday(open, zone)).or_else(|| common(line)),
        _ => common(line),
    }
}

fn priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = rest[digits..].strip_prefix(b">").filter(|_| digits > 0)?;
    // RFC 5424 has a version there.
    Some(rest.strip_prefix(b"1 ").unwrap_or(rest))
}

/// `2026-03-29T01:30:00.5+01:00`, also with a space, slashes, a comma, without a zone.
fn iso(text: &[u8], zone: &TimeZone) -> Option<Time> {
    let mut text = Text(text);
    let year = text.number(4)?;
    let separator = text.one(b"-/")?;
    let month = text.number(2)?;
    text.one(&[separator])?;
    let day = text.number(2)?;
    text.one(b"T t_")?;
    let clock = clock(&mut text)?;
    let nanos = text.fraction();
    let rest = text.0.strip_prefix(b" ").unwrap_or(text.0);
    let at = DateTime::new(year, month as i8, day as i8, clock.0, clock.1, clock.2, nanos).ok()?;
    match offset(rest) {
        Some(offset) => instant(offset.to_timestamp(at).ok()?),
        None if text.ends() => instant(zone.to_timestamp(at).ok()?),
        None => None,
    }
}

/// `Dec 10 06:55:46`, perhaps with the year behind it.
fn syslog(text: &[u8], near: Time, zone: &TimeZone) -> Option<Time> {
    let mut text = Text(text);
    let (month, day, clock) = month_day_clock(&mut text)?;
    let nanos = text.fraction();
    if !text.ends() {
        return None;
    }
    let near_stamp = jiff::Timestamp::from_second(near.as_secs()).ok()?;
    let this_year = near_stamp.to_zoned_datetime(zone.clone()).year();
    // The 29th of February is in one of the last eight years.
    (0..=8).find_map(|back| {
        let at = DateTime::new(this_year - back, month, day, clock.0, clock.1, clock.2, nanos).ok()?;
        let time = instant(zone.to_timestamp(at).ok()?)?;
        (time.as_secs() <= near.as_secs() + AHEAD_SECS_MAX).then_some(time)
    })
}

/// `Sun Dec 04 04:47:44 2005`, as C's `ctime` and Apache write it.
fn with_weekday(text: &[u8], zone: &TimeZone) -> Option<Time> {
    let mut text = Text(text.get(3..)?);
    text.one(b" ")?;
    let (month, day, clock) = month_day_clock(&mut text)?;
    let nanos = text.fraction();
    text.one(b" ")?;
    let year = text.number(4).filter(|_| text.ends())?;
    let at = DateTime::new(year, month, day, clock.0, clock.1, clock.2, nanos).ok()?;
    instant(zone.to_timestamp(at).ok()?)
}

/// `[10/Oct/2026:13:55:36 +0200]`, wherever its bracket opens.
fn common(line: &[u8]) -> Option<Time> {
    let at = memchr::memchr(b'[', line)?;
    let mut text = Text(&line[at + 1..]);
    let day = text.number(2)?;
    text.one(b"/")?;
    let month = text.month()?;
    text.one(b"/")?;
    let year = text.number(4)?;
    text.one(b":")?;
    let clock = clock(&mut text)?;
    let nanos = text.fraction();
    text.one(b" ")?;
    let at = DateTime::new(year, month, day as i8, clock.0, clock.1, clock.2, nanos).ok()?;
    instant(offset(text.0)?.to_timestamp(at).ok()?)
}

/// `1767225600`, also with a fraction, or as milli-, micro- or nanoseconds.
fn epoch(text: &[u8]) -> Option<Time> {
    let mut rest = Text(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole: i64 = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    rest.0 = &text[digits..];
    let per_second = match digits {
        10 => 1,
        13 => 1_000,
        16 => 1_000_000,
        19 => 1_000_000_000,
        _ => return None,
    };
    let nanos = if digits == 10 { i64::from(rest.fraction()) } else { 0 };
    if !rest.ends() || !EPOCH_SECS.contains(&(whole / per_second)) {
        return None;
    }
    Some(Time::from_nanos(whole * (1_000_000_000 / per_second) + nanos))
}

fn month_day_clock(text: &mut Text<'_>) -> Option<(i8, i8, (i8, i8, i8))> {
    let month = text.month()?;
    text.one(b" ")?;
    let padded = text.one(b" ").is_some();
    let day = if padded { text.number(1)? } else { text.number(2).or_else(|| text.number(1))? };
    text.one(b" ")?;
    Some((month, day as i8, clock(text)?))
}

/// `06:55:46`; a leap second is the one before it.
fn clock(text: &mut Text<'_>) -> Option<(i8, i8, i8)> {
    let hour = text.number(2)?;
    text.one(b":")?;
    let minute = text.number(2)?;
    text.one(b":")?;
    Some((hour as i8, minute as i8, text.number(2)?.min(59) as i8))
}

/// `Z`, `+01:00`, `+0100`, `+01`, at the beginning of `text`.
fn offset(text: &[u8]) -> Option<Offset> {
    let mut text = Text(text);
    if text.one(b"Zz").is_some() {
        return text.ends().then_some(Offset::UTC);
    }
    let sign = if text.one(b"+-")? == b'-' { -1 } else { 1 };
    let hours = text.number(2)?;
    let _ = text.one(b":");
    let minutes = text.number(2).unwrap_or(0);
    let seconds = sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60);
    text.ends().then(|| Offset::from_seconds(seconds).ok())?
}

fn instant(stamp: jiff::Timestamp) -> Option<Time> {
    i64::try_from(stamp.as_nanosecond()).ok().map(Time::from_nanos)
}

/// What is left to read.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let number = self.0.get(..digits)?.iter().try_fold(0i16, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0'))
        })?;
        self.0 = &self.0[digits..];
        Some(number)
    }

    /// One byte of `these`.
    fn one(&mut self, these: &[u8]) -> Option<u8> {
        let byte = *self.0.first().filter(|byte| these.contains(byte))?;
        self.0 = &self.0[1..];
        Some(byte)
    }

    /// `Jan` to `Dec`.
    fn month(&mut self) -> Option<i8> {
        let name = self.0.get(..3)?;
        let place = MONTHS.iter().position(|month| month.as_slice() == name)?;
        self.0 = &self.0[3..];
        i8::try_from(place + 1).ok()
    }

    /// `.978` or `,978` in nanoseconds; what is finer is cut off.
    fn fraction(&mut self) -> i32 {
        let Some(rest) = self.0.strip_prefix(b".").or_else(|| self.0.strip_prefix(b",")) else { return 0 };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            self.0 = &rest[digits..];
        }
        let nine =
            (0..9).map(|place| rest.get(place).filter(|_| place < digits).map_or(0, |byte| byte - b'0'));
        nine.fold(0, |number, digit| number * 10 + i32::from(digit))
    }

    /// What was read doesn't go on as a word or a number.
    fn ends(&self) -> bool {
        !self.0.first().is_some_and(u8::is_ascii_alphanumeric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-25T12:00:00Z.
    const NEAR: Time = Time::from_secs(1_795_608_000);

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        let read = stamp(line.as_bytes(), NEAR, &berlin());
        assert_eq!(read, expected.map(|text| Time::parse_rfc3339(text).unwrap()), "{line}");
    }

    #[test]
    fn lines_begin_with_their_time() {
        for (line, expected) in [
            ("2026-03-29T01:30:00+01:00 x", "2026-03-29T01:30:00+01:00"),
            ("2026-03-29T01:30:00.25Z x", "2026-03-29T01:30:00.25Z"),
            ("2026-03-29 01:30:00 x", "2026-03-29T01:30:00+01:00"),
            ("2015-10-18 18:01:47,978 INFO [main]", "2015-10-18T18:01:47.978+02:00"),
            ("2026/03/29 03:30:00 [error] 7#7: x", "2026-03-29T03:30:00+02:00"),
            ("2026-03-29 01:30:00 -0500 x", "2026-03-29T01:30:00-05:00"),
            ("[2026-03-29T01:30:00Z] x", "2026-03-29T01:30:00Z"),
            ("  2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"),
            ("<34>1 2026-03-29T01:30:00.123456789Z host app - - x", "2026-03-29T01:30:00.123456789Z"),
            ("<13>Nov  5 10:00:00 host x", "2026-11-05T10:00:00+01:00"),
            ("Nov 25 12:30:00 host x", "2026-11-25T12:30:00+01:00"),
            ("Nov 26 12:30:00 host x", "2026-11-26T12:30:00+01:00"),
            ("Dec 10 06:55:46 LabSZ sshd[24200]: x", "2025-12-10T06:55:46+01:00"),
            ("Feb 29 10:00:00 host x", "2024-02-29T10:00:00+01:00"),
            ("[Sun Dec 04 04:47:44 2005] [notice] x", "2005-12-04T04:47:44+01:00"),
            ("[Sun Dec 04 04:47:44.123456 2005] [notice] x", "2005-12-04T04:47:44.123456+01:00"),
            ("10.0.0.1 - bob [10/Oct/2026:13:55:36 -0700] \"GET /\" 200", "2026-10-10T13:55:36-07:00"),
            ("1767225600 x", "2026-01-01T00:00:00Z"),
            ("1767225600.5 x", "2026-01-01T00:00:00.5Z"),
            ("1767225600250: x", "2026-01-01T00:00:00.25Z"),
            ("1767225600250000 x", "2026-01-01T00:00:00.25Z"),
            ("1767225600250000001 x", "2026-01-01T00:00:00.250000001Z"),
        ] {
            check(line, Some(expected));
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for line in [
            "",
            "ready",
            "at 2026-03-29T01:30:00Z",
            "2026-03-29T01:30:00Zulu",
            "2026-03-29",
            "2026-13-29T01:30:00Z",
            "2026-02-30T01:30:00Z",
            "Foo 10 06:55:46 x",
            "Nov 31 06:55:46 x",
            "1767225600abc",
            "9999999999 x",
            "17672256001 x",
            "[info] x",
            "[10/Oct/2026] x",
        ] {
            check(line, None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = stamp(&line, NEAR, &berlin());
        }

        #[test]
        fn what_is_written_is_read(nanos in 0i64..4_000_000_000_000_000_000, style in 0usize..3) {
            let zone = berlin();
            let zoned = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap().to_zoned_datetime(zone.clone());
            let (format, unit) = [
                ("%Y-%m-%dT%H:%M:%S%.f%:z", 1),
                ("%Y-%m-%d %H:%M:%S%.3f %z x", 1_000_000),
                ("h - - [%d/%b/%Y:%H:%M:%S %z] x", 1_000_000_000),
            ][style];
            let text = zoned.strftime(format).to_string();
            let whole = nanos.div_euclid(unit) * unit;
            prop_assert_eq!(stamp(text.as_bytes(), NEAR, &zone), Some(Time::from_nanos(whole)), "{}", text);
        }
    }
}
