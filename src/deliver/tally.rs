//! What a webhook got, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What a webhook got, counted while it runs.
#[derive(Debug, Default)]
pub struct Tally {
    messages: AtomicU64,
    attachments: AtomicU64,
    retries: AtomicU64,
    dead: AtomicU64,
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
