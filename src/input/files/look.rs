//! A look at what the globs name now: what is known goes on, what is new begins, what lost its name is read to its end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::event::Origin;
use crate::input::Start;
use crate::store::{Record, Space};
use crate::time::Time;

use super::Until;
use super::discover::FirstUse;
use super::disk::{Disk, Facts, FileId};
use super::input::{FilesInput, GLOBS_KEY, NOT_READ};
use super::open::Refusal;
use super::position::{Generation, Holds, Position};
use super::tail::Tail;

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
        if let Some(reborn) = reborn.map(|tail| tail.generation) {
            self.lose(reborn);
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
        lost.into_iter().for_each(|generation| self.lose(generation));
    }

    /// What no name leads to, and is not open.
    fn lose(&mut self, generation: Generation) {
        // Before copies of it go on where it ends.
        if let Some(tail) = self.tails.get_mut(&generation) {
            tail.finish_kept(&mut self.feed);
        }
        if let Some(mut tail) = self.remove(generation) {
            tail.save(&mut self.feed);
            self.gone.insert(generation, tail.position);
            self.lost = true;
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
        // Even if it begins as the old file did: a copy may go on elsewhere.
        if position.is_reborn(facts) {
            return false;
        }
        let (file, facts) = match self.disk.open(path, self.homes.as_deref()) {
            Ok((file, opened)) if opened.file == facts.file => match position.held_by(&file, opened.size) {
                Ok(Holds::All | Holds::Less) => (Some(file), opened),
                Ok(Holds::Other) => return false,
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
}
