//! What must not be lost: read positions, the engine's state, and the alerts that wait, in one transaction. In a state
//! directory, or with the same calls in memory.

mod changes;
mod checksum;
mod content;
mod database;
mod dead_letters;
mod directory;
mod error;
mod history;
mod outbox;
mod queue;
mod record;
mod reserve;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use changes::DeadLetter;
pub use dead_letters::{DeadLetters, LetterId};
pub(crate) use directory::database_in;
pub use error::{OpenError, WriteError};
pub use history::{Entry, Fate, History, HistorySpec, Past as PastAlerts, Receipt, Wanted, look_back};
pub use outbox::Outbox;
pub use queue::Waiting;
pub use record::{Record, Space};

use crate::engine::Alert;
use crate::notice::{Notice, Sort};
use crate::time::Time;

use content::Content;
use database::{Database, Made};
use directory::{Before, Directory, create_private};
use reserve::Reserve;
use writer::Writer;

/// Where state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// It ends with the process.
    InMemory,
    /// It is there at the next start.
    OnDisk,
}

/// What must not be lost, and the way to it.
#[derive(Debug)]
pub struct Store {
    outbox: Arc<Outbox>,
    writer: Arc<Writer>,
    /// Held as long as anything is written.
    directory: Option<Directory>,
}

/// What a state directory held when it was opened.
#[derive(Debug, Default)]
pub struct Restored {
    /// Whether it held state.
    pub past: Past,
    /// Of all spaces and owners; the alerts wait in the outbox.
    pub records: Vec<Record>,
    /// What was wrong with it.
    pub notices: Vec<Notice>,
}

/// Whether a start goes on with something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Past {
    /// The directory is used for the first time, or state is in memory.
    #[default]
    None,
    /// The directory was used before, but its state is gone.
    Lost,
    /// It goes on with its state.
    Kept,
}

impl Restored {
    /// The records of one space, taken out.
    pub fn take_all(&mut self, space: Space) -> Vec<Record> {
        self.records.extract_if(.., |record| record.space == space).collect()
    }

    /// The records of one space and owner, taken out.
    pub fn take(&mut self, space: Space, owner: &str) -> Vec<Record> {
        self.records.extract_if(.., |record| record.space == space && &*record.owner == owner).collect()
    }
}

impl Store {
    /// A store without any disk.
    pub fn in_memory(webhooks: impl Iterator<Item = Arc<str>>, alerts_max: usize) -> Self {
        let writer = Arc::<Writer>::default();
        let outbox = Arc::new(Outbox::over(writer.clone(), webhooks, alerts_max));
        Self { outbox, writer, directory: None }
    }

    /// Takes the state directory at `path` for this process, and what it holds.
    ///
    /// # Errors
    /// It can't be used, somebody else uses it, or what is in it is damaged as a whole.
    pub fn open(
        path: &Path,
        webhooks: impl Iterator<Item = Arc<str>>,
        alerts_max: usize,
    ) -> Result<(Self, Restored), OpenError> {
        let mut directory = Directory::take(path)?;
        let file = directory.database();
        let unusable = |error| OpenError::Unusable { path: path.to_owned(), error };
        let (_, length) = create_private(&file).map_err(unusable)?;
        let reserve = Reserve::open(&directory.reserve()).map_err(unusable)?;
        let (database, content, made) = Database::open(&file, length, reserve)?;
        let past = match (made, directory.before()) {
            (Made::Before, _) => Past::Kept,
            (Made::Now, Before::Unused) => Past::None,
            (Made::Now, Before::Used) => Past::Lost,
        };
        directory.made();
        let mut notices = damage(&content, &file);
        if past == Past::Lost {
            notices.push(gone(&file));
        }
        let last_place = content.waiting.last().map_or(0, |stored| stored.place);
        let writer = Arc::new(Writer::new(database, last_place));
        let outbox = Arc::new(Outbox::over(writer.clone(), webhooks, alerts_max));
        let unknown = outbox
            .restore(content.waiting)
            .map_err(|error| OpenError::NotWritten { path: file.clone(), error })?;
        for (webhook, count) in unknown {
            tracing::warn!(%webhook, count, "alerts wait for a webhook that the configuration no longer has: they are kept");
        }
        Ok((
            Self { outbox, writer, directory: Some(directory) },
            Restored { past, records: content.records, notices },
        ))
    }

    /// From now on, what is decided and what becomes of it is kept, beside the rest. Returns what is to be told about
    /// it: without a history the agent does all the same what it is for.
    pub fn keep_history(&self, spec: HistorySpec, now: Time) -> Vec<Notice> {
        let mut notices = Vec::new();
        let opened = match &self.directory {
            Some(directory) => History::open(&directory.history(), spec, now, &mut notices),
            None => History::in_memory(spec).map_err(history::HistoryError::from),
        };
        match opened {
            Ok(history) => self.outbox.keep_history(Arc::new(history)),
            Err(error) => {
                let text = format!("there is no history, and `why` knows nothing: {error}");
                notices.push(Notice { sort: Sort::Damage, danger: false, text });
            }
        }
        notices
    }

    /// Whether what is committed outlives the process.
    pub const fn keeps(&self) -> Keeps {
        match self.directory {
            Some(_) => Keeps::OnDisk,
            None => Keeps::InMemory,
        }
    }

    /// The state directory, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.directory.as_ref().map(Directory::path)
    }

    /// What waits for the webhooks.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Stores records and the alerts that were decided with them, in one transaction; durable when it returns.
    ///
    /// # Errors
    /// Nothing of it is stored. On a full disk it can be tried again.
    pub fn commit(&self, records: &[Record], alerts: &[Arc<Alert>], now: Time) -> Result<(), WriteError> {
        self.outbox.commit(records, alerts, now)
    }

    /// Alerts that were stored unfinished are as they will be sent.
    ///
    /// # Errors
    /// Nothing can be stored any more. A full disk is no error: it keeps what it has of them.
    pub fn finish(&self, alerts: &[Arc<Alert>]) -> Result<(), WriteError> {
        self.outbox.finish(alerts)
    }

    /// Returns when a worker could not store an answer for good: the process must end.
    pub async fn failed(&self) -> Arc<WriteError> {
        self.writer.failed().await
    }
}

/// What [`Store::open`] would go on with, but for the alerts that wait; nothing is written, and another process may have
/// the directory meanwhile.
///
/// # Errors
/// It can't be read, or what is in it is damaged as a whole.
pub fn look(path: &Path) -> Result<Restored, OpenError> {
    let file = database_in(path);
    match file.metadata() {
        Ok(metadata) if metadata.len() > 0 => {
            let content = Database::look(&file)?;
            let notices = damage(&content, &file);
            Ok(Restored { past: Past::Kept, records: content.records, notices })
        }
        Ok(_) => Ok(Restored::default()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Restored::default()),
        Err(error) => Err(OpenError::Unusable { path: path.to_owned(), error }),
    }
}

fn gone(file: &Path) -> Notice {
    let text = format!(
        "the state `{}` is gone or empty: hooktail begins anew, and reads files as `start` says",
        file.display()
    );
    Notice { sort: Sort::Damage, danger: true, text }
}

fn damage(content: &Content, file: &Path) -> Vec<Notice> {
    let Content { damaged_records, damaged_alerts, missing, .. } = content;
    let mut notices = Vec::new();
    let mut tell = |what: String| {
        let text = format!("the state `{}` was damaged: {what}", file.display());
        notices.push(Notice { sort: Sort::Damage, danger: true, text });
    };
    if *damaged_records > 0 {
        tell(format!("{damaged_records} of its records are set aside; what they were about begins anew"));
    }
    if *damaged_alerts > 0 {
        tell(format!("{damaged_alerts} of its waiting alerts are set aside, and not sent"));
    }
    for table in missing {
        tell(format!("something of its table `{table}` is missing or old; what is there is used"));
    }
    notices
}
