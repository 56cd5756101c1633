//! The store that a run goes on from, and what it held.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Engine, Silence};
use crate::notice::{Notice, Sort};
use crate::rule::Rule;
use crate::store::{self, Keeps, OpenError, Restored, Space, Store};

use super::silences::Silences;

/// A store that is open, and what it held.
#[derive(Debug)]
pub struct Opened {
    pub(super) store: Store,
    pub(super) restored: Restored,
}

impl Opened {
    /// For `config`, in memory.
    pub fn in_memory(config: &Config) -> Self {
        let store = Store::in_memory(webhook_names(config), config.limits.outbox);
        Self { store, restored: Restored::default() }
    }

    /// For `config`, in this state directory, which is then this process's.
    ///
    /// # Errors
    /// It can't be used; nothing was changed.
    pub fn in_directory(config: &Config, path: &Path) -> Result<Self, OpenError> {
        let (store, mut restored) = Store::open(path, webhook_names(config), config.limits.outbox)?;
        restored.notices.extend(store.keep_history(config.limits.history, Clock::wall()));
        Ok(Self { store, restored })
    }

    /// The directory in which it is kept; `None`: in memory.
    pub fn directory(&self) -> Option<&Path> {
        self.store.path()
    }

    /// For `config`, in memory, from where this state directory would go on; it is not written. The alerts that wait in
    /// it stay there.
    ///
    /// # Errors
    /// It can't be read.
    pub fn looking_at(config: &Config, path: &Path) -> Result<Self, OpenError> {
        let restored = store::look(path)?;
        Ok(Self { restored, ..Self::in_memory(config) })
    }
}

fn webhook_names(config: &Config) -> impl Iterator<Item = Arc<str>> {
    config.webhooks.iter().map(|webhook| webhook.name.clone())
}

/// The engine as it was when it was stored last.
pub(super) fn restored_engine(
    restored: &mut Restored,
    rules: &Arc<[Rule]>,
    host: &Arc<str>,
    keys_max: usize,
    clock: &Clock,
    keeps: Keeps,
) -> Engine {
    let records = restored.take_all(Space::Engine);
    let (mut engine, came_of) = Engine::restore(rules.clone(), host.clone(), keys_max, records, clock.now());
    for rule in &came_of.anew {
        tracing::info!(%rule, "its `when`, `by` or `dedup.by` changed: it starts anew");
    }
    for rule in &came_of.gone {
        tracing::info!(%rule, "is no longer there: what was kept of it is dropped");
    }
    if came_of.unreadable > 0 {
        let text =
            format!("{} records of rules could not be read: what they held starts anew", came_of.unreadable);
        restored.notices.push(Notice { sort: Sort::Damage, danger: true, text });
    }
    if keeps == Keeps::InMemory {
        engine.untrack();
    }
    engine
}

/// The configuration's silences, and those that were made while the agent ran.
pub(super) fn restored_silences(restored: &mut Restored, configured: Vec<Silence>) -> Silences {
    let (silences, unreadable) = Silences::restore(configured, &restored.take_all(Space::Silence));
    if unreadable > 0 {
        let text = format!("{unreadable} silences that were made while hooktail ran could not be read");
        restored.notices.push(Notice { sort: Sort::Damage, danger: true, text });
    }
    silences
}
