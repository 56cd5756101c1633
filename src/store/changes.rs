//! What one transaction changes, and its rows.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Transaction, params_from_iter};

use crate::engine::Alert;
use crate::time::Time;

use super::checksum::{Seal, checksum};
use super::{Record, schema};

/// How many alerts that no receiver will take are kept; the oldest leave first.
const DEAD_LETTERS_MAX: i64 = 1_000;

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

    /// Makes them within `transaction`. Returns about how many bytes are written.
    pub(super) fn apply(&self, transaction: &Transaction<'_>, seals: &mut Seals) -> rusqlite::Result<usize> {
        let before = *seals;
        let mut bytes = 0;
        for record in self.records {
            replace_record(transaction, record, &mut seals.records)?;
            bytes += record.key.len() + record.value.as_ref().map_or(0, |value| value.len());
        }
        let answered = self.answers.iter().map(|answer| &answer.place);
        for place in self.left.iter().chain(answered) {
            remove(
                transaction,
                "DELETE FROM outbox WHERE place = ? RETURNING checksum",
                [place],
                &mut seals.outbox,
            )?;
        }
        for stored in &self.arrived {
            bytes += insert_stored(transaction, stored, &mut seals.outbox)?;
        }
        for dead in self.answers.iter().filter_map(|answer| answer.dead.as_ref()) {
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
}

/// Of the tables that only the agent writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seals {
    pub(super) records: Seal,
    pub(super) outbox: Seal,
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
