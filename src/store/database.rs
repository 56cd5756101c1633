//! The database: how it is opened, written and kept small.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::changes::{Answer, Changes, Seals};
use super::content::{Content, load};
use super::error::{OpenError, WriteError};
use super::reserve::Reserve;
use super::schema;

/// How long another process (`hooktail send`, a person with `sqlite3`) may hold up a write.
const BUSY: Duration = Duration::from_secs(10);

/// After so many bytes, what was written ahead is moved into the database, so that the file of it stays small. It takes two
/// waits for the disk: after an answer, for which nobody waits, it is done early.
const WRITTEN_AHEAD_MAX: usize = 512 * 1024;
const WRITTEN_AHEAD_AT_AN_ANSWER: usize = WRITTEN_AHEAD_MAX / 2;

/// A file of one page has no table.
const PAGE_BYTES: u64 = 4_096;

/// How many pages are copied at once; a writer waits meanwhile.
const PAGES_AT_ONCE: i32 = 4_096;

/// What a transaction writes beside its records: a page of each table that it touches, about.
const TRANSACTION_BYTES: usize = 16 * 1024;

/// On a full disk so many answers are written at once: few enough for the reserve.
const ANSWERS_AT_ONCE: usize = 8;

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    seals: Seals,
    written_ahead: usize,
    reserve: Reserve,
}

/// Whether there was a database to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Before,
    Now,
}

impl Database {
    /// Opens the database at `path`, a file of `length` bytes, and reads all that it holds. It is made where the file is
    /// empty, or whoever was making it came no further than its first page.
    pub(super) fn open(
        path: &Path,
        length: u64,
        reserve: Reserve,
    ) -> Result<(Self, Content, Made), OpenError> {
        let failed = |error| schema::failed(path, error);
        let mut connection =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(failed)?;
        let made = match length {
            0 => Made::Now,
            PAGE_BYTES if schema::is_blank(&connection).map_err(failed)? => Made::Now,
            _ => Made::Before,
        };
        match made {
            Made::Now => schema::create(&mut connection).map_err(failed)?,
            Made::Before => {
                schema::check(&mut connection, path)?;
                schema::check_head(&connection, path)?;
                schema::write_ahead(&connection).map_err(failed)?;
            }
        }
        // Now and then by `checkpoint`, whose failure is then seen.
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        let (content, seals) = load(&mut connection).map_err(failed)?;
        let mut database = Self { connection, seals, written_ahead: 0, reserve };
        let moved = database.checkpoint_if_there_is_room();
        moved.map_err(|error| OpenError::NotWritten { path: path.to_owned(), error })?;
        Ok((database, content, made))
    }

    /// Reads all that the database at `path` holds, and leaves it as it is.
    pub(super) fn look(path: &Path) -> Result<Content, OpenError> {
        let failed = |error| schema::failed(path, error);
        let mut copy = copy(path).map_err(failed)?;
        // What is old is brought up to date, and what is damaged set aside, in the copy.
        schema::check(&mut copy, path)?;
        Ok(load(&mut copy).map_err(failed)?.0)
    }

    /// Writes what is new, after which [`Database::make_room`] is to be called. On a full disk it leaves the reserve to the
    /// answers.
    pub(super) fn write_new(&mut self, changes: &Changes<'_>) -> Result<(), WriteError> {
        if !self.reserve.is_held() {
            self.shrink();
            self.reserve.hold().map_err(|_| WriteError::Full)?;
        }
        let written = self.write(changes);
        if matches!(written, Err(WriteError::Full)) {
            self.checkpoint_if_there_is_room()?;
        }
        written
    }

    /// Writes `answers` and takes them out, on a full disk into the reserve and by pieces. What is left of them found no
    /// room.
    pub(super) fn write_answers(&mut self, answers: &mut Vec<Answer>) -> Result<(), WriteError> {
        if answers.is_empty() {
            return Ok(());
        }
        let all = Changes { answers: std::mem::take(answers), ..Changes::default() };
        let written = self.write(&all);
        *answers = all.answers;
        match written {
            Ok(()) => {
                answers.clear();
                self.tidy(WRITTEN_AHEAD_AT_AN_ANSWER)?;
            }
            Err(WriteError::Full) => {
                self.reserve.release();
                while !answers.is_empty() {
                    self.checkpoint_if_there_is_room()?;
                    let rest = answers.split_off(answers.len().min(ANSWERS_AT_ONCE));
                    let piece = Changes { answers: std::mem::replace(answers, rest), ..Changes::default() };
                    if let Err(error) = self.write(&piece) {
                        answers.splice(..0, piece.answers);
                        return Err(error);
                    }
                }
            }
            Err(other) => return Err(other),
        }
        if !self.reserve.is_held() {
            // It is small, and used again and again.
            self.checkpoint_if_there_is_room()?;
        }
        Ok(())
    }

    /// Where much was written ahead, it makes room for what is written next. Apart from the writing: what was written may be
    /// shown before.
    pub(super) fn make_room(&mut self) -> Result<(), WriteError> {
        self.tidy(WRITTEN_AHEAD_MAX)
    }

    fn tidy(&mut self, written_ahead_max: usize) -> Result<(), WriteError> {
        if self.written_ahead < written_ahead_max {
            return Ok(());
        }
        self.checkpoint_if_there_is_room()
    }

    /// What was written ahead makes room for what is written next; where it can't be moved, it is safe where it is.
    fn checkpoint_if_there_is_room(&mut self) -> Result<(), WriteError> {
        match self.checkpoint().map_err(WriteError::from) {
            Ok(()) | Err(WriteError::Full | WriteError::Busy) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    /// Gives back to the disk what is free in the files.
    fn shrink(&self) {
        // What does not succeed is tried again: the disk is full.
        for pragma in ["PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            // A page is freed with each row.
            let _ = self.connection.prepare(pragma).and_then(|mut statement| {
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            });
        }
    }

    /// All of it, or nothing; durable when it returns.
    fn write(&mut self, changes: &Changes<'_>) -> Result<(), WriteError> {
        let mut seals = self.seals;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let bytes = changes.apply(&transaction, &mut seals)?;
        transaction.commit()?;
        self.seals = seals;
        self.written_ahead += bytes + TRANSACTION_BYTES;
        Ok(())
    }

    /// Moves what was written ahead into the database.
    fn checkpoint(&mut self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        self.written_ahead = 0;
        Ok(())
    }
}

/// A connection that trusts the file with nothing.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// A copy in memory.
fn copy(path: &Path) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut name = path.to_owned();
    let mut ahead = path.as_os_str().to_owned();
    ahead.push("-wal");
    if !Path::new(&ahead).exists() {
        // Nobody has it open and nothing was written ahead. SQLite would make files beside it even to read it.
        flags |= OpenFlags::SQLITE_OPEN_URI;
        name = format!("file:{}?immutable=1", in_uri(path)).into();
    }
    let source = connect(&name, flags)?;
    let mut copy = Connection::open_in_memory()?;
    Backup::new(&source, &mut copy)?.run_to_completion(PAGES_AT_ONCE, Duration::ZERO, None)?;
    Ok(copy)
}

/// A path in a URI: whatever is not plain is escaped.
fn in_uri(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes
        .map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}
