//! What the rules would do, without doing it: the rules' own tests, a line explained, old logs replayed.
//!
//! The stations are those of `run`; only who tells the time differs: the lines do.

pub mod case;
pub mod diff;
pub mod explain;
pub mod junit;
pub mod preview;
pub mod rehearsal;
pub mod shown;
pub mod trial;

#[cfg(test)]
mod tests;
