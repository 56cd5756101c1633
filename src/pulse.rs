//! A pulse: how somebody else sees that a thread goes on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Beats as long as a thread goes on. While it rests, and once it has ended in order, it need not.
#[derive(Debug)]
pub struct Pulse {
    count: AtomicU64,
    began: Instant,
    /// From when on it is silent, in nanoseconds since it began: the last beat, or the end of the rest after it.
    since: AtomicU64,
}

/// The count of a pulse that has ended.
const ENDED: u64 = u64::MAX;

/// That it begins is a sign of life.
impl Default for Pulse {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), began: Instant::now(), since: AtomicU64::new(0) }
    }
}

impl Pulse {
    /// The thread goes on.
    pub fn beat(&self) {
        self.since.store(self.nanos(), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread sleeps for so long at most; `None`: until something comes.
    pub fn rest(&self, wait: Option<Duration>) {
        let wait = wait.map_or(u64::MAX, nanos);
        self.since.store(self.nanos().saturating_add(wait), Ordering::Relaxed);
    }

    /// The thread has done its work: that it beats no more is no trouble.
    pub fn end(&self) {
        self.count.store(ENDED, Ordering::Relaxed);
    }

    /// For how long it should have beaten again; nothing while it rests, and once it has ended.
    pub fn silent_for(&self) -> Duration {
        if self.count() == ENDED {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.nanos().saturating_sub(self.since.load(Ordering::Relaxed)))
    }

    /// How often it has beaten so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether it has beaten since it had the count `seen`, or has ended. `seen` is then the count of now.
    pub fn goes_on_since(&self, seen: &mut u64) -> bool {
        let count = self.count();
        std::mem::replace(seen, count) != count || count == ENDED
    }

    fn nanos(&self) -> u64 {
        nanos(self.began.elapsed())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_while_it_beats_and_after_its_end() {
        let pulse = Pulse::default();
        let mut seen = pulse.count();
        assert!(!pulse.goes_on_since(&mut seen));
        pulse.beat();
        pulse.beat();
        assert!(pulse.goes_on_since(&mut seen));
        assert!(!pulse.goes_on_since(&mut seen));
        assert!(pulse.silent_for() <= pulse.began.elapsed());
        pulse.rest(Some(Duration::ZERO));
        let before = pulse.silent_for();
        assert!(pulse.silent_for() >= before, "the rest is over");
        for wait in [Some(Duration::from_secs(3_600)), Some(Duration::MAX), None] {
            pulse.rest(wait);
            assert_eq!(pulse.silent_for(), Duration::ZERO, "it rests");
        }
        pulse.since.store(0, Ordering::Relaxed);
        let since_began = pulse.began.elapsed();
        assert!(pulse.silent_for() >= since_began, "it has been silent ever since");
        pulse.end();
        assert_eq!(pulse.silent_for(), Duration::ZERO);
        assert!(pulse.goes_on_since(&mut seen) && pulse.goes_on_since(&mut seen));
    }
}
