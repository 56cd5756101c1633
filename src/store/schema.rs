//! The tables, and the versions of them: a newer format is refused, an older one is brought up to this one.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::checksum::{Seal, checksum};
use super::error::{OpenError, is_damage};

/// `hook`: by it `file` and we know the file for ours.
const APPLICATION: i64 = 0x686f_6f6b;

/// The format that this version writes.
pub(super) const FORMAT: i64 = 1 + STEPS.len() as i64;

/// What brings format 1 to 2, 2 to 3, and so on. A step that a version was released with never changes.
const STEPS: &[&str] = &[];

/// Every record's last column is its checksum over the others. `meta` holds the format and the tables' seals; a later
/// format keeps it as it is, so that this version can tell that one by it.
const TABLES: &[&str] = &[
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE records (space TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, \
     checksum INTEGER NOT NULL, PRIMARY KEY (space, owner, key)) WITHOUT ROWID",
    "CREATE TABLE outbox (place INTEGER PRIMARY KEY, webhook TEXT NOT NULL, since INTEGER NOT NULL, \
     alert TEXT NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE TABLE dead_letters (place INTEGER PRIMARY KEY, webhook TEXT NOT NULL, since INTEGER NOT NULL, \
     answer TEXT NOT NULL, alert TEXT NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE TABLE damaged (place INTEGER PRIMARY KEY, record TEXT NOT NULL)",
];

/// Makes the tables in a file that has none.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    // Before the first table: pages that become free can be given back to a full disk.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    write_ahead(connection)?;
    let transaction = connection.transaction()?;
    TABLES.iter().try_for_each(|table| transaction.execute(table, []).map(drop))?;
    put_meta(&transaction, "format", ValueRef::Integer(FORMAT))?;
    for table in ["records", "outbox"] {
        put_seal(&transaction, table, Seal::default())?;
    }
    transaction.commit()
}

/// Whether it has no table yet, and is nobody else's.
pub(super) fn is_blank(connection: &Connection) -> rusqlite::Result<bool> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok([0, APPLICATION].contains(&application) && !has_tables(connection)?)
}

/// Whether anything was made in it.
pub(super) fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Sees to it that the file at `path` is whole and of this format.
pub(super) fn check(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let damaged = |why: String| OpenError::Damaged { path: path.to_owned(), why };
    let failed = |error| failed(path, error);
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION {
        return Err(damaged("it is not hooktail's".to_owned()));
    }
    let format = meta(connection, "format").map_err(failed)?;
    let Some(Meta::Whole(format)) = format.map(Meta::into_number) else {
        return Err(damaged("its format can't be read".to_owned()));
    };
    if format > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), format, known: FORMAT });
    }
    let verdict: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(damaged(verdict.lines().last().unwrap_or_default().to_owned()));
    }
    migrate(connection, format, STEPS).map_err(failed)?;
    if tables(connection).map_err(failed)? != TABLES {
        return Err(damaged("its tables are not as they were made".to_owned()));
    }
    Ok(())
}

/// Sees to it that it can be written on. SQLite writes nothing to a file whose head says that a later one wrote it, which none
/// of ours says; a file that the system lets nobody write to is another matter.
pub(super) fn check_head(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let only_read = connection.is_readonly("main").map_err(|error| failed(path, error))?;
    if only_read && OpenOptions::new().write(true).open(path).is_ok() {
        let why = "its head says that it may not be written to".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), why });
    }
    Ok(())
}

/// What SQLite says about the file at `path`.
pub(super) fn failed(path: &Path, error: rusqlite::Error) -> OpenError {
    if is_damage(&error) {
        OpenError::Damaged { path: path.to_owned(), why: error.to_string() }
    } else {
        OpenError::Refused { path: path.to_owned(), error }
    }
}

/// A commit is then one write and one sync, and it is durable.
pub(super) fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")
}

fn migrate(connection: &mut Connection, format: i64, steps: &[&str]) -> rusqlite::Result<()> {
    let done = usize::try_from(format - 1).unwrap_or(0).min(steps.len());
    if done == steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    steps[done..].iter().try_for_each(|step| transaction.execute_batch(step))?;
    let reached = i64::try_from(steps.len()).unwrap_or(i64::MAX) + 1;
    put_meta(&transaction, "format", ValueRef::Integer(reached))?;
    transaction.commit()?;
    tracing::info!(from = format, to = reached, "the state was brought to the format of this version");
    Ok(())
}

/// The tables as they were made, in order.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT CAST(sql AS TEXT) FROM sqlite_schema ORDER BY rowid")?;
    let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
    rows.map(|row| row.map(Option::unwrap_or_default)).collect()
}

/// A row of `meta`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meta<T> {
    /// As it was written.
    Whole(T),
    /// Its checksum is another.
    Damaged,
}

impl Meta<rusqlite::types::Value> {
    fn into_number(self) -> Meta<i64> {
        match self {
            Self::Whole(rusqlite::types::Value::Integer(number)) => Meta::Whole(number),
            _ => Meta::Damaged,
        }
    }
}

fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<Meta<rusqlite::types::Value>>> {
    let mut statement = connection.prepare("SELECT value, checksum FROM meta WHERE name = ?")?;
    let row = statement.query_row([name], |row| {
        let value = row.get_ref(0)?;
        let whole = row.get_ref(1)? == ValueRef::Integer(checksum(&[ValueRef::Text(name.as_bytes()), value]));
        Ok(if whole { Meta::Whole(row.get(0)?) } else { Meta::Damaged })
    });
    row.optional()
}

/// Whether `seal` is what was stored for `table`.
pub(super) fn is_sealed(connection: &Connection, table: &str, seal: Seal) -> rusqlite::Result<bool> {
    let stored = meta(connection, table)?;
    Ok(stored == Some(Meta::Whole(rusqlite::types::Value::Blob(seal.to_bytes().to_vec()))))
}

/// Stores the seal of `table`.
pub(super) fn put_seal(transaction: &Transaction<'_>, table: &str, seal: Seal) -> rusqlite::Result<()> {
    put_meta(transaction, table, ValueRef::Blob(&seal.to_bytes()))
}

fn put_meta(transaction: &Transaction<'_>, name: &str, value: ValueRef<'_>) -> rusqlite::Result<()> {
    let sum = checksum(&[ValueRef::Text(name.as_bytes()), value]);
    let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)")?;
    statement.execute((name, rusqlite::types::ToSqlOutput::Borrowed(value), sum)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_from_where_a_file_is_in_one_transaction() {
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE TABLE c (x)"];
        let mut connection = Connection::open_in_memory().unwrap();
        create(&mut connection).unwrap();
        migrate(&mut connection, 2, &steps).unwrap();
        assert_eq!(tables(&connection).unwrap()[TABLES.len()..], steps[1..]);
        let format = |connection: &Connection| meta(connection, "format").unwrap().map(Meta::into_number);
        assert_eq!(format(&connection), Some(Meta::Whole(4)));
        // The second of these fails: nothing of the first is left.
        let wrong = ["", "", "", "CREATE TABLE d (x)", "CREATE TABLE b (x)"];
        migrate(&mut connection, 4, &wrong).unwrap_err();
        assert_eq!(tables(&connection).unwrap().len(), TABLES.len() + 2);
        assert_eq!(format(&connection), Some(Meta::Whole(4)));
    }
}
