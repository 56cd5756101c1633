//! Windows by vectors of the processor: thirty-two or sixty-four places at a time. The only `unsafe` of hooktail.
//!
//! Chosen at run time: where the processor can't, the caller's plain loop does all. With AVX2 a byte is looked up by its
//! two halves, sixteen entries each, which is one shuffle a half; with AVX-512 by itself, half of all bytes a shuffle.

use super::windows::{Hit, WIDTH};

/// What the processor can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Means {
    /// No vectors that are of use here.
    Plain,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with its shuffles of bytes (VBMI).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Means {
    /// All of this processor, the best last.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn all() -> impl DoubleEndedIterator<Item = Self> {
        let avx2 = is_x86_feature_detected!("avx2");
        let avx512 = is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi");
        let with = [(Self::Plain, true), (Self::Avx2, avx2), (Self::Avx512, avx512)];
        with.into_iter().filter(|(_, has)| *has).map(|(means, _)| means)
    }

    /// All of this processor.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn all() -> impl DoubleEndedIterator<Item = Self> {
        [Self::Plain].into_iter()
    }

    /// The best of this processor.
    pub(super) fn best() -> Self {
        Self::all().next_back().unwrap_or(Self::Plain)
    }
}

/// The buckets that take a byte at each place of a window.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// By the byte's low half, and by its high half.
    low: [[u8; 16]; WIDTH],
    high: [[u8; 16]; WIDTH],
    /// By the byte itself.
    bytes: [[u8; 256]; WIDTH],
}

impl Default for Tables {
    fn default() -> Self {
        Self { low: [[0; 16]; WIDTH], high: [[0; 16]; WIDTH], bytes: [[0; 256]; WIDTH] }
    }
}

impl Tables {
    /// At that place of a window `buckets` take `byte`.
    pub(super) fn add(&mut self, place: usize, byte: u8, buckets: u8) {
        self.low[place][usize::from(byte & 15)] |= buckets;
        self.high[place][usize::from(byte >> 4)] |= buckets;
        self.bytes[place][usize::from(byte)] |= buckets;
    }
}

/// Adds where windows of so many places may begin in `block` to `hits`, in order. Returns where to go on without vectors.
/// `means` is one of this processor's.
pub(super) fn find(means: Means, tables: &Tables, places: usize, block: &[u8], hits: &mut Vec<Hit>) -> usize {
    let _ = (tables, places, block, &hits);
    match means {
        Means::Plain => 0,
        // SAFETY: the processor has what the functions were compiled for.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        Means::Avx2 => unsafe {
            match places {
                2 => avx2::find::<2>(tables, block, hits),
                3 => avx2::find::<3>(tables, block, hits),
                4 => avx2::find::<4>(tables, block, hits),
                _ => avx2::find::<WIDTH>(tables, block, hits),
            }
        },
        // SAFETY: the processor has what the functions were compiled for.
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        Means::Avx512 => unsafe {
            match places {
                2 => avx512::find::<2>(tables, block, hits),
                3 => avx512::find::<3>(tables, block, hits),
                4 => avx512::find::<4>(tables, block, hits),
                _ => avx512::find::<WIDTH>(tables, block, hits),
            }
        },
    }
}

/// How many line ends there are in the first part of `block`, whether an escape is in it, and how long it is.
pub(super) fn survey(block: &[u8], escape: u8) -> (u64, bool, usize) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function was compiled for.
        #[allow(unsafe_code)]
        return unsafe { avx2::survey(block, escape) };
    }
    let _ = (block, escape);
    (0, false, 0)
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
        _mm256_storeu_si256, _mm256_sub_epi8, _mm256_testz_si256,
    };

    use super::{Hit, Tables, WIDTH};

    /// Places that are looked at together.
    const STEP: usize = 32;

    /// Steps between which is asked whether any place was one; and the bytes that these look at.
    const STEPS: usize = 2;
    const BYTES: usize = STEPS * STEP + WIDTH - 1;

    #[target_feature(enable = "avx2")]
    pub(super) fn find<const PLACES: usize>(tables: &Tables, block: &[u8], hits: &mut Vec<Hit>) -> usize {
        let mut low = [_mm256_setzero_si256(); PLACES];
        let mut high = low;
        for place in 0..PLACES {
            (low[place], high[place]) = (table(&tables.low[place]), table(&tables.high[place]));
        }
        let half = _mm256_set1_epi8(0x0f);
        let mut at = 0;
        while let Some(bytes) = block.get(at..).and_then(<[u8]>::first_chunk::<BYTES>) {
            let mut steps = [_mm256_setzero_si256(); STEPS];
            for (step, buckets) in steps.iter_mut().enumerate() {
                *buckets = _mm256_set1_epi8(-1);
                for place in 0..PLACES {
                    let bytes = load(bytes, step * STEP + place);
                    let by_low = _mm256_shuffle_epi8(low[place], _mm256_and_si256(bytes, half));
                    let by_high = _mm256_shuffle_epi8(
                        high[place],
                        _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half),
                    );
                    *buckets = _mm256_and_si256(*buckets, _mm256_and_si256(by_low, by_high));
                }
            }
            let any = _mm256_or_si256(steps[0], steps[1]);
            if _mm256_testz_si256(any, any) == 0 {
                for (step, buckets) in steps.into_iter().enumerate() {
                    note(buckets, at + step * STEP, hits);
                }
            }
            at += STEPS * STEP;
        }
        at
    }

    /// Adds the places of a step that are in some bucket.
    #[target_feature(enable = "avx2")]
    fn note(buckets: __m256i, at: usize, hits: &mut Vec<Hit>) {
        let nothing = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
        let mut places = !_mm256_movemask_epi8(nothing).cast_unsigned();
        let buckets = store(buckets);
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            hits.push(((at + place) as u32, buckets[place]));
            places &= places - 1;
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn survey(block: &[u8], escape: u8) -> (u64, bool, usize) {
        /// Steps whose line ends are counted in bytes before they are added up: fewer than a byte can count.
        const COUNTED: usize = 128;
        let (end, escape) = (_mm256_set1_epi8(b'\n'.cast_signed()), _mm256_set1_epi8(escape.cast_signed()));
        let mut ends = _mm256_setzero_si256();
        let mut escapes = ends;
        let (steps, rest) = block.as_chunks::<STEP>();
        for steps in steps.chunks(COUNTED) {
            let mut counts = _mm256_setzero_si256();
            for bytes in steps {
                let bytes = load(bytes, 0);
                counts = _mm256_sub_epi8(counts, _mm256_cmpeq_epi8(bytes, end));
                escapes = _mm256_or_si256(escapes, _mm256_cmpeq_epi8(bytes, escape));
            }
            ends = _mm256_add_epi64(ends, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
        }
        let sum = _mm256_extract_epi64::<0>(ends)
            + _mm256_extract_epi64::<1>(ends)
            + _mm256_extract_epi64::<2>(ends)
            + _mm256_extract_epi64::<3>(ends);
        (sum.cast_unsigned(), _mm256_testz_si256(escapes, escapes) == 0, block.len() - rest.len())
    }

    /// Sixteen entries, in both halves of a vector.
    #[target_feature(enable = "avx2")]
    fn table(entries: &[u8; 16]) -> __m256i {
        // SAFETY: sixteen bytes are read, which is what `entries` has; no alignment is asked for.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast::<__m128i>()) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load<const BYTES: usize>(bytes: &[u8; BYTES], from: usize) -> __m256i {
        let bytes: &[u8; STEP] = bytes[from..].first_chunk().expect("whoever calls took enough");
        // SAFETY: thirty-two bytes are read, which is what the array has; no alignment is asked for.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) }
    }

    #[target_feature(enable = "avx2")]
    fn store(vector: __m256i) -> [u8; STEP] {
        let mut bytes = [0; STEP];
        // SAFETY: thirty-two bytes are written, which is what the array has; no alignment is asked for.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast::<__m256i>(), vector) };
        bytes
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_movepi8_mask,
        _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_setzero_si512,
        _mm512_storeu_si512, _mm512_test_epi8_mask,
    };

    use super::{Hit, Tables, WIDTH};

    /// Places that are looked at together, and the bytes that this looks at.
    const STEP: usize = 64;
    const BYTES: usize = STEP + WIDTH - 1;

    #[target_feature(enable = "avx512bw,avx512vbmi")]
    pub(super) fn find<const PLACES: usize>(tables: &Tables, block: &[u8], hits: &mut Vec<Hit>) -> usize {
        // A lookup takes seven bits of a byte: sixty-four entries of the one vector, and of the other.
        let mut ascii = [(_mm512_setzero_si512(), _mm512_setzero_si512()); PLACES];
        let mut beyond = ascii;
        for place in 0..PLACES {
            let entries = |from| load(&tables.bytes[place], from);
            ascii[place] = (entries(0), entries(STEP));
            beyond[place] = (entries(2 * STEP), entries(3 * STEP));
        }
        let look_up = |(first, second), bytes| _mm512_permutex2var_epi8(first, bytes, second);
        let mut at = 0;
        while let Some(bytes) = block.get(at..).and_then(<[u8]>::first_chunk::<BYTES>) {
            let mut buckets = _mm512_set1_epi8(-1);
            let any = _mm512_or_si512(load(bytes, 0), load(bytes, WIDTH - 1));
            if _mm512_movepi8_mask(any) == 0 {
                for (place, entries) in ascii.into_iter().enumerate() {
                    buckets = _mm512_and_si512(buckets, look_up(entries, load(bytes, place)));
                }
            } else {
                for (place, (ascii, beyond)) in ascii.into_iter().zip(beyond).enumerate() {
                    let bytes = load(bytes, place);
                    let (of_ascii, of_others) = (look_up(ascii, bytes), look_up(beyond, bytes));
                    let by_byte = _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), of_ascii, of_others);
                    buckets = _mm512_and_si512(buckets, by_byte);
                }
            }
            let mut places = _mm512_test_epi8_mask(buckets, buckets);
            if places != 0 {
                let buckets = store(buckets);
                while places != 0 {
                    let place = places.trailing_zeros() as usize;
                    hits.push(((at + place) as u32, buckets[place]));
                    places &= places - 1;
                }
            }
            at += STEP;
        }
        at
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn load<const BYTES: usize>(bytes: &[u8; BYTES], from: usize) -> __m512i {
        let bytes: &[u8; STEP] = bytes[from..].first_chunk().expect("whoever calls took enough");
        // SAFETY: sixty-four bytes are read, which is what the array has; no alignment is asked for.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast::<__m512i>()) }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn store(vector: __m512i) -> [u8; STEP] {
        let mut bytes = [0; STEP];
        // SAFETY: sixty-four bytes are written, which is what the array has; no alignment is asked for.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast::<__m512i>(), vector) };
        bytes
    }
}
