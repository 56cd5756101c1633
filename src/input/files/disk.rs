//! What the reader asks of a file system: the real one, or that of its tests, in which everything can happen on purpose.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::discover::{Found, Globs};
use super::open::{Refusal, check_kind, open};

/// Which file it is, whatever its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// What a file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) file: FileId,
    /// When it was made, in nanoseconds, where that is known.
    pub(super) born: Option<i64>,
    /// When its content or its names changed, in nanoseconds. A reason to look, and never more than that.
    pub(super) changed: i64,
    pub(super) size: u64,
    /// How many names it has.
    pub(super) links: u64,
}

impl Facts {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        let born = metadata.created().ok().and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            file: FileId { device: metadata.dev(), inode: metadata.ino() },
            born: born.and_then(|born| i64::try_from(born.as_nanos()).ok()),
            changed: metadata.ctime().wrapping_mul(1_000_000_000).wrapping_add(metadata.ctime_nsec()),
            size: metadata.len(),
            links: metadata.nlink(),
        }
    }
}

/// A file system.
pub(super) trait Disk {
    /// Files are read by several threads, each by one at a time.
    type File: DiskFile + Send;

    /// What the globs name now.
    fn find(&self, globs: &Globs) -> Found;

    /// Of the regular file that `path` leads to.
    fn facts(&self, path: &Path) -> Result<Facts, Refusal>;

    /// Opens it for reading; see [`open`].
    fn open(&self, path: &Path, homes: Option<&[PathBuf]>) -> Result<(Self::File, Facts), Refusal>;

    /// The regular files in a directory, links left out.
    fn siblings(&self, directory: &Path) -> Vec<(PathBuf, Facts)>;
}

/// An open file.
pub(super) trait DiskFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    fn facts(&self) -> io::Result<Facts>;

    /// Where the next data lies from `offset` on; `None` where only a hole follows, or nothing.
    fn data_from(&self, offset: u64) -> io::Result<Option<u64>>;
}

/// The machine's.
#[derive(Debug, Clone, Copy)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn find(&self, globs: &Globs) -> Found {
        globs.look()
    }

    fn facts(&self, path: &Path) -> Result<Facts, Refusal> {
        let metadata = path.metadata().map_err(|error| Refusal::io(&error))?;
        check_kind(&metadata)?;
        Ok(Facts::of(&metadata))
    }

    fn open(&self, path: &Path, homes: Option<&[PathBuf]>) -> Result<(File, Facts), Refusal> {
        open(path, homes)
    }

    fn siblings(&self, directory: &Path) -> Vec<(PathBuf, Facts)> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| {
            // Of the entry itself: what a link leads to lies elsewhere.
            let metadata = entry.metadata().ok()?;
            metadata.is_file().then(|| (entry.path(), Facts::of(&metadata)))
        });
        files.collect()
    }
}

impl DiskFile for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn facts(&self) -> io::Result<Facts> {
        self.metadata().map(|metadata| Facts::of(&metadata))
    }

    fn data_from(&self, offset: u64) -> io::Result<Option<u64>> {
        match rustix::fs::seek(self, SeekFrom::Data(offset)) {
            Ok(data) => Ok(Some(data)),
            Err(Errno::NXIO) => Ok(None),
            // A file system that doesn't know its holes: all of it is data.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(offset)),
            Err(error) => Err(error.into()),
        }
    }
}
