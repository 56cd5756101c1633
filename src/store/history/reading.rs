//! What the history is asked.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::engine::{Alert, EpisodeId};
use crate::time::Time;

use super::super::checksum::checksum;
use super::{Fate, Receipt};

/// An alert of the past, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// By it, alerts are in the order in which they were decided.
    pub place: i64,
    /// What was decided.
    pub alert: Alert,
    /// By webhook; none yet where it waits.
    pub receipts: Vec<Receipt>,
}

/// Which alerts are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Of this rule alone.
    pub rule: Option<&'a str>,
    /// Only those before this place.
    pub before: Option<i64>,
    /// No more than so many.
    pub limit: usize,
}

/// The history as one question sees it. What is damaged is left out.
#[derive(Debug)]
pub struct Past<'a> {
    connection: &'a Connection,
}

const ALERT: &str = "SELECT place, id, rule, episode, decided, alert, checksum FROM alerts";

impl<'a> Past<'a> {
    pub(super) const fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// How many alerts there are.
    ///
    /// # Errors
    /// It can't be read.
    pub fn count(&self) -> rusqlite::Result<u64> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM alerts", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The latest, the newest first.
    ///
    /// # Errors
    /// It can't be read.
    pub fn latest(&self, wanted: Wanted<'_>) -> rusqlite::Result<Vec<Entry>> {
        let before = wanted.before.unwrap_or(i64::MAX);
        let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
        match wanted.rule {
            Some(rule) => {
                let sql = format!("{ALERT} WHERE rule = ? AND place < ? ORDER BY place DESC LIMIT ?");
                self.entries(&sql, (rule, before, limit))
            }
            None => {
                let sql = format!("{ALERT} WHERE place < ? ORDER BY place DESC LIMIT ?");
                self.entries(&sql, (before, limit))
            }
        }
    }

    /// Those whose id begins with these hex digits, at most `limit`; if there is none, the first alerts of the episodes
    /// whose id begins so.
    ///
    /// # Errors
    /// It can't be read.
    pub fn by_id(&self, digits: &str, limit: usize) -> rusqlite::Result<Vec<Entry>> {
        let from = digits.to_ascii_lowercase();
        // No hex digit is as high.
        let to = format!("{from}g");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let alerts = format!("{ALERT} WHERE id >= ? AND id < ? ORDER BY place LIMIT ?");
        let found = self.entries(&alerts, (&from, &to, limit))?;
        if !found.is_empty() {
            return Ok(found);
        }
        let first = "SELECT min(place) FROM alerts WHERE episode >= ? AND episode < ? GROUP BY episode";
        let episodes = format!("{ALERT} WHERE place IN ({first}) ORDER BY place LIMIT ?");
        self.entries(&episodes, (&from, &to, limit))
    }

    /// All of an episode, in order, at most `limit`.
    ///
    /// # Errors
    /// It can't be read.
    pub fn of_episode(&self, episode: EpisodeId, limit: usize) -> rusqlite::Result<Vec<Entry>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let episode = format!("{:032x}", episode.0);
        self.entries(&format!("{ALERT} WHERE episode = ? ORDER BY place LIMIT ?"), (episode, limit))
    }

    fn entries(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<Entry>> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(params)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let Some((place, alert)) = alert(row)? else { continue };
            entries.push(Entry { place, receipts: self.receipts(&alert)?, alert });
        }
        Ok(entries)
    }

    fn receipts(&self, alert: &Alert) -> rusqlite::Result<Vec<Receipt>> {
        const RECEIPT: &str =
            "SELECT id, webhook, at, fate, answer, checksum FROM receipts WHERE id = ? ORDER BY at";
        let mut statement = self.connection.prepare_cached(RECEIPT)?;
        let mut rows = statement.query([alert.id.to_string()])?;
        let mut receipts = Vec::new();
        while let Some(row) = rows.next()? {
            receipts.extend(receipt(row)?);
        }
        Ok(receipts)
    }
}

/// `None`: it is not as it was written.
fn alert(row: &Row<'_>) -> rusqlite::Result<Option<(i64, Alert)>> {
    let columns = (1..6).map(|column| row.get_ref(column)).collect::<rusqlite::Result<Vec<_>>>()?;
    if row.get_ref(6)? != ValueRef::Integer(checksum(&columns)) {
        return Ok(None);
    }
    let alert = columns[4].as_str().ok().and_then(|json| serde_json::from_str(json).ok());
    Ok(alert.zip(Some(row.get(0)?)).map(|(alert, place)| (place, alert)))
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<Option<Receipt>> {
    let columns = (0..5).map(|column| row.get_ref(column)).collect::<rusqlite::Result<Vec<_>>>()?;
    if row.get_ref(5)? != ValueRef::Integer(checksum(&columns)) {
        return Ok(None);
    }
    let fate: String = row.get(3)?;
    Ok(Fate::ALL.into_iter().find(|known| known.name() == fate).map(|fate| Receipt {
        webhook: Arc::from(columns[1].as_str().unwrap_or_default()),
        at: Time::from_nanos(columns[2].as_i64().unwrap_or_default()),
        fate,
        answer: columns[4].as_str().unwrap_or_default().to_owned(),
    }))
}
