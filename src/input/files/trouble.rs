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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_60_what_lasts_five_minutes_is_told_once_and_tried_ever_more_rarely() {
        let (start, path) = (Time::EPOCH, Path::new("a.log"));
        let mut trouble = Trouble::new(start, "denied".into());
        let (mut tries, mut told) = (Vec::new(), Vec::new());
        while trouble.again < start + Duration::from_secs(900) {
            let now = trouble.again;
            tries.push(now.since(start).as_secs_f64());
            assert!(!trouble.goes_on(now, "denied".into()));
            told.extend(trouble.tell(path, now).map(|notice| (now.since(start).as_secs(), notice)));
        }
        assert_eq!(tries[..7], [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5]);
        assert_eq!(told.len(), 1);
        let (after, notice) = &told[0];
        assert!((300..=330).contains(after), "{after}");
        assert!(notice.text.contains("`a.log` could not be read for 5 minutes: denied"), "{}", notice.text);
        assert!(trouble.goes_on(trouble.again, "another".into()), "said anew");
    }
}
