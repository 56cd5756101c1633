//! One log, on a thread of its own: its bytes to lines, each with its time, and what rules take of them.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{SystemTime, UNIX_EPOCH};

use globset::GlobBuilder;

use crate::clock::Clock;
use crate::event::{Match, Origin};
use crate::input::batch::Read;
use crate::input::{InputSpec, Source};
use crate::line::join::Joiner;
use crate::line::split::{Line, Splitter};
use crate::proof::rehearsal::Stations;
use crate::scan::Search;
use crate::time::Time;

use super::archive::{Archive, Caps};
use super::merge::{Chunk, End, Message};

/// A chunk is handed on at so many matches: enough that handing on costs nothing, few enough for the memory.
const CHUNK_MATCHES: usize = 256;
/// Or so many bytes of their lines.
const CHUNK_BYTES: usize = 256 * 1024;

/// Lines before the first one that has a time: so many wait for it.
const HEAD_BYTES_MAX: usize = 1024 * 1024;

/// A log to replay.
#[derive(Debug)]
pub struct Log {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The place of the input that its lines are of.
    pub input: usize,
    /// Where they come from.
    pub origin: Arc<Origin>,
    /// How much it may grow when it is unpacked.
    pub caps: Caps,
}

/// No input of the configuration can be told for a log.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{path}`: no input's `files` name it\nhelp: say which one it is of: `--input NAME`; there are {known}"
)]
pub struct NoInput {
    path: String,
    known: String,
}

impl Log {
    /// The log at `path`, whose lines are of `input`.
    pub fn new(path: PathBuf, input: usize, stations: &Stations, caps: Caps) -> Self {
        let spec = &stations.inputs[input];
        let file = Some(Arc::from(path.to_string_lossy()));
        let origin = Origin { input: spec.name.clone(), file, stream: None, labels: spec.labels.clone() };
        Self { path, input, origin: Arc::new(origin), caps }
    }

    /// The input whose `files` name `path`, also when it was rotated or packed since; else the only input.
    ///
    /// # Errors
    /// There are several, and none names it.
    pub fn input_of(path: &Path, stations: &Stations) -> Result<usize, NoInput> {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let named =
            names(&whole).find_map(|name| stations.inputs.iter().position(|input| reads(input, &name)));
        let known = || {
            let names = stations.inputs.iter().map(|input| format!("`{}`", input.name));
            names.collect::<Vec<_>>().join(", ")
        };
        let only = || (stations.inputs.len() == 1).then_some(0);
        named.or_else(only).ok_or_else(|| NoInput { path: path.display().to_string(), known: known() })
    }
}

/// The path, and what the file was called before it was packed and before it was rotated.
fn names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let without = |path: &Path, is: fn(&str) -> bool| {
        let ending = path.extension().and_then(|ending| ending.to_str()).filter(|ending| is(ending));
        ending.map(|_| path.with_extension(""))
    };
    let unpacked = without(path, |ending| matches!(ending, "gz" | "zst"));
    let before = unpacked.clone().unwrap_or_else(|| path.to_owned());
    let rotated = without(&before, |ending| ending.bytes().all(|byte| byte.is_ascii_digit()));
    [Some(path.to_owned()), unpacked, rotated].into_iter().flatten()
}

fn reads(input: &InputSpec, path: &Path) -> bool {
    let Source::Files(files) = &input.source else { return false };
    files.globs.iter().any(|glob| {
        let matcher = GlobBuilder::new(glob).literal_separator(true).build();
        matcher.is_ok_and(|matcher| matcher.compile_matcher().is_match(path))
    })
}

/// Which lines are replayed, by their times.
#[derive(Debug, Clone, Copy, Default)]
pub struct Range {
    /// From this time on.
    pub since: Option<Time>,
    /// Before this time.
    pub until: Option<Time>,
}

impl Range {
    fn holds(self, time: Time) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// Whoever waits for this log is gone.
struct Gone;

/// Reads `log` to its end and hands on what was taken.
pub(super) fn follow(
    log: &Log,
    stations: &Stations,
    range: Range,
    read: &(dyn Fn(u64) + Sync),
    sender: &SyncSender<Message>,
) {
    let mut search = stations.search(log.input);
    search.time_by(Clock::of_thread);
    let mut reader = Reader {
        log,
        stations,
        range,
        sender,
        chunk: Chunk::default(),
        chunk_bytes: 0,
        counted: Read::default(),
        search,
        latest: None,
        head: Head::default(),
        near: written(&log.path),
    };
    // Where nobody waits any longer, nobody wants to know the end.
    let failure = match reader.all(read) {
        Ok(()) => None,
        Err(Stop::Gone) => return,
        Err(Stop::Failed(error)) => Some(error),
    };
    let timeless = reader.latest.is_none() && reader.counted.lines > 0;
    if reader.end(timeless).is_ok() {
        let read = Read { scanned: reader.search.scanned, ..reader.counted };
        let end = End { read, costs: reader.search.take_costs(), failure, timeless };
        let _ = sender.send(Message::End(end));
    }
}

enum Stop {
    Gone,
    Failed(io::Error),
}

impl From<Gone> for Stop {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

struct Reader<'a> {
    log: &'a Log,
    stations: &'a Stations,
    range: Range,
    sender: &'a SyncSender<Message>,
    chunk: Chunk,
    chunk_bytes: usize,
    counted: Read,
    search: Search,
    /// The latest time of a line so far.
    latest: Option<Time>,
    head: Head,
    /// When the log was written last: a time without a year is of the twelve months before it.
    near: Time,
}

/// Lines before the first time.
#[derive(Default)]
struct Head {
    lines: Vec<(Vec<u8>, bool)>,
    bytes: usize,
}

impl Reader<'_> {
    fn all(&mut self, read: &(dyn Fn(u64) + Sync)) -> Result<(), Stop> {
        let mut archive = Archive::open(&self.log.path, self.log.caps, read).map_err(Stop::Failed)?;
        let spec = &self.stations.inputs[self.log.input].line;
        let (mut splitter, mut joiner) = (Splitter::of_stream(spec), Joiner::new(spec));
        loop {
            let len = match archive.read(splitter.room()) {
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.last_lines(&mut splitter, &mut joiner)?;
                    return Err(Stop::Failed(error));
                }
            };
            if len == 0 {
                self.last_lines(&mut splitter, &mut joiner)?;
                return Ok(());
            }
            self.counted.bytes += len as u64;
            splitter.filled(len);
            if let Some(unmarked) = splitter.unmarked() {
                return Err(Stop::Failed(io::Error::other(unmarked)));
            }
            while let Some(line) = splitter.next_line() {
                self.read(line, &mut joiner)?;
                if self.past() {
                    return Ok(());
                }
            }
            self.flush_if(1)?;
        }
    }

    fn last_lines(&mut self, splitter: &mut Splitter, joiner: &mut Option<Joiner>) -> Result<(), Gone> {
        while let Some(line) = splitter.finish() {
            self.read(line, joiner)?;
        }
        let mut told = Ok(());
        if let Some(joiner) = joiner {
            joiner.finish(|joined| told = self.event(joined.line()));
        }
        told
    }

    /// A line of the log; an event of its own, or a part of one. Here no time passes between two lines.
    fn read(&mut self, line: Line<'_>, joiner: &mut Option<Joiner>) -> Result<(), Gone> {
        self.counted.lines += 1;
        self.counted.truncated += u64::from(line.truncated);
        let Some(joiner) = joiner else { return self.event(line) };
        let mut told = Ok(());
        joiner.add(line, |joined| {
            let event = self.event(joined.line());
            told = std::mem::replace(&mut told, Ok(())).and(event);
        });
        told
    }

    /// Nothing after it can lie in the range: lines come in the order of their times, as far as they have one.
    fn past(&self) -> bool {
        matches!((self.range.until, self.latest), (Some(until), Some(latest)) if latest >= until)
    }

    fn event(&mut self, line: Line<'_>) -> Result<(), Gone> {
        let own = self.stations.own_time(self.log.input, line, self.near);
        match (own, self.latest) {
            (Some(time), None) => {
                self.latest = Some(time);
                self.take_head(time)?;
                self.take(line, time)
            }
            (Some(time), Some(latest)) => {
                self.latest = Some(latest.max(time));
                self.take(line, time)
            }
            (None, Some(latest)) => self.take(line, latest),
            (None, None) => {
                self.head.bytes += line.bytes.len();
                self.head.lines.push((line.bytes.to_vec(), line.truncated));
                if self.head.bytes < HEAD_BYTES_MAX { Ok(()) } else { self.give_up_waiting() }
            }
        }
    }

    /// So much without a time: the lines are of the time when the log was written last.
    fn give_up_waiting(&mut self) -> Result<(), Gone> {
        self.take_head(self.near)
    }

    fn take_head(&mut self, time: Time) -> Result<(), Gone> {
        let lines = std::mem::take(&mut self.head).lines;
        lines.iter().try_for_each(|(bytes, truncated)| self.take(Line { bytes, truncated: *truncated }, time))
    }

    /// Has the rules look at a line.
    fn take(&mut self, line: Line<'_>, time: Time) -> Result<(), Gone> {
        if !self.range.holds(time) {
            return Ok(());
        }
        let Self { stations, log, chunk, chunk_bytes, search, .. } = self;
        // A time that goes back counts as the latest of its log.
        let order = chunk.saw(time);
        stations.scan(log.input, &log.origin, line, time, search, |found| {
            *chunk_bytes += found.event.line.len();
            chunk.matches.push((order, found));
        });
        if self.chunk_bytes >= CHUNK_BYTES { self.flush_if(1) } else { self.flush_if(CHUNK_MATCHES) }
    }

    /// Hands on the chunk if it has so many matches, but for those whose lines after are still to be read: whoever gets a
    /// match must not see more of them the slower he is.
    fn flush_if(&mut self, matches: usize) -> Result<(), Gone> {
        if self.chunk.matches.len() < matches {
            return Ok(());
        }
        let waits =
            |(_, found): &(Time, Match)| found.around.as_ref().is_some_and(|around| around.wants_more());
        let whole = self.chunk.matches.iter().position(waits);
        match whole {
            Some(0) => Ok(()),
            Some(whole) => self.flush(whole),
            None => self.flush(self.chunk.matches.len()),
        }
    }

    /// Hands on the first `matches`.
    fn flush(&mut self, matches: usize) -> Result<(), Gone> {
        let mut next = self.chunk.next();
        next.matches = self.chunk.matches.split_off(matches);
        self.chunk_bytes = next.matches.iter().map(|(_, found)| found.event.line.len()).sum();
        let chunk = std::mem::replace(&mut self.chunk, next);
        self.sender.send(Message::Chunk(chunk)).map_err(|_| Gone)
    }

    /// What still waits, and how far the times reach.
    fn end(&mut self, timeless: bool) -> Result<(), Gone> {
        if timeless {
            self.give_up_waiting()?;
        }
        self.flush(self.chunk.matches.len())
    }
}

/// When the log was written last; of standard input, now.
fn written(path: &Path) -> Time {
    let written = std::fs::metadata(path).and_then(|about| about.modified());
    let written = written.unwrap_or_else(|_| SystemTime::now());
    Time::EPOCH + written.duration_since(UNIX_EPOCH).unwrap_or_default()
}
