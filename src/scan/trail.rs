//! What is kept of each file or stream between its blocks, where a rule shows the lines around: its last lines, and the
//! matches that want what follows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use crate::around::{Around, Reach, SIDE_BYTES_MAX, clipped};
use crate::event::Origin;
use crate::time::Time;

use super::Ends;
use super::block::{Line, line_at};

/// Of so many files lines are kept; of those that were read longest ago they are missing then.
const TRAILS_MAX: usize = 1_024;

/// What is kept of one: as much as a match can show of it, whose lines lose a byte at most where they are cut.
const TRAIL_BYTES_MAX: usize = SIDE_BYTES_MAX + Reach::LINES_MAX;

/// The trails of all files that are being read.
#[derive(Debug)]
pub(super) struct Trails {
    reach: Reach,
    /// By the address of what the file's lines share; the weak pointer keeps the address from being used again.
    trails: HashMap<usize, Trail>,
    /// How often one was looked at.
    looks: u64,
}

#[derive(Debug)]
struct Trail {
    origin: Weak<Origin>,
    /// When it was looked at last, by the count of looks.
    looked: u64,
    /// As many as are shown before a line; the nearest is the last.
    last: VecDeque<Box<[u8]>>,
    /// Of all of them.
    bytes: usize,
    /// What wants further lines.
    open: Vec<Arc<Around>>,
}

/// Text that rules look at: a block, or one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) text: &'a [u8],
    pub(super) ends: Ends,
}

impl<'a> Stretch<'a> {
    fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            // What is empty is one empty line.
            if at >= self.text.len() && (at > 0 || !self.text.is_empty()) {
                return None;
            }
            let line = line_at(self.text, at);
            at = (line.end + 1).max(1);
            Some(line.text(self.text, self.ends))
        })
    }

    /// The lines before the place `end`, where one begins; the nearest first.
    fn lines_before(self, end: usize) -> impl Iterator<Item = &'a [u8]> {
        let mut end = end;
        std::iter::from_fn(move || {
            let last = end.checked_sub(1)?;
            let line =
                Line { start: memchr::memrchr(b'\n', &self.text[..last]).map_or(0, |at| at + 1), end: last };
            end = line.start;
            Some(line.text(self.text, self.ends))
        })
    }

    /// The lines from the place `start` on, where one begins.
    fn lines_from(self, start: usize) -> impl Iterator<Item = &'a [u8]> {
        let rest = Stretch { text: self.text.get(start..).unwrap_or_default(), ends: self.ends };
        (start < self.text.len()).then(|| rest.lines()).into_iter().flatten()
    }
}

impl Trails {
    /// Where rules show so many lines.
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, trails: HashMap::new(), looks: 0 }
    }

    /// The same files, where rules show so many lines.
    pub(super) fn at_reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Of how many files lines are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.trails.len()
    }

    /// What was read is over: what comes next follows no line of it.
    pub(super) fn forget(&mut self, origin: &Arc<Origin>) {
        let trail = self.trails.remove(&(Arc::as_ptr(origin) as usize));
        trail.iter().flat_map(|trail| &trail.open).for_each(|open| open.close());
    }

    /// What `other` keeps of the file goes over.
    pub(super) fn adopt(&mut self, origin: &Arc<Origin>, other: &mut Self) {
        if let Some(trail) = other.trails.remove(&(Arc::as_ptr(origin) as usize)) {
            let own = self.trail(origin);
            *own = Trail { looked: own.looked, ..trail };
        }
    }

    /// `stretch` was read: its lines go to whom wants them.
    pub(super) fn follow(&mut self, origin: &Arc<Origin>, stretch: Stretch<'_>, now: impl Fn() -> Time) {
        let open = &mut self.trail(origin).open;
        if open.is_empty() {
            return;
        }
        let now = now();
        for line in stretch.lines() {
            open.retain(|open| open.follow(line, now));
            if open.is_empty() {
                break;
            }
        }
    }

    /// What is around `line` of `stretch`, which was read at `now`.
    pub(super) fn around(
        &mut self,
        origin: &Arc<Origin>,
        stretch: Stretch<'_>,
        line: Line,
        now: Time,
    ) -> Arc<Around> {
        let reach = self.reach;
        let trail = self.trail(origin);
        let earlier = trail.last.iter().rev().map(|line| &**line);
        let before = stretch.lines_before(line.start).chain(earlier);
        let around = Arc::new(Around::new(before, reach, now));
        let wants = reach.after > 0 && stretch.lines_from(line.end + 1).all(|line| around.follow(line, now));
        if wants {
            trail.open.push(around.clone());
        }
        around
    }

    /// `stretch` is done with: its last lines are kept.
    pub(super) fn keep(&mut self, origin: &Arc<Origin>, stretch: Stretch<'_>) {
        let max = self.reach.before;
        let trail = self.trail(origin);
        let end = stretch.text.len() + usize::from(stretch.text.last() != Some(&b'\n'));
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for line in stretch.lines_before(end).take(max).map(clipped) {
            bytes += line.len();
            if bytes > TRAIL_BYTES_MAX {
                // What lies further back is not next to these.
                trail.clear();
                break;
            }
            lines.push(line);
        }
        lines.into_iter().rev().for_each(|line| trail.push(line, max));
    }

    fn trail(&mut self, origin: &Arc<Origin>) -> &mut Trail {
        self.looks += 1;
        let place = Arc::as_ptr(origin) as usize;
        if self.trails.len() >= TRAILS_MAX && !self.trails.contains_key(&place) {
            self.make_room();
        }
        let trail = self.trails.entry(place).or_insert_with(|| Trail {
            origin: Arc::downgrade(origin),
            looked: 0,
            last: VecDeque::new(),
            bytes: 0,
            open: Vec::new(),
        });
        trail.looked = self.looks;
        trail
    }

    /// Drops those that are read no longer, and a quarter of the others, so that this is rare.
    fn make_room(&mut self) {
        self.trails.retain(|_, trail| trail.origin.strong_count() > 0);
        let mut looked: Vec<u64> = self.trails.values().map(|trail| trail.looked).collect();
        looked.sort_unstable();
        let drop = looked.len().saturating_sub(TRAILS_MAX / 4 * 3);
        if let Some(oldest) = looked.get(drop).filter(|_| drop > 0) {
            self.trails.retain(|_, trail| trail.looked >= *oldest);
        }
    }
}

impl Trail {
    fn clear(&mut self) {
        self.last.clear();
        self.bytes = 0;
    }

    fn push(&mut self, line: &[u8], max: usize) {
        self.bytes += line.len();
        self.last.push_back(line.into());
        while (self.last.len() > max || self.bytes > TRAIL_BYTES_MAX)
            && let Some(first) = self.last.pop_front()
        {
            self.bytes -= first.len();
        }
    }
}
