//! Alerts that receivers refused for good, to be sent again by a person. The agent that owns the directory may be
//! running meanwhile.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::changes::DeadLetter;
use super::content::{Table, dead};
use super::database::connect;
use super::{OpenError, WriteError, directory, schema};

/// The dead letters of a state directory.
#[derive(Debug)]
pub struct DeadLetters {
    connection: Connection,
    /// What waits there, the oldest first, each with what [`DeadLetters::remove`] knows it by.
    pub letters: Vec<(LetterId, DeadLetter)>,
    /// How many are damaged: they are not sent.
    pub damaged: usize,
}

/// Tells a dead letter from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterId(pub(super) i64);

impl DeadLetters {
    /// Those of the directory at `path`; none where it holds no state.
    ///
    /// # Errors
    /// It can't be read, or what is in it is damaged as a whole.
    pub fn open(path: &Path) -> Result<Option<Self>, OpenError> {
        let file = directory::database_in(path);
        match file.metadata() {
            Ok(metadata) if metadata.len() > 0 => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::Unusable { path: path.to_owned(), error }),
        }
        let failed = |error| schema::failed(&file, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(&file, flags).map_err(failed)?;
        schema::check(&mut connection, &file)?;
        let transaction = connection.transaction().map_err(failed)?;
        let (mut letters, mut damaged) = (Vec::new(), Vec::new());
        let mut table = Table::new("dead_letters", "place, webhook, since, answer, alert, checksum");
        table.read(&transaction, dead, &mut letters, &mut damaged).map_err(failed)?;
        drop(transaction);
        Ok(Some(Self { connection, letters, damaged: damaged.len() }))
    }

    /// Takes out one that was delivered.
    ///
    /// # Errors
    /// It is still there.
    pub fn remove(&self, id: LetterId) -> Result<(), WriteError> {
        self.connection.execute("DELETE FROM dead_letters WHERE place = ?", [id.0])?;
        Ok(())
    }
}
