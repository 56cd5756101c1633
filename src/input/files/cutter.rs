//! What is read of a file in a turn, cut into events. One for all files of an input, one after the other.

use std::sync::Arc;
use std::time::Duration;

use crate::event::Origin;
use crate::input::feed::{Feed, Taken};
use crate::line::LineSpec;
use crate::line::join::{Joined, Joiner};
use crate::line::split::{KEPT_BYTES, Piece, Splitter};

use super::kept::Kept;
use super::marks::Marks;
use super::position::Position;

/// So much of lines that wait for the rest of their event is kept, of all files of an input together; others are read
/// again in each turn.
const KEPT_MAX: usize = 8 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Cutter {
    pub(super) splitter: Splitter,
    pub(super) joiner: Option<Joiner>,
    /// So far the file was read into the splitter.
    pub(super) at: u64,
    /// The file's first bytes, where reading began near them.
    pub(super) beginning: Option<Vec<u8>>,
    /// What lies before the place where reading began, if that is behind the position.
    pub(super) known: Option<Marks>,
    /// What may still be kept.
    pub(super) room: usize,
}

impl Cutter {
    pub(super) fn new(spec: &LineSpec) -> Self {
        Self {
            splitter: Splitter::new(spec.line_bytes_max),
            joiner: Joiner::new(spec),
            at: 0,
            beginning: None,
            known: None,
            room: KEPT_MAX,
        }
    }

    /// For another file, or from elsewhere on.
    pub(super) fn resume(&mut self, position: &Position) {
        self.splitter.resume(position.skipping, position.encoding);
        (self.beginning, self.known) = (None, None);
        if let Some(joiner) = &mut self.joiner {
            joiner.clear();
        }
    }

    /// Gives back the memory until the next turn.
    pub(super) fn release(&mut self) {
        self.splitter.clear();
        self.splitter.release();
    }

    /// The bytes of the room that are there already are before the position; `read` of it were filled.
    pub(super) fn begin(&mut self, read: usize, reach: usize, began: u64) {
        let room = self.splitter.room();
        self.beginning = (reach as u64 == began).then(|| room[..read.min(KEPT_BYTES)].to_vec());
        self.splitter.filled(read);
        self.splitter.pass(reach);
        self.at = began + (read - reach) as u64;
    }

    /// Goes on with what waits, which begins at `offset`.
    pub(super) fn go_on_with(&mut self, kept: Kept, offset: u64) {
        if let Some(joiner) = &mut self.joiner {
            joiner.put(kept.group);
            self.splitter.hold_before((kept.end - offset) as usize);
            self.known = Some(kept.marks);
        }
    }

    pub(super) fn filled(&mut self, bytes: usize) {
        self.splitter.filled(bytes);
        self.at += bytes as u64;
    }

    /// Where the first line begins that was not handed on.
    pub(super) fn offset(&self) -> u64 {
        self.unfinished() - self.splitter.held() as u64
    }

    /// Where the line begins that has no end yet.
    pub(super) fn unfinished(&self) -> u64 {
        self.at - self.splitter.pending() as u64
    }

    /// The lines of which the end was read, as many as are one piece. `None`: there are no more.
    pub(super) fn hand_on(&mut self, origin: &Arc<Origin>, feed: &mut Feed) -> Option<()> {
        let Some(joiner) = &mut self.joiner else {
            feed.take(origin, self.splitter.next_piece()?);
            return Some(());
        };
        let line = self.splitter.next_line()?;
        joiner.add(line, |joined| {
            feed.take_joined(origin, joined);
        });
        self.splitter.hold(joiner.lines());
        Some(())
    }

    /// No further line belongs to what waits.
    pub(super) fn finish_group(&mut self, origin: &Arc<Origin>, feed: &mut Feed) {
        if let Some(joiner) = &mut self.joiner {
            joiner.finish(|joined| {
                feed.take_joined(origin, joined);
            });
            self.splitter.hold(0);
        }
    }

    /// The line that the file ends in, and what it belongs to.
    pub(super) fn hand_on_unfinished(&mut self, origin: &Arc<Origin>, feed: &mut Feed) -> Taken {
        let Some(line) = self.splitter.unfinished() else { return Taken::ByNone };
        let Some(joiner) = &mut self.joiner else { return feed.take(origin, Piece::One(line)) };
        let mut taken = Taken::ByNone;
        let mut take = |joined: Joined<'_>| taken = feed.take_joined(origin, joined);
        joiner.add(line, &mut take);
        joiner.finish(&mut take);
        self.splitter.hold(0);
        taken
    }
}

/// After how long without growth lines are handed on that wait for the rest of their event.
pub(super) fn patience(spec: &LineSpec) -> Duration {
    spec.multiline.as_ref().map_or(Duration::ZERO, |multiline| multiline.timeout)
}

/// How much may be kept, with so much kept already.
pub(super) const fn room(kept: usize) -> usize {
    KEPT_MAX.saturating_sub(kept)
}
