//! A state directory: who may use it, and that only one process does.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::OpenError;

const DATABASE: &str = "state.db";
const LOCK: &str = "lock";
const RESERVE: &str = "reserve";
const HISTORY: &str = "history.db";

/// Stands in the lock, below its owner, once the database was made.
const MADE: &str = "made";

/// A directory that this process owns until the value is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Locked; the system unlocks it when the process ends, however it ends.
    lock: File,
    before: Before,
}

/// Whether a directory had been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Never, or no agent came so far as to make the database.
    Unused,
    /// There was a database.
    Used,
}

impl Directory {
    /// Makes the directory where there is none, and locks it.
    ///
    /// # Errors
    /// It is not ours alone, can't be written, or another process has it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let unusable = |error| OpenError::Unusable { path: path.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        check(path, &path.metadata().map_err(unusable)?)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(unusable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(OpenError::Locked { path: path.to_owned(), by: owner(&mut lock) });
            }
            Err(error) => return Err(unusable(error.into())),
        }
        let mut said = String::new();
        let read = lock.rewind().and_then(|()| lock.read_to_string(&mut said));
        let used = read.is_ok() && said.lines().any(|line| line == MADE);
        let mut directory =
            Self { path: path.to_owned(), lock, before: if used { Before::Used } else { Before::Unused } };
        directory.sign();
        Ok(directory)
    }

    /// There is a database now: if it is missing at the next start, it was lost.
    pub(super) fn made(&mut self) {
        if self.before == Before::Unused {
            self.before = Before::Used;
            self.sign();
        }
    }

    /// Writes who has it. Only whoever is refused reads that: on a full disk it may stay empty.
    fn sign(&mut self) {
        let made = if self.before == Before::Used { MADE } else { "" };
        let text = format!("{}\n{made}\n", std::process::id());
        let _ = self
            .lock
            .set_len(0)
            .and_then(|()| self.lock.rewind())
            .and_then(|()| self.lock.write_all(text.as_bytes()));
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.path.join(RESERVE)
    }

    pub(super) fn history(&self) -> PathBuf {
        history_in(&self.path)
    }

    pub(super) const fn before(&self) -> Before {
        self.before
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing it is not enough while a child that is just being started still has it.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// The database of a state directory.
pub(crate) fn database_in(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// The history of a state directory.
pub(super) fn history_in(directory: &Path) -> PathBuf {
    directory.join(HISTORY)
}

/// Opens one of our files for nobody but us, and makes it where there is none; returns how long it was.
pub(super) fn create_private(path: &Path) -> std::io::Result<(File, u64)> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if metadata.permissions().mode() & 0o077 != 0 {
        file.set_permissions(PermissionsExt::from_mode(0o600))?;
    }
    Ok((file, metadata.len()))
}

/// Whoever may write in it may put other files in place of ours.
fn check(path: &Path, metadata: &Metadata) -> Result<(), OpenError> {
    let ours = rustix::process::geteuid().as_raw();
    if metadata.uid() != ours {
        return Err(OpenError::NotOurs { path: path.to_owned(), owner: metadata.uid(), ours });
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(OpenError::WritableByOthers { path: path.to_owned() });
    }
    Ok(())
}

fn owner(lock: &mut File) -> String {
    let mut said = String::new();
    match lock.read_to_string(&mut said).map(|_| said.lines().next().unwrap_or_default()) {
        Ok(pid) if !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_70_two_agents_one_state_directory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = Directory::take(&path).unwrap();
        assert_eq!(first.before(), Before::Unused);
        // Another descriptor of this process is another owner, as another process is.
        let refused = Directory::take(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(first);
        let mut second = Directory::take(&path).unwrap();
        assert_eq!(second.before(), Before::Unused, "no database was made");
        second.made();
        drop(second);
        assert_eq!(Directory::take(&path).unwrap().before(), Before::Used);
        assert_eq!(Directory::take(&path).unwrap().before(), Before::Used, "for good");
    }

    #[test]
    fn what_is_made_is_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let directory = Directory::take(&path).unwrap();
        std::fs::write(directory.database(), "").unwrap();
        drop(create_private(&directory.database()).unwrap());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!([mode(&path.join(LOCK)), mode(&directory.database())], [0o600; 2]);
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o770)).unwrap();
        let refused = Directory::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("chmod 700"), "{refused}");
    }
}
