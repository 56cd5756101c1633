//! What outlives the process beside the alerts: read positions and the engine's state, as records that the store keeps
//! without knowing what is in them.

use std::sync::Arc;

/// Whose record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Of a reader: how far a file was read.
    Position,
    /// Of the engine: a window, an episode, a counter.
    Engine,
    /// A silence that somebody made while the agent ran.
    Silence,
    /// Of the board: what a rule did over the last hour and day.
    Timeline,
}

impl Space {
    /// Its name in the store.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Engine => "engine",
            Self::Silence => "silence",
            Self::Timeline => "timeline",
        }
    }

    /// The space of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Position, Self::Engine, Self::Silence, Self::Timeline];
        all.into_iter().find(|space| space.name() == name)
    }
}

/// One record; a later one of the same space, owner and key takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub space: Space,
    /// The input's name, or the rule's.
    pub owner: Arc<str>,
    /// What tells the owner's records apart.
    pub key: Box<str>,
    /// What only the owner reads; `None` takes the record out.
    pub value: Option<Box<[u8]>>,
}
