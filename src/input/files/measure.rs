//! How the inputs stand, for whoever looks on: measured at most once a second, because it goes through all files.

use std::time::{Duration, Instant};

use crate::board::Gauged;

use super::disk::Disk;
use super::input::FilesInput;

const EVERY: Duration = Duration::from_secs(1);

/// When they were measured last.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    measured: Option<Instant>,
}

impl Gauges {
    /// Measures, where it is time. Returns how long it is until what has changed meanwhile is to be measured.
    pub(super) fn measure<D: Disk>(&mut self, inputs: &[FilesInput<D>]) -> Duration {
        let rest = self.measured.map_or(Duration::ZERO, |at| EVERY.saturating_sub(at.elapsed()));
        if !rest.is_zero() {
            return rest;
        }
        self.measured = Some(Instant::now());
        for input in inputs {
            input.gauge.set(input.gauged());
        }
        Duration::MAX
    }
}

impl<D: Disk> FilesInput<D> {
    /// How it stands now.
    pub(super) fn gauged(&self) -> Gauged {
        let mut gauged = Gauged {
            files: self.tails.len() as u64,
            unreadable: self.unreadable() as u64,
            ..Gauged::default()
        };
        for tail in self.tails.values() {
            gauged.open_files += u64::from(tail.file.is_some());
            gauged.lag_bytes += tail.facts.size.saturating_sub(tail.end);
        }
        gauged
    }
}
