//! What becomes of files that lose their names: read to their ends and closed, looked for beside where they were, or told
//! as a gap.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::notice::{Notice, Sort};
use crate::store::{Record, Space};
use crate::time::Time;

use super::discover::FirstUse;
use super::disk::{Disk, DiskFile, Facts, FileId};
use super::input::{FilesInput, matters};
use super::look::Newcomer;
use super::marks::{self, HEAD_BYTES};
use super::position::{Generation, Holds, Position, read_exactly};
use super::turn::LastLine;

/// A file that has lost its name is read on until it was quiet for so long: writers keep a rotated file open.
const LINGER: Duration = Duration::from_secs(30);

/// What is remembered of a file that is gone, in case it returns: for so long, and of so many files.
const REMEMBERED_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
const REMEMBERED_MAX: usize = 10_000;

/// So often files are looked for: names may move on between a listing and the opening of what it lists.
const SEEKS: usize = 3;

/// So many files beside a lost one are looked at.
const SIBLINGS_MAX: usize = 20_000;

/// The files of a directory, by name.
type Listing = BTreeMap<OsString, (PathBuf, Facts)>;

impl<D: Disk> FilesInput<D> {
    /// Whether a file has lost its name, is drained, and was quiet for long enough.
    pub(super) fn is_done(&mut self, generation: Generation, now: Time) -> bool {
        let Some(tail) = self.tails.get(&generation) else { return false };
        let (Some(detached), Some(file)) = (tail.detached, &tail.file) else { return false };
        if tail.is_in_doubt() {
            return false;
        }
        let links = file.facts().map_or(1, |facts| facts.links);
        let lingered = now.since(detached.max(tail.grown)) >= LINGER;
        if links > 0 {
            // Without a new file in its place, its writer has nowhere else to write to.
            return lingered && self.disk.facts(tail.path()).is_ok();
        }
        if !lingered && now.since(detached) >= self.deleted_max {
            let text = format!(
                "`{}` was deleted {} ago and is still written to: it is closed now (`limits.deleted_file`), and what \
                 comes is not read",
                tail.path().display(),
                crate::time::Spelled(self.deleted_max)
            );
            self.feed.notice(Notice { sort: Sort::Gap, danger: true, text });
            return true;
        }
        lingered
    }

    /// Nothing more comes of it.
    pub(super) fn close(&mut self, generation: Generation, now: Time) {
        let Some(tail) = self.tails.get_mut(&generation) else { return };
        tracing::debug!(file = %tail.path().display(), "the old file is drained and quiet: closed");
        // What can't be read now is no more than the beginning of a line.
        let _ = tail.read(&mut self.feed, &mut self.cutter, LastLine::Told, now);
        tail.finish_kept(&mut self.feed);
        if let Some(tail) = self.remove(generation) {
            self.keep(generation, tail.position, now);
        }
    }

    pub(super) fn keep(&mut self, generation: Generation, mut position: Position, now: Time) {
        position.gone = Some(now);
        self.feed.position(position.record(&self.name, generation));
        self.gone.insert(generation, position);
    }

    /// Files of which nothing is needed any more.
    pub(super) fn forget(&mut self, now: Time) {
        let mut gone: Vec<(Time, Generation)> = self
            .gone
            .iter()
            .filter_map(|(generation, position)| Some((position.gone?, *generation)))
            .collect();
        let too_many = gone.len().saturating_sub(REMEMBERED_MAX);
        if too_many > 0 {
            gone.sort_unstable();
        }
        for (n, (since, generation)) in gone.into_iter().enumerate() {
            if n < too_many || now.since(since) >= REMEMBERED_FOR {
                self.gone.remove(&generation);
                self.drop_record(generation);
            }
        }
    }

    pub(super) fn drop_record(&mut self, generation: Generation) {
        self.feed.position(Record {
            space: Space::Position,
            owner: self.name.clone(),
            key: generation.key().into(),
            value: None,
        });
    }

    /// Generations that came and lost their name between two looks: files whose name begins with that of a file that
    /// was replaced, and that are younger than it.
    pub(super) fn find_between(&mut self, before: &HashMap<PathBuf, FileId>, newcomers: &mut Vec<Newcomer>) {
        let mut listings = HashMap::new();
        for (path, now) in &self.names {
            let Some(old) = before.get(path).filter(|old| *old != now) else { continue };
            let Some(born) = self.born(*old) else { continue };
            let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let listing = listings.entry(directory.to_owned()).or_insert_with(|| list(&self.disk, directory));
            let own_name =
                |(other, _): &(&OsString, _)| other.as_encoded_bytes().starts_with(name.as_encoded_bytes());
            for (_, (path, facts)) in listing.range(name.to_owned()..).take_while(own_name) {
                let known = self.by_file.contains_key(&facts.file)
                    || self.gone.values().any(|position| position.file == Some(facts.file))
                    || newcomers.iter().any(|newcomer| newcomer.facts.file == facts.file);
                if facts.born.is_some_and(|it| it > born) && !known && !self.excludes(path) {
                    newcomers.push(Newcomer {
                        path: path.clone(),
                        facts: *facts,
                        first_use: FirstUse::Past,
                        named: false,
                    });
                }
            }
        }
    }

    fn born(&self, file: FileId) -> Option<i64> {
        match self.by_file.get(&file).and_then(|generation| self.tails.get(generation)) {
            Some(tail) => tail.position.born,
            None => self.gone.values().find(|position| position.file == Some(file))?.born,
        }
    }

    /// Looks once, beside where they were, for files that no name leads to and that are not open. What is not found is
    /// told: it may have held more than was read.
    pub(super) fn seek_the_lost(&mut self, now: Time) {
        let lost = self.gone.iter().filter(|(_, position)| position.gone.is_none());
        let mut lost: Vec<(u64, Generation)> =
            lost.map(|(lost, position)| (position.offset, *lost)).collect();
        // Of those that one file holds, the one that was read furthest goes on there.
        lost.sort_unstable_by(|one, other| other.cmp(one));
        let mut missing = Vec::new();
        for _ in 0..SEEKS {
            self.seek_beside(&lost, now);
            lost.retain(|(_, generation)| self.gone.contains_key(generation));
            if lost.is_empty() {
                break;
            }
        }
        lost.sort_unstable_by_key(|(_, generation)| *generation);
        for (_, generation) in lost {
            let Some(position) = self.gone.remove(&generation) else { continue };
            if position.file.is_some() && matters(&position) && !self.is_read_further(&position) {
                missing.push(position.clone());
            }
            self.keep(generation, position, now);
        }
        self.tell_missing(&missing);
    }

    /// Whether a copy has gone on where this one was read to.
    fn is_read_further(&self, position: &Position) -> bool {
        let Some(head) = position.marks.whole_head() else { return false };
        self.tails.values().any(|tail| {
            let further =
                tail.position.marks.whole_head() == Some(head) && tail.position.offset >= position.offset;
            let holds = |file: &D::File| position.held_by(file, file.facts()?.size);
            further && tail.file.as_ref().is_some_and(|file| holds(file).is_ok_and(|it| it == Holds::All))
        })
    }

    /// Looks for each of `lost` among what lies beside where it was now.
    fn seek_beside(&mut self, lost: &[(u64, Generation)], now: Time) {
        let mut listings = HashMap::new();
        // By their numbers first: by content alone, one could be taken for what was a copy of it.
        for by in [By::Number, By::Content] {
            for (_, generation) in lost {
                let Some(position) = self.gone.get(generation) else { continue };
                let Some(directory) = position.path.parent().map(Path::to_owned) else { continue };
                let beside = listings
                    .entry(directory.clone())
                    .or_insert_with(|| Beside::new(list(&self.disk, &directory)));
                let found = beside.find(&self.disk, position, by, |path, facts| self.is_read(path, facts));
                if let Some((path, file, facts)) = found
                    && let Some(position) = self.gone.remove(generation)
                {
                    self.follow_lost(*generation, position, path, file, facts, now);
                }
            }
        }
    }

    /// Whether a file is being read, or was read to its end, perhaps on a file system that has come back as another
    /// device.
    fn is_read(&self, path: &Path, facts: &Facts) -> bool {
        let drained = |position: &Position| {
            let same =
                |file: FileId| file == facts.file || file.inode == facts.file.inode && position.path == path;
            position.gone.is_some() && position.file.is_some_and(same) && !position.is_reborn(facts)
        };
        self.by_file.contains_key(&facts.file) || self.gone.values().any(drained)
    }

    fn follow_lost(
        &mut self,
        generation: Generation,
        mut position: Position,
        path: PathBuf,
        file: D::File,
        facts: Facts,
        now: Time,
    ) {
        tracing::debug!(
            input = %self.name, file = %position.path.display(), now = %path.display(), position = position.offset,
            "found under another name: reading it to its end"
        );
        (position.path, position.file, position.born) = (path, Some(facts.file), facts.born);
        self.add(generation, position, Some(file), facts, false, now);
    }

    fn tell_missing(&mut self, missing: &[Position]) {
        let Some(first) = missing.first() else { return };
        let others = match missing.len() - 1 {
            0 => String::new(),
            1 => " and another file".to_owned(),
            more => format!(" and {more} other files"),
        };
        let text = format!(
            "`{}`{others} went away unobserved: what was written after byte {} may be unread",
            first.path.display(),
            first.offset
        );
        self.feed.notice(Notice { sort: Sort::Gap, danger: true, text });
    }

    /// Closes files that are quiet, where too many are open; they are opened again when they change.
    pub(super) fn close_idle(&mut self) {
        if self.tails.len() <= self.open_max {
            return;
        }
        let open = self.tails.values().filter(|tail| tail.file.is_some());
        let open_now = open.clone().count();
        if open_now <= self.open_max {
            return;
        }
        let idle = open.filter(|tail| tail.detached.is_none() && !self.ready.contains(&tail.generation));
        let mut idle: Vec<(Time, Generation)> = idle.map(|tail| (tail.grown, tail.generation)).collect();
        idle.sort_unstable();
        // Some room is made at once: one by one would sort them each time.
        let close = open_now - self.open_max + self.open_max / 4;
        for (_, generation) in idle.into_iter().take(close) {
            if let Some(tail) = self.tails.get_mut(&generation) {
                tail.file = None;
            }
        }
    }
}

fn list<D: Disk>(disk: &D, directory: &Path) -> Listing {
    let files = disk.siblings(directory).into_iter().take(SIBLINGS_MAX);
    files.filter_map(|(path, facts)| Some((path.file_name()?.to_owned(), (path, facts)))).collect()
}

/// The files of a directory, to look for what was lost.
struct Beside {
    by_file: HashMap<FileId, (PathBuf, Facts)>,
    /// The heads of those that are long enough to be known by it, read when they are first asked for.
    heads: Option<Vec<(u64, FileId)>>,
}

/// What a lost file is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Number,
    Content,
}

impl Beside {
    fn new(listing: Listing) -> Self {
        let by_file = listing.into_values().map(|(path, facts)| (facts.file, (path, facts))).collect();
        Self { by_file, heads: None }
    }

    /// The file of this position.
    fn find<D: Disk>(
        &mut self,
        disk: &D,
        position: &Position,
        by: By,
        is_read: impl Fn(&Path, &Facts) -> bool,
    ) -> Option<(PathBuf, D::File, Facts)> {
        if by == By::Number {
            let (path, facts) = self.by_file.get(&position.file?)?;
            let file = (!position.is_reborn(facts) && !is_read(path, facts)).then_some(facts.file)?;
            return self.open(disk, file, position, &[Holds::All, Holds::Less]);
        }
        let head = position.marks.whole_head()?;
        let heads = self.heads.get_or_insert_with(|| {
            let long = self.by_file.values().filter(|(_, facts)| facts.size >= HEAD_BYTES);
            long.filter_map(|(path, facts)| {
                let (file, _) = disk.open(path, None).ok()?;
                let head = read_exactly(&file, 0, HEAD_BYTES as usize).ok()??;
                Some((marks::head(&head), facts.file))
            })
            .collect()
        });
        let same: Vec<FileId> = heads.iter().filter(|(it, _)| *it == head).map(|(_, file)| *file).collect();
        same.into_iter()
            .filter(|file| {
                let (path, facts) = &self.by_file[file];
                !is_read(path, facts)
            })
            .find_map(|file| self.open(disk, file, position, &[Holds::All]))
    }

    fn open<D: Disk>(
        &self,
        disk: &D,
        file: FileId,
        position: &Position,
        enough: &[Holds],
    ) -> Option<(PathBuf, D::File, Facts)> {
        let (path, facts) = self.by_file.get(&file)?;
        let (opened, now) = disk.open(path, None).ok()?;
        let holds = position.held_by(&opened, now.size).ok()?;
        (now.file == facts.file && enough.contains(&holds)).then(|| (path.clone(), opened, now))
    }
}
