//! One input of files: its globs, what is being read of them, and what is remembered of files that are gone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::board::Gauge;
use crate::event::{InputState, Texts};
use crate::input::FilesSpec;
use crate::input::feed::{EngineGone, Feed};
use crate::notice::{Notice, Sort};
use crate::store::Record;
use crate::time::Time;

use super::Until;
use super::cutter::{self, Cutter};
use super::discover::Globs;
use super::disk::{Disk, FileId};
use super::lanes::Lanes;
use super::open::Refusal;
use super::position::{Generation, Position};
use super::said::Said;
use super::tail::Tail;
use super::trouble::Trouble;
use super::turn::{LastLine, TailError};

/// The key of the record of the globs that were used.
pub(super) const GLOBS_KEY: &str = "globs";

/// How it begins what is said of a path that is not opened, or not read.
pub(super) const NOT_READ: &str = "not read";
pub(super) const FAILED: &str = "failed to read";

/// What it needs to know, and how it hands on.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) name: Arc<str>,
    pub(super) labels: Texts,
    pub(super) spec: FilesSpec,
    pub(super) feed: Feed,
    pub(super) lanes: Lanes,
    pub(super) until: Until,
    /// A deleted file is held open for so long.
    pub(super) deleted_max: Duration,
    /// So many files are open at once.
    pub(super) open_max: usize,
    /// Where it says how it stands.
    pub(super) gauge: Arc<Gauge>,
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
    pub(super) gauge: Arc<Gauge>,
    pub(super) deleted_max: Duration,
    pub(super) open_max: usize,
    pub(super) cutter: Cutter,
    /// What other threads read with, where there is much.
    pub(super) lanes: Lanes,
    /// The heads of files that are about to be read, and of which none is known yet: what begins alike waits for that.
    pub(super) heads: HashSet<u64>,
    /// So long lines wait for the rest of their event.
    pub(super) patience: Duration,
    /// Boxed: they come in order, which leaves a tree's leaves half empty.
    pub(super) tails: BTreeMap<Generation, Box<Tail<D::File>>>,
    pub(super) by_file: HashMap<FileId, Generation>,
    /// Every path that the globs name, with the file that it led to at the last look: hints come by any of its names.
    pub(super) names: HashMap<PathBuf, FileId>,
    /// What was read and is not to be found now.
    pub(super) gone: BTreeMap<Generation, Position>,
    /// Some of it is still to be looked for.
    pub(super) lost: bool,
    pub(super) homes: Option<Vec<PathBuf>>,
    /// Those that may have something to read.
    pub(super) ready: BTreeSet<Generation>,
    /// Those that want to be looked at after a time.
    pub(super) attended: BTreeSet<Generation>,
    pub(super) next: u64,
    /// A name led elsewhere than the look had found.
    pub(super) look_again: bool,
    /// Some name is a link: what it leads to sends no events.
    pub(super) links: bool,
    pub(super) said: Said,
}

impl<D: Disk> FilesInput<D> {
    pub(super) fn new(disk: D, setup: Setup, stored: &[Record]) -> Result<Self, globset::Error> {
        let Setup { name, labels, spec, feed, lanes, until, deleted_max, open_max, gauge } = setup;
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
            cutter: Cutter::new(feed.line_spec()),
            patience: cutter::patience(feed.line_spec()),
            spec,
            feed,
            lanes,
            heads: HashSet::new(),
            until,
            gauge,
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

    /// A turn for each file that may have grown; returns whether any has more.
    pub(super) fn turn(&mut self, touched: &BTreeSet<PathBuf>, now: Time) -> Result<bool, EngineGone> {
        let touched = touched.iter().filter_map(|path| self.by_file.get(self.names.get(path)?));
        self.ready.extend(touched);
        let due = |generation: &&Generation| self.due_of(**generation).is_some_and(|due| due <= now);
        let due: Vec<Generation> = self.attended.iter().filter(due).copied().collect();
        let kept = self.attended.iter().filter_map(|generation| self.tails.get(generation)?.kept.as_ref());
        self.cutter.room = cutter::room(kept.map(|kept| kept.group.joined().text.len()).sum());
        self.ready.extend(due);
        let mut more = false;
        let ready: Vec<Generation> = self.ready.iter().copied().collect();
        // Many may be opened in one turn: those that are read are closed on the way.
        for some in ready.chunks((self.open_max / 4).max(1)) {
            more |= self.round(some, now)?;
            self.close_idle();
        }
        // Where names are moved on just now, what lies where shows at the next look.
        if !more && !self.look_again && std::mem::take(&mut self.lost) {
            self.seek_the_lost(now);
            more = !self.ready.is_empty();
        }
        if more {
            self.feed.flush_if_due()?;
        } else {
            self.cutter.release();
            self.feed.flush()?;
        }
        Ok(more || self.look_again)
    }

    /// When the next file wants to be looked at.
    pub(super) fn due(&self) -> Option<Time> {
        self.attended.iter().filter_map(|generation| self.due_of(*generation)).min()
    }

    fn due_of(&self, generation: Generation) -> Option<Time> {
        self.tails.get(&generation)?.due(self.spec.poll, self.patience)
    }

    /// There is nothing more to read of any file for now: the engine learns of that, and whether one can't be read.
    pub(super) fn stand(&mut self) -> Result<(), EngineGone> {
        self.feed.stands(if self.unreadable() > 0 { InputState::Unreadable } else { InputState::CaughtUp });
        self.feed.flush()
    }

    /// How many files and paths can't be read now.
    pub(super) fn unreadable(&self) -> usize {
        let said = |path: &Path| self.said.holds(path, &[NOT_READ, FAILED]);
        let troubled = self.attended.iter().filter_map(|generation| self.tails.get(generation));
        let unsaid = troubled.filter(|tail| tail.trouble.is_some() && !said(tail.path()));
        self.said.count_of(&[NOT_READ, FAILED]) + unsaid.count()
    }

    /// It has nothing more to read for now.
    pub(super) fn rest(&mut self, generation: Generation) {
        self.ready.remove(&generation);
        if self.due_of(generation).is_some() {
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
            Ok((file, facts)) if tail.is_of(&facts) => {
                if tail.position.unseen
                    && let Err(error) = tail.begin_at_a_line(&file, self.feed.line_spec())
                {
                    match error {
                        TailError::Read(error) => self.failed(generation, &error, now),
                        error => self.refuse(generation, &error, now),
                    }
                    return false;
                }
                tracing::debug!(
                    input = %self.name, file = %tail.path().display(), position = tail.position.offset, "reading"
                );
                tail.file = Some(file);
                true
            }
            // Names were moved on since the look, or the number was given anew: the next one finds what there is.
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

    pub(super) fn failed(&mut self, generation: Generation, error: &std::io::Error, now: Time) {
        self.trouble(generation, &format!("{FAILED}: {error}"), now);
    }

    /// Its text can't be read as it is written: that doesn't pass by itself, and is told at once.
    pub(super) fn refuse(&mut self, generation: Generation, why: &TailError, now: Time) {
        let Some(tail) = self.tails.get_mut(&generation) else { return };
        tail.file = None;
        match &mut tail.trouble {
            Some(trouble) => drop(trouble.goes_on(now, why.to_string())),
            none => {
                *none = Some(Box::new(Trouble::told(now, why.to_string())));
                let text = format!("`{}` is not read: {why}", tail.position.path.display());
                self.feed.notice(Notice { sort: Sort::Unreadable, danger: true, text });
            }
        }
        self.rest(generation);
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
    pub(super) fn replaced(&mut self, generation: Generation, old: Position) {
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
        for tail in self.tails.values_mut().filter(|tail| over(tail) && !tail.is_copy()) {
            match tail.read(&mut self.feed, &mut self.cutter, LastLine::Told, now) {
                Ok(_) => {}
                Err(TailError::EngineGone(gone)) => return Err(gone),
                Err(error) => {
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
