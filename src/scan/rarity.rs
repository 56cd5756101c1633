//! How often a needle's pieces stand in a stream: counted in a sample of it.

use std::collections::{BTreeMap, HashMap};

use super::bytes::ByteSet;
use super::needle::Needle;
use super::windows::WIDTH;

/// Of a sample so much is looked at: enough to see what is in each line, little enough to be counted at each start.
const SAMPLE_BYTES: usize = 16 * 1024;

/// A line that holds a needle is shown to a pattern: that costs as much as so many pieces that prove to be something else.
const WHOLE_COST: f64 = 16.0;

/// The power of the product of the bytes' shares that their frequency together is about.
const TOGETHER: f64 = 0.7;

/// What stands in for a stream before any of it was seen: lines as services write them.
const TYPICAL: &str = include_str!("typical.log");

/// Where each byte stands in a sample, so that a sequence of sets is counted by a few operations on words.
#[derive(Debug)]
pub(super) struct Rarity {
    /// Those of one byte, in the order of the bytes; behind them those that were asked for.
    sets: Vec<Standing>,
    /// Where in `sets` those of several bytes are.
    known: HashMap<ByteSet, usize>,
    /// What needles cost that were asked about: a pattern's parts are asked about again and again.
    costs: BTreeMap<Needle, f64>,
    /// What is counted now, kept so that counting allocates nothing.
    here: Vec<u64>,
    bytes: usize,
}

/// Where the bytes of a set stand.
#[derive(Debug)]
struct Standing {
    /// One bit a place.
    words: Box<[u64]>,
    /// How often one of them stands in the stream: from 0 to 1.
    share: f64,
}

/// Where in a sample a sequence of sets may begin: by each of them, one bit a place.
#[derive(Debug, Clone)]
pub(super) struct Places(Vec<Box<[u64]>>);

impl Places {
    /// Adds what is so by another sequence, place by place.
    pub(super) fn add(&mut self, other: &Self) {
        let words = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        words.for_each(|(word, other)| *word |= other);
    }
}

impl Rarity {
    /// Of the beginning of `sample`; without one, of typical lines.
    pub(super) fn new(sample: Option<&[u8]>) -> Self {
        let sample = sample.unwrap_or(TYPICAL.as_bytes());
        let sample = &sample[..sample.len().min(SAMPLE_BYTES)];
        let mut places = vec![vec![0u64; sample.len().div_ceil(64)]; 256];
        for (at, byte) in sample.iter().enumerate() {
            places[usize::from(*byte)][at / 64] |= 1 << (at % 64);
        }
        let of_byte = |words: Vec<u64>| {
            let count = f64::from(count(&words)) + 1.0 / 256.0;
            Standing { words: words.into(), share: count / (sample.len() as f64 + 1.0) }
        };
        let sets = places.into_iter().map(of_byte).collect();
        Self {
            sets,
            known: HashMap::new(),
            costs: BTreeMap::new(),
            here: Vec::new(),
            bytes: sample.len().max(1),
        }
    }

    /// How often a byte of the stream is in `set`: from 0 to 1.
    pub(super) fn share(&self, set: ByteSet) -> f64 {
        set.iter().map(|byte| self.sets[usize::from(byte)].share).sum::<f64>().min(1.0)
    }

    /// How often `sets` begin at a byte of the stream, about. What isn't in the sample is told apart by its bytes.
    pub(super) fn frequency(&mut self, sets: &[ByteSet]) -> f64 {
        let mut guess = 1.0;
        let mut anywhere = !sets.is_empty();
        for (shift, set) in sets.iter().enumerate() {
            let place = self.place(*set);
            let Standing { words, share } = &self.sets[place];
            guess *= share;
            if shift == 0 {
                self.here.clear();
                self.here.extend_from_slice(words);
            } else if anywhere {
                anywhere = keep_followed(&mut self.here, words, shift);
            }
        }
        let count = if anywhere { count(&self.here) } else { 0 };
        self.about(count, guess)
    }

    /// Where `sets` may begin.
    pub(super) fn places(&mut self, sets: &[ByteSet]) -> Places {
        let here = |(shift, set): (usize, &ByteSet)| {
            let place = self.place(*set);
            let mut here = vec![u64::MAX; self.sets[place].words.len()];
            keep_followed(&mut here, &self.sets[place].words, shift);
            here.into()
        };
        Places(sets.iter().enumerate().map(here).collect())
    }

    /// How often `sets` begin at a byte of the stream, about: each place is at one of the two.
    pub(super) fn frequency_at(&mut self, sets: &[ByteSet], one: &Places, other: &Places) -> f64 {
        let guess = sets.iter().map(|set| self.share(*set)).product();
        self.here.clear();
        self.here.resize(self.sets[0].words.len(), u64::MAX);
        for (one, other) in one.0.iter().zip(&other.0) {
            let words = self.here.iter_mut().zip(one).zip(other);
            words.for_each(|((here, one), other)| *here &= one | other);
        }
        self.about(count(&self.here), guess)
    }

    /// How often something is in the stream that is so often in the sample, and would by the shares of its bytes be
    /// everywhere so often.
    fn about(&self, count: u32, guess: f64) -> f64 {
        // Bytes that go together are more frequent together than each by itself would say.
        (f64::from(count) + (guess.powf(TOGETHER) * self.bytes as f64).min(1.0)) / self.bytes as f64
    }

    /// The `width` places of `needle` that are rarest together, by where they begin, and how often they are there.
    pub(super) fn rarest(&mut self, needle: &Needle, width: usize) -> (usize, f64) {
        let width = width.min(needle.len());
        let windows = needle.windows(width.max(1)).enumerate();
        let counted = windows.map(|(at, window)| (at, self.frequency(window)));
        counted.min_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap_or((0, 1.0))
    }

    /// What looking for `needles` costs: for each byte of the stream, in pieces that are looked at closer, of which one
    /// that proves to be the whole needle costs several times as much.
    pub(super) fn cost(&mut self, needles: &[Needle]) -> f64 {
        needles.iter().map(|needle| self.cost_of_one(needle)).sum()
    }

    fn cost_of_one(&mut self, needle: &Needle) -> f64 {
        if let Some(cost) = self.costs.get(needle) {
            return *cost;
        }
        let cost = self.rarest(needle, WIDTH).1 + WHOLE_COST * self.frequency(needle);
        self.costs.insert(needle.clone(), cost);
        cost
    }

    /// Where in `sets` the places of `set` are.
    fn place(&mut self, set: ByteSet) -> usize {
        if let Some(byte) = set.single() {
            return usize::from(byte);
        }
        if let Some(place) = self.known.get(&set) {
            return *place;
        }
        let mut all = Standing { words: vec![0; self.sets[0].words.len()].into(), share: 0.0 };
        for Standing { words, share } in set.iter().map(|byte| &self.sets[usize::from(byte)]) {
            all.share += share;
            all.words.iter_mut().zip(words).for_each(|(word, other)| *word |= other);
        }
        self.sets.push(all);
        self.known.insert(set, self.sets.len() - 1);
        self.sets.len() - 1
    }
}

fn count(words: &[u64]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

/// Keeps the places of `here` that have one of `places` so many bytes behind; returns whether any is left.
fn keep_followed(here: &mut [u64], places: &[u64], shift: usize) -> bool {
    let (words, bits) = (shift / 64, shift % 64);
    let mut left = 0;
    for (at, word) in here.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
        let low = places.get(at + words).copied().unwrap_or(0);
        let high = places.get(at + words + 1).copied().unwrap_or(0);
        *word &= if bits == 0 { low } else { low >> bits | high << (64 - bits) };
        left |= *word;
    }
    left != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn needle(text: &str) -> Needle {
        text.bytes().map(ByteSet::of).collect()
    }

    #[test]
    fn what_is_common_in_the_stream_is_not_chosen() {
        let sample = b"GET /a HTTP/1.1\" 200\nGET /b HTTP/1.1\" 500\n".repeat(20);
        let mut rarity = Rarity::new(Some(&sample));
        let (at, _) = rarity.rarest(&needle("HTTP/1.1\" 5"), 4);
        assert_eq!(at, 7, "`1\" 5` is rarer than what stands in each line");
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_plain_search(
            sample in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], 1..300),
            text in "[abc]{1,8}",
        ) {
            let sets = needle(&text);
            let plain = sample.windows(sets.len()).filter(|window| *window == text.as_bytes()).count();
            let counted = Rarity::new(Some(&sample)).frequency(&sets) * sample.len() as f64;
            prop_assert!((-0.001..=1.001).contains(&(counted - plain as f64)), "{counted} is not {plain}");
        }

        #[test]
        fn two_sequences_together_are_counted_like_one_of_their_sets(
            sample in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], 1..300),
            (one, other) in (1usize..9).prop_flat_map(|length| {
                let text = || proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], length);
                (text(), text())
            }),
        ) {
            let mut rarity = Rarity::new(Some(&sample));
            let sets = |text: &[u8]| text.iter().map(|byte| ByteSet::of(*byte)).collect::<Needle>();
            let (one, other) = (sets(&one), sets(&other));
            let both: Needle = one.iter().zip(&other).map(|(one, other)| one.or(*other)).collect();
            let (one, other) = (rarity.places(&one), rarity.places(&other));
            let mut added = one.clone();
            added.add(&other);
            let expected = rarity.frequency(&both);
            for (one, other) in [(&one, &other), (&other, &one), (&added, &added), (&added, &one)] {
                let counted = rarity.frequency_at(&both, one, other);
                prop_assert!((counted - expected).abs() < 1e-9, "{counted} is not {expected}");
            }
        }
    }
}
