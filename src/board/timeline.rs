//! How many matches and alerts a rule had, minute by minute for an hour and quarter by quarter for a day. Pure.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::time::Time;

/// An hour in minutes.
pub const MINUTES: usize = 60;
/// A day in quarters of an hour.
pub const QUARTERS: usize = 96;

const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// What came in one part of the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Matches.
    pub matches: u32,
    /// Alerts.
    pub alerts: u32,
}

/// A part by its number since the epoch, its matches and its alerts.
pub(super) type Numbered = (i64, u32, u32);

/// Of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    hour: Ring<MINUTES>,
    day: Ring<QUARTERS>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { hour: Ring::new(MINUTE), day: Ring::new(QUARTER) }
    }
}

impl Timeline {
    /// From what [`Timeline::numbered`] gave; what lies behind `now` is none of it.
    pub(super) fn restore(hour: &[Numbered], day: &[Numbered], now: Time) -> Self {
        let mut line = Self::default();
        line.hour.restore(hour, now);
        line.day.restore(day, now);
        line
    }

    /// The parts of the hour, and of the day, in which something came.
    pub(super) fn numbered(&self) -> (Vec<Numbered>, Vec<Numbered>) {
        (self.hour.numbered(), self.day.numbered())
    }

    /// So many came at `now`.
    pub fn add(&mut self, now: Time, matches: u64, alerts: u64) {
        self.hour.add(now, matches, alerts);
        self.day.add(now, matches, alerts);
    }

    /// The last hour, a part a minute, the oldest first; the last is the one that `now` lies in.
    pub fn hour(&self, now: Time) -> Vec<Part> {
        self.hour.series(now)
    }

    /// The last day, a part a quarter of an hour.
    pub fn day(&self, now: Time) -> Vec<Part> {
        self.day.series(now)
    }
}

/// The last `N` parts of time, each at its number modulo `N`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ring<const N: usize> {
    length: Duration,
    /// The number of the newest part.
    newest: i64,
    parts: [Part; N],
}

impl<const N: usize> Ring<N> {
    const fn new(length: Duration) -> Self {
        Self { length, newest: i64::MIN, parts: [Part { matches: 0, alerts: 0 }; N] }
    }

    fn number(&self, now: Time) -> i64 {
        let length = i64::try_from(self.length.as_nanos()).unwrap_or(i64::MAX);
        now.as_nanos().div_euclid(length)
    }

    fn place(number: i64) -> usize {
        usize::try_from(number.rem_euclid(N as i64)).unwrap_or(0)
    }

    /// Those of which something is known.
    fn known(&self) -> RangeInclusive<i64> {
        self.newest.saturating_sub(N as i64 - 1)..=self.newest
    }

    fn numbered(&self) -> Vec<Numbered> {
        // None of an empty one has a number.
        let known = (self.newest > i64::MIN).then(|| self.known()).into_iter().flatten();
        let numbered = known.map(|number| (number, self.parts[Self::place(number)]));
        let some = numbered.filter(|(_, part)| *part != Part::default());
        some.map(|(number, part)| (number, part.matches, part.alerts)).collect()
    }

    fn restore(&mut self, parts: &[Numbered], now: Time) {
        let last = self.number(now);
        for (number, matches, alerts) in parts.iter().copied().filter(|(number, ..)| *number <= last) {
            self.reach(number);
            if self.known().contains(&number) {
                self.parts[Self::place(number)] = Part { matches, alerts };
            }
        }
    }

    /// The newest part is this one, or a later one.
    fn reach(&mut self, number: i64) {
        if number > self.newest {
            // What lies between is over, and was empty.
            let from = (self.newest.saturating_add(1)).max(number - N as i64 + 1);
            (from..=number).for_each(|number| self.parts[Self::place(number)] = Part::default());
            self.newest = number;
        }
    }

    fn add(&mut self, now: Time, matches: u64, alerts: u64) {
        let number = self.number(now);
        self.reach(number);
        if !self.known().contains(&number) {
            return;
        }
        let part = &mut self.parts[Self::place(number)];
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        part.matches = part.matches.saturating_add(count(matches));
        part.alerts = part.alerts.saturating_add(count(alerts));
    }

    fn series(&self, now: Time) -> Vec<Part> {
        let last = self.number(now).max(self.newest);
        let numbers = last - N as i64 + 1..=last;
        let known = self.known();
        let part = |number: i64| match known.contains(&number) {
            true => self.parts[Self::place(number)],
            false => Part::default(),
        };
        numbers.map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: u64) -> Time {
        Time::EPOCH + Duration::from_secs(secs)
    }

    proptest! {
        #[test]
        fn a_series_is_what_a_list_of_all_events_would_give(
            steps in prop::collection::vec((0_u64..4_000, 0_u64..5, 0_u64..3), 0..60),
            after in 0_u64..200_000,
        ) {
            let mut line = Timeline::default();
            let (mut now, mut events) = (1_000_000, Vec::new());
            for (step, matches, alerts) in steps {
                now += step;
                line.add(at(now), matches, alerts);
                events.push((now, matches, alerts));
            }
            let (hour, day) = line.numbered();
            prop_assert!(hour.len() <= MINUTES && day.len() <= QUARTERS);
            prop_assert_eq!(&Timeline::restore(&hour, &day, at(now)).numbered(), &(hour.clone(), day.clone()));
            // A start after that, and lines after the start.
            now += after / 2;
            let mut line = Timeline::restore(&hour, &day, at(now));
            line.add(at(now), 1, 0);
            events.push((now, 1, 0));
            now += after;
            for (series, length, parts) in [(line.hour(at(now)), 60, MINUTES), (line.day(at(now)), 900, QUARTERS)] {
                let part = |number: u64| {
                    let of_it = || events.iter().filter(move |(at, ..)| at / length == number);
                    let sum = |n: u64| u32::try_from(n).unwrap();
                    Part { matches: sum(of_it().map(|e| e.1).sum()), alerts: sum(of_it().map(|e| e.2).sum()) }
                };
                let last = now / length;
                let expected: Vec<Part> = (last - parts as u64 + 1..=last).map(part).collect();
                prop_assert_eq!(series, expected);
            }
        }
    }

    #[test]
    fn of_a_clock_that_was_put_back_what_lies_before_it_is_known() {
        let mut line = Timeline::default();
        line.add(at(1_000_000), 1, 0);
        line.add(at(2_000_000), 2, 0);
        line.add(at(1_000_000), 4, 0);
        let (hour, day) = line.numbered();
        assert_eq!(
            hour,
            [(2_000_000 / 60, 2, 0)],
            "what came too late for an hour is not put into another one"
        );
        let restored = Timeline::restore(&hour, &day, at(1_500_000));
        assert_eq!(restored, Timeline::default());
        assert_eq!(restored.numbered(), (vec![], vec![]));
    }
}
