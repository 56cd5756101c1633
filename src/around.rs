//! The lines around a match, of the same file or stream. No I/O, no clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::time::Time;

/// How long the lines after one are waited for, since it was read: where the file system sends no events, a file is
/// looked at each second.
pub const FOLLOW_WAIT: Duration = Duration::from_secs(2);

/// What is kept of a line, and of all lines on one side: a message has room for little more.
const LINE_BYTES_MAX: usize = 512;
pub(crate) const SIDE_BYTES_MAX: usize = 2 * 1024;

/// How many lines are shown around a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Before it.
    pub before: usize,
    /// After it.
    pub after: usize,
}

impl Reach {
    /// On each side.
    pub const LINES_MAX: usize = 50;

    /// None are.
    pub const fn is_empty(self) -> bool {
        self.before == 0 && self.after == 0
    }

    /// What is enough for both.
    #[must_use]
    pub fn widest(self, other: Self) -> Self {
        Self { before: self.before.max(other.before), after: self.after.max(other.after) }
    }
}

/// The lines around one. Those after it come while others hold this already.
#[derive(Debug)]
pub struct Around {
    /// The nearest is the last.
    before: Vec<String>,
    after: Mutex<After>,
    /// What is read from then on is none of it.
    until: Time,
}

#[derive(Debug, Default)]
struct After {
    lines: Vec<String>,
    bytes: usize,
    /// How many more are wanted.
    wanted: usize,
}

impl Around {
    /// Of a line that was read at `now`: `before` gives the lines before it, the nearest first; `reach.after` are to
    /// come.
    pub(crate) fn new<'l>(before: impl Iterator<Item = &'l [u8]>, reach: Reach, now: Time) -> Self {
        let mut bytes = 0;
        let mut before: Vec<String> = before
            .take(reach.before)
            .map(shown)
            .take_while(|line| {
                bytes += line.len();
                bytes <= SIDE_BYTES_MAX
            })
            .collect();
        before.reverse();
        let after = After { wanted: reach.after, ..After::default() };
        Self { before, after: Mutex::new(after), until: now + FOLLOW_WAIT }
    }

    /// One more line came after it, read at `now`. Returns whether another one is wanted.
    pub(crate) fn follow(&self, line: &[u8], now: Time) -> bool {
        let mut after = self.after();
        if after.wanted == 0 {
            return false;
        }
        let line = shown(line);
        if now >= self.until || after.bytes + line.len() > SIDE_BYTES_MAX {
            after.wanted = 0;
            return false;
        }
        after.bytes += line.len();
        after.lines.push(line);
        after.wanted -= 1;
        after.wanted > 0
    }

    /// No line comes after it any more.
    pub(crate) fn close(&self) {
        self.after().wanted = 0;
    }

    /// The nearest `lines` before it, in the order in which they were read.
    pub fn before(&self, lines: usize) -> Vec<String> {
        self.before[self.before.len().saturating_sub(lines)..].to_vec()
    }

    /// The nearest `lines` after it, as far as they came.
    pub fn after_lines(&self, lines: usize) -> Vec<String> {
        self.after().lines.iter().take(lines).cloned().collect()
    }

    /// Whether the nearest `lines` after it will be at `now` what they are now.
    pub fn is_settled(&self, lines: usize, now: Time) -> bool {
        let after = self.after();
        after.wanted == 0 || after.lines.len() >= lines || now >= self.until
    }

    /// Whether a further line would be one of those after it.
    pub fn wants_more(&self) -> bool {
        self.after().wanted > 0
    }

    /// Until when lines are waited for.
    pub const fn until(&self) -> Time {
        self.until
    }

    fn after(&self) -> MutexGuard<'_, After> {
        self.after.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an alert still waits for: the lines after its own.
#[derive(Debug, Clone)]
pub struct Awaited {
    /// Where they come.
    pub around: Arc<Around>,
    /// How many of them the rule wants.
    pub lines: usize,
}

impl PartialEq for Awaited {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.around, &other.around) && self.lines == other.lines
    }
}

impl Eq for Awaited {}

/// As much of a line's bytes as [`shown`] looks at.
pub(crate) fn clipped(line: &[u8]) -> &[u8] {
    &line[..line.len().min(LINE_BYTES_MAX + 1)]
}

/// A line as it is kept: text, cut.
fn shown(line: &[u8]) -> String {
    if line.len() <= LINE_BYTES_MAX {
        return String::from_utf8_lossy(line).into_owned();
    }
    // Not within a character of UTF-8, which has at most four bytes.
    let begins = |end: &usize| line[*end] & 0xc0 != 0x80;
    let end = (LINE_BYTES_MAX - 3..=LINE_BYTES_MAX).rev().find(begins).unwrap_or(LINE_BYTES_MAX);
    format!("{}…", String::from_utf8_lossy(&line[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Time = Time::from_secs(1_000);

    fn around(before: &[&str], reach: Reach) -> Around {
        Around::new(before.iter().rev().map(|line| line.as_bytes()), reach, READ)
    }

    #[test]
    fn the_nearest_lines_are_kept() {
        let reach = Reach { before: 2, after: 2 };
        let around = around(&["a", "b", "c"], reach);
        assert_eq!(around.before(9), ["b", "c"]);
        assert_eq!(around.before(1), ["c"]);
        assert!(!around.is_settled(2, READ));
        assert!(around.follow(b"d", READ));
        assert!(around.is_settled(1, READ) && !around.is_settled(2, READ));
        assert!(!around.follow(b"e", READ));
        assert!(!around.follow(b"f", READ));
        assert!(around.is_settled(2, READ));
        assert_eq!(around.after_lines(9), ["d", "e"]);
        assert_eq!(around.after_lines(1), ["d"]);
    }

    #[test]
    fn a_line_that_comes_too_late_is_left_out() {
        let around = around(&[], Reach { before: 0, after: 3 });
        let last = around.until() - Duration::from_nanos(1);
        assert!(around.follow(b"in time", last) && !around.is_settled(3, last));
        assert!(around.is_settled(3, around.until()));
        assert!(!around.follow(b"late", around.until()));
        assert!(!around.follow(b"later", READ), "what follows a line that is left out is left out too");
        assert_eq!(around.after_lines(3), ["in time"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "é".repeat(LINE_BYTES_MAX);
        let reach = Reach { before: Reach::LINES_MAX, after: Reach::LINES_MAX };
        let around = around(&[long.as_str(); Reach::LINES_MAX], reach);
        while around.follow(long.as_bytes(), READ) {}
        for side in [around.before(99), around.after_lines(99)] {
            assert_eq!(side.len(), 3);
            assert!(side.iter().all(|line| line.chars().count() == LINE_BYTES_MAX / 2 + 1));
            assert!(side[0].ends_with("é…"));
        }
        assert!(around.is_settled(99, READ));
        assert_eq!(shown(b"\xff<ok>"), "\u{fffd}<ok>");
        assert!(shown(&[0xff; 600]).len() <= 3 * LINE_BYTES_MAX + 3);
    }
}
