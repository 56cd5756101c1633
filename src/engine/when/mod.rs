//! Which matches make an alert: a state machine for each sort of `when`, a file each.

mod count;

use std::sync::Arc;
use std::time::Duration;

use crate::fields::Fields;
use crate::rule::{Rule, When};
use crate::time::Time;

use super::key::Key;
use super::keyed::Keyed;

pub(super) use count::CountWindow;

/// A `when` that is met: how many matches met it, and when the first of them was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) count: u64,
    pub(super) first_seen: Time,
}

/// What is kept of a rule's `when`.
#[derive(Debug)]
pub(super) enum WhenState {
    Every,
    Count(Keyed<CountWindow>),
}

impl WhenState {
    pub(super) fn new(rule: &Rule, keys_max: usize, tracked: bool) -> Self {
        match rule.when {
            When::Every => Self::Every,
            When::Count { .. } => Self::Count(Keyed::new(keys_max, tracked)),
        }
    }

    /// Nobody will ask what changes.
    pub(super) fn untrack(&mut self) {
        match self {
            Self::Every => {}
            Self::Count(keys) => keys.untrack(),
        }
    }

    /// A match at `time`. `forgotten` counts the keys that were given up for it.
    pub(super) fn take(&mut self, fields: &Fields<'_>, time: Time, forgotten: &mut u64) -> Option<Met> {
        match (self, &fields.rule.when) {
            (Self::Count(windows), When::Count { count, within, by }) => {
                take_count(windows, (*count, *within, by), fields, time, forgotten)
            }
            _ => Some(Met { count: 1, first_seen: time }),
        }
    }
}

fn take_count(
    windows: &mut Keyed<CountWindow>,
    (count, within, by): (u32, Duration, &[Arc<str>]),
    fields: &Fields<'_>,
    time: Time,
    forgotten: &mut u64,
) -> Option<Met> {
    let key = Key::of(by, fields);
    let first_seen = match windows.see(&key) {
        Some(window) => window.add(time, count, within),
        None => {
            let mut window = CountWindow::default();
            let first_seen = window.add(time, count, within);
            if first_seen.is_none() {
                *forgotten += windows.put(key.clone(), window);
            }
            first_seen
        }
    }?;
    // What is used up holds nothing: an open window costs memory only while it counts.
    windows.remove(&key);
    Some(Met { count: u64::from(count), first_seen })
}
