//! The engine's clock in `run`: the wall clock at the start plus the time since, which never goes back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::time::Time;

/// How far the wall clock may be ahead before this clock follows it, in nanoseconds: a small step of NTP is no event.
const AHEAD_MAX_NANOS: i64 = 1_000_000_000;

/// Tells the time to whoever must be told it. Shared by all threads.
#[derive(Debug)]
pub struct Clock {
    /// Wall time minus boot time, in nanoseconds; it only grows.
    offset: AtomicI64,
}

impl Clock {
    /// Set by the wall clock.
    pub fn start() -> Self {
        Self { offset: AtomicI64::new(wall_nanos() - boot_nanos()) }
    }

    /// Now. Time in which the machine was suspended counts.
    pub fn now(&self) -> Time {
        let boot = boot_nanos();
        let offset = self.offset.load(Ordering::Relaxed);
        let ahead = wall_nanos() - boot - offset;
        if ahead <= AHEAD_MAX_NANOS {
            return Time::from_nanos(boot + offset);
        }
        Time::from_nanos(boot + self.offset.fetch_max(offset + ahead, Ordering::Relaxed).max(offset + ahead))
    }

    /// Processor time of the thread that asks: what its work costs, whoever else has the processor meanwhile.
    pub fn of_thread() -> Duration {
        let spent = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or_default())
    }

    /// What the clock on the wall shows: for schedules alone, and nothing is measured by it.
    pub fn wall() -> Time {
        Time::from_nanos(wall_nanos())
    }
}

fn wall_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn boot_nanos() -> i64 {
    // The clock that goes on while the machine is suspended: BOOTTIME on Linux, MONOTONIC on macOS.
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let now = clock_gettime(clock);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_75_it_never_goes_back_and_follows_the_wall_clock_forward() {
        let clock = Clock::start();
        let before = clock.now();
        clock.offset.fetch_sub(3_600_000_000_000, Ordering::Relaxed);
        let followed = clock.now();
        assert!(followed >= before, "an hour behind the wall clock: it follows");
        clock.offset.fetch_add(3_600_000_000_000, Ordering::Relaxed);
        let ahead = clock.now();
        assert!(clock.now() >= ahead, "an hour ahead of the wall clock: it goes on from there");
    }
}
