//! A [`Rate`] as the configuration spells it, and governor under a clock that is told the time.
//!
//! governor's own clock may go backwards on some machines (governor#299) and can't be driven by `replay` or a
//! test; here every decision is given its instant.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use std::sync::Mutex;

use crate::time::{Spelled, Time};

/// So many in a time, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number before the slash.
    pub number: NonZeroU32,
    /// The time after it.
    pub per: Duration,
    /// How many may come at once; then one each [`Rate::interval`].
    pub burst: NonZeroU32,
}

impl Rate {
    /// So much that nothing waits for it: where messages are drawn, not posted.
    pub const UNLIMITED: Self =
        Self { number: NonZeroU32::MAX, per: Duration::from_secs(1), burst: NonZeroU32::MAX };

    /// The time in which one more is granted.
    pub fn interval(self) -> Duration {
        (self.per / self.number.get()).max(Duration::from_nanos(1))
    }

    fn quota(self) -> Quota {
        Quota::with_period(self.interval())
            .expect("an interval is at least a nanosecond")
            .allow_burst(self.burst)
    }
}

impl fmt::Display for Rate {
    /// In words: `6 at once, then one every 10s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at once, then one every {}", self.burst, Spelled(self.interval()))
    }
}

/// governor's clock, told the time by whoever owns the limiter. Nanoseconds since the limiter was made.
#[derive(Debug, Clone, Default)]
struct ToldClock(Arc<AtomicU64>);

impl Clock for ToldClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

/// Turns instants into the limiter's own time, which begins at its making and never goes back.
#[derive(Debug)]
struct Dial {
    origin: Time,
    clock: ToldClock,
}

impl Dial {
    fn new(now: Time) -> Self {
        Self { origin: now, clock: ToldClock::default() }
    }

    fn tell(&self, now: Time) {
        let nanos = u64::try_from(now.since(self.origin).as_nanos()).unwrap_or(u64::MAX);
        self.clock.0.fetch_max(nanos, Ordering::Relaxed);
    }
}

/// One rate for one thing: a webhook.
pub struct Limiter {
    dial: Dial,
    limiter: RateLimiter<NotKeyed, InMemoryState, ToldClock, NoOpMiddleware<Nanos>>,
}

impl Limiter {
    /// Full at `now`.
    pub fn new(rate: Rate, now: Time) -> Self {
        let dial = Dial::new(now);
        let limiter = RateLimiter::direct_with_clock(rate.quota(), dial.clock.clone());
        Self { dial, limiter }
    }

    /// Takes one, or says when the next can be taken.
    ///
    /// # Errors
    /// How long to wait from `now`.
    pub fn take(&self, now: Time) -> Result<(), Duration> {
        self.dial.tell(now);
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.dial.clock.now()))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("dial", &self.dial).finish_non_exhaustive()
    }
}

/// A rate for each of many keys, at most `keys_max` of them: past that, the key that could be granted soonest is
/// forgotten, which costs the least: it had nearly its whole burst back.
pub struct KeyedLimiter {
    dial: Dial,
    limiter: RateLimiter<String, BoundedStore, ToldClock, NoOpMiddleware<Nanos>>,
}

impl KeyedLimiter {
    /// Every key full at `now`.
    pub fn new(rate: Rate, keys_max: usize, now: Time) -> Self {
        let dial = Dial::new(now);
        let store = BoundedStore { keys: Mutex::default(), keys_max: keys_max.max(1) };
        let limiter = RateLimiter::new(rate.quota(), store, dial.clock.clone());
        Self { dial, limiter }
    }

    /// Takes one for `key`; `false`: it is over its rate.
    pub fn take(&self, key: &str, now: Time) -> bool {
        self.dial.tell(now);
        self.limiter.check_key(&key.to_owned()).is_ok()
    }
}

impl fmt::Debug for KeyedLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimiter").field("dial", &self.dial).finish_non_exhaustive()
    }
}

/// governor's state by key, with a bound.
#[derive(Debug)]
struct BoundedStore {
    keys: Mutex<HashMap<String, u64>>,
    keys_max: usize,
}

impl StateStore for BoundedStore {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, key: &String, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut keys = self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (granted, next) = decide(keys.get(key).copied().map(Nanos::new))?;
        if keys.len() >= self.keys_max && !keys.contains_key(key) {
            let soonest = keys.iter().min_by_key(|(_, next)| **next).map(|(key, _)| key.clone());
            soonest.and_then(|key| keys.remove(&key));
        }
        keys.insert(key.clone(), next.as_u64());
        Ok(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(number: u32, per_secs: u64, burst: u32) -> Rate {
        Rate {
            number: NonZeroU32::new(number).unwrap(),
            per: Duration::from_secs(per_secs),
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    #[test]
    fn six_a_minute_is_six_at_once_then_one_each_ten_seconds() {
        let start = Time::from_secs(1_000_000);
        let limiter = KeyedLimiter::new(rate(6, 60, 6), 10, start);
        let granted: Vec<u64> = (0..60)
            .filter(|secs| {
                (0..10).filter(|_| limiter.take("", start + Duration::from_secs(*secs))).count() > 0
            })
            .collect();
        assert_eq!(granted, [0, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn the_wait_is_told() {
        let start = Time::from_secs(1_000_000);
        let limiter = Limiter::new(rate(1, 1, 1), start);
        assert_eq!(limiter.take(start), Ok(()));
        assert_eq!(limiter.take(start + Duration::from_millis(400)), Err(Duration::from_millis(600)));
        assert_eq!(limiter.take(start + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_grants_nothing_and_blocks_nothing() {
        let start = Time::from_secs(1_000_000);
        let limiter = Limiter::new(rate(1, 1, 1), start);
        assert_eq!(limiter.take(start + Duration::from_secs(5)), Ok(()));
        assert_eq!(limiter.take(start), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take(start + Duration::from_secs(6)), Ok(()));
    }

    #[test]
    fn keys_are_bounded() {
        let start = Time::from_secs(1_000_000);
        let limiter = KeyedLimiter::new(rate(1, 3600, 1), 3, start);
        for key in 0..10 {
            assert!(limiter.take(&key.to_string(), start));
        }
        assert!(!limiter.take("9", start), "the newest is kept");
        assert!(limiter.limiter.into_state_store().keys.lock().unwrap().len() <= 3);
    }
}
