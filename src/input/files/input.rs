//! One input of files: its globs, what is being read of them, and what is remembered of files that are gone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{InputState, Origin, Texts};
use crate::input::feed::{EngineGone, Feed};
use crate::input::{FilesSpec, Start};
use crate::line::split::Splitter;
use crate::notice::{Notice, Sort};
use crate::store::{Record, Space};
use crate::time::Time;

use super::Until;
use super::discover::{FirstUse, Globs};
use super::disk::{Disk, Facts, FileId};
use super::open::Refusal;
use super::position::{Generation, Holds, Position};
use super::said::Said;
use super::tail::{LastLine, Settled, Tail, TailError, Turn};
use super::trouble::Trouble;

/// The key of the record of the globs that were used.
pub(super) const GLOBS_KEY: &str = "globs";

/// How it begins what is said of a path that is not opened, or not read.
const NOT_READ: &str = "not read";
const FAILED: &str = "failed to read";

/// What it needs to know, and how it hands on.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) name: Arc<str>,
    pub(super) labels: Texts,
    pub(super) spec: FilesSpec,
    pub(super) feed: Feed,
    pub(super) until: Until,
    /// A deleted file is held open for so long.
    pub(super) deleted_max: Duration,
    /// So many files are open at once.
    pub(super) open_max: usize,
}

/// One input.
#[derive(Debug)]
pub(super) struct FilesInput<D: Disk> {
    pub(super) disk: D,
    pub(super) name: Arc<str>,
    pub(super) labels: Texts,
    pub(super) spec: FilesSpec,
    pub(super) globs: Globs,
    pub(super) feed: Feed,
    pub(super) until: Until,
    pub(super) deleted_max: Duration,
    pub(super) open_max: usize,
    pub(super) splitter: Splitter,
    /// Boxed: they come in order, which leaves a tree's leaves half empty.
    pub(super) tails: BTreeMap<Generation, Box<Tail<D::File>>>,
    pub(super) by_file: HashMap<FileId, Generation>,
    /// Every path that the globs name, with the file that it led to at the last look: hints come by any of its names.
    pub(super) names: HashMap<PathBuf, FileId>,
    /// What was read and is not to be found now.
    pub(super) gone: BTreeMap<Generation, Position>,
    /// Some of it is still to be looked for.
    pub(super) lost: bool,
    homes: Option<Vec<PathBuf>>,
    /// Those that may have something to read.
    pub(super) ready: BTreeSet<Generation>,
    /// Those that want to be looked at after a time.
    pub(super) attended: BTreeSet<Generation>,
    next: u64,
    /// A name led elsewhere than the look had found.
    pub(super) look_again: bool,
    /// Some name is a link: what it leads to sends no events.
    links: bool,
    pub(super) said: Said,
}

/// A file that is not being read yet.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) path: PathBuf,
    pub(super) facts: Facts,
    pub(super) first_use: FirstUse,
    /// A glob names it; else it lies beside a file that one names.
    pub(super) named: bool,
}

impl<D: Disk> FilesInput<D> {
    pub(super) fn new(disk: D, setup: Setup, stored: &[Record]) -> Result<Self, globset::Error> {
        let Setup { name, labels, spec, feed, until, deleted_max, open_max } = setup;
        let mut globs = Globs::new(&spec)?;
        let used = stored.iter().filter(|record| &*record.key == GLOBS_KEY);
        let used = used.filter_map(|record| serde_json::from_slice(record.value.as_deref()?).ok());
        let used: Vec<String> = used.flat_map(|texts: Vec<String>| texts).collect();
        globs.used_before(&used);
        let gone: BTreeMap<_, _> = stored.iter().filter_map(Position::from_record).collect();
        let here = gone.values().filter(|position| position.gone.is_none());
        let here_before = here.clone().next().is_some();
        Ok(Self {
            disk,
            name,
            labels,
            globs,
            splitter: Splitter::new(feed.line_spec().line_bytes_max),
            spec,
            feed,
            until,
            deleted_max,
            open_max,
            tails: BTreeMap::new(),
            by_file: HashMap::new(),
            names: here.filter_map(|position| Some((position.path.clone(), position.file?))).collect(),
            next: gone.keys().next_back().map_or(1, |last| last.0 + 1),
            lost: here_before,
            gone,
            homes: None,
            ready: BTreeSet::new(),
            attended: BTreeSet::new(),
            look_again: false,
            links: false,
            said: Said::default(),
        })
    }

    /// Whether something can happen that sends no events.
    pub(super) fn needs_looking(&self) -> bool {
        self.links || self.said.any()
    }

    /// Looks what the globs name now; returns the directories to watch.
    pub(super) fn look(&mut self, now: Time) -> BTreeSet<PathBuf> {
        let found = self.disk.find(&self.globs);
        self.look_again = false;
        self.homes = found.homes;
        let before = std::mem::take(&mut self.names);
        let mut named = HashSet::new();
        let mut newcomers = Vec::new();
        let mut troubled = BTreeSet::new();
        self.links = found.links;
        for (path, first_use) in found.paths {
            let facts = match self.disk.facts(&path) {
                Ok(facts) => facts,
                // It was renamed or deleted since the directory was read: the next look finds what became of it.
                Err(Refusal::Gone) => continue,
                Err(refusal) => {
                    self.said.say(&self.name, &path, &format!("{NOT_READ}: {refusal}"), now);
                    troubled.insert(path);
                    continue;
                }
            };
            if named.insert(facts.file) {
                self.let_go_of_reborn(&facts);
                match self.by_file.get(&facts.file).and_then(|known| self.tails.get_mut(known)) {
                    Some(tail) => {
                        let changed = tail.attach(&path, &facts).then_some(tail.generation);
                        self.ready.extend(changed);
                    }
                    None => newcomers.push(Newcomer { path: path.clone(), facts, first_use, named: true }),
                }
            }
            self.names.insert(path, facts.file);
        }
        for glob in found.empty {
            let glob = PathBuf::from(glob);
            match self.until {
                Until::Stopped => self.said.say(&self.name, &glob, "names no file yet: waiting for one", now),
                Until::Eof => self.said.say(&self.name, &glob, "names no file", now),
            }
            troubled.insert(glob);
        }
        self.said.settle(&troubled, now);
        self.let_go(&named, now);
        self.find_between(&before, &mut newcomers);
        newcomers.sort_by(|one, other| (one.facts.born, &one.path).cmp(&(other.facts.born, &other.path)));
        self.welcome(newcomers, now);
        self.remember_globs();
        self.forget(now);
        found.directories
    }

    /// A file that is not open may be gone, and its number given to another one.
    fn let_go_of_reborn(&mut self, facts: &Facts) {
        let known = self.by_file.get(&facts.file).and_then(|known| self.tails.get(known));
        let reborn = known.filter(|tail| tail.file.is_none() && tail.position.born != facts.born);
        if let Some(tail) = reborn.map(|tail| tail.generation).and_then(|reborn| self.remove(reborn)) {
            self.gone.insert(tail.generation, tail.position);
            self.lost = true;
        }
    }

    /// What no name leads to any more is read on while it is open, and looked for where it isn't.
    fn let_go(&mut self, named: &HashSet<FileId>, now: Time) {
        let mut lost = Vec::new();
        for tail in self.tails.values_mut() {
            match tail.position.file {
                Some(file) if named.contains(&file) => {}
                _ if tail.file.is_some() => {
                    tail.detach(now);
                    self.attended.insert(tail.generation);
                }
                _ => lost.push(tail.generation),
            }
        }
        for generation in lost {
            if let Some(tail) = self.remove(generation) {
                self.gone.insert(generation, tail.position);
                self.lost = true;
            }
        }
    }

    fn welcome(&mut self, newcomers: Vec<Newcomer>, now: Time) {
        if newcomers.is_empty() {
            return;
        }
        let gone: HashMap<FileId, Generation> = self
            .gone
            .iter()
            .filter_map(|(generation, position)| Some((position.file?, *generation)))
            .collect();
        let moved: HashMap<(PathBuf, u64), Generation> = self
            .gone
            .iter()
            .filter(|(_, position)| position.gone.is_none())
            .filter_map(|(generation, position)| {
                Some(((position.path.clone(), position.file?.inode), *generation))
            })
            .collect();
        for newcomer in newcomers {
            let Newcomer { path, facts, .. } = &newcomer;
            // The file itself; or, where a file system has come back as another device, the same name and number.
            let known = gone.get(&facts.file).or_else(|| moved.get(&(path.clone(), facts.file.inode)));
            let known = known.copied().filter(|known| self.gone.contains_key(known));
            match known {
                Some(known) if self.come_back(known, &newcomer, now) => {}
                _ => self.begin(newcomer, now),
            }
        }
    }

    /// Goes on with a generation that is there again, if its content says so.
    fn come_back(&mut self, generation: Generation, newcomer: &Newcomer, now: Time) -> bool {
        let Some(position) = self.gone.get(&generation) else { return false };
        let Newcomer { path, facts, .. } = newcomer;
        // A number that was given anew, with a banner as the old file had.
        let reborn = position.born.is_some() && facts.born.is_some() && position.born != facts.born;
        if reborn && !position.is_telling() && position.file == Some(facts.file) {
            return false;
        }
        let (file, facts) = match self.disk.open(path, self.homes.as_deref()) {
            Ok((file, opened)) if opened.file == facts.file => match position.held_by(&file, opened.size) {
                Ok(Holds::All) => (Some(file), opened),
                Ok(Holds::Less) if !reborn => (Some(file), opened),
                Ok(Holds::Less | Holds::Other) => return false,
                // It is tried again, and its content is looked at then.
                Err(_) => (None, *facts),
            },
            Ok(_) => {
                self.look_again = true;
                (None, *facts)
            }
            Err(_) => (None, *facts),
        };
        let Some(mut position) = self.gone.remove(&generation) else { return false };
        position.path.clone_from(path);
        (position.file, position.born, position.gone) = (Some(facts.file), facts.born, None);
        tracing::debug!(input = %self.name, file = %path.display(), position = position.offset, "reading");
        self.add(generation, position, file, facts, newcomer.named, now);
        true
    }

    /// A file that was not known.
    fn begin(&mut self, newcomer: Newcomer, now: Time) {
        let Newcomer { path, facts, first_use, named } = newcomer;
        let mut position = Position::new(path, &facts);
        let at_end = (self.until, self.spec.start, first_use) == (Until::Stopped, Start::End, FirstUse::Now);
        if at_end && facts.size > 0 {
            (position.offset, position.unseen) = (facts.size, true);
        }
        let generation = Generation(self.next);
        self.next += 1;
        self.add(generation, position, None, facts, named, now);
    }

    pub(super) fn add(
        &mut self,
        generation: Generation,
        position: Position,
        file: Option<D::File>,
        facts: Facts,
        named: bool,
        now: Time,
    ) {
        let origin = Origin {
            input: self.name.clone(),
            file: Some(Arc::from(position.path.to_string_lossy())),
            stream: None,
            labels: self.labels.clone(),
        };
        self.by_file.insert(facts.file, generation);
        let mut tail = Tail::new(generation, position, file, facts, Arc::new(origin), now);
        if !named {
            tail.detach(now);
            self.attended.insert(generation);
        }
        tail.save(&mut self.feed);
        self.tails.insert(generation, Box::new(tail));
        self.ready.insert(generation);
    }

    /// Takes a tail out, whose position is then to be kept or dropped.
    pub(super) fn remove(&mut self, generation: Generation) -> Option<Box<Tail<D::File>>> {
        self.ready.remove(&generation);
        self.attended.remove(&generation);
        let tail = self.tails.remove(&generation)?;
        if let Some(file) = tail.position.file
            && self.by_file.get(&file) == Some(&generation)
        {
            self.by_file.remove(&file);
        }
        self.release_copies(&tail.position, generation);
        Some(tail)
    }

    /// Stored together with the positions of all files that were there: `start` is then done with.
    fn remember_globs(&mut self) {
        let fresh = self.globs.use_all();
        if fresh.is_empty() {
            return;
        }
        let value = serde_json::to_vec(&self.globs.texts()).unwrap_or_default();
        self.feed.position(Record {
            space: Space::Position,
            owner: self.name.clone(),
            key: GLOBS_KEY.into(),
            value: Some(value.into()),
        });
    }

    /// A turn for each file that may have grown; returns whether any has more.
    pub(super) fn turn(&mut self, touched: &BTreeSet<PathBuf>, now: Time) -> Result<bool, EngineGone> {
        let touched = touched.iter().filter_map(|path| self.by_file.get(self.names.get(path)?));
        self.ready.extend(touched);
        let poll = self.spec.poll;
        let due = |generation: &&Generation| {
            self.tails.get(*generation).and_then(|tail| tail.due(poll)).is_some_and(|due| due <= now)
        };
        let due: Vec<Generation> = self.attended.iter().filter(due).copied().collect();
        self.ready.extend(due);
        let mut more = false;
        let ready: Vec<Generation> = self.ready.iter().copied().collect();
        // Many may be opened in one turn: those that are read are closed on the way.
        for some in ready.chunks((self.open_max / 4).max(1)) {
            for generation in some {
                more |= self.turn_of(*generation, now)?;
            }
            self.close_idle();
        }
        if !more && std::mem::take(&mut self.lost) {
            self.seek_the_lost(now);
            more = !self.ready.is_empty();
        }
        self.splitter.resume(false);
        self.splitter.release();
        self.feed.flush()?;
        Ok(more || self.look_again)
    }

    /// When the next file wants to be looked at.
    pub(super) fn due(&self) -> Option<Time> {
        self.attended.iter().filter_map(|generation| self.tails.get(generation)?.due(self.spec.poll)).min()
    }

    fn turn_of(&mut self, generation: Generation, now: Time) -> Result<bool, EngineGone> {
        if !self.open(generation, now) {
            return Ok(false);
        }
        match self.settle(generation, now) {
            Ok(Settled::Own) => {}
            Ok(Settled::Not) => return Ok(true),
            Ok(Settled::CopyOf(..)) => {
                if let Some(tail) = self.tails.get_mut(&generation) {
                    tail.read = now;
                }
                self.rest(generation);
                return Ok(false);
            }
            Err(error) => {
                self.failed(generation, &error, now);
                return Ok(false);
            }
        }
        let Some(tail) = self.tails.get_mut(&generation) else { return Ok(false) };
        let last_line = tail.last_line_now(now);
        match tail.read(&mut self.feed, &mut self.splitter, last_line, now) {
            Ok(turn) => {
                if tail.trouble.take().is_some() {
                    tracing::info!(input = %self.name, path = %tail.path().display(), "can be read again");
                }
                Ok(self.after(generation, turn, now))
            }
            Err(TailError::EngineGone(gone)) => Err(gone),
            Err(TailError::Read(error)) => {
                self.feed.count(|count| count.errors += 1);
                self.failed(generation, &error, now);
                Ok(false)
            }
        }
    }

    fn after(&mut self, generation: Generation, turn: Turn, now: Time) -> bool {
        match turn {
            Turn::More => return true,
            Turn::AtEnd => {}
            Turn::Replaced(old) => {
                self.replaced(generation, *old);
                return true;
            }
        }
        self.rest(generation);
        if self.is_done(generation, now) {
            self.close(generation, now);
        }
        false
    }

    /// There is nothing more to read of any file for now: the engine learns of that, and whether one can't be read.
    pub(super) fn stand(&mut self) -> Result<(), EngineGone> {
        let unreadable = self.said.any_of(&[NOT_READ, FAILED]);
        self.feed.stands(if unreadable { InputState::Unreadable } else { InputState::CaughtUp });
        self.feed.flush()
    }

    /// It has nothing more to read for now.
    pub(super) fn rest(&mut self, generation: Generation) {
        self.ready.remove(&generation);
        let waits = self.tails.get(&generation).is_some_and(|tail| tail.due(self.spec.poll).is_some());
        if waits {
            self.attended.insert(generation)
        } else {
            self.attended.remove(&generation)
        };
    }

    /// Whether it can be read: opens it where it is not.
    pub(super) fn open(&mut self, generation: Generation, now: Time) -> bool {
        let Some(tail) = self.tails.get_mut(&generation) else {
            self.ready.remove(&generation);
            return false;
        };
        if tail.file.is_some() {
            return true;
        }
        if tail.trouble.as_ref().is_some_and(|trouble| trouble.again > now) {
            self.rest(generation);
            return false;
        }
        match self.disk.open(tail.path(), self.homes.as_deref()) {
            Ok((file, facts)) if Some(facts.file) == tail.position.file => {
                if tail.position.unseen
                    && let Err(error) = tail.begin_at_a_line(&file, self.feed.line_spec().line_bytes_max)
                {
                    self.failed(generation, &error, now);
                    return false;
                }
                tracing::debug!(
                    input = %self.name, file = %tail.path().display(), position = tail.position.offset, "reading"
                );
                tail.file = Some(file);
                true
            }
            // Names were moved on since the look: the next one finds where it is.
            Ok(_) | Err(Refusal::Gone) => {
                self.look_again = true;
                self.ready.remove(&generation);
                false
            }
            Err(refusal) => {
                self.trouble(generation, &format!("{NOT_READ}: {refusal}"), now);
                false
            }
        }
    }

    fn failed(&mut self, generation: Generation, error: &std::io::Error, now: Time) {
        self.trouble(generation, &format!("{FAILED}: {error}"), now);
    }

    fn trouble(&mut self, generation: Generation, what: &str, now: Time) {
        let Some(tail) = self.tails.get_mut(&generation) else { return };
        // It is opened anew by its name, and known by its content.
        tail.file = None;
        let other = match &mut tail.trouble {
            Some(trouble) => trouble.goes_on(now, what.to_owned()),
            none => {
                *none = Some(Box::new(Trouble::new(now, what.to_owned())));
                true
            }
        };
        let path = tail.position.path.clone();
        if let Some(notice) = tail.trouble.as_mut().and_then(|trouble| trouble.tell(&path, now)) {
            self.feed.notice(notice);
        }
        if other {
            self.said.say(&self.name, &path, what, now);
        }
        self.rest(generation);
    }

    /// The file of a generation holds another content now.
    fn replaced(&mut self, generation: Generation, old: Position) {
        let Some(tail) = self.tails.get_mut(&generation) else { return };
        let dropped = tail.take_dropped(&old);
        tail.save(&mut self.feed);
        self.feed.forget(&tail.origin);
        let path = old.path.clone();
        tracing::info!(
            file = %path.display(), read = old.offset, size = tail.facts.size, dropped_bytes = dropped,
            "the file was truncated: reading it from its beginning"
        );
        self.feed.count(|count| count.dropped_bytes += dropped);
        if dropped > 0 {
            let text = format!(
                "`{}` was truncated within a line: {dropped} bytes of it were not read to its end",
                path.display()
            );
            self.feed.notice(Notice { sort: Sort::Truncation, danger: false, text });
        }
        self.release_copies(&old, generation);
        // A copy may hold what was not read of it.
        if old.is_telling() {
            let former = Generation(self.next);
            self.next += 1;
            self.feed.position(old.record(&self.name, former));
            self.gone.insert(former, old);
            self.lost = true;
        }
    }

    /// Hands on the last lines that have no end, of the files that are `over`.
    pub(super) fn finish(
        &mut self,
        over: impl Fn(&Tail<D::File>) -> bool,
        now: Time,
    ) -> Result<(), EngineGone> {
        for tail in self.tails.values_mut().filter(|tail| over(tail)) {
            match tail.read(&mut self.feed, &mut self.splitter, LastLine::Told, now) {
                Ok(_) => {}
                Err(TailError::EngineGone(gone)) => return Err(gone),
                Err(TailError::Read(error)) => {
                    self.said.say(&self.name, tail.path(), &format!("{FAILED}: {error}"), now);
                }
            }
        }
        self.feed.flush()
    }

    /// Whether a path is left out by the configuration.
    pub(super) fn excludes(&self, path: &Path) -> bool {
        self.globs.exclude(path)
    }
}

/// Whether anything was ever read or seen of a position: an empty file that vanished is no loss.
pub(super) const fn matters(position: &Position) -> bool {
    position.size > 0 || position.offset > 0
}
