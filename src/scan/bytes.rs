//! A set of bytes: what one place of a needle may be.

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte of a character that is not ASCII.
    pub(super) const HIGH: Self = Self([0, 0, u64::MAX, u64::MAX]);

    /// Every byte but a line's end.
    pub(super) const ANY: Self = Self([!(1 << b'\n'), u64::MAX, u64::MAX, u64::MAX]);

    /// One byte.
    pub(super) fn of(byte: u8) -> Self {
        let mut set = Self::default();
        set.insert(byte, byte);
        set
    }

    /// Adds `first..=last`, but never a line's end: no line holds one.
    pub(super) fn insert(&mut self, first: u8, last: u8) {
        for byte in first..=last {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        self.0[0] &= !(1 << b'\n');
    }

    /// Whether `byte` is in it.
    pub(super) const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }

    /// What is in one of the two.
    pub(super) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Whether `other` has all of it.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.or(other) == other
    }

    /// Its bytes, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..4u8).flat_map(move |at| {
            let mut word = self.0[usize::from(at)];
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as u8)?;
                word &= word - 1;
                Some(at * 64 + bit)
            })
        })
    }

    /// How many bytes are in it.
    pub(super) fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Its byte, if it has just one.
    pub(super) fn single(self) -> Option<u8> {
        let (at, word) = self.0.iter().enumerate().find(|(_, word)| **word != 0)?;
        (self.len() == 1).then(|| at as u8 * 64 + word.trailing_zeros() as u8)
    }

    /// All bytes that one of it becomes one with where upper and lower case are one ([`fold`]).
    pub(super) fn with_both_cases(self) -> Self {
        self.iter().fold(self, |all, byte| all.or(Self::of(fold(byte))).or(Self::of(byte & !0x20)))
    }

    /// The one byte that all of them become where upper and lower case are one ([`fold`]).
    pub(super) fn folded(self) -> Option<u8> {
        let first = fold(self.iter().next()?);
        self.iter().all(|byte| fold(byte) == first).then_some(first)
    }
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: Vec<u8> = self.iter().collect();
        match bytes.len() {
            1 => write!(out, "{}", bytes.escape_ascii()),
            _ => write!(out, "[{}]", bytes.escape_ascii()),
        }
    }
}

/// Makes upper and lower case one, in one operation. It makes some other bytes one too, which costs a candidate and
/// never a match.
pub(super) const fn fold(byte: u8) -> u8 {
    byte | 0x20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_but_no_line_end() {
        let mut set = ByteSet::default();
        set.insert(0, 255);
        assert_eq!(set.len(), 255);
        assert_eq!(set, ByteSet::ANY);
        assert!(!set.has(b'\n'));
        assert_eq!(ByteSet::of(b'a').or(ByteSet::of(b'z')).iter().collect::<Vec<_>>(), b"az");
        assert_eq!(ByteSet::HIGH.iter().next(), Some(0x80));
        assert_eq!(ByteSet::HIGH.iter().last(), Some(0xff));
        assert_eq!(ByteSet::of(b'z').single(), Some(b'z'));
        assert_eq!((ByteSet::HIGH.single(), ByteSet::default().single()), (None, None));
    }

    #[test]
    fn both_cases_fold_to_one_byte() {
        assert_eq!(ByteSet::of(b'a').or(ByteSet::of(b'A')).folded(), Some(b'a'));
        assert_eq!(ByteSet::of(b'a').or(ByteSet::of(b'b')).folded(), None);
        assert_eq!(ByteSet::default().folded(), None);
        let both = ByteSet::of(b'a').or(ByteSet::of(b'A'));
        assert_eq!([b'a', b'A'].map(|byte| ByteSet::of(byte).with_both_cases()), [both, both]);
    }
}
