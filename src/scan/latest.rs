//! The latest own time of each file: a line that goes back counts as that.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::event::Origin;
use crate::time::Time;

/// So many files are kept before those that are read no longer are looked for.
const FILES_MIN: usize = 64;

/// The latest time seen of each file that is being read.
#[derive(Debug)]
pub(super) struct Latest {
    /// By the address of what the file's lines share; the weak pointer keeps the address from being used again.
    files: HashMap<usize, (Weak<Origin>, Time)>,
    purge_at: usize,
}

impl Latest {
    pub(super) fn new() -> Self {
        Self { files: HashMap::new(), purge_at: FILES_MIN }
    }

    /// `time`, or the latest that was seen of the file before.
    pub(super) fn see(&mut self, origin: &Arc<Origin>, time: Time) -> Time {
        if self.files.len() >= self.purge_at {
            self.files.retain(|_, (origin, _)| origin.strong_count() > 0);
            self.purge_at = FILES_MIN.max(self.files.len() * 2);
        }
        let place = Arc::as_ptr(origin) as usize;
        let (_, latest) = self.files.entry(place).or_insert_with(|| (Arc::downgrade(origin), time));
        *latest = time.max(*latest);
        *latest
    }

    /// What `other` knows of the file goes over.
    pub(super) fn adopt(&mut self, origin: &Arc<Origin>, other: &mut Self) {
        let place = Arc::as_ptr(origin) as usize;
        self.files.extend(other.files.remove_entry(&place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Texts;

    fn origin() -> Arc<Origin> {
        Arc::new(Origin { input: "in".into(), file: None, stream: None, labels: Texts::new() })
    }

    #[test]
    fn a_time_goes_back_in_no_file() {
        let (one, other) = (origin(), origin());
        let mut latest = Latest::new();
        let mut see = |origin, secs| latest.see(origin, Time::from_secs(secs)).as_secs();
        assert_eq!([see(&one, 5), see(&one, 3), see(&one, 6)], [5, 5, 6]);
        assert_eq!([see(&other, 1), see(&one, 2)], [1, 6]);
        // Whoever looks at its lines next.
        let mut next = Latest::new();
        next.adopt(&one, &mut latest);
        assert_eq!(next.see(&one, Time::from_secs(4)).as_secs(), 6);
        assert_eq!(latest.see(&other, Time::EPOCH).as_secs(), 1);
    }

    #[test]
    fn files_that_are_gone_are_forgotten() {
        let kept = origin();
        let mut latest = Latest::new();
        latest.see(&kept, Time::from_secs(9));
        (0..10_000).for_each(|_| assert_eq!(latest.see(&origin(), Time::EPOCH), Time::EPOCH));
        assert!(latest.files.len() <= FILES_MIN);
        assert_eq!(latest.see(&kept, Time::EPOCH).as_secs(), 9);
    }
}
