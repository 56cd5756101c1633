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

/// Bits of the bitmap for each piece: of what is not in it, one in so many is looked up all the same.
const BITS_PER_GRAM: usize = 64;

/// The upper bound keeps the bitmap in the fastest cache.
const BITMAP_BITS: std::ops::RangeInclusive<u32> = 12..=18;

/// The needles' pieces, hashed.
#[derive(Debug)]
pub(super) struct Grams {
    bitmap: Vec<u32>,
    /// How far a hash is shifted down to be a place in the bitmap, and in the index.
    bitmap_shift: u32,
    index_shift: u32,
    /// Where the entries of each hash begin; those of the next one follow.
    index: Vec<u32>,
    entries: Vec<Entry>,
}

/// A piece of a needle.
#[derive(Debug, Clone, Copy)]
struct Entry {
    gram: u32,
    needle: u32,
    offset: u32,
    around: Around,
}

/// What stands around a piece: as many bytes before it, and as many behind it.
#[derive(Debug, Clone, Copy)]
struct Around {
    /// Folded; where nothing is known of a byte, it is zero.
    bytes: u64,
    /// All bits of the bytes that are known.
    known: u64,
}

impl Around {
    /// Of the piece of `needle` that begins at `at`.
    fn new(needle: &[ByteSet], at: usize) -> Self {
        let places = (0..GRAM)
            .map(|place| (at + place).checked_sub(GRAM))
            .chain((0..GRAM).map(|place| Some(at + GRAM + place)));
        let folded = places.map(|place| needle.get(place?)?.folded());
        let (mut bytes, mut known) = ([0; 2 * GRAM], [0; 2 * GRAM]);
        for (place, byte) in folded.enumerate() {
            (bytes[place], known[place]) = byte.map_or((0, 0), |byte| (byte, u8::MAX));
        }
        Self { bytes: u64::from_le_bytes(bytes), known: u64::from_le_bytes(known) }
    }

    /// Of the piece of `block` that begins at `at`; `None`: it is too near to an end of it.
    fn read(block: &[u8], at: usize) -> Option<u64> {
        let before: [u8; GRAM] = *block[..at].last_chunk()?;
        let behind: [u8; GRAM] = *block[at + GRAM..].first_chunk()?;
        Some(u64::from(folded(before)) | u64::from(folded(behind)) << u32::BITS)
    }

    /// Whether it may be so there.
    fn agrees(self, read: Option<u64>) -> bool {
        read.is_none_or(|read| (read ^ self.bytes) & self.known == 0)
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
                let gram = u32::from_le_bytes(gram);
                entries.push(Entry {
                    gram,
                    needle,
                    offset: offset as u32,
                    around: Around::new(sets, offset),
                });
            }
        }
        let bits = (entries.len() * BITS_PER_GRAM).max(1).next_power_of_two().ilog2();
        let bits = bits.clamp(*BITMAP_BITS.start(), *BITMAP_BITS.end());
        let index_bits = (entries.len() * 2).max(1).next_power_of_two().ilog2().clamp(8, 16);
        let (bitmap_shift, index_shift) = (u32::BITS - bits, u32::BITS - index_bits);
        let mut bitmap = vec![0; 1 << (bits - 5)];
        for entry in &entries {
            let bit = hash(entry.gram) >> bitmap_shift;
            bitmap[(bit / 32) as usize] |= 1 << (bit % 32);
        }
        entries.sort_by_key(|entry| (hash(entry.gram) >> index_shift, entry.gram));
        let of = |slot: u32| entries.partition_point(|entry| (hash(entry.gram) >> index_shift) < slot) as u32;
        let index = (0..=1 << index_bits).map(of).collect();
        Self { bitmap, bitmap_shift, index_shift, index, entries }
    }

    /// Where needles may begin in `block`, in the order of the pieces; what `hits` held is gone.
    pub(super) fn find(&self, block: &[u8], hits: &mut Vec<Hit>) {
        hits.clear();
        let mut at = 0;
        let chunks = block.chunks_exact(8 * GRAM);
        let rest = chunks.remainder();
        for chunk in chunks {
            let mut found = 0u32;
            for (place, gram) in chunk.as_chunks::<GRAM>().0.iter().enumerate() {
                found |= self.bit(*gram) << place;
            }
            while found != 0 {
                let place = GRAM * found.trailing_zeros() as usize;
                self.look_up(block, at + place, hits);
                found &= found - 1;
            }
            at += chunk.len();
        }
        for gram in rest.as_chunks::<GRAM>().0 {
            if self.bit(*gram) != 0 {
                self.look_up(block, at, hits);
            }
            at += GRAM;
        }
    }

    #[inline(always)]
    fn bit(&self, gram: [u8; GRAM]) -> u32 {
        let bit = hash(folded(gram)) >> self.bitmap_shift;
        self.bitmap[(bit / 32) as usize] >> (bit % 32) & 1
    }

    fn look_up(&self, block: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let Some(gram) = block[at..].first_chunk() else { return };
        let gram = folded(*gram);
        let slot = (hash(gram) >> self.index_shift) as usize;
        let around = Around::read(block, at);
        for entry in &self.entries[self.index[slot] as usize..self.index[slot + 1] as usize] {
            if entry.gram == gram && entry.around.agrees(around) && entry.offset as usize <= at {
                hits.push((at as u32 - entry.offset, entry.needle));
            }
        }
    }
}

/// Whether a stretch of `sets` begins at `at` of which each place folds to one byte.
pub(super) fn is_stretch(sets: &[ByteSet], at: usize) -> bool {
    sets.get(at..at + STRETCH).is_some_and(|stretch| stretch.iter().all(|set| set.folded().is_some()))
}

#[inline(always)]
fn folded(gram: [u8; GRAM]) -> u32 {
    u32::from_le_bytes(gram) | 0x2020_2020
}

#[inline(always)]
fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
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
