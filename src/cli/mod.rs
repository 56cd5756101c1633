//! The command line: one file a command.

mod screen;
pub mod sink;

pub use screen::Screen;
