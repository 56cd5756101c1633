//! Several threads that read files of one input at the same time, each some of them, for a turn of each. Between that, one
//! thread has all: the files, what is known of their lines, and what is to be handed on.

use std::collections::VecDeque;
use std::time::Duration;
use std::{panic, thread};

use crate::input::feed::Feed;
use crate::time::Time;

use super::cutter::Cutter;
use super::disk::DiskFile;
use super::tail::Tail;
use super::turn::{TailError, Turn};

/// A thread is made where it gets so much to read. To make one takes as long as to look through some 100 KiB.
const SHARE_BYTES: u64 = 256 * 1024;

/// What reads beside the reader's own thread.
#[derive(Debug)]
pub(super) struct Lanes {
    /// So many threads read at once, the reader's own among them.
    threads: usize,
    /// A thread is worth so much to read.
    share_bytes: u64,
    /// As many as were needed so far.
    others: Vec<Lane>,
    /// How a thread is made.
    thread: fn() -> thread::Builder,
}

/// What one thread reads with. Between two turns it knows of no file, and holds nothing that was not handed on.
#[derive(Debug)]
struct Lane {
    feed: Feed,
    cutter: Cutter,
}

/// What one thread has to read.
#[derive(Debug)]
pub(super) struct Load<F> {
    /// In all.
    pub(super) bytes: u64,
    /// Of these files.
    pub(super) waiting: VecDeque<Box<Tail<F>>>,
    /// Those that had their turn.
    pub(super) read: Vec<HadTurn<F>>,
}

/// A file, and how its turn ended.
pub(super) type HadTurn<F> = (Box<Tail<F>>, Result<Turn, TailError>);

impl Lanes {
    /// So many threads, where it is worth it.
    pub(super) const fn new(threads: usize) -> Self {
        let thread = || thread::Builder::new().name("read files".to_owned());
        Self { threads, share_bytes: SHARE_BYTES, others: Vec::new(), thread }
    }

    /// A thread for so little already.
    #[cfg(test)]
    pub(super) fn for_shares_of(self, bytes: u64) -> Self {
        Self { share_bytes: bytes, ..self }
    }

    /// No thread can be made.
    #[cfg(test)]
    pub(super) fn without_threads(self) -> Self {
        Self { thread: || thread::Builder::new().stack_size(1 << 60), ..self }
    }

    /// Whether more than one thread may read.
    pub(super) const fn are_several(&self) -> bool {
        self.threads > 1
    }

    /// How many threads are worth it for files of which so much is to be read.
    pub(super) fn worth(&self, bytes: impl Iterator<Item = u64>) -> usize {
        let (files, bytes) =
            bytes.filter(|bytes| *bytes > 0).fold((0, 0), |(files, all), bytes| (files + 1, all + bytes));
        let shares = usize::try_from(bytes / self.share_bytes).unwrap_or(usize::MAX);
        self.threads.min(files).min(shares)
    }

    /// Reads each load on a thread of its own: the first on this one, with `feed` and `cutter`, where all that was not handed
    /// on is afterwards.
    pub(super) fn read<F: DiskFile + Send>(
        &mut self,
        loads: &mut [Load<F>],
        feed: &mut Feed,
        cutter: &mut Cutter,
        patience: Duration,
        now: Time,
    ) {
        let room = cutter.room / loads.len().max(1);
        let Some((own, loads)) = loads.split_first_mut() else { return };
        while self.others.len() < loads.len() {
            tracing::debug!(threads = self.others.len() + 2, "another thread reads files of the input");
            self.others.push(Lane { feed: feed.beside(), cutter: Cutter::new(feed.line_spec()) });
        }
        let lanes = &mut self.others[..loads.len()];
        for (lane, load) in lanes.iter_mut().zip(&*loads) {
            cutter.room -= room;
            lane.begin(load, room, feed);
        }
        let refused = thread::scope(|scope| {
            let started = lanes.iter_mut().zip(&mut *loads).map(|(lane, load)| {
                (self.thread)()
                    .spawn_scoped(scope, || load.read(&mut lane.feed, &mut lane.cutter, patience, now))
            });
            let started: Vec<_> = started.collect();
            own.read(feed, cutter, patience, now);
            let ended = started.into_iter().map(|thread| {
                thread.map(|thread| thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
            });
            ended.filter_map(Result::err).last()
        });
        for (lane, load) in lanes.iter_mut().zip(loads) {
            lane.end(load, feed);
            cutter.room += lane.cutter.room;
        }
        if let Some(error) = refused {
            // What it was to read waits for the next turn.
            self.threads = 1;
            tracing::warn!(%error, "the system makes no further thread: one reads all files of an input");
        }
    }
}

impl Lane {
    /// What `first` knows of these files goes over to it.
    fn begin<F: DiskFile>(&mut self, load: &Load<F>, room: usize, first: &mut Feed) {
        self.cutter.room = room;
        self.feed.find_as(first);
        load.waiting.iter().for_each(|tail| self.feed.adopt(&tail.origin, first));
    }

    /// All goes back to `first`.
    fn end<F: DiskFile>(&mut self, load: &Load<F>, first: &mut Feed) {
        let read = load.read.iter().map(|(tail, _)| tail);
        read.chain(&load.waiting).for_each(|tail| first.adopt(&tail.origin, &mut self.feed));
        first.take_over(&mut self.feed);
        self.cutter.release();
    }
}

impl<F> Default for Load<F> {
    fn default() -> Self {
        Self { bytes: 0, waiting: VecDeque::new(), read: Vec::new() }
    }
}

impl<F: DiskFile> Load<F> {
    pub(super) fn add(&mut self, tail: Box<Tail<F>>, bytes: u64) {
        self.bytes += bytes;
        self.waiting.push_back(tail);
    }

    /// A turn for each. Where a file holds something else, what was read is handed on with what is made of that, and so the
    /// others wait.
    fn read(&mut self, feed: &mut Feed, cutter: &mut Cutter, patience: Duration, now: Time) {
        while let Some(mut tail) = self.waiting.pop_front() {
            let last_line = tail.last_line_now(now, patience);
            let turn = tail.read(feed, cutter, last_line, now);
            let ends = matches!(turn, Ok(Turn::Replaced(_)) | Err(TailError::EngineGone(_)));
            self.read.push((tail, turn));
            if ends {
                break;
            }
        }
    }
}
