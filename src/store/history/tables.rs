//! The history's tables, and how they are written and kept within bounds. Each record's last column is its checksum.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::engine::{Alert, AlertId};
use crate::time::Time;

use super::super::changes::{insert, to_json};
use super::super::database::connect;
use super::super::directory::create_private;
use super::super::error::is_damage;
use super::super::schema::has_tables;
use super::{HistoryError, HistorySpec, Receipt};

/// `hist`: by it `file` and we know the file for ours.
const APPLICATION: i64 = 0x6869_7374;

/// The format that this version writes.
pub(super) const FORMAT: i64 = 1;

/// So many that are too old leave with each write: more than come, few enough to hold nobody up.
const OLD_AT_ONCE: i64 = 64;

/// What is written is not read again, but for the indexes' ends.
const CACHE_KIB: i64 = 512;

const TABLES: &str = "\
CREATE TABLE alerts (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL, episode TEXT NOT NULL, \
decided INTEGER NOT NULL, alert TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE INDEX alerts_of_rule ON alerts (rule, place);
CREATE INDEX alerts_of_episode ON alerts (episode, place);
CREATE TABLE receipts (id TEXT NOT NULL, webhook TEXT NOT NULL, at INTEGER NOT NULL, fate TEXT NOT NULL, \
answer TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (id, webhook)) WITHOUT ROWID;";

/// Makes the tables in what has none.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

/// Opens the file at `path`, and makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Connection, HistoryError> {
    drop(create_private(path)?);
    let checked = || -> Result<Connection, HistoryError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // What the last second before a power failure told may be missing then; a crash of the process loses nothing.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        // Empty, or whoever was making it came no further.
        if application == 0 && !has_tables(&connection)? {
            create(&mut connection)?;
        }
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        if pragma("application_id")? != APPLICATION {
            return Err(HistoryError::Damaged("it is not hooktail's".to_owned()));
        }
        match pragma("user_version")? {
            FORMAT => {}
            newer if newer > FORMAT => return Err(HistoryError::Newer(newer)),
            other => return Err(HistoryError::Damaged(format!("it has format {other}"))),
        }
        connection.query_row("SELECT max(place) FROM alerts", [], |_| Ok(()))?;
        Ok(connection)
    };
    checked().map_err(|error| match error {
        HistoryError::Refused(refused) if is_damage(&refused) => HistoryError::Damaged(refused.to_string()),
        other => other,
    })
}

/// A connection that changes nothing; another process may write meanwhile.
pub(super) fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    // Without the right to write, SQLite could not take part in the log of who reads what.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Puts a damaged file out of the way; one that was put there before is gone then.
pub(super) fn move_aside(path: &Path) -> Result<PathBuf, HistoryError> {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = with(".damaged");
    std::fs::rename(path, &aside)?;
    for ending in ["-wal", "-shm"] {
        // They belong to the file that is no longer there.
        let _ = std::fs::remove_file(with(ending));
    }
    Ok(aside)
}

/// Writes alerts, each once by its id, as it was written last; returns how many older ones left for them.
pub(super) fn decided(
    connection: &mut Connection,
    alerts: &[Arc<Alert>],
    spec: HistorySpec,
    now: Time,
) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for alert in alerts {
        insert_alert(&transaction, alert)?;
    }
    let left = leave(&transaction, spec, now)?;
    transaction.commit()?;
    Ok(left)
}

fn insert_alert(transaction: &Transaction<'_>, alert: &Alert) -> rusqlite::Result<()> {
    const INSERT: &str = "INSERT INTO alerts (id, rule, episode, decided, alert, checksum) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, episode = excluded.episode, \
         decided = excluded.decided, alert = excluded.alert, checksum = excluded.checksum";
    let (id, episode) = (alert.id.to_string(), format!("{:032x}", alert.episode.0));
    let json = to_json(alert)?;
    let columns = [
        ValueRef::Text(id.as_bytes()),
        ValueRef::Text(alert.rule.as_bytes()),
        ValueRef::Text(episode.as_bytes()),
        ValueRef::Integer(alert.decided.as_nanos()),
        ValueRef::Text(json.as_bytes()),
    ];
    insert(transaction, INSERT, &columns).map(drop)
}

/// Takes out what is past the bounds; returns how many.
fn leave(transaction: &Transaction<'_>, spec: HistorySpec, now: Time) -> rusqlite::Result<u64> {
    const TOO_MANY: &str =
        "DELETE FROM alerts WHERE place <= (SELECT max(place) FROM alerts) - ? RETURNING id";
    const TOO_OLD: &str = "DELETE FROM alerts WHERE place IN (SELECT place FROM alerts ORDER BY place LIMIT ?) \
                           AND decided < ? RETURNING id";
    let text = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let alerts_max = i64::try_from(spec.alerts_max).unwrap_or(i64::MAX);
    let mut gone: Vec<String> =
        transaction.prepare_cached(TOO_MANY)?.query_map([alerts_max], text)?.collect::<Result<_, _>>()?;
    let old = (OLD_AT_ONCE, oldest(spec, now));
    for id in transaction.prepare_cached(TOO_OLD)?.query_map(old, text)? {
        gone.push(id?);
    }
    let mut receipts = transaction.prepare_cached("DELETE FROM receipts WHERE id = ?")?;
    for id in &gone {
        receipts.execute([id])?;
    }
    Ok(gone.len() as u64)
}

/// What was decided before is too old.
fn oldest(spec: HistorySpec, now: Time) -> i64 {
    let keep = i64::try_from(spec.keep.as_nanos()).unwrap_or(i64::MAX);
    now.as_nanos().saturating_sub(keep)
}

/// The same of all there is: at a start, when the bounds may be other ones and time has passed.
pub(super) fn shorten(connection: &mut Connection, spec: HistorySpec, now: Time) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut left = leave(&transaction, spec, now)?;
    left += transaction.execute("DELETE FROM alerts WHERE decided < ?", [oldest(spec, now)])? as u64;
    if left > 0 {
        transaction.execute("DELETE FROM receipts WHERE id NOT IN (SELECT id FROM alerts)", [])?;
    }
    transaction.commit()?;
    Ok(left)
}

/// Writes what became of alerts that are here.
pub(super) fn receipts(
    connection: &mut Connection,
    ids: &[AlertId],
    receipt: &Receipt,
) -> rusqlite::Result<()> {
    const INSERT: &str = "INSERT OR REPLACE INTO receipts SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
                          WHERE EXISTS (SELECT 1 FROM alerts WHERE id = ?1)";
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for id in ids {
        let id = id.to_string();
        let columns = [
            ValueRef::Text(id.as_bytes()),
            ValueRef::Text(receipt.webhook.as_bytes()),
            ValueRef::Integer(receipt.at.as_nanos()),
            ValueRef::Text(receipt.fate.name().as_bytes()),
            ValueRef::Text(receipt.answer.as_bytes()),
        ];
        insert(&transaction, INSERT, &columns)?;
    }
    transaction.commit()
}
