//! A program's output: both its streams, passed on as they come and watched, and its end.
//!
//! Each stream has a thread, so that a reader of one who is stuck holds up nothing of the other. A program waits for
//! whoever reads our streams, as it would without us between, and for the engine; for nothing else. Where there is no
//! engine any more, its output is passed on all the same.

mod death;
mod tail;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

pub use death::{Death, How, OnExit};

use crate::clock::Clock;
use crate::event::{Origin, Stream};
use crate::rule::Rule;

use super::batch::Batch;
use super::slot::Slot;
use super::stdin::{self, StdinError, Watched, WhenClosed, pass};
use super::waker::Waker;
use tail::Tail;

/// A program that runs, as far as it is watched.
#[derive(Debug)]
pub struct Program {
    /// Its standard output and ours.
    pub stdout: Pipe,
    /// Its standard error and ours.
    pub stderr: Pipe,
    /// Brings its end; closed without one where it can't be known.
    pub death: Receiver<Death>,
}

/// A stream of the program, and where it goes on.
#[derive(Debug)]
pub struct Pipe {
    /// What the program writes.
    pub from: File,
    /// Our own stream.
    pub to: File,
    /// Asks to finish, once the program has ended.
    pub waker: Arc<Waker>,
}

/// The way to the engine, and where the lines of both streams come from.
#[derive(Debug)]
pub struct Watch {
    /// Standard output.
    pub stdout: Watched,
    /// Standard error.
    pub stderr: Watched,
    /// For the end.
    pub sender: SyncSender<Batch>,
    /// What is told of it.
    pub ending: Ending,
    /// Where a reload leaves what is told of it then.
    pub endings: Arc<Slot<Ending>>,
    /// The engine's.
    pub clock: Arc<Clock>,
}

/// What is told of a program's end.
#[derive(Debug)]
pub struct Ending {
    /// `None`: nothing.
    pub on_exit: Option<OnExit>,
    /// Those that it names its rule of.
    pub rules: Arc<[Rule]>,
    /// The input, of neither stream.
    pub origin: Arc<Origin>,
}

/// Passes on and watches both streams until their ends, then tells of the program's end.
///
/// # Errors
/// A stream can't be read.
pub fn run(program: Program, watch: Watch) -> Result<(), StdinError> {
    let Program { stdout, stderr, death } = program;
    let Watch { sender, ending, endings, clock, .. } = watch;
    let encoding = watch.stdout.feed.line_spec().encoding.unwrap_or_default();
    let tail = Mutex::new(Tail::default());
    let [stdout, stderr] = std::thread::scope(|scope| {
        let other = scope.spawn(|| follow(stderr, Stream::Stderr, watch.stderr, &tail));
        let own = follow(stdout, Stream::Stdout, watch.stdout, &tail);
        [own, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
    });
    let death = death.recv();
    let Ending { on_exit, rules, origin } = endings.take().unwrap_or(ending);
    if let (Some(on_exit), Ok(death)) = (on_exit, death) {
        let tail = tail.into_inner().unwrap_or_else(PoisonError::into_inner);
        let last = tail.lines(on_exit.lines, encoding);
        let matches = death.told(&on_exit, &last, &origin, clock.now()).into_iter().collect();
        // Without an engine there is nobody to tell.
        let _ = sender.send(Batch { input: origin.input.clone(), rules, matches, ..Batch::default() });
    }
    stdout.and(stderr)
}

/// One stream until its end.
fn follow(pipe: Pipe, stream: Stream, watched: Watched, tail: &Mutex<Tail>) -> Result<(), StdinError> {
    let Pipe { mut from, to, waker } = pipe;
    let mut to = Kept { to, stream, tail };
    match stdin::run(&mut from, Some(&mut to), WhenClosed::End, watched, &waker) {
        Err(StdinError::EngineGone(_)) => {
            tracing::error!(stream = stream.name(), "the output is no longer watched; it is still passed on");
            Ok(pass_on(&mut from, &mut to, &waker)?)
        }
        ended => ended,
    }
}

/// Passes on without watching.
fn pass_on(from: &mut File, to: &mut Kept<'_>, waker: &Waker) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while !waker.stopped() {
        let finishing = waker.finishing();
        match waker.wait(Some(from.as_fd()), finishing.then_some(std::time::Duration::ZERO))? {
            false if finishing => break,
            false => continue,
            true => {}
        }
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => continue,
            Err(error) => return Err(error),
        };
        if pass(to, &buffer[..read], waker).is_err() {
            break;
        }
    }
    Ok(())
}

/// Our own stream, of which the end is kept.
#[derive(Debug)]
struct Kept<'a> {
    to: File,
    stream: Stream,
    tail: &'a Mutex<Tail>,
}

impl Write for Kept<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).add(self.stream, &bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

impl AsFd for Kept<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.to.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use super::*;
    use crate::config;
    use crate::input::batch;
    use crate::input::feed::{Feed, Tuning};
    use crate::scan::Scanner;

    fn pipe() -> (File, File) {
        let (reader, writer) = std::io::pipe().unwrap();
        let [reader, writer] = [reader.into(), writer.into()].map(|fd: std::os::fd::OwnedFd| File::from(fd));
        (reader, writer)
    }

    #[test]
    fn without_an_engine_the_output_passes_on_all_the_same() {
        let yaml = "webhooks: { ops: { url: \"http://127.0.0.1:9/services/T0/B0/X\" } }\ninputs: { out: { stdin: true } }\n\
                    rules: [{ name: all, match: '^', dedup: off }]\n";
        let config = config::from_str(yaml, "rules", std::path::Path::new("/"), &|_| None).config.unwrap();
        let rules: Arc<[_]> = config.rules.into();
        let line = config.inputs[0].line.clone();
        let scanner = Arc::new(Scanner::new("out", line.clone(), rules.clone(), "host".into()));
        let origin = Arc::new(Origin { input: "out".into(), file: None, stream: None, labels: Vec::new() });
        let (sender, receiver) = batch::channel();
        drop(receiver);
        let clock = Arc::new(Clock::start());
        let tuning = || Tuning { scanner: scanner.clone(), line: line.clone() };
        let watched = || Watched {
            origin: origin.clone(),
            feed: Feed::new("out".into(), tuning(), clock.clone(), sender.clone()),
            tunings: Arc::default(),
        };
        let on_exit = OnExit {
            rule: crate::event::RuleId(0),
            severity: crate::rule::Severity::Error,
            lines: 3,
            ok: Vec::new(),
        };
        let watch = Watch {
            stdout: watched(),
            stderr: watched(),
            sender: sender.clone(),
            ending: Ending { on_exit: Some(on_exit), rules, origin: origin.clone() },
            endings: Arc::default(),
            clock: clock.clone(),
        };
        let ((from, mut program), (mut passed, to)) = (pipe(), pipe());
        let (from_err, to_err) = (pipe().0, pipe().1);
        let (death, dies) = sync_channel(1);
        let waker = || Arc::new(Waker::new().unwrap());
        let program_of = Program {
            stdout: Pipe { from, to, waker: waker() },
            stderr: Pipe { from: from_err, to: to_err, waker: waker() },
            death: dies,
        };
        let running = std::thread::spawn(move || run(program_of, watch));
        for n in 0..100 {
            let line = format!("line {n}\n");
            program.write_all(line.as_bytes()).unwrap();
            let mut read = vec![0; line.len()];
            passed.read_exact(&mut read).unwrap();
            assert_eq!(read, line.as_bytes());
        }
        drop(program);
        death.send(Death { program: "p".into(), how: How::Status(1), ran: Duration::ZERO }).unwrap();
        running.join().unwrap().unwrap();
    }
}
