//! How an input stands, as its reader last saw it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Written by the input's reader, at most once a second, and read by whoever asks.
#[derive(Debug, Default)]
pub struct Gauge {
    files: AtomicU64,
    open: AtomicU64,
    unreadable: AtomicU64,
    lag_bytes: AtomicU64,
}

/// A [`Gauge`] in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauged {
    /// Files that are followed.
    pub files: u64,
    /// Of them, those that are open.
    pub open_files: u64,
    /// Files and paths that can't be read.
    pub unreadable: u64,
    /// Bytes that are there and were not read yet.
    pub lag_bytes: u64,
}

impl Gauge {
    /// This is how it stands now.
    pub fn set(&self, now: Gauged) {
        let Gauged { files, open_files, unreadable, lag_bytes } = now;
        self.files.store(files, Ordering::Relaxed);
        self.open.store(open_files, Ordering::Relaxed);
        self.unreadable.store(unreadable, Ordering::Relaxed);
        self.lag_bytes.store(lag_bytes, Ordering::Relaxed);
    }

    /// How it stood when its reader last looked.
    pub fn read(&self) -> Gauged {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Gauged {
            files: load(&self.files),
            open_files: load(&self.open),
            unreadable: load(&self.unreadable),
            lag_bytes: load(&self.lag_bytes),
        }
    }
}
