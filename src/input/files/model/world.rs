//! A file system in memory, in which numbers are given anew at once, births fall on one instant, and reading fails when
//! it is told to.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{self, ThreadId};

use super::super::discover::{Found, Globs};
use super::super::disk::{Disk, DiskFile, Facts, FileId};
use super::super::open::Refusal;

/// Births that lie closer together than this look alike.
pub(super) const TICK_NANOS: i64 = 4_000_000;

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) names: BTreeMap<PathBuf, Name>,
    pub(super) files: BTreeMap<u64, Content>,
    pub(super) free: Vec<u64>,
    pub(super) last: u64,
    pub(super) now: i64,
    pub(super) device: u64,
    /// So many reads fail from now on.
    pub(super) failing: u32,
    /// Files look this much shorter than they are.
    pub(super) lie: u64,
    /// Right after the size of a file was asked for, this is written to it.
    pub(super) growing: BTreeMap<u64, Vec<u8>>,
    /// The threads that read.
    pub(super) readers: HashSet<ThreadId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    File(u64),
    Link(PathBuf),
}

#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) born: i64,
    pub(super) changed: i64,
    pub(super) links: u64,
    open: u64,
    /// Tells files apart that had one number after the other.
    pub(super) serial: u64,
}

/// Whoever has it sees one world; nobody keeps it while a reader reads.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<RwLock<World>>);

impl Shared {
    pub(super) fn new(world: World) -> Self {
        Self(Arc::new(RwLock::new(world)))
    }

    pub(super) fn borrow(&self) -> RwLockReadGuard<'_, World> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn borrow_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// A new file; nothing has the name.
    pub(super) fn create(&mut self, path: &str, serial: u64) -> u64 {
        let inode = self.free.pop().unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        let born = self.now - self.now % TICK_NANOS;
        self.files
            .insert(inode, Content { bytes: Vec::new(), born, changed: self.now, links: 1, open: 0, serial });
        assert!(self.names.insert(path.into(), Name::File(inode)).is_none(), "{path} is there");
        inode
    }

    pub(super) fn inode(&self, path: &Path) -> Option<u64> {
        match self.names.get(path)? {
            Name::File(inode) => Some(*inode),
            Name::Link(target) => self.inode(target),
        }
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        if let Some(Name::File(inode)) = self.names.remove(path)
            && let Some(content) = self.files.get_mut(&inode)
        {
            content.links -= 1;
            content.changed = self.now;
            self.free_if_unused(inode);
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        let name = self.names.get(from).cloned().expect("it is there");
        self.unlink(to);
        self.names.remove(from);
        self.names.insert(to.to_owned(), name);
    }

    pub(super) fn change(&mut self, inode: u64, change: impl FnOnce(&mut Vec<u8>)) {
        let content = self.files.get_mut(&inode).expect("it is there");
        change(&mut content.bytes);
        content.changed = self.now;
    }

    fn free_if_unused(&mut self, inode: u64) {
        if self.files.get(&inode).is_some_and(|content| content.links == 0 && content.open == 0) {
            self.files.remove(&inode);
            self.free.push(inode);
        }
    }

    fn facts(&self, inode: u64) -> Facts {
        let content = &self.files[&inode];
        Facts {
            file: FileId { device: self.device, inode },
            born: Some(content.born),
            changed: content.changed,
            size: (content.bytes.len() as u64).saturating_sub(self.lie),
            links: content.links,
        }
    }
}

/// The world as the reader sees it.
#[derive(Debug, Clone)]
pub(super) struct ModelDisk(pub(super) Shared);

#[derive(Debug)]
pub(super) struct ModelFile {
    world: Shared,
    inode: u64,
}

impl Drop for ModelFile {
    fn drop(&mut self) {
        let mut world = self.world.borrow_mut();
        if let Some(content) = world.files.get_mut(&self.inode) {
            content.open -= 1;
        }
        world.free_if_unused(self.inode);
    }
}

impl Disk for ModelDisk {
    type File = ModelFile;

    fn find(&self, globs: &Globs) -> Found {
        let world = self.0.borrow();
        let mut found = Found::default();
        for path in world.names.keys().filter(|path| world.inode(path).is_some()) {
            if let Some(first_use) = globs.name(path) {
                found.paths.insert(path.clone(), first_use);
                found.links |= matches!(world.names[path], Name::Link(_));
            }
        }
        found
    }

    fn facts(&self, path: &Path) -> Result<Facts, Refusal> {
        let world = self.0.borrow();
        world.inode(path).map(|inode| world.facts(inode)).ok_or(Refusal::Gone)
    }

    fn open(&self, path: &Path, _: Option<&[PathBuf]>) -> Result<(ModelFile, Facts), Refusal> {
        let mut world = self.0.borrow_mut();
        let inode = world.inode(path).ok_or(Refusal::Gone)?;
        if world.failing > 0 {
            world.failing -= 1;
            return Err(Refusal::Io("refused on purpose".to_owned()));
        }
        world.files.get_mut(&inode).expect("a name leads to it").open += 1;
        let facts = world.facts(inode);
        Ok((ModelFile { world: self.0.clone(), inode }, facts))
    }

    fn siblings(&self, directory: &Path) -> Vec<(PathBuf, Facts)> {
        let world = self.0.borrow();
        let beside = world.names.iter().filter(|(path, _)| path.parent() == Some(directory));
        beside
            .filter_map(|(path, name)| match name {
                Name::File(inode) => Some((path.clone(), world.facts(*inode))),
                Name::Link(_) => None,
            })
            .collect()
    }
}

impl DiskFile for ModelFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.world.borrow_mut();
        if world.failing > 0 {
            world.failing -= 1;
            return Err(io::Error::other("failed on purpose"));
        }
        world.readers.insert(thread::current().id());
        let content = &world.files[&self.inode].bytes;
        let end = content.len().saturating_sub(world.lie as usize);
        let from = (offset as usize).min(end);
        let length = bytes.len().min(end - from);
        bytes[..length].copy_from_slice(&content[from..from + length]);
        Ok(length)
    }

    fn facts(&self) -> io::Result<Facts> {
        let mut world = self.world.borrow_mut();
        let facts = world.facts(self.inode);
        if let Some(bytes) = world.growing.remove(&self.inode) {
            world.change(self.inode, |content| content.extend_from_slice(&bytes));
        }
        Ok(facts)
    }

    fn data_from(&self, offset: u64) -> io::Result<Option<u64>> {
        let world = self.world.borrow();
        let content = &world.files[&self.inode].bytes;
        let from = (offset as usize).min(content.len());
        Ok(content[from..].iter().position(|byte| *byte != 0).map(|at| (from + at) as u64))
    }
}
