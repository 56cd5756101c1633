//! Room on the disk that is kept for answers: where the disk is full, what was delivered can still leave.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

use super::directory::create_private;

/// What so many answers need as are written ahead before they are moved into the database, and some.
const BYTES: usize = 256 * 1024;

/// A file that holds nothing but its room.
#[derive(Debug)]
pub(super) struct Reserve {
    file: File,
    held: Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
}

impl Reserve {
    /// At `path`. On a full disk it is not held yet.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let (file, _) = create_private(path)?;
        let mut reserve = Self { file, held: Held::No };
        let _ = reserve.hold();
        Ok(reserve)
    }

    pub(super) fn is_held(&self) -> bool {
        self.held == Held::Yes
    }

    /// Takes the room from the disk again.
    pub(super) fn hold(&mut self) -> std::io::Result<()> {
        let written = self.file.rewind().and_then(|()| self.file.write_all(&[0; BYTES]));
        match written.and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.held = Held::Yes;
                Ok(())
            }
            Err(error) => {
                self.release();
                Err(error)
            }
        }
    }

    /// Gives the room back to the disk; returns whether there was any.
    pub(super) fn release(&mut self) -> bool {
        let was_held = self.is_held();
        self.held = Held::No;
        self.file.set_len(0).is_ok() && was_held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_room_is_real() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        let blocks = || path.metadata().unwrap().blocks() * 512;
        let mut reserve = Reserve::open(&path).unwrap();
        assert!(reserve.is_held() && blocks() >= BYTES as u64);
        assert!(reserve.release() && !reserve.is_held() && blocks() == 0);
        assert!(!reserve.release(), "there is none any more");
        reserve.hold().unwrap();
        assert!(reserve.is_held() && blocks() >= BYTES as u64);
    }
}
