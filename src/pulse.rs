//! A pulse: how somebody else sees that a thread goes on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Beats as long as a thread goes on, and counts as beating once it has ended in order.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

/// The count of a pulse that has ended.
const ENDED: u64 = u64::MAX;

impl Pulse {
    /// A count that no pulse has.
    pub const NEVER: u64 = ENDED - 1;

    /// The thread goes on.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread has done its work: that it beats no more is no trouble.
    pub fn end(&self) {
        self.0.store(ENDED, Ordering::Relaxed);
    }

    /// How often it has beaten so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether it has beaten since it had the count `seen`, or has ended. `seen` is then the count of now.
    pub fn goes_on_since(&self, seen: &mut u64) -> bool {
        let count = self.count();
        std::mem::replace(seen, count) != count || count == ENDED
    }
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
        pulse.end();
        assert!(pulse.goes_on_since(&mut seen) && pulse.goes_on_since(&mut seen));
    }
}
