//! Why a state directory can't be used, and why it can't be written any more.

use std::path::PathBuf;

/// Why the agent does not start with this state directory.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system refuses.
    #[error("the state directory `{}` can't be used: {error}\nhelp: give one that can be written with `--state-dir DIR` or `state_dir`, or `--state-dir none` to keep state in memory", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Somebody else's.
    #[error("the state directory `{}` belongs to user {owner}, and this is user {ours}\nhelp: run as its owner, or give another one with `--state-dir DIR`", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        ours: u32,
    },
    /// Not ours alone.
    #[error("the state directory `{}` can be written by others\nhelp: `chmod 700` it, or give another one with `--state-dir DIR`", path.display())]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses it.
    #[error("the state directory `{}` is in use by {by}\nhelp: stop that one, or give another directory with `--state-dir DIR`", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// In words.
        by: String,
    },
    /// A later version wrote it.
    #[error("the state `{}` was written by a newer hooktail: it has format {format}, and this one knows {known}\nhelp: run the newer one, or move the file away to begin anew", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// What is there is no state, or its structure is broken.
    #[error("the state `{}` is damaged: {why}\nhelp: move it away with what begins with its name, and start again: alerts that waited in it are lost, and files are read as `start` says", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// SQLite or the system below it refuses.
    #[error("the state `{}` can't be opened", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: rusqlite::Error,
    },
    /// What was restored could not be written on.
    #[error("the state `{}` can't be written", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: WriteError,
    },
}

/// Why something was not stored. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no room: it can be tried again.
    #[error("the disk of the state directory is full")]
    Full,
    /// Another process holds it for too long: it can be tried again.
    #[error("another process holds the state's database")]
    Busy,
    /// Whether what was written before is safe is not known any more: the process must end, and start again from what
    /// is on the disk.
    #[error(
        "failed to write the state; nothing after the last commit was kept, and a start goes on from there"
    )]
    Failed(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(cause) if is_full(cause) => Self::Full,
            Some(cause) if cause.code == rusqlite::ErrorCode::DatabaseBusy => Self::Busy,
            _ => Self::Failed(error),
        }
    }
}

fn is_full(cause: &rusqlite::ffi::Error) -> bool {
    // The second: the file that both connections map could not grow.
    cause.code == rusqlite::ErrorCode::DiskFull || cause.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
}

/// Whether an error that came while reading speaks of what is in the file, and not of the system.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, PermissionDenied, ReadOnly,
        SystemIoFailure,
    };
    let of_the_system = [
        CannotOpen,
        DatabaseBusy,
        DatabaseLocked,
        DiskFull,
        OutOfMemory,
        PermissionDenied,
        ReadOnly,
        SystemIoFailure,
    ];
    error.sqlite_error_code().is_none_or(|code| !of_the_system.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn row_69_a_failed_fsync_is_fatal_and_a_full_disk_is_not() {
        for fatal in
            [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_CORRUPT, ffi::SQLITE_READONLY]
        {
            assert!(matches!(WriteError::from(sqlite(fatal)), WriteError::Failed(_)), "{fatal}");
        }
        for full in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            assert!(matches!(WriteError::from(sqlite(full)), WriteError::Full), "{full}");
        }
    }

    #[test]
    fn what_the_system_refuses_is_no_damage() {
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR, ffi::SQLITE_TOOBIG] {
            assert!(is_damage(&sqlite(code)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_READ, ffi::SQLITE_CANTOPEN, ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
            assert!(!is_damage(&sqlite(code)), "{code}");
        }
    }
}
