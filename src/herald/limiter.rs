//! Which notices are told, and which are counted until the next one of their sort. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::notice::{Notice, Sort};
use crate::time::Time;

/// Each sort is told at most once in this time.
pub(super) const QUIET: Duration = Duration::from_secs(60 * 60);

/// What was told of each sort, and what is held back: as much as there are sorts, however much happens.
#[derive(Debug, Default)]
pub(super) struct Limiter(BTreeMap<Sort, Told>);

#[derive(Debug)]
struct Told {
    at: Time,
    held: Option<Held>,
}

/// Notices of one sort that came too early.
#[derive(Debug)]
struct Held {
    latest: Notice,
    count: u64,
}

/// A notice that is told now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    pub(super) notice: Notice,
    /// Others of its sort that were held back since the last one was told.
    pub(super) repeats: u64,
    /// How long ago that was; zero where it is the first.
    pub(super) since_last: Duration,
}

impl Limiter {
    /// A notice came: it is told, or counted.
    pub(super) fn take(&mut self, notice: Notice, now: Time) -> Option<Telling> {
        let sort = notice.sort;
        let Some(told) = self.0.get_mut(&sort) else {
            self.0.insert(sort, Told { at: now, held: None });
            return Some(Telling { notice, repeats: 0, since_last: Duration::ZERO });
        };
        told.hold(notice);
        (told.at + QUIET <= now).then(|| told.tell(now)).flatten()
    }

    /// When something that is held back will be told.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.0.values().filter(|told| told.held.is_some()).map(|told| told.at + QUIET).min()
    }

    /// What was held back long enough.
    pub(super) fn due(&mut self, now: Time) -> Vec<Telling> {
        let due = self.0.values_mut().filter(|told| told.at + QUIET <= now);
        due.filter_map(|told| told.tell(now)).collect()
    }

    /// Everything that is held back, because there is no later.
    pub(super) fn rest(&mut self, now: Time) -> Vec<Telling> {
        self.0.values_mut().filter_map(|told| told.tell(now)).collect()
    }
}

impl Told {
    fn hold(&mut self, notice: Notice) {
        match &mut self.held {
            Some(held) => {
                held.count += 1;
                let danger = held.latest.danger || notice.danger;
                held.latest = Notice { danger, ..notice };
            }
            None => self.held = Some(Held { latest: notice, count: 1 }),
        }
    }

    fn tell(&mut self, now: Time) -> Option<Telling> {
        let Held { latest, count } = self.held.take()?;
        let since_last = now.since(self.at);
        self.at = now;
        Some(Telling { notice: latest, repeats: count - 1, since_last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Time = Time::from_secs(1_000_000);

    fn notice(sort: Sort, text: &str, danger: bool) -> Notice {
        Notice { sort, danger, text: text.to_owned() }
    }

    fn told(telling: &[Telling]) -> Vec<(&str, u64, Duration)> {
        telling.iter().map(|one| (one.notice.text.as_str(), one.repeats, one.since_last)).collect()
    }

    #[test]
    fn a_sort_is_told_once_an_hour_and_the_next_one_says_how_many_came() {
        let mut limiter = Limiter::default();
        let first = limiter.take(notice(Sort::Gap, "one", false), START);
        assert_eq!(told(&Vec::from_iter(first)), [("one", 0, Duration::ZERO)]);
        assert_eq!(limiter.next_due(), None);
        for (minute, danger) in [(1, false), (30, true), (59, false)] {
            let later = notice(Sort::Gap, &format!("minute {minute}"), danger);
            assert_eq!(limiter.take(later, START + MINUTE * minute), None);
        }
        assert_eq!(limiter.next_due(), Some(START + QUIET));
        assert!(limiter.due(START + MINUTE * 59).is_empty());
        let due = limiter.due(START + MINUTE * 61);
        assert_eq!(told(&due), [("minute 59", 2, MINUTE * 61)]);
        assert!(due[0].notice.danger, "one of them was dangerous");
        assert_eq!((limiter.next_due(), limiter.due(START + MINUTE * 200).len()), (None, 0));
        let next = limiter.take(notice(Sort::Gap, "later", false), START + MINUTE * 200);
        assert_eq!(told(&Vec::from_iter(next)), [("later", 0, MINUTE * 139)]);
    }

    #[test]
    fn sorts_do_not_hold_up_each_other() {
        let mut limiter = Limiter::default();
        for sort in [Sort::Gap, Sort::Webhook, Sort::Damage] {
            assert!(limiter.take(notice(sort, "x", true), START).is_some());
        }
    }

    #[test]
    fn at_the_end_the_rest_is_told() {
        let mut limiter = Limiter::default();
        for text in ["one", "two", "three"] {
            limiter.take(notice(Sort::Truncation, text, false), START);
        }
        assert_eq!(told(&limiter.rest(START + MINUTE)), [("three", 1, MINUTE)]);
        assert!(limiter.rest(START + MINUTE).is_empty());
    }
}
