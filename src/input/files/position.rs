//! How far a file was read: what is stored, and what it is known again by.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::line::encoding::Encoding;
use crate::store::{Record, Space};
use crate::time::Time;

use super::disk::{DiskFile, Facts, FileId};
use super::marks::{self, HEAD_BYTES, Marks};

/// A file from its making to its end, or from one truncation to the next, whatever its names. Numbered in the order in
/// which they were found: older ones are read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Generation(pub(super) u64);

impl Generation {
    pub(super) fn key(self) -> String {
        format!("{:016x}", self.0)
    }

    pub(super) fn from_key(key: &str) -> Option<Self> {
        u64::from_str_radix(key, 16).ok().map(Self)
    }
}

/// How far a generation was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The name that it had last.
    #[serde(serialize_with = "write_path", deserialize_with = "read_path")]
    pub(super) path: PathBuf,
    /// Which file it was last; `None` where another content has taken the file.
    pub(super) file: Option<FileId>,
    /// When the file was made, where the file system says.
    pub(super) born: Option<i64>,
    /// Where the first line begins that was not handed on, or how far an over-long one was thrown away.
    pub(super) offset: u64,
    /// What lies before that.
    pub(super) marks: Marks,
    /// How its text is written, as far as its beginning tells.
    #[serde(default)]
    pub(super) encoding: Encoding,
    /// In the rest of an over-long line.
    pub(super) skipping: bool,
    /// What was handed on though its line has no end yet.
    pub(super) told: Option<Told>,
    /// Nothing was read of it yet, because that failed: `offset` is its size when it was found, perhaps within a line.
    pub(super) unseen: bool,
    /// How large it was when it was looked at last.
    pub(super) size: u64,
    /// Since when it is nowhere to be found.
    pub(super) gone: Option<Time>,
}

/// The beginning of a line without an end that was handed on as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) length: u64,
    pub(super) hash: u64,
    /// A rule took it: the line is not handed on again when it has grown.
    pub(super) taken: bool,
}

/// Whether a file holds what was read of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// What was read is there.
    All,
    /// It is shorter, and as far as it goes nothing speaks against it.
    Less,
    /// Something else is there.
    Other,
}

impl Position {
    pub(super) fn new(path: PathBuf, facts: &Facts) -> Self {
        Self {
            path,
            file: Some(facts.file),
            born: facts.born,
            offset: 0,
            marks: Marks::default(),
            encoding: Encoding::default(),
            skipping: false,
            told: None,
            unseen: false,
            size: facts.size,
            gone: None,
        }
    }

    /// From the beginning of whatever the file holds now. Whoever writes it goes on in its encoding, with no new mark.
    pub(super) fn rewind(&mut self) {
        (self.offset, self.marks, self.skipping, self.told, self.unseen) =
            (0, Marks::default(), false, None, false);
    }

    /// Whether enough was read for the content alone to tell which file it is.
    pub(super) const fn is_telling(&self) -> bool {
        self.offset >= HEAD_BYTES
    }

    /// Whether a file of its number was made at another time: the number was given anew.
    pub(super) fn is_reborn(&self, facts: &Facts) -> bool {
        self.born.is_some() && facts.born.is_some() && self.born != facts.born
    }

    /// Whether `file`, of this size, holds what was read.
    pub(super) fn held_by(&self, file: &impl DiskFile, size: u64) -> std::io::Result<Holds> {
        if self.unseen {
            return Ok(if size < self.offset { Holds::Less } else { Holds::All });
        }
        if let Some((length, hash)) = self.marks.head_within(size) {
            match read_exactly(file, 0, length)? {
                Some(head) if marks::head(&head) == hash => {}
                Some(_) => return Ok(Holds::Other),
                None => return Ok(Holds::Less),
            }
        }
        if size < self.offset {
            return Ok(Holds::Less);
        }
        let reach = marks::reach(self.offset);
        Ok(match read_exactly(file, self.offset - reach as u64, reach)? {
            Some(before) if self.marks.hold(&before) => Holds::All,
            Some(_) => Holds::Other,
            None => Holds::Less,
        })
    }

    pub(super) fn record(&self, owner: &Arc<str>, generation: Generation) -> Record {
        let value = serde_json::to_vec(self).unwrap_or_default();
        Record {
            space: Space::Position,
            owner: owner.clone(),
            key: generation.key().into(),
            value: Some(value.into()),
        }
    }

    pub(super) fn from_record(record: &Record) -> Option<(Generation, Self)> {
        let generation = Generation::from_key(&record.key)?;
        Some((generation, serde_json::from_slice(record.value.as_deref()?).ok()?))
    }
}

/// `None`: the file ends before.
pub(super) fn read_exactly(
    file: &impl DiskFile,
    from: u64,
    length: usize,
) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => return Ok(None),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(bytes))
}

/// Names are bytes: what is no UTF-8, and `%`, is written as `%` and two hex digits.
fn write_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02x}")));
    }
    serializer.serialize_str(&text)
}

fn read_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.ok_or_else(|| serde::de::Error::custom("a `%` without two hex digits"))?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    Ok(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn any_name_comes_back_from_a_record() {
        let names: [&[u8]; 4] = [b"/var/log/a.log", b"/100%/\xff\xfe.log", "/ü\n%25".as_bytes(), b"/a%zz"];
        for name in names {
            let facts =
                Facts { file: FileId { device: 1, inode: 2 }, born: Some(3), changed: 4, size: 5, links: 1 };
            let mut position = Position::new(OsStr::from_bytes(name).into(), &facts);
            position.told = Some(Told { length: 7, hash: 8, taken: true });
            position.marks.grow(&[b'x'; 20]);
            let record = position.record(&"app".into(), Generation(77));
            assert_eq!(Position::from_record(&record), Some((Generation(77), position)));
        }
    }

    #[test]
    fn a_record_of_something_else_is_none() {
        let record = |key: &str, value: &str| Record {
            space: Space::Position,
            owner: "app".into(),
            key: key.into(),
            value: Some(value.as_bytes().into()),
        };
        assert_eq!(Position::from_record(&record("globs", "[]")), None);
        assert_eq!(Position::from_record(&record("0000000000000001", "{")), None);
    }
}
