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
use super::{Record, schema};

/// How long another process (`hooktail send`, a person with `sqlite3`) may hold up a write.
const BUSY: Duration = Duration::from_secs(10);

/// After so many bytes, what was written ahead is moved into the database, so that the file of it stays small.
const WRITTEN_AHEAD_MAX: usize = 512 * 1024;

/// How many pages are copied at once; a writer waits meanwhile.
const PAGES_AT_ONCE: i32 = 4_096;

/// What a transaction writes beside its records: a page of each table that it touches, about.
const TRANSACTION_BYTES: usize = 16 * 1024;

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    seals: Seals,
    written_ahead: usize,
}

/// Of the tables that only the agent writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seals {
    pub(super) records: Seal,
    pub(super) outbox: Seal,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Positions and the engine's state.
    pub(super) records: Vec<Record>,
    /// Alerts that wait from now on.
    pub(super) arrived: Vec<Stored>,
    /// The places of alerts that no longer do.
    pub(super) left: Vec<i64>,
    /// Alerts that no receiver will take.
    pub(super) dead: Vec<DeadLetter>,
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

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        let Self { records, arrived, left, dead } = self;
        records.is_empty() && arrived.is_empty() && left.is_empty() && dead.is_empty()
    }
}

impl Database {
    /// Opens the database at `path`, which is made where the file is empty, and reads all that it holds.
    pub(super) fn open(path: &Path, is_new: bool) -> Result<(Self, Content), OpenError> {
        let failed = |error| schema::failed(path, error);
        let mut connection =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(failed)?;
        if is_new {
            schema::create(&mut connection).map_err(failed)?;
        } else {
            schema::check(&mut connection, path)?;
            schema::write_ahead(&connection).map_err(failed)?;
        }
        // Now and then by `checkpoint`, whose failure is then seen.
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        let (content, seals) = load(&mut connection).map_err(failed)?;
        let mut database = Self { connection, seals, written_ahead: 0 };
        database.checkpoint().map_err(failed)?;
        Ok((database, content))
    }

    /// Reads all that the database at `path` holds, and leaves it as it is.
    pub(super) fn look(path: &Path) -> Result<Content, OpenError> {
        let failed = |error| schema::failed(path, error);
        let mut copy = copy(path).map_err(failed)?;
        // What is old is brought up to date, and what is damaged set aside, in the copy.
        schema::check(&mut copy, path)?;
        Ok(load(&mut copy).map_err(failed)?.0)
    }

    /// All of it, or nothing; durable when it returns.
    pub(super) fn write(&mut self, changes: &Changes) -> Result<(), WriteError> {
        let mut seals = self.seals;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let bytes = apply(&transaction, changes, &mut seals)?;
        transaction.commit()?;
        self.seals = seals;
        self.written_ahead += bytes + TRANSACTION_BYTES;
        if self.written_ahead >= WRITTEN_AHEAD_MAX {
            match self.checkpoint().map_err(WriteError::from) {
                // What was written ahead stays where it is, and that is safe too.
                Ok(()) | Err(WriteError::Full | WriteError::Busy) => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    /// Moves what was written ahead into the database.
    pub(super) fn checkpoint(&mut self) -> rusqlite::Result<()> {
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
fn apply(transaction: &Transaction<'_>, changes: &Changes, seals: &mut Seals) -> rusqlite::Result<usize> {
    let before = *seals;
    let mut bytes = 0;
    for record in &changes.records {
        replace_record(transaction, record, &mut seals.records)?;
        bytes += record.key.len() + record.value.as_ref().map_or(0, |value| value.len());
    }
    for place in &changes.left {
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
    for dead in &changes.dead {
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
    let columns = [
        ValueRef::Text(dead.webhook.as_bytes()),
        ValueRef::Integer(dead.since.as_nanos()),
        ValueRef::Text(dead.answer.as_bytes()),
        ValueRef::Text(alert.as_bytes()),
    ];
    insert(
        transaction,
        "INSERT INTO dead_letters (webhook, since, answer, alert, checksum) VALUES (?, ?, ?, ?, ?)",
        &columns,
    )?;
    Ok(alert.len())
}

/// Inserts a record with its checksum behind its columns, and returns that.
fn insert(transaction: &Transaction<'_>, sql: &str, columns: &[ValueRef<'_>]) -> rusqlite::Result<i64> {
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

fn to_json(alert: &Alert) -> rusqlite::Result<String> {
    serde_json::to_string(alert).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
