//! When somebody is there: days and hours on the clock of a time zone. No I/O, no clock.
//!
//! What counts is what a clock on the wall shows. Hours that the wall clock skips when it is put forward don't happen;
//! hours that it shows twice when it is put back happen twice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::time::Time;

const DAY_SECS: i64 = 86_400;

/// How far a change is looked for. A week repeats itself, but for one in which the clock is put forward or back.
const LOOK_AHEAD: Duration = Duration::from_secs(21 * 86_400);

/// A named schedule of the configuration: active where one of its hours is.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub name: Arc<str>,
    /// Never empty.
    pub hours: Vec<Hours>,
}

impl Schedule {
    /// Whether it holds at `time`.
    pub fn is_active(&self, time: Time) -> bool {
        self.hours.iter().any(|hours| hours.is_active(time))
    }

    /// The first instant after `after` at which it begins or ends to hold; `None` where it does neither within three
    /// weeks.
    pub fn next_change(&self, after: Time) -> Option<Time> {
        let active = self.is_active(after);
        let mut time = after;
        while time < after + LOOK_AHEAD {
            time = self.hours.iter().map(|hours| hours.next_edge(time)).min()?;
            if self.is_active(time) != active {
                return Some(time);
            }
        }
        None
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, hours) in self.hours.iter().enumerate() {
            if number > 0 {
                f.write_str(" or ")?;
            }
            write!(f, "{hours}")?;
        }
        Ok(())
    }
}

/// Hours of some days of each week, in one time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    /// The days on which they begin.
    pub days: Days,
    /// Minutes from midnight, less than a day's.
    pub from: u16,
    /// Minutes from midnight, at most a day's. Not more than `from`: they end on the day after.
    pub to: u16,
    /// Whose wall clock counts.
    pub zone: TimeZone,
}

impl Hours {
    /// Minutes of a day.
    pub const DAY: u16 = 1_440;

    fn is_active(&self, time: Time) -> bool {
        let local = self.local(time);
        let (day, second) = (local.div_euclid(DAY_SECS), local.rem_euclid(DAY_SECS));
        let (from, to) = (i64::from(self.from) * 60, i64::from(self.to) * 60);
        if from < to {
            return self.days.holds(weekday(day)) && (from..to).contains(&second);
        }
        self.days.holds(weekday(day)) && second >= from || self.days.holds(weekday(day - 1)) && second < to
    }

    /// The next instant after `time` at which the wall clock reaches the beginning, the end or midnight, or is moved.
    fn next_edge(&self, time: Time) -> Time {
        let stamp = stamp(time);
        let second = self.local(time).rem_euclid(DAY_SECS);
        let ahead = [i64::from(self.from) * 60, i64::from(self.to) * 60, DAY_SECS]
            .into_iter()
            .filter(|edge| *edge > second)
            .min()
            .unwrap_or(DAY_SECS);
        let edge = Time::from_secs(time.as_secs() + ahead - second);
        let moved = self.zone.following(stamp).next();
        let moved = moved.map(|transition| Time::from_secs(transition.timestamp().as_second()));
        moved.map_or(edge, |moved| moved.min(edge))
    }

    /// Seconds since 1970 on the wall clock.
    fn local(&self, time: Time) -> i64 {
        time.as_secs() + i64::from(self.zone.to_offset(stamp(time)).seconds())
    }
}

fn stamp(time: Time) -> Timestamp {
    Timestamp::from_second(time.as_secs()).expect("an instant in nanoseconds is within jiff's range")
}

/// Of the day `day` days after 1970-01-01, which was a Thursday.
fn weekday(day: i64) -> Weekday {
    let from_monday = (day + 3).rem_euclid(7) as i8;
    Weekday::from_monday_zero_offset(from_monday).expect("0 to 6")
}

impl fmt::Display for Hours {
    /// As the configuration would spell it: `mon-fri 09:00-18:00 Europe/Berlin`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.days)?;
        if (self.from, self.to) != (0, Self::DAY) {
            let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            write!(f, " {}-{}", clock(self.from), clock(self.to))?;
        }
        match self.zone.iana_name() {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

/// Some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

/// Their names, Monday first.
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Days {
    /// No day.
    pub const NONE: Self = Self(0);
    /// Each day.
    pub const ALL: Self = Self(0b111_1111);

    /// Reads `mon`, `mon-fri`, `fri-mon`, or several of these with commas.
    ///
    /// # Errors
    /// The part that names no day.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut days = Self::NONE;
        for part in text.split(',').map(str::trim) {
            let number = |name: &str| number(name).ok_or_else(|| name.trim().to_owned());
            match part.split_once('-') {
                None => days = days.with(number(part)?),
                Some((first, last)) => {
                    let (first, last) = (number(first)?, number(last)?);
                    let len = (last + 7 - first) % 7;
                    days = (first..=first + len).fold(days, |days, day| days.with(day % 7));
                }
            }
        }
        Ok(days)
    }

    /// With all days of `other`.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn with(self, day: u8) -> Self {
        Self(self.0 | 1 << day)
    }

    fn holds(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

/// 0 is Monday.
fn number(name: &str) -> Option<u8> {
    let name = name.trim().to_lowercase();
    let place = NAMES.iter().position(|known| *known == name);
    let place = place.or_else(|| LONG_NAMES.iter().position(|known| *known == name));
    place.and_then(|place| u8::try_from(place).ok())
}

impl fmt::Display for Days {
    /// `mon-fri`, `mon,wed-fri`, `every day`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("every day");
        }
        let holds = |day: usize| self.0 & 1 << (day % 7) != 0;
        // A run that goes over Sunday begins before it.
        let starts = (0..7).filter(|day| holds(*day) && !holds(day + 6));
        let runs: Vec<String> = starts
            .map(|first| {
                let len = (0..7).take_while(|after| holds(first + after)).count();
                let last = NAMES[(first + len - 1) % 7];
                match len {
                    1 => last.to_owned(),
                    _ => format!("{}-{last}", NAMES[first]),
                }
            })
            .collect();
        f.write_str(&runs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hours(days: &str, from: u16, to: u16, zone: &str) -> Hours {
        Hours { days: Days::parse(days).unwrap(), from, to, zone: TimeZone::get(zone).unwrap() }
    }

    fn schedule(hours: Vec<Hours>) -> Schedule {
        Schedule { name: "work".into(), hours }
    }

    fn time(text: &str) -> Time {
        Time::from_secs(text.parse::<Timestamp>().unwrap().as_second())
    }

    #[test]
    fn days_are_lists_and_ranges_also_over_sunday() {
        for (text, shown) in [
            ("mon-fri", "mon-fri"),
            ("mon,wed-fri", "mon,wed-fri"),
            ("sat-sun", "sat-sun"),
            ("fri-mon", "fri-mon"),
            ("Tuesday , thu-thu", "tue,thu"),
            ("mon-sun", "every day"),
            ("wed-tue", "every day"),
            ("sun", "sun"),
        ] {
            assert_eq!(Days::parse(text).unwrap().to_string(), shown, "{text}");
        }
        assert_eq!(Days::parse("mon-fry"), Err("fry".to_owned()));
        assert_eq!(Days::parse("mon,,fri"), Err(String::new()));
    }

    #[test]
    fn hours_past_midnight_belong_to_the_day_on_which_they_begin() {
        let night = schedule(vec![hours("fri", 22 * 60, 6 * 60, "Europe/Berlin")]);
        for (text, active) in [
            ("2026-11-27T21:59:59+01:00", false),
            ("2026-11-27T22:00:00+01:00", true),
            ("2026-11-28T05:59:59+01:00", true),
            ("2026-11-28T06:00:00+01:00", false),
            ("2026-11-27T05:00:00+01:00", false),
            ("2026-11-28T23:00:00+01:00", false),
        ] {
            assert_eq!(night.is_active(time(text)), active, "{text}");
        }
        assert_eq!(
            night.next_change(time("2026-11-27T22:00:00+01:00")),
            Some(time("2026-11-28T06:00:00+01:00"))
        );
    }

    #[test]
    fn skipped_hours_do_not_happen_and_doubled_ones_happen_twice() {
        let early = schedule(vec![hours("sun", 2 * 60 + 15, 2 * 60 + 45, "Europe/Berlin")]);
        // From 02:00 to 03:00 the clock is put forward on 2026-03-29.
        assert_eq!(
            early.next_change(time("2026-03-28T12:00:00+01:00")),
            Some(time("2026-04-05T02:15:00+02:00"))
        );
        // From 03:00 to 02:00 it is put back on 2026-10-25.
        let mut changes = vec![time("2026-10-24T12:00:00+02:00")];
        for _ in 0..4 {
            changes.extend(early.next_change(*changes.last().unwrap()));
        }
        assert_eq!(
            changes[1..],
            [
                "2026-10-25T02:15:00+02:00",
                "2026-10-25T02:45:00+02:00",
                "2026-10-25T02:15:00+01:00",
                "2026-10-25T02:45:00+01:00",
            ]
            .map(time)
        );
        // Across the gap the hours end where the wall clock says.
        let across = schedule(vec![hours("sun", 60, 3 * 60, "Europe/Berlin")]);
        assert_eq!(
            across.next_change(time("2026-03-29T01:30:00+01:00")),
            Some(time("2026-03-29T03:00:00+02:00"))
        );
    }

    #[test]
    fn what_always_holds_never_changes() {
        let always = schedule(vec![hours("mon-sun", 0, Hours::DAY, "Asia/Kolkata")]);
        assert!(always.is_active(Time::EPOCH) && always.next_change(Time::EPOCH).is_none());
    }

    #[test]
    fn it_is_shown_as_it_is_spelled() {
        let two = schedule(vec![
            hours("mon-fri", 9 * 60, 18 * 60, "Europe/Berlin"),
            hours("sat", 0, Hours::DAY, "UTC"),
        ]);
        assert_eq!(two.to_string(), "mon-fri 09:00-18:00 Europe/Berlin or sat UTC");
    }

    /// The oracle: for each minute of a week on the wall clock, whether the schedule holds.
    fn week(hours: &Hours) -> Vec<bool> {
        let day = usize::from(Hours::DAY);
        let mut week = vec![false; 7 * day];
        for first in (0..7).filter(|first| hours.days.0 & 1 << first != 0) {
            let (from, to) = (usize::from(hours.from), usize::from(hours.to));
            let len = if from < to { to - from } else { day - from + to };
            (0..len).for_each(|minute| week[(first * day + from + minute) % (7 * day)] = true);
        }
        week
    }

    fn holds_at(weeks: &[(Vec<bool>, TimeZone)], stamp: Timestamp) -> bool {
        weeks.iter().any(|(week, zone)| {
            let local = stamp.to_zoned_datetime(zone.clone());
            let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap();
            let minute = usize::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
            week[day * usize::from(Hours::DAY) + minute]
        })
    }

    /// Days on which the clock of one of [`ZONES`] is moved, and one on which none is.
    const DAYS: [&str; 6] = [
        "2026-03-28T00:00:00Z",
        "2026-10-24T12:00:00Z",
        "2026-03-08T00:00:00Z",
        "2026-11-01T00:00:00Z",
        "2026-04-04T00:00:00Z",
        "2026-06-17T00:00:00Z",
    ];
    const ZONES: [&str; 6] = [
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "UTC",
    ];

    fn any_hours() -> impl Strategy<Value = Hours> {
        let edge = prop_oneof![0u16..5 * 60, 0u16..Hours::DAY, (0u16..24).prop_map(|hour| hour * 60)];
        (1u8..128, edge.clone(), edge, 0usize..ZONES.len()).prop_map(|(days, from, to, zone)| Hours {
            days: Days(days),
            from,
            to: if to == from { Hours::DAY } else { to },
            zone: TimeZone::get(ZONES[zone]).unwrap(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn it_agrees_with_a_walk_minute_by_minute(
            list in proptest::collection::vec(any_hours(), 1..3),
            day in 0usize..DAYS.len(),
            offset in 0i64..2 * 1_440,
        ) {
            let weeks: Vec<_> = list.iter().map(|hours| (week(hours), hours.zone.clone())).collect();
            let schedule = schedule(list);
            let after = time(DAYS[day]) + Duration::from_secs(60 * offset.unsigned_abs());
            let minute = |n: i64| Timestamp::from_second(after.as_secs() + 60 * n).unwrap();
            let active = holds_at(&weeks, minute(0));
            prop_assert_eq!(schedule.is_active(after), active);
            // Three days show each way in which the clock is moved; the rest of the week is another case's.
            let walked = (1..3 * 1_440).find(|n| holds_at(&weeks, minute(*n)) != active);
            let walked = walked.map(|n| after + Duration::from_secs(60 * n.unsigned_abs()));
            match (walked, schedule.next_change(after)) {
                (Some(walked), found) => prop_assert_eq!(found, Some(walked)),
                (None, Some(found)) => prop_assert!(found >= after + Duration::from_secs(3 * 86_400 - 60)),
                (None, None) => {}
            }
        }
    }
}
