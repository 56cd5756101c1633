//! What was decided, and what became of it: each alert with the receivers' answers, within the configuration's bounds.
//!
//! It lies in a file of its own, so that nothing that is wrong with it holds up an alert, and what is restored at a start
//! is small. An alert is written here before it is committed, and by its id only once: what was delivered is here, also
//! after a crash. What can't be written is counted and told once.

mod reading;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::engine::{Alert, AlertId};
use crate::notice::{Notice, Sort};
use crate::time::Time;

pub use reading::{Entry, Past, Wanted};

/// With state in memory no more than this is kept: nobody looks back further there.
const IN_MEMORY_MAX: usize = 1_000;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistorySpec {
    /// How long.
    pub keep: Duration,
    /// How many alerts.
    pub alerts_max: usize,
}

impl Default for HistorySpec {
    fn default() -> Self {
        Self { keep: Duration::from_secs(30 * 24 * 3600), alerts_max: 100_000 }
    }
}

/// What became of an alert at a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The webhook that it was for.
    pub webhook: Arc<str>,
    /// When.
    pub at: Time,
    /// What.
    pub fate: Fate,
    /// The receiver's answer, or why there is none.
    pub answer: String,
}

/// How an alert left the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The receiver took it.
    Delivered,
    /// It was refused for good, and set aside.
    SetAside,
    /// The outbox was full: it is told in a digest of its rule.
    Folded,
    /// The webhook is broken, and its fallback gets the alert anyway.
    LeftToFallback,
}

impl Fate {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::SetAside, Self::Folded, Self::LeftToFallback];

    /// Its name in JSON, and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::SetAside => "set_aside",
            Self::Folded => "folded",
            Self::LeftToFallback => "left_to_fallback",
        }
    }
}

/// The alerts of the past, for whoever writes and whoever reads them.
#[derive(Debug)]
pub struct History {
    spec: HistorySpec,
    place: Place,
    connection: Mutex<Connection>,
    left: AtomicU64,
    missed: AtomicU64,
    /// The last write failed: that was told.
    failing: AtomicBool,
}

#[derive(Debug)]
enum Place {
    Memory,
    File(PathBuf),
}

impl History {
    /// Of one run, in memory.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory(spec: HistorySpec) -> rusqlite::Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        tables::create(&mut connection)?;
        let spec = HistorySpec { alerts_max: spec.alerts_max.min(IN_MEMORY_MAX), ..spec };
        Ok(Self::over(connection, Place::Memory, spec))
    }

    /// In the file at `path`, which is made where there is none. A damaged one is moved aside, which `notices` then tells.
    ///
    /// # Errors
    /// The file can't be used: the agent does without.
    pub(super) fn open(
        path: &Path,
        spec: HistorySpec,
        now: Time,
        notices: &mut Vec<Notice>,
    ) -> Result<Self, HistoryError> {
        let connection = match tables::open(path) {
            Ok(connection) => connection,
            Err(HistoryError::Damaged(why)) => {
                let aside = tables::move_aside(path)?;
                let text = format!(
                    "the history `{}` is damaged ({why}): it begins anew, and the old one is kept as `{}`",
                    path.display(),
                    aside.display()
                );
                notices.push(Notice { sort: Sort::Damage, danger: false, text });
                tables::open(path)?
            }
            Err(other) => return Err(other),
        };
        let history = Self::over(connection, Place::File(path.to_owned()), spec);
        let left = tables::shorten(&mut history.lock(), spec, now)?;
        history.left.store(left, Ordering::Relaxed);
        Ok(history)
    }

    fn over(connection: Connection, place: Place, spec: HistorySpec) -> Self {
        let connection = Mutex::new(connection);
        Self {
            spec,
            place,
            connection,
            left: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            failing: AtomicBool::new(false),
        }
    }

    /// These were decided.
    pub(super) fn decided(&self, alerts: &[Arc<Alert>], now: Time) {
        if alerts.is_empty() {
            return;
        }
        let written = tables::decided(&mut self.lock(), alerts, self.spec, now);
        match written {
            Ok(left) => {
                self.left.fetch_add(left, Ordering::Relaxed);
                self.failing.store(false, Ordering::Relaxed);
            }
            Err(error) => self.missed(alerts.len(), &error),
        }
    }

    /// This became of them.
    pub(super) fn left_outbox(&self, ids: &[AlertId], receipt: &Receipt) {
        if ids.is_empty() {
            return;
        }
        if let Err(error) = tables::receipts(&mut self.lock(), ids, receipt) {
            self.missed(0, &error);
        }
    }

    fn missed(&self, alerts: usize, error: &rusqlite::Error) {
        self.missed.fetch_add(alerts as u64, Ordering::Relaxed);
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "the history can't be written: alerts are sent all the same, and `why` will not know them");
        }
    }

    /// How many alerts left because of the bounds, since the start.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// How many could not be written, since the start.
    pub fn missing(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// What is kept, for a question. A file is read by a connection of its own: whoever writes is not held up.
    ///
    /// # Errors
    /// It can't be read.
    pub fn read<T>(&self, ask: impl FnOnce(&Past<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        match &self.place {
            Place::Memory => ask(&Past::new(&self.lock())),
            Place::File(path) => ask(&Past::new(&tables::connect_to_read(path)?)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the history of a state directory, whether an agent runs there or not; `None`: there is none.
///
/// # Errors
/// It can't be read.
pub fn look_back<T>(
    directory: &Path,
    ask: impl FnOnce(&Past<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let path = super::directory::history_in(directory);
    if !path.exists() {
        return Ok(None);
    }
    ask(&Past::new(&tables::connect_to_read(&path)?)).map(Some)
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    /// Its structure is broken, or it is none.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A later version wrote it.
    #[error("a newer hooktail wrote it: it has format {0}, and this one knows {known}", known = tables::FORMAT)]
    Newer(i64),
    /// The file can't be made, or moved.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// SQLite or the system below it refuses.
    #[error(transparent)]
    Refused(#[from] rusqlite::Error),
}

#[cfg(test)]
mod tests;
