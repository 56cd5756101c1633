//! What a database holds when it is opened. What is not as it was written is set aside, and the rest is kept.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Transaction};

use crate::engine::Alert;
use crate::time::Time;

use super::changes::{DeadLetter, Seals, Stored, insert_record, insert_stored};
use super::checksum::{Seal, checksum};
use super::dead_letters::LetterId;
use super::{Record, Space, schema};

/// How many damaged records are kept for a person to look at; the oldest leave first.
const DAMAGED_MAX: i64 = 1_000;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// By space, owner and key.
    pub(super) records: Vec<Record>,
    /// In order.
    pub(super) waiting: Vec<Stored>,
    /// How many records, and how many alerts, were damaged and set aside.
    pub(super) damaged_records: usize,
    pub(super) damaged_alerts: usize,
    /// A whole record that was stored is not there, or an older one is in its place.
    pub(super) missing: Vec<&'static str>,
}

/// Reads all of it; what is damaged is moved to a table of its own.
pub(super) fn load(connection: &mut Connection) -> rusqlite::Result<(Content, Seals)> {
    let transaction = connection.transaction()?;
    let mut content = Content::default();
    let mut seals = Seals::default();
    let mut damaged = Vec::new();
    let mut records = Table::new("records", "space, owner, key, value, checksum");
    content.damaged_records = records.read(&transaction, record, &mut content.records, &mut damaged)?;
    seals.records = records.seal;
    let mut outbox = Table::new("outbox", "place, webhook, since, alert, checksum");
    content.damaged_alerts = outbox.read(&transaction, stored, &mut content.waiting, &mut damaged)?;
    seals.outbox = outbox.seal;
    for (table, seal, found) in [
        ("records", seals.records, content.damaged_records),
        ("outbox", seals.outbox, content.damaged_alerts),
    ] {
        // Where records were damaged the seal is another one because of them.
        if found == 0 && !schema::is_sealed(&transaction, table, seal)? {
            content.missing.push(table);
        }
    }
    content.waiting.sort_by_key(|stored| stored.place);
    if content.damaged_records + content.damaged_alerts + content.missing.len() > 0 {
        set_aside(&transaction, &content, &damaged)?;
    }
    transaction.commit()?;
    Ok((content, seals))
}

/// A table that is being read.
pub(super) struct Table {
    name: &'static str,
    /// The checksum is the last.
    columns: &'static str,
    seal: Seal,
}

impl Table {
    pub(super) fn new(name: &'static str, columns: &'static str) -> Self {
        Self { name, columns, seal: Seal::default() }
    }

    /// Adds what is whole to `whole`, and the rest in words to `damaged`; returns how many are damaged.
    pub(super) fn read<T>(
        &mut self,
        transaction: &Transaction<'_>,
        parse: fn(&[ValueRef<'_>]) -> Option<T>,
        whole: &mut Vec<T>,
        damaged: &mut Vec<String>,
    ) -> rusqlite::Result<usize> {
        let mut statement = transaction.prepare(&format!("SELECT {} FROM {}", self.columns, self.name))?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let before = damaged.len();
        while let Some(row) = rows.next()? {
            let columns = columns(row, width)?;
            let [record @ .., sum] = &columns[..] else { continue };
            let right = checksum(record);
            match parse(record).filter(|_| *sum == ValueRef::Integer(right)) {
                Some(parsed) => {
                    self.seal.add(right);
                    whole.push(parsed);
                }
                None => damaged.push(in_words(self.name, &columns)),
            }
        }
        Ok(damaged.len() - before)
    }
}

/// Writes the tables anew: a damaged record may not be found by its own key.
fn set_aside(transaction: &Transaction<'_>, content: &Content, damaged: &[String]) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM records", [])?;
    transaction.execute("DELETE FROM outbox", [])?;
    let mut seals = Seals::default();
    for Record { space, owner, key, value } in &content.records {
        insert_record(
            transaction,
            [space.name(), owner, key],
            value.as_deref().unwrap_or_default(),
            &mut seals.records,
        )?;
    }
    for stored in &content.waiting {
        insert_stored(transaction, stored, &mut seals.outbox)?;
    }
    schema::put_seal(transaction, "records", seals.records)?;
    schema::put_seal(transaction, "outbox", seals.outbox)?;
    for record in damaged {
        transaction.execute("INSERT INTO damaged (record) VALUES (?)", [record])?;
    }
    let old = "DELETE FROM damaged WHERE place <= (SELECT max(place) FROM damaged) - ?";
    transaction.execute(old, [DAMAGED_MAX]).map(drop)
}

fn columns<'a>(row: &'a Row<'_>, width: usize) -> rusqlite::Result<Vec<ValueRef<'a>>> {
    (0..width).map(|column| row.get_ref(column)).collect()
}

fn record(columns: &[ValueRef<'_>]) -> Option<Record> {
    let [space, owner, key, ValueRef::Blob(value)] = columns else { return None };
    Some(Record {
        space: Space::from_name(text(*space)?)?,
        owner: text(*owner)?.into(),
        key: text(*key)?.into(),
        value: Some((*value).into()),
    })
}

fn stored(columns: &[ValueRef<'_>]) -> Option<Stored> {
    let [ValueRef::Integer(place), webhook, ValueRef::Integer(since), alert] = columns else { return None };
    let alert: Alert = serde_json::from_str(text(*alert)?).ok()?;
    Some(Stored {
        place: *place,
        webhook: text(*webhook)?.into(),
        since: Time::from_nanos(*since),
        alert: alert.into(),
    })
}

/// A dead letter, with its place.
pub(super) fn dead(columns: &[ValueRef<'_>]) -> Option<(LetterId, DeadLetter)> {
    let [ValueRef::Integer(place), webhook, ValueRef::Integer(since), answer, alert] = columns else {
        return None;
    };
    let alert: Alert = serde_json::from_str(text(*alert)?).ok()?;
    let letter = DeadLetter {
        webhook: text(*webhook)?.into(),
        since: Time::from_nanos(*since),
        answer: text(*answer)?.to_owned(),
        alert: alert.into(),
    };
    Some((LetterId(*place), letter))
}

fn text(column: ValueRef<'_>) -> Option<&str> {
    match column {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// A record as somebody may look at it.
fn in_words(table: &str, columns: &[ValueRef<'_>]) -> String {
    let words = columns.iter().map(|column| match column {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            String::from_utf8_lossy(text).escape_debug().to_string()
        }
    });
    format!("{table}: {}", words.collect::<Vec<_>>().join(" | "))
}
