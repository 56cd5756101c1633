//! Files that globs name: discovery says what is there, tails read it, hints say when to look. One thread for all.

mod discover;
mod open;
mod tail;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::event::{InputState, Origin, Texts};
use crate::store::Record;

use super::feed::{EngineGone, Feed};
use super::waker::Waker;
use super::{FilesSpec, Start};

use discover::Globs;
use open::{FileId, Refusal, check_kind, open};
use tail::{Tail, TailError, Turn};
use watch::Watch;

/// How often everything is looked at where events come: they are hints, and hints get lost.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How it begins what is said of a path that is not opened, or not read.
const NOT_READ: &str = "not read";
const FAILED: &str = "failed to read";

/// When reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When the reader is stopped.
    Stopped,
    /// At the end that each file has when it is reached; each is read from its beginning.
    Eof,
}

/// What one input is read with.
#[derive(Debug)]
pub struct Reading {
    /// Which files, and how.
    pub spec: FilesSpec,
    /// Added to each event.
    pub labels: Texts,
    /// The input's name.
    pub name: Arc<str>,
    /// Its way to the engine.
    pub feed: Feed,
    /// What its [`Feed::position`] has stored before this start.
    pub positions: Vec<Record>,
}

/// Why reading files ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A glob that the configuration should have refused.
    #[error("failed to compile a glob")]
    Glob(#[from] globset::Error),
    /// The system refused to wait.
    #[error("failed to wait for files")]
    Wait(#[from] std::io::Error),
    /// There is nobody to read for.
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
}

/// Reads all inputs of files until `until`.
///
/// # Errors
/// A glob is wrong, the system refuses to wait, or the engine has stopped. What is wrong with a single file is logged
/// and counted, and never ends the reading of the others.
pub fn run(inputs: Vec<Reading>, until: Until, waker: &Arc<Waker>) -> Result<(), FilesError> {
    let inputs = inputs.into_iter().map(|reading| {
        let Reading { spec, labels, name, feed, .. } = reading;
        FilesInput::new(spec, labels, name, feed, until)
    });
    let mut reader = Reader {
        inputs: inputs.collect::<Result<_, _>>()?,
        watch: Watch::new(waker.clone()),
        all_watched: false,
    };
    match until {
        Until::Eof => reader.read_to_ends(waker),
        Until::Stopped => reader.follow(waker),
    }
}

#[derive(Debug)]
struct Reader {
    inputs: Vec<FilesInput>,
    watch: Watch,
    all_watched: bool,
}

impl Reader {
    fn follow(&mut self, waker: &Arc<Waker>) -> Result<(), FilesError> {
        let mut next_look = Instant::now();
        loop {
            let now = Instant::now();
            let hints = self.watch.take();
            if hints.look || now >= next_look {
                next_look = match self.look(now) {
                    true => now,
                    false => now + self.look_interval(),
                };
            }
            let mut more = false;
            for input in &mut self.inputs {
                more |= input.turn(&hints.touched, now)?;
            }
            if waker.stopped() {
                return self.last_turn();
            }
            if !more {
                self.inputs.iter_mut().try_for_each(FilesInput::rest)?;
                waker.wait(None, Some(next_look.saturating_duration_since(Instant::now())))?;
            }
        }
    }

    /// What is there at a stop, a quantum of each file: an application's last lines are the ones that matter. A line
    /// that a file still ends in is left to the next start; of an old file, which that will not find, it is read.
    fn last_turn(&mut self) -> Result<(), FilesError> {
        let now = Instant::now();
        self.look(now);
        for input in &mut self.inputs {
            input.turn(&BTreeSet::new(), now)?;
            input.finish(Tail::is_detached)?;
        }
        Ok(())
    }

    fn read_to_ends(&mut self, waker: &Arc<Waker>) -> Result<(), FilesError> {
        let now = Instant::now();
        self.inputs.iter_mut().for_each(|input| drop(input.look(now)));
        let mut more = true;
        while more && !waker.stopped() {
            more = false;
            for input in &mut self.inputs {
                more |= input.turn(&BTreeSet::new(), now)?;
            }
        }
        if !waker.stopped() {
            self.inputs.iter_mut().try_for_each(FilesInput::rest)?;
            self.inputs.iter_mut().try_for_each(|input| input.finish(|_| true))?;
        }
        Ok(())
    }

    /// Returns whether to look again at once: a directory that is watched only now may have got files unseen.
    fn look(&mut self, now: Instant) -> bool {
        let mut directories = BTreeSet::new();
        for input in &mut self.inputs {
            directories.extend(input.look(now));
        }
        let watched = self.watch.set(&directories);
        self.all_watched = watched.all;
        watched.more
    }

    /// Where something can't be watched, or a file that has lost its name is read out of sight, looking leads.
    fn look_interval(&self) -> Duration {
        let blind = |input: &&FilesInput| !self.all_watched || input.needs_looking();
        let polls = self.inputs.iter().filter(blind).map(|input| input.spec.poll);
        polls.min().map_or(LOOK_EVERY, |poll| poll.min(LOOK_EVERY))
    }
}

/// One input: its globs and what is being read of them.
#[derive(Debug)]
struct FilesInput {
    name: Arc<str>,
    labels: Texts,
    spec: FilesSpec,
    globs: Globs,
    feed: Feed,
    tails: BTreeMap<FileId, Tail>,
    /// Every path that the globs name, with the file that it led to at the last look: hints come by any of its names.
    names: HashMap<PathBuf, FileId>,
    until: Until,
    looked_before: bool,
    /// Files that were there at the first look and could not be read then, with their sizes.
    unread: HashMap<FileId, u64>,
    /// What was said of a path or a glob, so that it is said once.
    said: HashMap<PathBuf, String>,
}

impl FilesInput {
    fn new(
        spec: FilesSpec,
        labels: Texts,
        name: Arc<str>,
        feed: Feed,
        until: Until,
    ) -> Result<Self, globset::Error> {
        let globs = Globs::new(&spec)?;
        Ok(Self {
            name,
            labels,
            spec,
            globs,
            feed,
            tails: BTreeMap::new(),
            names: HashMap::new(),
            until,
            looked_before: false,
            unread: HashMap::new(),
            said: HashMap::new(),
        })
    }

    fn needs_looking(&self) -> bool {
        self.tails.values().any(|tail| tail.is_detached() || tail.path.is_symlink()) || !self.said.is_empty()
    }

    /// Looks what the globs name now; returns the directories to watch.
    fn look(&mut self, now: Instant) -> BTreeSet<PathBuf> {
        let found = self.globs.look();
        let homes = (!self.spec.follow_symlinks).then(|| self.globs.homes());
        let mut named = BTreeSet::new();
        self.names.clear();
        let mut troubled = BTreeSet::new();
        for path in &found.paths {
            match self.see(path, homes.as_deref(), &mut named, now) {
                Ok(()) | Err(Refusal::Gone) => {}
                Err(refusal) => {
                    troubled.insert(path.clone());
                    self.say(path, &format!("{NOT_READ}: {refusal}"));
                }
            }
        }
        for glob in found.empty {
            let glob = PathBuf::from(glob);
            match self.until {
                Until::Stopped => self.say(&glob, "names no file yet: waiting for one"),
                Until::Eof => self.say(&glob, "names no file"),
            }
            troubled.insert(glob);
        }
        let read: BTreeSet<&Path> = self.tails.values().map(|tail| &*tail.path).collect();
        self.said.retain(|path, _| troubled.contains(path) || read.contains(&**path));
        for (id, tail) in &mut self.tails {
            tail.ready = true;
            if named.contains(id) { tail.attach() } else { tail.detach(now) }
        }
        self.looked_before = true;
        found.directories
    }

    /// A path that the globs name: of a file that is read already, or of a new one.
    fn see(
        &mut self,
        path: &Path,
        homes: Option<&[PathBuf]>,
        named: &mut BTreeSet<FileId>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            // It was renamed or deleted since the directory was read: the next look finds what became of it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Refusal::io(&error)),
        };
        check_kind(&metadata)?;
        let id = FileId::of(&metadata);
        self.names.insert(path.to_owned(), id);
        if named.contains(&id) {
            return Ok(());
        }
        if let Some(tail) = self.tails.get_mut(&id) {
            // It may have been renamed within the globs.
            path.clone_into(&mut tail.path);
            named.insert(id);
            return Ok(());
        }
        let (file, metadata) = open(path, homes).inspect_err(|_| {
            if !self.looked_before {
                self.unread.insert(id, metadata.len());
            }
        })?;
        let opened = FileId::of(&metadata);
        named.insert(opened);
        if self.tails.contains_key(&opened) {
            // Names were moved on between the look and the opening: it is read already, and must not be read again.
            return Ok(());
        }
        let position = self.first_position(&file, &metadata);
        let origin = Origin {
            input: self.name.clone(),
            file: Some(Arc::from(path.to_string_lossy())),
            stream: None,
            labels: self.labels.clone(),
        };
        tracing::debug!(input = %self.name, file = %path.display(), position, "reading");
        let tail = Tail::new(path.to_owned(), file, position, Arc::new(origin), &self.feed, now);
        self.tails.insert(opened, tail);
        Ok(())
    }

    /// `start` holds for what was there at the first look; what comes later is read from its beginning.
    fn first_position(&mut self, file: &std::fs::File, metadata: &Metadata) -> u64 {
        let there_at_first = match self.unread.remove(&FileId::of(metadata)) {
            Some(size) => Some(size.min(metadata.len())),
            None => (!self.looked_before).then_some(metadata.len()),
        };
        match (self.until, self.spec.start, there_at_first) {
            (Until::Stopped, Start::End, Some(size)) => {
                tail::start_of_last_line(file, size, self.feed.line_spec().line_bytes_max).unwrap_or(size)
            }
            _ => 0,
        }
    }

    /// One turn for each file that may have grown; returns whether any has more.
    fn turn(&mut self, touched: &BTreeSet<PathBuf>, now: Instant) -> Result<bool, EngineGone> {
        let mut more = false;
        let mut done = Vec::new();
        for id in touched.iter().filter_map(|path| self.names.get(path)) {
            if let Some(tail) = self.tails.get_mut(id) {
                tail.ready = true;
            }
        }
        for (id, tail) in &mut self.tails {
            if !tail.ready {
                continue;
            }
            let turn = tail.read(&mut self.feed, now);
            if turn.is_ok() && !self.said.is_empty() {
                self.said.remove(&tail.path);
            }
            match turn {
                Ok(Turn::More) => more = true,
                Ok(Turn::AtEnd) => tail.rest(),
                Err(TailError::EngineGone(gone)) => return Err(gone),
                Err(TailError::Read(error)) => {
                    // It is tried again at the next look.
                    tail.ready = false;
                    self.feed.count(|count| count.errors += 1);
                    let path = tail.path.clone();
                    note(&mut self.said, &self.name, &path, &format!("{FAILED}: {error}"));
                }
            }
            if tail.is_done(now) {
                done.push(*id);
            }
        }
        for id in done {
            if let Some(mut tail) = self.tails.remove(&id) {
                tracing::debug!(file = %tail.path.display(), "the old file is drained and quiet: closed");
                tail.finish(&mut self.feed)?;
            }
        }
        self.feed.flush()?;
        Ok(more)
    }

    /// There is nothing more to read for now: the engine learns of that, and whether something can't be read.
    fn rest(&mut self) -> Result<(), EngineGone> {
        let fails = |what: &String| what.starts_with(NOT_READ) || what.starts_with(FAILED);
        let unreadable = self.said.values().any(fails);
        self.feed.stands(if unreadable { InputState::Unreadable } else { InputState::CaughtUp });
        self.feed.flush()
    }

    /// Hands on the last lines that have no end, of the files that are `over`.
    fn finish(&mut self, over: impl Fn(&Tail) -> bool) -> Result<(), EngineGone> {
        for tail in self.tails.values_mut().filter(|tail| over(tail)) {
            tail.finish(&mut self.feed)?;
        }
        self.feed.flush()
    }

    fn say(&mut self, path: &Path, what: &str) {
        note(&mut self.said, &self.name, path, what);
    }
}

/// Says what is wrong with a path, once until it changes.
fn note(said: &mut HashMap<PathBuf, String>, input: &str, path: &Path, what: &str) {
    if said.get(path).is_none_or(|before| before != what) {
        tracing::warn!(input, path = %path.display(), "{what}");
        said.insert(path.to_owned(), what.to_owned());
    }
}
