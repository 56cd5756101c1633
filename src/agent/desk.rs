//! Where the engine's thread deals with whoever looks on: it publishes how it stands, and obeys.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::board::{Ledger, Placed, Seats};
use crate::store::{Keeps, WriteError};

use super::Agent;
use super::decide::{Decider, Finish, When};
use super::sources::Sources;

/// There is one where somebody may look on.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) ledger: Ledger,
    pub(super) orders: Receiver<Placed>,
}

impl Agent {
    /// Whoever looks on sees these from now on.
    pub(super) fn seat(&mut self, sources: &Sources, webhooks: &[Arc<str>]) {
        self.board.seat(Seats {
            inputs: self.inputs.seats(sources),
            webhooks: self.workers.seats(webhooks),
            rules: sources.rules.clone(),
        });
    }
}

impl Decider {
    /// Does what was asked for, and says so once it is stored.
    pub(super) fn obey(&mut self) -> Result<Finish, WriteError> {
        let Some(desk) = &self.desk else { return Ok(Finish::Whole) };
        let placed: Vec<Placed> = desk.orders.try_iter().collect();
        if placed.is_empty() {
            return Ok(Finish::Whole);
        }
        let now = self.clock.now();
        let results = placed.into_iter().map(|(order, done)| (self.silences.obey(order, now), done));
        let results: Vec<_> = results.collect();
        self.engine.silence(self.silences.all(), now);
        let finish = self.commit(When::Now)?;
        // Where the disk stayed full, whoever asked is told by the end of the way that it was not done.
        if finish == Finish::Whole {
            for (result, done) in results {
                // Nobody waits any more: it is done all the same.
                let _ = done.send(result);
            }
            self.publish(Publish::Now);
        }
        Ok(finish)
    }

    /// Publishes how it stands.
    pub(super) fn publish(&mut self, when: Publish) {
        let Some(desk) = &mut self.desk else { return };
        let due = desk.ledger.view_due_in() == Some(Duration::ZERO);
        if self.board.take_wanted() || due || when != Publish::Due {
            let reads = self.reads.iter().map(|(name, read)| (name.clone(), *read)).collect();
            desk.ledger.publish(&self.board, &self.engine, reads, &self.costs, self.clock.now());
        }
        if self.changes_due_in() == Some(Duration::ZERO) {
            // It goes with the next commit, which comes then also where nothing is read.
            self.unstored.since.get_or_insert_with(Instant::now);
        }
        if when == Publish::Last {
            self.board.is_over();
        }
    }

    /// How long it is until there is something to do for whoever looks on; `None`: until something happens.
    pub(super) fn desk_due_in(&self) -> Option<Duration> {
        let view = self.desk.as_ref().and_then(|desk| desk.ledger.view_due_in());
        // What goes with a commit that comes anyway is waited for with that.
        let changes = self.changes_due_in().filter(|_| self.unstored.since.is_none());
        view.into_iter().chain(changes).min()
    }

    /// How long it is until what came of the rules is to be stored; `None`: nothing is.
    pub(super) fn changes_due_in(&self) -> Option<Duration> {
        let desk = self.desk.as_ref().filter(|_| self.store.keeps() != Keeps::InMemory);
        desk.and_then(|desk| desk.ledger.changes_due_in())
    }
}

/// When a view is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publish {
    /// If somebody waits for it, or there is something new and the last one is old enough.
    Due,
    /// In any case.
    Now,
    /// In any case, and no other follows.
    Last,
}
