//! A program as our child: started with its output piped to us, signalled, and reaped.
//!
//! It stays in our process group and keeps our terminal and our standard input, so that it is to its shell what it would
//! be without us. As the first process of a container we reap whatever orphans come to us.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpgrp, kill_process, wait};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::input::program::How;

/// Those that are for the program.
const FORWARDED: [Signal; 6] =
    [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// How many signals wait to be forwarded; what comes on top comes at once with what waits.
const SIGNALS_WAITING: usize = 16;

/// A program that was started.
#[derive(Debug)]
pub(super) struct Child {
    /// What is known of it until it ends.
    pub(super) process: Process,
    /// What it writes.
    pub(super) stdout: File,
    /// What it complains of.
    pub(super) stderr: File,
}

impl Child {
    /// Starts `program`.
    ///
    /// # Errors
    /// It can't be found or run.
    pub(super) fn start(program: &OsStr, args: &[OsString]) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("its output is not piped");
        let stdout = OwnedFd::from(child.stdout.take().ok_or_else(missing)?);
        let stderr = OwnedFd::from(child.stderr.take().ok_or_else(missing)?);
        Ok(Self {
            process: Process { pid: Pid::from_child(&child), started: Instant::now() },
            stdout: stdout.into(),
            stderr: stderr.into(),
        })
    }
}

/// A child that is not reaped yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pid: Pid,
    started: Instant,
}

/// A program's end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) how: How,
    pub(super) ran: Duration,
    /// Whether it was asked to end, or we were.
    pub(super) asked: bool,
}

/// The signals that are forwarded, and the news of children that ended. Made before the child, so that none is missed.
#[derive(Debug)]
pub(super) struct Signals {
    forwarded: mpsc::Receiver<Signal>,
    child: unix::Signal,
    _listening: JoinSet<()>,
}

impl Signals {
    /// Listens from now on. What we were started to ignore, as by `nohup`, is ignored by both of us.
    ///
    /// # Errors
    /// The system lets no more signals be listened for.
    pub(super) fn listen() -> std::io::Result<Self> {
        let ignored = ignored();
        let (sender, forwarded) = mpsc::channel(SIGNALS_WAITING);
        let mut listening = JoinSet::new();
        for which in FORWARDED.into_iter().filter(|which| ignored & (1 << (which.as_raw() - 1)) == 0) {
            let mut heard = signal(SignalKind::from_raw(which.as_raw()))?;
            let sender = sender.clone();
            listening.spawn(async move {
                while heard.recv().await.is_some() {
                    // Where so many wait, one more of them says nothing new.
                    let _ = sender.try_send(which);
                }
            });
        }
        Ok(Self { forwarded, child: signal(SignalKind::child())?, _listening: listening })
    }

    /// Forwards signals to the child until it ends.
    pub(super) async fn tend(&mut self, Process { pid, started }: Process) -> Ended {
        let mut asked = false;
        loop {
            if let Some(how) = reap(pid) {
                return Ended { how, ran: started.elapsed(), asked };
            }
            tokio::select! {
                _ = self.child.recv() => {}
                Some(which) = self.forwarded.recv() => {
                    asked |= asks_to_stop(which);
                    if !came_by_key(which) {
                        // It is not reaped yet: the number is its own.
                        let _ = kill_process(pid, which);
                    }
                }
            }
        }
    }

    /// The next request to stop, once the program has ended.
    pub(super) async fn request(&mut self) {
        while let Some(which) = self.forwarded.recv().await {
            if asks_to_stop(which) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

const fn asks_to_stop(which: Signal) -> bool {
    matches!(which, Signal::TERM | Signal::INT | Signal::HUP | Signal::QUIT)
}

/// Whether the program got it too: a key of the terminal signals all of its foreground group.
fn came_by_key(which: Signal) -> bool {
    matches!(which, Signal::INT | Signal::QUIT)
        && File::open("/dev/tty")
            .is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// Takes note of all children that have ended; how `pid` did, if it has.
fn reap(pid: Pid) -> Option<How> {
    let mut how = None;
    while let Ok(Some((ended, status))) = wait(WaitOptions::NOHANG) {
        if ended != pid {
            continue;
        }
        let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        how = match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => Some(How::Status(number(status))),
            (None, Some(signal)) => Some(How::Signal(number(signal))),
            (None, None) => how,
        };
    }
    how
}

/// The signals that this process was started to ignore, a bit each; only Linux says.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
