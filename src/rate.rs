//! A [`Rate`] as the configuration spells it, and governor under a clock that is told the time.
//!
//! governor's own clock may go backwards on some machines (governor#299) and can't be driven by `replay` or a
//! test; here every decision is given its instant.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

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

    pub(crate) fn quota(self) -> Quota {
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
pub(crate) struct ToldClock(Arc<AtomicU64>);

impl Clock for ToldClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

/// Turns instants into the limiter's own time, which begins at its making and never goes back.
#[derive(Debug)]
pub(crate) struct Dial {
    origin: Time,
    clock: ToldClock,
}

impl Dial {
    pub(crate) fn new(now: Time) -> Self {
        Self { origin: now, clock: ToldClock::default() }
    }

    /// When it was made: the limiter's time is counted from here.
    pub(crate) const fn origin(&self) -> Time {
        self.origin
    }

    /// The clock for the limiter.
    pub(crate) fn clock(&self) -> ToldClock {
        self.clock.clone()
    }

    pub(crate) fn tell(&self, now: Time) {
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
}
