//! A record's own checksum: a flipped byte comes back from the disk as data, and nobody else notices.

use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::Xxh3;

/// Over all columns of a record, with their kinds and lengths.
pub(super) fn checksum(columns: &[ValueRef<'_>]) -> i64 {
    let mut hash = Xxh3::new();
    for column in columns {
        let (kind, bytes): (u8, &[u8]) = match column {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => (1, &number.to_le_bytes()),
            ValueRef::Real(number) => (2, &number.to_le_bytes()),
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(blob) => (4, blob),
        };
        hash.update(&[kind]);
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.digest().cast_signed()
}

/// Over all records of a table, in whatever order they come and go: one that is missing, or an older one that came
/// back, is noticed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seal {
    records: u64,
    sum: i64,
}

impl Seal {
    /// A record with this checksum came.
    pub(super) fn add(&mut self, checksum: i64) {
        self.records = self.records.wrapping_add(1);
        self.sum ^= checksum;
    }

    /// A record with this checksum left.
    pub(super) fn remove(&mut self, checksum: i64) {
        self.records = self.records.wrapping_sub(1);
        self.sum ^= checksum;
    }

    /// How it is stored.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.records.to_le_bytes());
        bytes[8..].copy_from_slice(&self.sum.to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_borders_count() {
        use ValueRef::{Blob, Integer, Null, Text};
        let rows: [&[ValueRef<'_>]; 8] = [
            &[Text(b"ab"), Text(b"c")],
            &[Text(b"a"), Text(b"bc")],
            &[Blob(b"ab"), Text(b"c")],
            &[Text(b"abc")],
            &[Text(b"abc"), Null],
            &[Null],
            &[Integer(0)],
            &[],
        ];
        let mut sums: Vec<i64> = rows.iter().map(|row| checksum(row)).collect();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), rows.len());
    }

    #[test]
    fn it_is_the_same_in_every_version() {
        // What is stored is checked by later versions: this number never changes.
        assert_eq!(checksum(&[ValueRef::Text(b"app"), ValueRef::Integer(7)]), -5_136_673_890_043_125_584);
    }

    #[test]
    fn a_seal_knows_what_came_and_went() {
        let mut seal = Seal::default();
        [1, 2, 3].into_iter().for_each(|sum| seal.add(sum));
        seal.remove(2);
        let mut same = Seal::default();
        [3, 1].into_iter().for_each(|sum| same.add(sum));
        assert_eq!(seal, same);
        same.add(2);
        assert_ne!(seal.to_bytes(), same.to_bytes());
    }
}
