//! Many long needles at once: of each, all four-byte pieces in a stretch of seven bytes are put into a hashed bitmap.
//! Whatever the alignment, one of them stands at a multiple of four, so that only these places are read.
//!
//! Many needles may share a piece that is common: so what stands around it is compared at once, before anything else is
//! asked of a needle.

use super::bytes::ByteSet;

/// Bytes of a piece, and how far apart the places are that are read.
const GRAM: usize = 4;

/// Bytes of a needle in which a piece lies at each alignment.
pub(super) const STRETCH: usize = 2 * GRAM - 1;

/// So many keep the bitmap in the fastest cache.
const BITMAP_BITS: u32 = 18;

/// Bits of a word of it.
const WORD_BITS: u32 = u32::BITS;

/// Bytes whose places are asked about together: as many as a word has bits.
const PART: usize = GRAM * u64::BITS as usize;

/// The needles' pieces, hashed.
#[derive(Debug)]
pub(super) struct Grams {
    /// One bit for each hash that a piece has.
    bitmap: Box<[u32; 1 << (BITMAP_BITS - WORD_BITS.ilog2())]>,
    /// By hash, shifted down by so many bits; behind them one that only says where the entries end.
    slots: Vec<Slot>,
    slots_shift: u32,
    entries: Vec<Entry>,
}

/// The pieces of some hashes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// What they have in common.
    around: Around,
    /// Where their entries begin.
    first: u32,
}

/// A piece of a needle.
#[derive(Debug, Clone, Copy)]
struct Entry {
    around: Around,
    hash: u32,
    needle: u32,
    offset: u32,
}

/// A piece and what stands around it: as many bytes before it as it has, and twice as many behind it.
#[derive(Debug, Clone, Copy)]
struct Around {
    /// Folded; where nothing is known of a byte, it is zero.
    bytes: u128,
    /// All bits of the bytes that are known.
    known: u128,
}

impl Around {
    /// Anything.
    const UNKNOWN: Self = Self { bytes: 0, known: 0 };

    /// Of the piece of `needle` that begins at `at`.
    fn new(needle: &[ByteSet], at: usize) -> Self {
        let folded = |place: usize| needle.get((at + place).checked_sub(GRAM)?)?.folded();
        let known: [u8; 4 * GRAM] = std::array::from_fn(|place| folded(place).map_or(0, |_| u8::MAX));
        let bytes: [u8; 4 * GRAM] = std::array::from_fn(|place| folded(place).unwrap_or(0));
        Self { bytes: u128::from_le_bytes(bytes), known: u128::from_le_bytes(known) }
    }

    /// Of the piece of `block` that begins at `at`; `None`: it is too near to an end of it.
    #[inline]
    fn read(block: &[u8], at: usize) -> Option<u128> {
        let bytes = block.get(at.checked_sub(GRAM)?..)?.first_chunk()?;
        Some(u128::from_le_bytes(*bytes) | u128::from_le_bytes([0x20; 4 * GRAM]))
    }

    /// Whether it may be so there.
    #[inline]
    fn agrees(self, read: Option<u128>) -> bool {
        read.is_none_or(|read| (read ^ self.bytes) & self.known == 0)
    }

    /// What is known of both.
    fn common(self, other: Self) -> Self {
        let known = self.known & other.known & !(self.bytes ^ other.bytes);
        Self { bytes: self.bytes & known, known }
    }
}

/// Where a needle would begin.
pub(super) type Hit = (u32, u32);

impl Grams {
    /// Of needles, each with what the user knows it by and with where a stretch of it begins of which each place folds to
    /// one byte.
    pub(super) fn new<'a>(needles: impl IntoIterator<Item = (u32, &'a [ByteSet], usize)>) -> Self {
        let mut entries = Vec::new();
        for (needle, sets, start) in needles {
            for offset in start..start + GRAM {
                let gram = std::array::from_fn(|place| sets[offset + place].folded().unwrap_or_default());
                let around = Around::new(sets, offset);
                entries.push(Entry { around, hash: hash(gram), needle, offset: offset as u32 });
            }
        }
        let mut bitmap = Box::new([0; 1 << (BITMAP_BITS - WORD_BITS.ilog2())]);
        for entry in &entries {
            let bit = entry.hash >> (u32::BITS - BITMAP_BITS);
            bitmap[(bit / WORD_BITS) as usize] |= 1 << (bit % WORD_BITS);
        }
        entries.sort_by_key(|entry| entry.hash);
        let slots_bits = (entries.len() * 2).max(1).next_power_of_two().ilog2().clamp(1, BITMAP_BITS);
        let slots_shift = u32::BITS - slots_bits;
        let begin = |slot| entries.partition_point(|entry| entry.hash >> slots_shift < slot);
        let slot = |slot| {
            let (first, end) = (begin(slot), begin(slot + 1));
            let arounds = entries[first..end].iter().map(|entry| entry.around);
            Slot { around: arounds.reduce(Around::common).unwrap_or(Around::UNKNOWN), first: first as u32 }
        };
        let slots = (0..=1 << slots_bits).map(slot).collect();
        Self { bitmap, slots, slots_shift, entries }
    }

    /// Where needles may begin in `block`, in the order of the pieces; what `hits` held is gone.
    pub(super) fn find(&self, block: &[u8], hits: &mut Vec<Hit>) {
        hits.clear();
        let (parts, rest) = block.as_chunks::<PART>();
        // No needle has pieces of what it is filled up with.
        let mut last = [b'\n'; PART];
        last[..rest.len()].copy_from_slice(rest);
        for (part, at) in parts.iter().chain([&last]).zip((0..).step_by(PART)) {
            let mut found = 0u64;
            // Eight by eight: these are looked at without a loop.
            for (eight, grams) in part.as_chunks::<{ 8 * GRAM }>().0.iter().enumerate() {
                let mut of_eight = 0;
                for (place, gram) in grams.as_chunks::<GRAM>().0.iter().enumerate() {
                    of_eight |= self.has(hash(*gram)) << place;
                }
                found |= u64::from(of_eight) << (8 * eight);
            }
            while found != 0 {
                self.look_up(block, at + GRAM * found.trailing_zeros() as usize, hits);
                found &= found - 1;
            }
        }
    }

    /// One or zero: whether a piece may have this hash.
    #[inline(always)]
    fn has(&self, hash: u32) -> u32 {
        let bit = hash >> (u32::BITS - BITMAP_BITS);
        self.bitmap[(bit / WORD_BITS) as usize] >> (bit % WORD_BITS) & 1
    }

    #[inline(always)]
    fn look_up(&self, block: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let Some(gram) = block.get(at..).and_then(<[u8]>::first_chunk) else { return };
        let hash = hash(*gram);
        let slot = (hash >> self.slots_shift) as usize;
        let around = Around::read(block, at);
        if self.slots[slot].around.agrees(around) {
            let entries = self.slots[slot].first as usize..self.slots[slot + 1].first as usize;
            let same = self.entries[entries].iter().filter(|entry| entry.hash == hash);
            let agree = same.filter(|entry| entry.around.agrees(around));
            let begin = |entry: &Entry| Some(((at as u32).checked_sub(entry.offset)?, entry.needle));
            hits.extend(agree.filter_map(begin));
        }
    }
}

/// Whether a stretch of `sets` begins at `at` of which each place folds to one byte.
pub(super) fn is_stretch(sets: &[ByteSet], at: usize) -> bool {
    sets.get(at..at + STRETCH).is_some_and(|stretch| stretch.iter().all(|set| set.folded().is_some()))
}

/// What of a needle was compared, but for its case, where one of the pieces of its stretch was found.
pub(super) const fn compared(start: usize) -> std::ops::Range<usize> {
    start.saturating_sub(1)..start + 3 * GRAM
}

/// Of a piece, folded. No two pieces have the same.
#[inline(always)]
fn hash(gram: [u8; GRAM]) -> u32 {
    (u32::from_le_bytes(gram) | u32::from_le_bytes([0x20; GRAM])).wrapping_mul(0x9e37_79b1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever stands around it; and what is said to be one has the bytes next to one of its pieces.
        #[test]
        fn no_needle_is_missed(
            texts in proptest::collection::vec("[a-cA-C]{7,16}", 1..40),
            any_at in any::<prop::sample::Index>(),
            chosen in any::<prop::sample::Index>(),
            before in "[a-c]{0,40}",
            after in "[a-c\n]{0,40}",
        ) {
            // One place may be any of some bytes, if the stretch is elsewhere.
            let sets = |text: &str| -> Vec<ByteSet> {
                let mut sets: Vec<ByteSet> = text.bytes().map(ByteSet::of).collect();
                let any = any_at.index(text.len());
                if any + STRETCH < text.len() {
                    sets[any] = sets[any].or(ByteSet::of(b'x'));
                }
                sets
            };
            let needles: Vec<Vec<ByteSet>> = texts.iter().map(|text| sets(text)).collect();
            let start = |sets: &[ByteSet]| (0..sets.len()).rfind(|at| is_stretch(sets, *at)).unwrap();
            let grams =
                Grams::new((0..).zip(&needles).map(|(needle, sets)| (needle, &sets[..], start(sets))));
            let needle = chosen.index(texts.len());
            let block = format!("{before}{}{after}", texts[needle].to_uppercase());
            let mut hits = Vec::new();
            grams.find(block.as_bytes(), &mut hits);
            prop_assert!(hits.contains(&(before.len() as u32, needle as u32)), "{hits:?}");
            for (at, needle) in hits {
                let sets = &needles[needle as usize];
                let here = block.as_bytes()[at as usize..].iter().zip(sets);
                let agree = here.map(|(byte, set)| set.folded().is_none_or(|folded| folded == byte | 0x20));
                let longest = agree.collect::<Vec<_>>().split(|agrees| !agrees).map(<[bool]>::len).max();
                prop_assert!(longest >= Some(GRAM), "{needle} at {at}");
            }
        }
    }
}
