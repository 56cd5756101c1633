//! What a webhook got, in numbers, and how it stands.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::time::Time;

/// What a webhook got, counted while it runs.
#[derive(Debug, Default)]
pub struct Tally {
    messages: AtomicU64,
    attachments: AtomicU64,
    retries: AtomicU64,
    dead: AtomicU64,
    standing: Mutex<Standing>,
}

/// How a webhook stands between its messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What its receiver said last.
    pub answer: Option<LastAnswer>,
    /// Why it takes nothing until somebody mends it.
    pub broken: Option<String>,
    /// Where its alerts go meanwhile.
    pub fallback: Option<Arc<str>>,
    /// Nothing is sent before, though something waits.
    pub waits_until: Option<Time>,
}

/// What a receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAnswer {
    /// When.
    pub at: Time,
    /// Whether it took the message.
    pub taken: bool,
    /// In its words, or why there are none.
    pub words: String,
}

/// A [`Tally`] in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tallied {
    /// Messages that the receiver took.
    pub messages: u64,
    /// Attachments in them.
    pub attachments: u64,
    /// Messages that were sent again.
    pub retries: u64,
    /// Alerts that were set aside.
    pub dead: u64,
}

impl Tally {
    /// A message of so many attachments was taken.
    pub(super) fn delivered(&self, attachments: usize) {
        add(&self.messages, 1);
        add(&self.attachments, attachments);
    }

    /// So many alerts were set aside.
    pub(super) fn set_aside(&self, alerts: usize) {
        add(&self.dead, alerts);
    }

    /// A message has to be sent again.
    pub(super) fn kept(&self) {
        add(&self.retries, 1);
    }

    /// It stands otherwise.
    pub(super) fn stands(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.lock());
    }

    /// How it stands now.
    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Held for no longer than a copy takes.
    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So far.
    pub fn read(&self) -> Tallied {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tallied {
            messages: load(&self.messages),
            attachments: load(&self.attachments),
            retries: load(&self.retries),
            dead: load(&self.dead),
        }
    }
}

fn add(count: &AtomicU64, n: usize) {
    count.fetch_add(n as u64, Ordering::Relaxed);
}
