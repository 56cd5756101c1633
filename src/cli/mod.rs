//! The command line: one file a command.

pub mod screen;
pub mod sink;
