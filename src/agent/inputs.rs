//! The readers of the inputs: started, stopped and waited for here.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::event::Origin;
use crate::input::feed::{Batch, Feed};
use crate::input::files::{self, Reading, Until};
use crate::input::program::{self, Program, Watch};
use crate::input::stdin::{self, WhenClosed};
use crate::input::waker::Waker;
use crate::input::{InputSpec, Source};
use crate::line::LineSpec;
use crate::rule::Rule;
use crate::scan::Scanner;
use crate::store::{Restored, Space};

use super::AgentError;

/// The readers that run.
#[derive(Debug)]
pub(super) struct Inputs {
    readers: JoinSet<Result<Reader, AgentError>>,
    wakers: Wakers,
    /// When reading files ends.
    until: Until,
    /// How long a deleted file is held open.
    deleted_max: Duration,
}

#[derive(Debug)]
struct Wakers {
    files: Arc<Waker>,
    stdin: Arc<Waker>,
    /// Of a program's streams.
    program: Vec<Arc<Waker>>,
}

/// Which reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Files,
    Stdin,
    Program,
}

/// What all inputs have in common on their way to the engine.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) rules: Arc<[Rule]>,
    pub(super) host: Arc<str>,
    pub(super) clock: Arc<Clock>,
    pub(super) sender: SyncSender<Batch>,
}

impl Way {
    fn scanner(&self, input: &InputSpec) -> Arc<Scanner> {
        let (rules, host) = (self.rules.clone(), self.host.clone());
        Arc::new(Scanner::new(&input.name, input.line.clone(), rules, host))
    }

    /// Of the input at `place`; one for each stream of it.
    fn feed(&self, place: usize, scanner: &Arc<Scanner>, line: &LineSpec) -> Feed {
        Feed::new(place, scanner.clone(), line.clone(), self.clock.clone(), self.sender.clone())
    }
}

impl Inputs {
    /// None yet, where `program` is to be read in the place of standard input.
    pub(super) fn new(
        program: Option<&Program>,
        until: Until,
        deleted_max: Duration,
    ) -> std::io::Result<Self> {
        let streams = program.into_iter().flat_map(|program| [&program.stdout, &program.stderr]);
        let wakers = Wakers {
            files: Arc::new(Waker::new()?),
            stdin: Arc::new(Waker::new()?),
            program: streams.map(|pipe| pipe.waker.clone()).collect(),
        };
        Ok(Self { readers: JoinSet::new(), wakers, until, deleted_max })
    }

    /// Takes the only sender: when the readers have ended, the channel is closed. What is returned tells that each has
    /// looked at what is there.
    pub(super) fn start(
        &mut self,
        inputs: Vec<InputSpec>,
        mut program: Option<Program>,
        restored: &mut Restored,
        way: Way,
    ) -> std::io::Result<oneshot::Receiver<()>> {
        let mut file_inputs = Vec::new();
        for (place, input) in inputs.into_iter().enumerate() {
            let scanner = way.scanner(&input);
            let feed = || way.feed(place, &scanner, &input.line);
            match input.source {
                Source::Files(spec) => file_inputs.push(Reading {
                    spec,
                    feed: feed(),
                    positions: restored.take(Space::Position, &input.name),
                    labels: input.labels,
                    name: input.name,
                    deleted_max: self.deleted_max,
                }),
                Source::Stdin { passthrough } => {
                    let origin = Origin { input: input.name, file: None, stream: None, labels: input.labels };
                    match program.take() {
                        Some(program) => {
                            let (stdout, stderr) = (feed(), feed());
                            let (sender, clock) = (way.sender.clone(), way.clock.clone());
                            self.start_program(
                                program,
                                Watch { stdout, stderr, sender, input: place, origin, clock },
                            );
                        }
                        None => self.start_stdin(origin, passthrough, feed())?,
                    }
                }
            }
        }
        let (begun, has_begun) = oneshot::channel();
        if file_inputs.is_empty() {
            // Whether it waits for this is not our business.
            let _ = begun.send(());
        } else {
            self.start_files(file_inputs, begun);
        }
        Ok(has_begun)
    }

    fn start_files(&mut self, inputs: Vec<Reading>, begun: oneshot::Sender<()>) {
        let (until, waker) = (self.until, self.wakers.files.clone());
        self.readers.spawn_blocking(move || {
            files::run(inputs, until, &waker, begun)?;
            Ok(Reader::Files)
        });
    }

    fn start_program(&mut self, program: Program, watch: Watch) {
        self.readers.spawn_blocking(move || {
            program::run(program, watch)?;
            Ok(Reader::Program)
        });
    }

    fn start_stdin(&mut self, origin: Origin, passthrough: bool, feed: Feed) -> std::io::Result<()> {
        // The standard handles buffer: what is read or passed on here must not wait in a buffer.
        let source = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let out = match passthrough {
            true => Some(File::from(std::io::stdout().as_fd().try_clone_to_owned()?)),
            false => None,
        };
        let waker = self.wakers.stdin.clone();
        self.readers.spawn_blocking(move || {
            stdin::run(source, out, WhenClosed::Watch, Arc::new(origin), feed, &waker)?;
            Ok(Reader::Stdin)
        });
        Ok(())
    }

    /// When a reader has ended; `None`: none is left.
    pub(super) async fn ended(&mut self) -> Option<Result<Reader, AgentError>> {
        let ended = self.readers.join_next().await?;
        Some(ended.map_err(AgentError::from).flatten())
    }

    /// Whether a program's output is read in the place of standard input.
    pub(super) fn has_program(&self) -> bool {
        !self.wakers.program.is_empty()
    }

    /// Somebody asked to stop: files are read once more. Standard input is read on, unless a person is at it, who sends
    /// nothing more; a program's last lines are the ones that matter.
    pub(super) fn wind_down(&self) {
        self.stop_files();
        if !self.has_program() && std::io::stdin().is_terminal() {
            self.wakers.stdin.stop();
        }
    }

    /// Files are read once more, and no longer.
    pub(super) fn stop_files(&self) {
        self.wakers.files.stop();
    }

    /// No input is waited for any longer, but a program.
    pub(super) fn stop(&self) {
        self.wakers.files.stop();
        self.wakers.stdin.stop();
    }

    /// A program's output is not waited for any longer. Only after its end: until then it is passed on, whatever happens.
    pub(super) fn stop_program(&self) {
        self.wakers.program.iter().for_each(|waker| waker.stop());
    }
}
