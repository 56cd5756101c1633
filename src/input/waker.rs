//! Wakes a thread that waits for a descriptor or for time to pass: a pipe, so that `poll` can wait for both.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

/// A pipe that can be written to takes so much at once: the least that POSIX grants is less, Linux and macOS have this.
pub const PIPE_BYTES: usize = 4_096;

/// Shared by the thread that waits and those that wake it.
#[derive(Debug)]
pub struct Waker {
    reader: File,
    writer: File,
    stopped: AtomicBool,
    finishing: AtomicBool,
}

/// What ended a wait; neither: its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Came {
    /// Somebody woke the thread.
    pub woken: bool,
    /// What was waited for beside that is ready.
    pub ready: bool,
}

impl Waker {
    /// A waker that nobody waits for yet.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new() -> std::io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self {
            reader: reader.into(),
            writer: writer.into(),
            stopped: AtomicBool::new(false),
            finishing: AtomicBool::new(false),
        })
    }

    /// Ends the wait that runs now, or the next one.
    pub fn wake(&self) {
        // A full pipe wakes as well as one byte more would.
        let _ = (&self.writer).write(&[0]);
    }

    /// Asks the thread to stop, and wakes it.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether it was asked to stop.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Asks the thread to end when nothing more is there at once, and wakes it.
    pub fn finish(&self) {
        self.finishing.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether it was asked to end when nothing more is there at once.
    pub fn finishing(&self) -> bool {
        self.finishing.load(Ordering::Acquire)
    }

    /// Waits until it is woken, `source` can be read, or `timeout` is over; returns whether `source` can be read.
    ///
    /// # Errors
    /// The system refuses to wait, which only a closed descriptor explains.
    pub fn wait(&self, source: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> std::io::Result<bool> {
        Ok(self.wait_for_any(source, timeout)?.ready)
    }

    /// The same, and returns whether it was woken too.
    ///
    /// # Errors
    /// As those of [`Waker::wait`].
    pub fn wait_for_any(
        &self,
        source: Option<BorrowedFd<'_>>,
        timeout: Option<Duration>,
    ) -> std::io::Result<Came> {
        self.wait_for(source, PollFlags::IN, timeout)
    }

    /// Waits until it is woken or `target` can be written to; returns whether it can be. Where it can, [`PIPE_BYTES`]
    /// are written without waiting.
    ///
    /// # Errors
    /// As those of [`Waker::wait`].
    pub fn wait_to_write(&self, target: BorrowedFd<'_>) -> std::io::Result<bool> {
        Ok(self.wait_for(Some(target), PollFlags::OUT, None)?.ready)
    }

    fn wait_for(
        &self,
        other: Option<BorrowedFd<'_>>,
        flags: PollFlags,
        timeout: Option<Duration>,
    ) -> std::io::Result<Came> {
        let mut waited = vec![PollFd::from_borrowed_fd(self.reader.as_fd(), PollFlags::IN)];
        waited.extend(other.map(|other| PollFd::from_borrowed_fd(other, flags)));
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        match poll(&mut waited, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Came { woken: false, ready: false }),
            Err(error) => return Err(error.into()),
        }
        let [woken, ready] = [0, 1].map(|n| waited.get(n).is_some_and(|fd| !fd.revents().is_empty()));
        if woken {
            let mut drained = [0; 64];
            while matches!((&self.reader).read(&mut drained), Ok(1..)) {}
        }
        Ok(Came { woken, ready })
    }
}
