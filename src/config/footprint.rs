//! The files that a configuration is made of, and whether they are still as they were.
//!
//! What counts is what the names lead to: a link that is set anew, as the mounts of Kubernetes do it, is a change.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::folders::Folders;
use super::load::{Loaded, found};

/// The names of all files that a configuration was read from, those that hold URLs too, and the globs of `include`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    files: BTreeSet<PathBuf>,
    globs: BTreeSet<String>,
}

/// What the names led to at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Print(BTreeMap<PathBuf, Option<Stamp>>);

/// What tells a file from itself before and after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Footprint {
    /// Of what was read from `main`. Where that was refused, some of what it names may not be known.
    pub fn of(main: &Path, loaded: &Loaded) -> Self {
        let webhooks = loaded.config.iter().flat_map(|config| &config.webhooks);
        let url_files = webhooks.filter_map(|webhook| webhook.url_file.as_ref());
        let read = loaded.included.iter().cloned();
        Self {
            files: read
                .chain(url_files.map(|file| file.path().to_owned()))
                .chain([main.to_owned()])
                .collect(),
            globs: loaded.globs.iter().cloned().collect(),
        }
    }

    /// Adds what is in `other` alone.
    pub fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.globs.extend(other.globs);
    }

    /// Where something changes before it is another; `None`: a glob may find files in too many folders.
    pub fn folders(&self) -> Option<Folders> {
        let mut folders = Folders::default();
        for file in &self.files {
            folders.lead_to(file);
        }
        self.globs.iter().all(|glob| folders.lead_to_glob(glob)).then_some(folders)
    }

    /// Looks at all of it.
    pub fn print(&self) -> Print {
        let globs = self.globs.iter().filter_map(|glob| found(glob).ok());
        let paths: BTreeSet<PathBuf> = self.files.iter().cloned().chain(globs.flatten()).collect();
        let stamp = |path: &Path| {
            let about = path.metadata().ok()?;
            Some(Stamp {
                file: (about.dev(), about.ino()),
                size: about.size(),
                modified: (about.mtime(), about.mtime_nsec()),
                changed: (about.ctime(), about.ctime_nsec()),
            })
        };
        Print(
            paths
                .into_iter()
                .map(|path| {
                    let stamp = stamp(&path);
                    (path, stamp)
                })
                .collect(),
        )
    }
}

impl Print {
    /// As it was `before`, where that knows.
    #[must_use]
    pub fn as_before(mut self, before: &Self) -> Self {
        for (path, stamp) in &mut self.0 {
            if let Some(before) = before.0.get(path) {
                *stamp = *before;
            }
        }
        self
    }
}
