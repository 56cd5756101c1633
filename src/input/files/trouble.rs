//! A file that can't be opened or read: tried again, ever more rarely, and told where that lasts.

use std::path::Path;
use std::time::Duration;

use crate::notice::{Notice, Sort};
use crate::time::Time;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A file that was unreadable for so long is told of where somebody sees it.
const TOLD_AFTER: Duration = Duration::from_secs(300);

/// Since when, and when next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    since: Time,
    /// When it is tried again.
    pub(super) again: Time,
    wait: Duration,
    what: String,
    told: bool,
}

impl Trouble {
    pub(super) fn new(now: Time, what: String) -> Self {
        Self { since: now, again: now + FIRST_WAIT, wait: FIRST_WAIT, what, told: false }
    }

    /// One that is told already.
    pub(super) fn told(now: Time, what: String) -> Self {
        Self { told: true, ..Self::new(now, what) }
    }

    /// It is still there. Returns whether it is another one than before.
    pub(super) fn goes_on(&mut self, now: Time, what: String) -> bool {
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.again = now + self.wait;
        let other = self.what != what;
        self.what = what;
        other
    }

    /// What is to be told, once.
    pub(super) fn tell(&mut self, path: &Path, now: Time) -> Option<Notice> {
        if self.told || now.since(self.since) < TOLD_AFTER {
            return None;
        }
        self.told = true;
        let text = format!(
            "`{}` could not be read for {} minutes: {}. What is written to it is not watched until somebody mends that",
            path.display(),
            TOLD_AFTER.as_secs() / 60,
            self.what
        );
        Some(Notice { sort: Sort::Unreadable, danger: true, text })
    }
}
