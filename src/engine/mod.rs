//! Matches and the time in, alerts out: a pure state machine. No I/O, no clock, no chance.

mod alert;

pub use alert::{Alert, AlertId, Common, EpisodeId, Folded, HeldBack, Kind, Snapshot};
