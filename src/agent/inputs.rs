//! The readers of the inputs: started, given other rules, stopped and waited for here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::board::{Gauge, InputSeat};
use crate::clock::Clock;
use crate::event::Stream;
use crate::input::batch::Batch;
use crate::input::feed::{Feed, Tuning};
use crate::input::files::{self, Reading, Turnover, Until};
use crate::input::program::{self, Ending, Program, Watch};
use crate::input::slot::Slot;
use crate::input::stdin::{self, Watched, WhenClosed};
use crate::input::waker::Waker;
use crate::input::{FilesSpec, InputSpec, Source};
use crate::scan::Scanner;
use crate::store::{Record, Space};
use crate::thread;

use super::AgentError;
use super::sources::{FilesTuning, Sources, origin};
use super::stream_input::StreamInput;

/// The readers that run.
#[derive(Debug)]
pub(super) struct Inputs {
    readers: JoinSet<Result<Reader, AgentError>>,
    wakers: Wakers,
    /// When reading files ends.
    until: Until,
    clock: Arc<Clock>,
    /// The way to the engine, until the last reader has ended: closing it is how the engine learns of that.
    sender: Option<Arc<SyncSender<Batch>>>,
    /// The way to the reader of files, while there is one.
    files: Option<SyncSender<Turnover>>,
    /// Standard input, or what is read in its place.
    stream: Option<StreamInput>,
    /// The inputs of files that are read.
    file_names: Vec<Arc<str>>,
    /// How the inputs of files stand, also of those that may come back.
    gauges: BTreeMap<Arc<str>, Arc<Gauge>>,
    /// Positions of inputs that are not read: for those that come back.
    positions: Vec<Record>,
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

impl Inputs {
    /// None yet, where `program` is to be read in the place of standard input.
    pub(super) fn new(
        program: Option<&Program>,
        until: Until,
        clock: Arc<Clock>,
        sender: Arc<SyncSender<Batch>>,
    ) -> std::io::Result<Self> {
        let streams = program.into_iter().flat_map(|program| [&program.stdout, &program.stderr]);
        let wakers = Wakers {
            files: Arc::new(Waker::new()?),
            stdin: Arc::new(Waker::new()?),
            program: streams.map(|pipe| pipe.waker.clone()).collect(),
        };
        Ok(Self {
            readers: JoinSet::new(),
            wakers,
            until,
            clock,
            sender: Some(sender),
            files: None,
            stream: None,
            file_names: Vec::new(),
            gauges: BTreeMap::new(),
            positions: Vec::new(),
        })
    }

    /// Starts the readers. `positions`: what the store held of any input. What is returned tells that each has looked at
    /// what is there.
    pub(super) fn start(
        &mut self,
        mut sources: Sources,
        mut program: Option<Program>,
        positions: Vec<Record>,
    ) -> std::io::Result<Turning> {
        self.positions = positions;
        self.file_names = sources.file_names();
        let mut file_inputs = Vec::new();
        for (input, scanner) in std::mem::take(&mut sources.inputs) {
            match (input.source.clone(), program.take()) {
                (Source::Files(spec), unread) => {
                    program = unread;
                    file_inputs.extend(self.reading(&input, spec, scanner, sources.files));
                }
                (Source::Stdin { .. }, Some(program)) => {
                    let ending = sources.ending(&input);
                    self.start_program(program, input, &scanner, ending);
                }
                (Source::Stdin { passthrough }, None) => self.start_stdin(input, &scanner, passthrough)?,
            }
        }
        let (begun, has_begun) = oneshot::channel();
        if file_inputs.is_empty() {
            // Whether somebody waits for it is not our business.
            let _ = begun.send(Vec::new());
        } else {
            self.start_files(Turnover { inputs: file_inputs, done: begun });
        }
        self.close_if_over();
        Ok(has_begun)
    }

    fn feed(&self, input: &InputSpec, scanner: &Arc<Scanner>) -> Option<Feed> {
        let tuning = Tuning { scanner: scanner.clone(), line: input.line.clone() };
        Some(Feed::new(input.name.clone(), tuning, self.clock.clone(), self.sender()?))
    }

    /// `None`: nobody reads for the engine any more.
    fn reading(
        &mut self,
        input: &InputSpec,
        spec: FilesSpec,
        scanner: Arc<Scanner>,
        files: FilesTuning,
    ) -> Option<Reading> {
        let feed = self.feed(input, &scanner)?;
        let own = |record: &mut Record| record.space == Space::Position && record.owner == input.name;
        let positions = self.positions.extract_if(.., own).collect();
        let (name, labels) = (input.name.clone(), input.labels.clone());
        let gauge = self.gauge(&name);
        let FilesTuning { deleted_max, threads } = files;
        Some(Reading { spec, labels, name, feed, positions, deleted_max, threads, gauge })
    }

    fn gauge(&mut self, name: &Arc<str>) -> Arc<Gauge> {
        self.gauges.entry(name.clone()).or_default().clone()
    }

    /// How the inputs of `sources` are seen from outside.
    pub(super) fn seats(&mut self, sources: &Sources) -> Vec<InputSeat> {
        let seat = |(input, _): &(InputSpec, Arc<Scanner>)| {
            let gauge = matches!(input.source, Source::Files(_)).then(|| self.gauge(&input.name));
            InputSeat { name: input.name.clone(), source: input.source.name(), gauge }
        };
        sources.inputs.iter().map(seat).collect()
    }

    fn start_files(&mut self, first: Turnover) {
        let (until, waker) = (self.until, self.wakers.files.clone());
        // One is under way at a time.
        let (sender, turnovers) = sync_channel(1);
        self.files = Some(sender);
        self.readers.spawn_blocking(move || {
            thread::call(c"files");
            files::run(first, until, &waker, turnovers)?;
            Ok(Reader::Files)
        });
    }

    fn start_program(&mut self, program: Program, input: InputSpec, scanner: &Arc<Scanner>, ending: Ending) {
        let streams = [Stream::Stdout, Stream::Stderr];
        let watched = streams.map(|stream| self.watched(&input, scanner, Some(stream)));
        let ([Some(stdout), Some(stderr)], Some(sender)) = (watched, self.sender()) else { return };
        let endings = Arc::<Slot<Ending>>::default();
        let tunings = [&stdout, &stderr].map(|watched| watched.tunings.clone());
        let tunings = streams.into_iter().map(Some).zip(tunings).collect();
        self.stream = Some(StreamInput { spec: input, tunings, endings: endings.clone() });
        let watch = Watch { stdout, stderr, sender, ending, endings, clock: self.clock.clone() };
        self.readers.spawn_blocking(move || {
            program::run(program, watch)?;
            Ok(Reader::Program)
        });
    }

    fn start_stdin(
        &mut self,
        input: InputSpec,
        scanner: &Arc<Scanner>,
        passthrough: bool,
    ) -> std::io::Result<()> {
        // The standard handles buffer: what is read or passed on here must not wait in a buffer.
        let source = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let out = match passthrough {
            true => Some(File::from(std::io::stdout().as_fd().try_clone_to_owned()?)),
            false => None,
        };
        let Some(watched) = self.watched(&input, scanner, None) else { return Ok(()) };
        let tunings = vec![(None, watched.tunings.clone())];
        self.stream = Some(StreamInput { spec: input, tunings, endings: Arc::default() });
        let waker = self.wakers.stdin.clone();
        self.readers.spawn_blocking(move || {
            stdin::run(source, out, WhenClosed::Watch, watched, &waker)?;
            Ok(Reader::Stdin)
        });
        Ok(())
    }

    fn watched(&self, input: &InputSpec, scanner: &Arc<Scanner>, stream: Option<Stream>) -> Option<Watched> {
        let origin = Arc::new(origin(input, stream));
        Some(Watched { origin, feed: self.feed(input, scanner)?, tunings: Arc::default() })
    }

    /// These inputs are read from now on, and no others. Returns who brings the news that files are, and what stays as
    /// it was until a restart, by its key.
    pub(super) fn turn_over(&mut self, mut sources: Sources) -> (Turning, Vec<String>) {
        let mut kept = Vec::new();
        let mut file_inputs = Vec::new();
        let mut stream = None;
        self.file_names = sources.file_names();
        for (input, scanner) in std::mem::take(&mut sources.inputs) {
            match input.source.clone() {
                Source::Files(spec) => {
                    file_inputs.extend(self.reading(&input, spec, scanner, sources.files));
                }
                Source::Stdin { passthrough } => stream = Some((input, scanner, passthrough)),
            }
        }
        match (&mut self.stream, stream) {
            (None, None) => {}
            (None, Some((input, scanner, passthrough))) => {
                let name = input.name.clone();
                if let Err(error) = self.start_stdin(input, &scanner, passthrough) {
                    kept.push(format!("`inputs.{name}` ({error})"));
                }
            }
            (Some(reader), stream) => {
                let ending = sources.ending(stream.as_ref().map_or(&reader.spec, |(input, ..)| input));
                let (input, scanner) = match stream {
                    Some((input, scanner, _)) => (input, scanner),
                    None => {
                        let name = &reader.spec.name;
                        kept.push(format!("`inputs.{name}` (it is read on, by no rule)"));
                        let unread = InputSpec { name: Arc::from(""), ..reader.spec.clone() };
                        let none = Scanner::new("", unread.line.clone(), sources.rules, sources.host);
                        (unread, Arc::new(none))
                    }
                };
                kept.extend(reader.tune(&input, scanner));
                reader.endings.put(ending);
            }
        }
        (self.turn_over_files(file_inputs), kept)
    }

    fn turn_over_files(&mut self, inputs: Vec<Reading>) -> Turning {
        let (done, turned) = oneshot::channel();
        match &self.files {
            Some(files) => {
                let ends = inputs.is_empty();
                // It is full or closed only where the reader has failed, which ends the run.
                let _ = files.try_send(Turnover { inputs, done });
                self.wakers.files.wake();
                if ends {
                    self.files = None;
                }
            }
            None if inputs.is_empty() => drop(done.send(Vec::new())),
            None => self.start_files(Turnover { inputs, done }),
        }
        turned
    }

    /// The positions of inputs that are read no longer.
    pub(super) fn keep(&mut self, positions: Vec<Record>) {
        self.positions.extend(positions);
    }

    /// Those of files that are read.
    pub(super) fn file_names(&self) -> &[Arc<str>] {
        &self.file_names
    }

    /// The way to the engine; `None`: no reader is left.
    pub(super) fn sender(&self) -> Option<SyncSender<Batch>> {
        self.sender.as_deref().cloned()
    }

    /// When a reader has ended; `None`: none is left.
    ///
    /// A reader of files that was left without any ends too.
    pub(super) async fn ended(&mut self) -> Option<Result<Reader, AgentError>> {
        let ended = self.readers.join_next().await?;
        let ended = ended.map_err(AgentError::from).flatten();
        self.close_if_over();
        Some(ended)
    }

    fn close_if_over(&mut self) {
        if self.readers.is_empty() {
            self.sender = None;
        }
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

/// Brings the positions of the inputs that are read no longer, once files are read by the new rules.
pub(super) type Turning = oneshot::Receiver<Vec<Record>>;
