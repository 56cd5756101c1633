//! Opens a file that somebody else chose the name of: never waits for a pipe's writer, never takes a device or a
//! directory for a log, never follows a link out of the directories that the globs name.

use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::disk::Facts;

/// Why a path is not read. Each is said once, until it changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is a {0}, not a regular file")]
    NotRegular(&'static str),
    #[error("it is a link that leads to `{}`, outside the directories that the globs name: \
             set `follow_symlinks: true` for this input, or name the target's directory", .0.display())]
    LeadsOut(PathBuf),
    /// The name was moved on since it was seen: that is no trouble.
    #[error("it is gone")]
    Gone,
    #[error("{0}")]
    Io(String),
}

impl Refusal {
    pub(super) fn io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Gone,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// Opens `path` for reading if it is a regular file. `homes`: the directories that it must lie in, links resolved;
/// `None` where links are followed anywhere.
pub(super) fn open(path: &Path, homes: Option<&[PathBuf]>) -> Result<(File, Facts), Refusal> {
    check_home(path, homes)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| Refusal::io(&error))?;
    let metadata = file.metadata().map_err(|error| Refusal::io(&error))?;
    check_kind(&metadata)?;
    Ok((file, Facts::of(&metadata)))
}

/// Whether it is a regular file.
pub(super) fn check_kind(metadata: &Metadata) -> Result<(), Refusal> {
    let kind = metadata.file_type();
    let name = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "directory",
        () if kind.is_fifo() => "named pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    };
    Err(Refusal::NotRegular(name))
}

fn check_home(path: &Path, homes: Option<&[PathBuf]>) -> Result<(), Refusal> {
    let Some(homes) = homes else { return Ok(()) };
    let target = path.canonicalize().map_err(|error| Refusal::io(&error))?;
    let inside = homes.iter().any(|home| target.starts_with(home));
    if inside { Ok(()) } else { Err(Refusal::LeadsOut(target)) }
}
