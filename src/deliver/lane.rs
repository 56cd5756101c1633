//! What webhooks that post to one place share: their rate, and the pause that its receiver asked for. Pure.
//!
//! A lane's time stands still while a message is under way: when within that time the receiver counts it is not known,
//! and counting it at the latest keeps the rate whenever it was.

use std::time::Duration;

use crate::rate::{Limiter, Rate};
use crate::time::Time;

/// The rate of one place, as far as it is used up.
#[derive(Debug)]
pub struct Lane {
    limiter: Limiter,
    /// Messages that wait for their answer, and since when there is one.
    under_way: u32,
    stands_since: Time,
    /// How long it stood still before.
    stood: Duration,
    /// Nothing is sent before.
    paused_until: Time,
}

impl Lane {
    /// One that has not been used, at `now`.
    pub fn new(rate: Rate, now: Time) -> Self {
        Self {
            limiter: Limiter::new(rate, now),
            under_way: 0,
            stands_since: now,
            stood: Duration::ZERO,
            paused_until: now,
        }
    }

    /// Takes the place of one message, which is then sent and has to be [`Lane::answered`].
    ///
    /// # Errors
    /// How long it is until the next is free. Where a message is under way it may be longer.
    pub fn take(&mut self, now: Time) -> Result<(), Duration> {
        if now < self.paused_until {
            return Err(self.paused_until.since(now));
        }
        let time = if self.under_way > 0 { self.stands_since } else { now };
        self.limiter.take(time - self.stood)?;
        if self.under_way == 0 {
            self.stands_since = now;
        }
        self.under_way += 1;
        Ok(())
    }

    /// A message was answered, or never will be.
    pub fn answered(&mut self, now: Time) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0 {
            self.stood += now.since(self.stands_since);
        }
    }

    /// The same place at another rate: a pause that its receiver asked for goes on.
    #[must_use]
    pub fn at_rate(&self, rate: Rate, now: Time) -> Self {
        Self { paused_until: self.paused_until, ..Self::new(rate, now) }
    }

    /// The receiver asked for a pause: it holds for all that share the lane.
    pub fn pause(&mut self, until: Time) {
        self.paused_until = self.paused_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::num::NonZeroU32;

    const START: Time = Time::from_secs(1_000_000);

    fn millis(millis: u64) -> Time {
        START + Duration::from_millis(millis)
    }

    fn lane(burst: u32) -> Lane {
        let burst = NonZeroU32::new(burst).unwrap();
        Lane::new(Rate { number: NonZeroU32::MIN, per: Duration::from_secs(1), burst }, START)
    }

    #[test]
    fn the_rate_is_kept() {
        let mut lane = lane(1);
        assert_eq!(lane.take(millis(0)), Ok(()));
        lane.answered(millis(0));
        assert_eq!(lane.take(millis(400)), Err(Duration::from_millis(600)));
        assert_eq!(lane.take(millis(1_000)), Ok(()));
    }

    #[test]
    fn a_message_counts_when_its_answer_comes() {
        let mut lane = lane(1);
        assert_eq!(lane.take(millis(0)), Ok(()));
        lane.answered(millis(300));
        assert_eq!(lane.take(millis(1_000)), Err(Duration::from_millis(300)));
        assert_eq!(lane.take(millis(1_300)), Ok(()));
    }

    #[test]
    fn whoever_shares_it_shares_its_burst_and_waits_for_what_is_under_way() {
        let mut lane = lane(2);
        assert_eq!(lane.take(millis(0)), Ok(()));
        assert_eq!(lane.take(millis(100)), Ok(()), "of the burst");
        assert_eq!(lane.take(millis(5_000)), Err(Duration::from_secs(1)), "time stands still");
        lane.answered(millis(6_000));
        lane.answered(millis(7_000));
        assert_eq!(lane.take(millis(7_900)), Err(Duration::from_millis(100)));
        assert_eq!(lane.take(millis(8_000)), Ok(()));
    }

    #[test]
    fn a_pause_holds_for_all() {
        let mut lane = lane(5);
        lane.pause(millis(30_000));
        lane.pause(millis(10_000));
        assert_eq!(lane.take(millis(20_000)), Err(Duration::from_secs(10)));
        assert_eq!(lane.take(millis(30_000)), Ok(()));
    }
}
