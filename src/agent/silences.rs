//! What nothing is posted of: the configuration's silences, and those that somebody makes while the agent runs, which are
//! stored.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::board::{Order, OrderError};
use crate::engine::Silence;
use crate::expr::Expr;
use crate::store::{Record, Space};
use crate::time::Time;

/// Each is asked of each alert; more than this are no longer made by people.
const OWN_MAX: usize = 1_000;

/// All silences.
#[derive(Debug, Default)]
pub(super) struct Silences {
    configured: Vec<Silence>,
    own: Vec<Silence>,
    /// What the store does not know yet.
    changes: Vec<Record>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "where")]
    filter: String,
    until: Time,
    why: String,
}

impl Silences {
    /// Those of the configuration, and what the store held; how many of these can't be read.
    pub(super) fn restore(configured: Vec<Silence>, records: &[Record]) -> (Self, usize) {
        let mut own: Vec<Silence> = records.iter().filter_map(read).collect();
        own.sort_by_key(|silence| silence.until);
        let unreadable = records.len() - own.len();
        (Self { configured, own, changes: Vec::new() }, unreadable)
    }

    /// The configuration has these from now on.
    pub(super) fn configure(&mut self, configured: Vec<Silence>) {
        self.configured = configured;
    }

    /// What holds.
    pub(super) fn all(&self) -> Vec<Silence> {
        self.configured.iter().chain(&self.own).cloned().collect()
    }

    /// Makes or ends one.
    pub(super) fn obey(&mut self, order: Order, now: Time) -> Result<(), OrderError> {
        match order {
            Order::Silence(silence) => {
                self.forget(|silence| silence.until <= now);
                if self.own.len() >= OWN_MAX {
                    return Err(OrderError::TooMany(OWN_MAX));
                }
                self.changes.push(record(&silence, true));
                self.own.push(silence);
                Ok(())
            }
            Order::Expire(id) if self.configured.iter().any(|silence| silence.id == id) => {
                Err(OrderError::OfTheFile(id))
            }
            Order::Expire(id) => {
                let before = self.own.len();
                self.forget(|silence| silence.id == id);
                if self.own.len() < before { Ok(()) } else { Err(OrderError::NoSuchSilence(id)) }
            }
        }
    }

    fn forget(&mut self, which: impl Fn(&Silence) -> bool) {
        for silence in self.own.extract_if(.., |silence| which(silence)) {
            self.changes.push(record(&silence, false));
        }
    }

    /// What changed since the last call, for the store.
    pub(super) fn take_changes(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.changes)
    }
}

fn record(silence: &Silence, holds: bool) -> Record {
    let stored =
        Stored { filter: silence.filter.source().to_owned(), until: silence.until, why: silence.why.clone() };
    let value = holds.then(|| serde_json::to_vec(&stored).unwrap_or_default().into());
    Record { space: Space::Silence, owner: Arc::from(""), key: (*silence.id).into(), value }
}

fn read(record: &Record) -> Option<Silence> {
    let stored: Stored = serde_json::from_slice(record.value.as_deref()?).ok()?;
    let filter = Arc::new(Expr::parse(&stored.filter).ok()?);
    Some(Silence { id: Arc::from(&*record.key), filter, until: stored.until, why: stored.why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(id: &str, until: i64) -> Silence {
        let filter = Arc::new(Expr::parse("rule == \"disk\"").unwrap());
        Silence { id: id.into(), filter, until: Time::from_secs(until), why: "moving".to_owned() }
    }

    fn ids(silences: &Silences) -> Vec<String> {
        silences.all().iter().map(|silence| silence.id.to_string()).collect()
    }

    #[test]
    fn what_is_made_is_there_again_and_what_is_ended_is_not() {
        let now = Time::from_secs(10);
        let mut silences = Silences::restore(vec![silence("file-1", 50)], &[]).0;
        for one in [silence("a", 20), silence("b", 30), silence("c", 15)] {
            silences.obey(Order::Silence(one), now).unwrap();
        }
        silences.obey(Order::Expire("b".into()), now).unwrap();
        let expire = |silences: &mut Silences, id: &str| silences.obey(Order::Expire(id.into()), now);
        assert_eq!(expire(&mut silences, "b"), Err(OrderError::NoSuchSilence("b".into())));
        assert_eq!(expire(&mut silences, "file-1"), Err(OrderError::OfTheFile("file-1".into())));
        // One that is over goes with the next that is made.
        silences.obey(Order::Silence(silence("d", 60)), Time::from_secs(16)).unwrap();
        assert_eq!(ids(&silences), ["file-1", "a", "d"]);
        let mut stored = std::collections::BTreeMap::new();
        for record in silences.take_changes() {
            stored.insert(record.key.clone(), record);
        }
        let mut left: Vec<Record> = stored.into_values().filter(|record| record.value.is_some()).collect();
        left.push(Record { value: Some((*b"{}").into()), ..left[0].clone() });
        let (again, unreadable) = Silences::restore(vec![], &left);
        assert_eq!((ids(&again), unreadable), (vec!["a".to_owned(), "d".to_owned()], 1));
        assert_eq!(again.all()[0], silence("a", 20));
    }

    #[test]
    fn there_is_a_bound() {
        let mut silences = Silences::default();
        let now = Time::EPOCH;
        for id in 0..OWN_MAX {
            silences.obey(Order::Silence(silence(&id.to_string(), 5)), now).unwrap();
        }
        let one_more = Order::Silence(silence("more", 5));
        assert_eq!(silences.obey(one_more.clone(), now), Err(OrderError::TooMany(OWN_MAX)));
        assert_eq!(silences.obey(one_more, Time::from_secs(5)), Ok(()), "the others are over");
    }
}
