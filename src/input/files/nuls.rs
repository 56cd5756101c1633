//! Bytes that nobody wrote: holes, which a writer leaves that goes on at its old offset after a truncation, and the
//! zeros of space that is taken before it is written.

use std::io;

use super::disk::DiskFile;

/// How much is looked through at once.
const PIECE_BYTES: usize = 64 * 1024;

/// So many zeros are taken for data, and passed, where they are really on the disk: space that is taken beforehand and
/// filled later is smaller.
const ZEROS_MAX: u64 = 64 * 1024 * 1024;

/// Where a run of zeros ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nuls {
    /// Something else follows there.
    Until(u64),
    /// They may yet be written.
    ToTheEnd,
}

/// Where the zeros end that reach to `from` at least.
///
/// # Errors
/// Reading failed.
pub(super) fn after(file: &impl DiskFile, from: u64, size: u64) -> io::Result<Nuls> {
    let mut at = from;
    let mut read_through = 0;
    let mut piece = vec![0; PIECE_BYTES];
    while at < size {
        let Some(data) = file.data_from(at)? else { return Ok(Nuls::ToTheEnd) };
        let read = file.read_at(&mut piece, data)?;
        if let Some(text) = piece[..read].iter().position(|byte| *byte != 0) {
            return Ok(Nuls::Until(data + text as u64));
        }
        read_through += read as u64;
        at = data + read as u64;
        if read == 0 {
            break;
        }
        if read_through >= ZEROS_MAX {
            return Ok(Nuls::Until(at));
        }
    }
    Ok(Nuls::ToTheEnd)
}
