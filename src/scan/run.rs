//! Characters of one set, one after the other, of which there may be more or fewer: how such a run ends.

use super::bytes::ByteSet;
use super::needle::Needle;

/// Behind a run, so many bytes before its end are known again; and so many of what stands before a shorter one.
const KNOWN_AGAIN: usize = 4;
const BEFORE_MAX: usize = 4;

/// More ways to end are not told apart.
const ENDS_MAX: usize = 2 * KNOWN_AGAIN;

/// Bytes of a character.
const CHARACTER_BYTES_MAX: usize = 4;

/// A run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Each of its bytes is one of it.
    pub(super) set: ByteSet,
    /// Characters, at least one; where the set has [`ByteSet::HIGH`], one may take several bytes.
    pub(super) least: usize,
    /// Not fewer.
    pub(super) most: usize,
}

impl Run {
    /// What it begins with, and what it ends with, whatever stands before it.
    pub(super) fn alone(self) -> Needle {
        vec![self.set; self.least]
    }

    /// How it ends, with what stands before it where it is short.
    pub(super) fn ends(self, before: &[Needle]) -> Vec<Needle> {
        let ends = [BEFORE_MAX, 0].into_iter().map(|more| self.ends_up_to(before, KNOWN_AGAIN + more));
        ends.into_iter().find(|ends| ends.len() <= ENDS_MAX).unwrap_or_else(|| vec![self.alone()])
    }

    /// The same, at most so many bytes.
    fn ends_up_to(self, before: &[Needle], bytes_max: usize) -> Vec<Needle> {
        let most_bytes = if self.has_long() { self.most * CHARACTER_BYTES_MAX } else { self.most };
        let mut ends = Vec::new();
        for length in self.least..=most_bytes.min(KNOWN_AGAIN) {
            for run in self.of_bytes(length) {
                let all = before.iter().map(|before| [&before[..], &run].concat());
                ends.extend(all.map(|needle| needle[needle.len().saturating_sub(bytes_max)..].to_vec()));
            }
        }
        if most_bytes > KNOWN_AGAIN {
            ends.extend(self.of_bytes(KNOWN_AGAIN));
        }
        without_narrower(ends)
    }

    /// All that so many bytes of it are like: the last of a longer one too.
    fn of_bytes(self, length: usize) -> Vec<Needle> {
        let any = vec![self.set; length];
        if length <= self.most {
            return vec![any];
        }
        // Some character has two of them.
        let with_long = |at: usize| {
            let mut run = any.clone();
            run[at..at + 2].fill(ByteSet::HIGH);
            run
        };
        (0..length - 1).map(with_long).collect()
    }

    fn has_long(self) -> bool {
        ByteSet::HIGH.is_within(self.set)
    }
}

/// Without those that end like another one which takes as much or more: they say nothing else.
fn without_narrower(mut needles: Vec<Needle>) -> Vec<Needle> {
    needles.sort();
    needles.dedup();
    let says_nothing = |needle: &Needle, other: &Needle| {
        let mut pairs = needle.iter().rev().zip(other.iter().rev());
        needle != other && other.len() <= needle.len() && pairs.all(|(set, wider)| set.is_within(*wider))
    };
    let all = needles.clone();
    needles.retain(|needle| !all.iter().any(|other| says_nothing(needle, other)));
    needles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(set: ByteSet, (least, most): (usize, usize), before: &str) -> Vec<String> {
        let before = [before.bytes().map(ByteSet::of).collect::<Needle>()];
        let high = |set: &ByteSet| if set.has(b'0') { "d" } else { "H" };
        let letter =
            |set: &ByteSet| set.single().map_or(high(set).to_owned(), |byte| char::from(byte).into());
        Run { set, least, most }.ends(&before).iter().map(|end| end.iter().map(letter).collect()).collect()
    }

    fn digits() -> ByteSet {
        let mut digits = ByteSet::default();
        digits.insert(b'0', b'9');
        digits
    }

    #[test]
    fn a_short_run_ends_with_what_stands_before_it() {
        assert_eq!(ends(digits(), (1, 3), "."), [".d", ".dd", ".ddd"]);
        assert_eq!(ends(digits(), (2, 4), "ab5"), ["ab5dd", "ab5ddd", "ab5dddd"]);
        assert_eq!(ends(digits(), (3, 6), "-"), ["-ddd", "dddd"]);
    }

    #[test]
    fn a_run_that_takes_more_bytes_than_it_has_characters_has_a_long_one() {
        let digits = digits().or(ByteSet::HIGH);
        assert_eq!(ends(digits, (1, 3), "."), ["HHdd", ".d", ".dd", ".ddd", "dHHd", "ddHH"]);
        assert_eq!(ends(digits, (2, 4), "x"), ["xdd", "xddd", "dddd"]);
    }
}
