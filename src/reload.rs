//! What came of the last reload, for whoever looks on.

use std::sync::{Mutex, PoisonError};

use crate::time::Time;

/// The last reload; shared by the agent and those who look.
#[derive(Debug, Default)]
pub struct LastReload(Mutex<Option<Reload>>);

/// A reload that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// By the clock on the wall.
    pub at: Time,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The configuration that was read holds.
    Taken,
    /// It has mistakes, or its own tests fail: the one before holds. All that is wrong, as `check` prints it.
    Refused(String),
}

impl LastReload {
    /// The last one, if there was any.
    pub fn get(&self) -> Option<Reload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One is over.
    pub fn set(&self, reload: Reload) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reload);
    }
}
