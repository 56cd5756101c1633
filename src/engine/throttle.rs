//! The throttle of a rule: governor under the engine's clock, its state by key bounded, and told to the store.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::RateLimiter;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;

use crate::rate::{Dial, Rate, ToldClock};
use crate::time::Time;

use super::key::Key;
use super::keyed::Keyed;

/// A rate for each of many keys.
pub(super) struct Throttling {
    rate: Rate,
    dial: Dial,
    limiter: RateLimiter<Key, Arrivals, ToldClock, NoOpMiddleware<Nanos>>,
    arrivals: Arrivals,
}

impl Throttling {
    /// Every key full at `now`.
    pub(super) fn new(rate: Rate, keys_max: usize, tracked: bool, now: Time) -> Self {
        let dial = Dial::new(now);
        let arrivals = Arrivals(Arc::new(Mutex::new(Keyed::new(keys_max, tracked))));
        let limiter = RateLimiter::new(rate.quota(), arrivals.clone(), dial.clock());
        Self { rate, dial, limiter, arrivals }
    }

    /// Takes one for `key`; `false`: it is over its rate.
    pub(super) fn take(&self, key: &Key, now: Time) -> bool {
        self.dial.tell(now);
        self.limiter.check_key(key).is_ok()
    }

    /// Whether [`Throttling::take`] would grant one.
    pub(super) fn would_take(&self, key: &Key, now: Time) -> bool {
        let full_from =
            self.arrivals.lock().peek(key).map(|nanos| self.dial.origin() + Duration::from_nanos(*nanos));
        let ahead = self.rate.interval() * (self.rate.burst.get() - 1);
        full_from.is_none_or(|full_from| full_from.since(now) <= ahead)
    }

    /// By key, the instant from which its whole burst is back; `None`: it was forgotten.
    pub(super) fn take_changes(&mut self, mut told: impl FnMut(&Key, Option<Time>)) {
        let origin = self.dial.origin();
        self.arrivals
            .lock()
            .take_changes(|key, nanos| told(key, nanos.map(|nanos| origin + Duration::from_nanos(*nanos))));
    }

    /// Nobody will ask what changes.
    pub(super) fn untrack(&mut self) {
        self.arrivals.lock().untrack();
    }

    /// The same keys at another rate. As at a restart, none can owe more than its whole burst.
    pub(super) fn at_rate(self, rate: Rate, now: Time) -> Self {
        let dial = Dial::new(self.dial.origin());
        let arrivals = self.arrivals;
        let burst = rate.interval() * rate.burst.get();
        let most = u64::try_from((now.since(dial.origin()) + burst).as_nanos()).unwrap_or(u64::MAX);
        let mut keys = arrivals.lock();
        let over = keys.iter().filter(|(_, nanos)| **nanos > most).map(|(key, _)| key.clone());
        for key in over.collect::<Vec<_>>() {
            if let Some(nanos) = keys.change(&key) {
                *nanos = most;
            }
        }
        drop(keys);
        let limiter = RateLimiter::new(rate.quota(), arrivals.clone(), dial.clock());
        Self { rate, dial, limiter, arrivals }
    }

    /// Every key is full again.
    pub(super) fn clear(&mut self) {
        self.arrivals.lock().clear();
    }

    /// At most so many keys from now on.
    pub(super) fn limit(&mut self, keys_max: usize) {
        self.arrivals.lock().limit(keys_max);
    }

    /// What [`Throttling::take_changes`] told. No key can owe more than its whole burst, and one that owes nothing is as
    /// good as unknown.
    pub(super) fn restore(&mut self, key: Key, full_from: Time) {
        let owed = full_from.since(self.dial.origin()).min(self.rate.interval() * self.rate.burst.get());
        if !owed.is_zero() {
            self.arrivals.lock().restore(key, u64::try_from(owed.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}

impl fmt::Debug for Throttling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttling").field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// governor's state by key: its "theoretical arrival time", in nanoseconds since the limiter was made. governor keeps its
/// store to itself, so it is shared with who stores it.
#[derive(Debug, Clone)]
struct Arrivals(Arc<Mutex<Keyed<u64>>>);

impl Arrivals {
    fn lock(&self) -> MutexGuard<'_, Keyed<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Arrivals {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut arrivals = self.lock();
        let (granted, next) = decide(arrivals.peek(key).copied().map(Nanos::new))?;
        match arrivals.see(key) {
            Some(arrival) => *arrival = next.as_u64(),
            // A key that is forgotten had the longest time to get its burst back.
            None => drop(arrivals.put(key.clone(), next.as_u64())),
        }
        Ok(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    const START: Time = Time::from_secs(1_000_000);

    fn rate(number: u32, per_secs: u64, burst: u32) -> Rate {
        Rate {
            number: NonZeroU32::new(number).unwrap(),
            per: Duration::from_secs(per_secs),
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    fn throttling(rate: Rate, keys_max: usize, now: Time) -> Throttling {
        Throttling::new(rate, keys_max, true, now)
    }

    fn key(name: &str) -> Key {
        Key::stored(name)
    }

    #[test]
    fn six_a_minute_is_six_at_once_then_one_each_ten_seconds() {
        let throttling = throttling(rate(6, 60, 6), 10, START);
        let granted: Vec<u64> = (0..60)
            .filter(|secs| {
                let now = START + Duration::from_secs(*secs);
                (0..10).filter(|_| throttling.take(&key(""), now)).count() > 0
            })
            .collect();
        assert_eq!(granted, [0, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn keys_are_bounded() {
        let throttling = throttling(rate(1, 3600, 1), 3, START);
        for name in 0..10 {
            assert!(throttling.take(&key(&name.to_string()), START));
        }
        assert!(!throttling.would_take(&key("9"), START), "the newest is kept");
        assert!(!throttling.take(&key("9"), START));
        assert!(throttling.would_take(&key("9"), START + Duration::from_secs(3600)));
        assert!(throttling.arrivals.lock().len() <= 3);
    }

    #[test]
    fn what_is_owed_outlives_a_restart_and_never_exceeds_the_burst() {
        let mut before = throttling(rate(1, 60, 2), 10, START);
        assert!(before.take(&key("a"), START) && before.take(&key("a"), START));
        let later = START + Duration::from_secs(30);
        let mut after = throttling(rate(1, 60, 2), 10, later);
        let mut told = Vec::new();
        before.take_changes(|key, full_from| told.push((key.clone(), full_from.unwrap())));
        assert_eq!(told, [(key("a"), START + Duration::from_secs(120))]);
        told.into_iter().for_each(|(key, full_from)| after.restore(key, full_from));
        after.restore(key("future"), START + Duration::from_secs(1_000_000));
        assert!(!after.take(&key("a"), later));
        assert!(after.take(&key("a"), START + Duration::from_secs(60)));
        assert!(after.take(&key("future"), later + Duration::from_secs(60)));
    }
}
