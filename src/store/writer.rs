//! The one way to the disk: transactions one after the other, of the engine's thread and of the webhooks' workers. With
//! state in memory there is nothing to write, and each succeeds.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::WriteError;
use super::changes::{Answer, Changes};
use super::database::Database;

/// Shared by all that write.
#[derive(Debug, Default)]
pub(super) struct Writer {
    state: Mutex<State>,
    failure: OnceLock<Arc<WriteError>>,
    failed: Notify,
}

/// What a writer holds while it writes: nobody else does meanwhile.
#[derive(Debug, Default)]
pub(super) struct State {
    /// None: in memory.
    database: Option<Database>,
    /// Answers that came while the disk was full: they are written with the next transaction. What they are about was
    /// stored, and nothing more is while the disk is full, so they are no more than that.
    owed: Vec<Answer>,
    last_place: i64,
}

impl Writer {
    /// Goes on from `last_place`, the highest place of an alert that is stored.
    pub(super) fn new(database: Database, last_place: i64) -> Self {
        let state = State { database: Some(database), last_place, ..State::default() };
        Self { state: Mutex::new(state), ..Self::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing can be stored any more.
    pub(super) fn fail(&self, error: WriteError) {
        // The first failure is the cause of the others.
        let _ = self.failure.set(Arc::new(error));
        self.failed.notify_one();
    }

    /// Returns when a write has failed for good.
    pub(super) async fn failed(&self) -> Arc<WriteError> {
        loop {
            if let Some(failure) = self.failure.get() {
                return failure.clone();
            }
            self.failed.notified().await;
        }
    }
}

impl State {
    /// The place of the next alert.
    pub(super) fn next_place(&mut self) -> i64 {
        self.last_place += 1;
        self.last_place
    }

    /// Stores what was decided, after what is owed. [`State::make_room`] is to be called after it.
    pub(super) fn commit(&mut self, changes: Changes<'_>) -> Result<(), WriteError> {
        let Some(database) = &mut self.database else { return Ok(()) };
        database.write_answers(&mut self.owed)?;
        if changes.is_empty() { Ok(()) } else { database.write_new(&changes) }
    }

    /// Has the database make room for what is committed next.
    pub(super) fn make_room(&mut self) -> Result<(), WriteError> {
        self.database.as_mut().map_or(Ok(()), Database::make_room)
    }

    /// Stores what became of alerts that waited. It has happened: where there is no room now, it is owed.
    pub(super) fn settle(&mut self, answers: Vec<Answer>) -> Result<(), WriteError> {
        let Some(database) = &mut self.database else { return Ok(()) };
        self.owed.extend(answers);
        match database.write_answers(&mut self.owed) {
            Ok(()) | Err(WriteError::Full | WriteError::Busy) => Ok(()),
            Err(failed) => Err(failed),
        }
    }
}
