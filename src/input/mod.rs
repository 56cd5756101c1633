//! The world to lines, and what rules took of them to the engine: files, standard input, and a program's output.

pub mod batch;
pub mod bell;
mod choosing;
pub mod feed;
pub mod files;
pub mod program;
pub mod slot;
pub mod stdin;
pub mod waker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use globset::GlobSet;

use crate::event::Texts;
use crate::line::LineSpec;

/// An input of the configuration, checked.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Added to each event.
    pub labels: Texts,
    /// How its bytes become lines.
    pub line: LineSpec,
    /// Where its bytes come from.
    pub source: Source,
}

/// Where an input's bytes come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Files that globs name.
    Files(FilesSpec),
    /// Standard input.
    Stdin {
        /// Each line also goes on to standard output.
        passthrough: bool,
    },
}

impl Source {
    /// The key that names it in the configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Stdin { .. } => "stdin",
        }
    }
}

/// Which files are read, and how.
#[derive(Debug, Clone)]
pub struct FilesSpec {
    /// Absolute paths or globs (`*`, `**`, `?`, `[…]`, `{a,b}`); a literal path has no special characters.
    pub globs: Vec<String>,
    /// What is left out.
    pub exclude: GlobSet,
    /// Where to begin in files that exist at the first start.
    pub start: Start,
    /// How often to look where no events come.
    pub poll: Duration,
    /// Whether a link may lead out of the directories that the globs name.
    pub follow_symlinks: bool,
}

impl FilesSpec {
    /// The part of a glob before its first special character, up to the last `/`: the directory to look in.
    pub fn base(glob: &str) -> PathBuf {
        let special = glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len());
        let slash = glob[..special].rfind('/').map_or(0, |at| at.max(1));
        PathBuf::from(&glob[..slash])
    }
}

/// Where to begin in a file that is there at the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At its end: what was written before is not ours.
    End,
    /// At its beginning.
    Beginning,
}
