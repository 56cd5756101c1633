//! What rules took of several logs, in the order of its time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::event::{Match, RuleId};
use crate::input::batch::Read;
use crate::scan::Cost;
use crate::time::Time;

/// How many chunks of a log wait: one that is worked on, one that comes next.
const CHUNKS_WAITING: usize = 2;

/// From a log's thread.
pub(super) enum Message {
    /// What rules took.
    Chunk(Chunk),
    /// Nothing comes any more.
    End(End),
}

/// A piece of what rules took of a log.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// With their places in time, which never go back within a log.
    pub(super) matches: Vec<(Time, Match)>,
    /// The time of the log's first line, and the latest so far.
    times: Option<(Time, Time)>,
}

impl Chunk {
    /// A line of this time; returns the latest.
    pub(super) fn saw(&mut self, time: Time) -> Time {
        let (first, latest) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), latest.max(time)));
        latest.max(time)
    }

    /// The empty chunk after this one.
    pub(super) fn next(&self) -> Self {
        Self { matches: Vec::new(), times: self.times }
    }
}

/// How a log ended.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) read: Read,
    /// What it cost the rules that lines were shown to.
    pub(super) costs: Vec<(RuleId, Cost)>,
    /// It could not be read further.
    pub(super) failure: Option<io::Error>,
    /// No line has a time of its own.
    pub(super) timeless: bool,
}

/// A log's end of the channel and the merging one.
pub(super) fn channel() -> (SyncSender<Message>, Receiver<Message>) {
    sync_channel(CHUNKS_WAITING)
}

/// The logs, merged.
pub(super) struct Merge {
    streams: Vec<Stream>,
    /// The next match of each log, by its time; of one time in the order of the logs.
    heads: BinaryHeap<Reverse<(Time, usize)>>,
}

struct Stream {
    receiver: Receiver<Message>,
    chunk: std::vec::IntoIter<(Time, Match)>,
    head: Option<Match>,
    times: Option<(Time, Time)>,
    end: Option<End>,
}

impl Merge {
    pub(super) fn new(receivers: Vec<Receiver<Message>>) -> Self {
        let stream =
            |receiver| Stream { receiver, chunk: Vec::new().into_iter(), head: None, times: None, end: None };
        Self { streams: receivers.into_iter().map(stream).collect(), heads: BinaryHeap::new() }
    }

    /// Waits for the first match, or the end, of each log. Called once, before all else.
    pub(super) fn prime(&mut self) {
        (0..self.streams.len()).for_each(|place| self.pull(place));
    }

    /// The next match, with its place in time.
    pub(super) fn next(&mut self) -> Option<(Time, Match)> {
        let Reverse((time, place)) = self.heads.pop()?;
        let found = self.streams[place].head.take();
        self.pull(place);
        found.map(|found| (time, found))
    }

    fn pull(&mut self, place: usize) {
        if let Some((time, found)) = self.streams[place].next() {
            self.streams[place].head = Some(found);
            self.heads.push(Reverse((time, place)));
        }
    }

    /// The earliest time of the logs, as far as they were read.
    pub(super) fn start(&self) -> Option<Time> {
        self.streams.iter().filter_map(|stream| stream.times).map(|(first, _)| first).min()
    }

    /// The latest.
    pub(super) fn latest(&self) -> Time {
        let latest = self.streams.iter().filter_map(|stream| stream.times).map(|(_, latest)| latest).max();
        latest.unwrap_or(Time::EPOCH)
    }

    /// How each log ended, in their order.
    pub(super) fn into_ends(self) -> impl Iterator<Item = End> {
        self.streams.into_iter().map(|stream| stream.end.unwrap_or_default())
    }
}

impl Stream {
    fn next(&mut self) -> Option<(Time, Match)> {
        loop {
            if let Some(next) = self.chunk.next() {
                return Some(next);
            }
            match self.receiver.recv().ok()? {
                Message::Chunk(chunk) => {
                    self.times = chunk.times;
                    self.chunk = chunk.matches.into_iter();
                }
                Message::End(end) => self.end = Some(end),
            }
        }
    }
}
