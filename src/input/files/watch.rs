//! notify as a hint: what may have changed. Nothing depends on a hint's coming; looking now and then is what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::input::waker::Waker;

use super::disk::{Facts, FileId};

/// How many paths are remembered until the reader looks; past that it looks at everything.
const TOUCHED_MAX: usize = 4_096;

/// How often watches are set anew where no event tells of a change.
const SET_EVERY: Duration = Duration::from_secs(5 * 60);

/// What may have changed since the last look.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Files that were written to.
    pub(super) touched: BTreeSet<PathBuf>,
    /// Names came, went or changed, or the system lost count: look at everything.
    pub(super) look: bool,
}

impl Hints {
    fn add(&mut self, event: notify::Result<notify::Event>) -> bool {
        match event {
            // An overflow has no paths: ask before looking at them.
            Ok(event) if event.need_rescan() => self.look = true,
            // Our own opens and reads.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return false,
            Ok(event) => {
                let data = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
                self.look |= !data;
                self.touched.extend(event.paths);
            }
            Err(error) => {
                tracing::debug!(%error, "watching failed: looking instead");
                self.look = true;
            }
        }
        if self.touched.len() > TOUCHED_MAX {
            self.touched.clear();
            self.look = true;
        }
        true
    }
}

/// What came of setting the watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watched {
    /// Every directory is watched.
    pub(super) all: bool,
    /// One is watched that was not before: what came into it until now raised no event.
    pub(super) more: bool,
}

/// Watches directories, and wakes the reader.
#[derive(Debug)]
pub(super) struct Watch {
    /// `None`: the system grants no watcher, and looking has to do.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, FileId>,
    /// When each was set; `None`: one may have been lost since.
    set: Option<Instant>,
    hints: Arc<Mutex<Hints>>,
}

impl Watch {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        let hints = Arc::new(Mutex::new(Hints::default()));
        let noted = hints.clone();
        let note = move |event| {
            if noted.lock().unwrap_or_else(PoisonError::into_inner).add(event) {
                waker.wake();
            }
        };
        let watcher = notify::recommended_watcher(note)
            .inspect_err(
                |error| tracing::warn!(%error, "no watcher: files are looked at each `poll` instead"),
            )
            .ok();
        Self { watcher, watched: BTreeMap::new(), set: None, hints }
    }

    /// Watches just these directories.
    ///
    /// One that was deleted and made again has lost its watch, and may have the number that it had. So after each event but
    /// writing, and now and then without one, all are set anew. Setting one twice costs little but wakes notify's thread.
    pub(super) fn set(&mut self, directories: &BTreeSet<PathBuf>) -> Watched {
        let Some(watcher) = &mut self.watcher else { return Watched { all: false, more: false } };
        for gone in self.watched.keys().filter(|path| !directories.contains(*path)) {
            let _ = watcher.unwatch(gone);
        }
        let all_anew = self.set.is_none_or(|at| at.elapsed() >= SET_EVERY);
        let mut watched = BTreeMap::new();
        for directory in directories {
            // Looked at before it is watched: if another one takes the name in between, the next look finds it new.
            let Ok(metadata) = directory.metadata() else { continue };
            let id = Facts::of(&metadata).file;
            let is_set = !all_anew && self.watched.get(directory) == Some(&id);
            if is_set || watcher.watch(directory, RecursiveMode::NonRecursive).is_ok() {
                watched.insert(directory.clone(), id);
            }
        }
        if all_anew {
            self.set = Some(Instant::now());
        }
        let more = watched.iter().any(|(path, id)| self.watched.get(path) != Some(id));
        self.watched = watched;
        Watched { all: self.watched.len() == directories.len(), more }
    }

    /// What may have changed since the last call.
    pub(super) fn take(&mut self) -> Hints {
        let hints = std::mem::take(&mut *self.hints.lock().unwrap_or_else(PoisonError::into_inner));
        if hints.look {
            self.set = None;
        }
        hints
    }
}
