//! The database: what one transaction changes, and how it is written.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params_from_iter};

use crate::engine::Alert;
use crate::time::Time;

use super::checksum::{Seal, checksum};
use super::content::{Content, load};
use super::error::{OpenError, WriteError};
use super::reserve::Reserve;
use super::{Record, schema};

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

/// How many alerts that no receiver will take are kept; the oldest leave first.
const DEAD_LETTERS_MAX: i64 = 1_000;

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    seals: Seals,
    written_ahead: usize,
    reserve: Reserve,
}

/// Of the tables that only the agent writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seals {
    pub(super) records: Seal,
    pub(super) outbox: Seal,
}

/// Whether there was a database to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Before,
    Now,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    /// Positions and the engine's state.
    pub(super) records: &'a [Record],
    /// Alerts that wait from now on.
    pub(super) arrived: Vec<Stored>,
    /// The places of alerts whose row another one replaces.
    pub(super) left: Vec<i64>,
    /// What became of alerts that waited.
    pub(super) answers: Vec<Answer>,
}

/// An alert that waits no longer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) place: i64,
    /// Where no receiver will take it.
    pub(super) dead: Option<DeadLetter>,
}

/// An alert that waits, as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// By it they are in order.
    pub(super) place: i64,
    pub(super) webhook: Arc<str>,
    pub(super) since: Time,
    pub(super) alert: Arc<Alert>,
}

/// An alert that was set aside.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The webhook that it was for.
    pub webhook: Arc<str>,
    /// When it was set aside.
    pub since: Time,
    /// The receiver's answer.
    pub answer: String,
    /// What was to be told.
    pub alert: Arc<Alert>,
}

impl Changes<'_> {
    pub(super) fn is_empty(&self) -> bool {
        let Self { records, arrived, left, answers } = self;
        records.is_empty() && arrived.is_empty() && left.is_empty() && answers.is_empty()
    }
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
        let bytes = apply(&transaction, changes, &mut seals)?;
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

/// Returns about how many bytes are written.
fn apply(transaction: &Transaction<'_>, changes: &Changes<'_>, seals: &mut Seals) -> rusqlite::Result<usize> {
    let before = *seals;
    let mut bytes = 0;
    for record in changes.records {
        replace_record(transaction, record, &mut seals.records)?;
        bytes += record.key.len() + record.value.as_ref().map_or(0, |value| value.len());
    }
    let answered = changes.answers.iter().map(|answer| &answer.place);
    for place in changes.left.iter().chain(answered) {
        remove(
            transaction,
            "DELETE FROM outbox WHERE place = ? RETURNING checksum",
            [place],
            &mut seals.outbox,
        )?;
    }
    for stored in &changes.arrived {
        bytes += insert_stored(transaction, stored, &mut seals.outbox)?;
    }
    for dead in changes.answers.iter().filter_map(|answer| answer.dead.as_ref()) {
        bytes += insert_dead(transaction, dead)?;
    }
    if seals.records != before.records {
        schema::put_seal(transaction, "records", seals.records)?;
    }
    if seals.outbox != before.outbox {
        schema::put_seal(transaction, "outbox", seals.outbox)?;
    }
    Ok(bytes)
}

fn replace_record(transaction: &Transaction<'_>, record: &Record, seal: &mut Seal) -> rusqlite::Result<()> {
    const OUT: &str = "DELETE FROM records WHERE space = ? AND owner = ? AND key = ? RETURNING checksum";
    let Record { space, owner, key, value } = record;
    remove(transaction, OUT, (space.name(), &**owner, &**key), seal)?;
    if let Some(value) = value {
        insert_record(transaction, [space.name(), owner, key], value, seal)?;
    }
    Ok(())
}

pub(super) fn insert_record(
    transaction: &Transaction<'_>,
    [space, owner, key]: [&str; 3],
    value: &[u8],
    seal: &mut Seal,
) -> rusqlite::Result<()> {
    let [space, owner, key] = [space, owner, key].map(|text| ValueRef::Text(text.as_bytes()));
    let columns = [space, owner, key, ValueRef::Blob(value)];
    seal.add(insert(transaction, "INSERT INTO records VALUES (?, ?, ?, ?, ?)", &columns)?);
    Ok(())
}

pub(super) fn insert_stored(
    transaction: &Transaction<'_>,
    stored: &Stored,
    seal: &mut Seal,
) -> rusqlite::Result<usize> {
    let alert = to_json(&stored.alert)?;
    let columns = [
        ValueRef::Integer(stored.place),
        ValueRef::Text(stored.webhook.as_bytes()),
        ValueRef::Integer(stored.since.as_nanos()),
        ValueRef::Text(alert.as_bytes()),
    ];
    seal.add(insert(transaction, "INSERT INTO outbox VALUES (?, ?, ?, ?, ?)", &columns)?);
    Ok(alert.len())
}

fn insert_dead(transaction: &Transaction<'_>, dead: &DeadLetter) -> rusqlite::Result<usize> {
    let alert = to_json(&dead.alert)?;
    // Not counted on from what was read at the start: `hooktail send` may have taken some out.
    let next = "SELECT coalesce(max(place), 0) + 1 FROM dead_letters";
    let place = transaction.prepare_cached(next)?.query_row([], |row| row.get(0))?;
    let columns = [
        ValueRef::Integer(place),
        ValueRef::Text(dead.webhook.as_bytes()),
        ValueRef::Integer(dead.since.as_nanos()),
        ValueRef::Text(dead.answer.as_bytes()),
        ValueRef::Text(alert.as_bytes()),
    ];
    insert(transaction, "INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?)", &columns)?;
    let old = "DELETE FROM dead_letters WHERE place <= (SELECT max(place) FROM dead_letters) - ?";
    let left = transaction.prepare_cached(old)?.execute([DEAD_LETTERS_MAX])?;
    if left > 0 {
        tracing::warn!(
            left,
            kept = DEAD_LETTERS_MAX,
            "the oldest of the alerts that were set aside are gone"
        );
    }
    Ok(alert.len())
}

/// Inserts a record with its checksum behind its columns, and returns that.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    sql: &str,
    columns: &[ValueRef<'_>],
) -> rusqlite::Result<i64> {
    let sum = checksum(columns);
    let all = columns.iter().copied().chain([ValueRef::Integer(sum)]).map(ToSqlOutput::Borrowed);
    transaction.prepare_cached(sql)?.execute(params_from_iter(all))?;
    Ok(sum)
}

/// Deletes the record that `sql` names, if it is there.
fn remove(
    transaction: &Transaction<'_>,
    sql: &str,
    of: impl rusqlite::Params,
    seal: &mut Seal,
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(of)?;
    while let Some(row) = rows.next()? {
        seal.remove(row.get(0)?);
    }
    Ok(())
}

pub(super) fn to_json(alert: &Alert) -> rusqlite::Result<String> {
    serde_json::to_string(alert).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
