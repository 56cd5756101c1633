//! What was said of a path, so that it is said once: a name that comes and goes must not fill our log.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::time::Time;

/// What was mended and breaks again within so long is not said again.
const QUIET_FOR: Duration = Duration::from_secs(3600);

/// So many paths are remembered.
const PATHS_MAX: usize = 10_000;

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Said(HashMap<PathBuf, Remark>);

#[derive(Debug)]
struct Remark {
    what: String,
    at: Time,
    /// It still holds.
    holds: bool,
}

impl Said {
    /// Says what is wrong with a path, once until it changes.
    pub(super) fn say(&mut self, input: &str, path: &Path, what: &str, now: Time) {
        match self.0.get_mut(path) {
            Some(remark) if remark.what == what => remark.holds = true,
            _ => {
                if self.0.len() >= PATHS_MAX {
                    self.0.clear();
                }
                tracing::warn!(input, path = %path.display(), "{what}");
                self.0.insert(path.to_owned(), Remark { what: what.to_owned(), at: now, holds: true });
            }
        }
    }

    /// Only of these something is wrong now.
    pub(super) fn settle(&mut self, troubled: &BTreeSet<PathBuf>, now: Time) {
        self.0.retain(|path, remark| {
            remark.holds = troubled.contains(path);
            remark.holds || now.since(remark.at) < QUIET_FOR
        });
    }

    /// How much is wrong now that begins so.
    pub(super) fn count_of(&self, beginnings: &[&str]) -> usize {
        self.0.values().filter(|remark| remark.holds_of(beginnings)).count()
    }

    /// Whether something is wrong with this path now that begins so.
    pub(super) fn holds(&self, path: &Path, beginnings: &[&str]) -> bool {
        self.0.get(path).is_some_and(|remark| remark.holds_of(beginnings))
    }

    /// Whether something is wrong now.
    pub(super) fn any(&self) -> bool {
        self.0.values().any(|remark| remark.holds)
    }
}

impl Remark {
    fn holds_of(&self, beginnings: &[&str]) -> bool {
        self.holds && beginnings.iter().any(|beginning| self.what.starts_with(beginning))
    }
}
