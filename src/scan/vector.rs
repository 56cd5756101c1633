//! Windows by vectors of the processor: thirty-two places at a time. The only `unsafe` of hooktail.
//!
//! A byte is looked up by its two halves, sixteen entries each, which is one shuffle a half. Chosen at run time: where
//! the processor can't, the caller's plain loop does all.

use super::windows::{Hit, WIDTH};

/// The buckets that take a byte at each place of a window: for the byte's low half, and for its high half.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Halves {
    pub(super) low: [[u8; 16]; WIDTH],
    pub(super) high: [[u8; 16]; WIDTH],
}

/// Adds where windows of so many places may begin in `block` to `hits`, in order. Returns where to go on without vectors.
pub(super) fn find(halves: &Halves, places: usize, block: &[u8], hits: &mut Vec<Hit>) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the functions were compiled for.
        #[allow(unsafe_code)]
        return unsafe {
            match places {
                2 => x86::find::<2>(halves, block, hits),
                3 => x86::find::<3>(halves, block, hits),
                4 => x86::find::<4>(halves, block, hits),
                _ => x86::find::<WIDTH>(halves, block, hits),
            }
        };
    }
    let _ = (halves, places, block, hits);
    0
}

/// How many line ends there are in the first part of `block`, whether an escape is in it, and how long it is.
pub(super) fn survey(block: &[u8], escape: u8) -> (u64, bool, usize) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function was compiled for.
        #[allow(unsafe_code)]
        return unsafe { x86::survey(block, escape) };
    }
    let _ = (block, escape);
    (0, false, 0)
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
        _mm256_storeu_si256, _mm256_sub_epi8, _mm256_testz_si256,
    };

    use super::{Halves, Hit, WIDTH};

    /// Places that are looked at together.
    const STEP: usize = 32;

    /// Steps between which is asked whether any place was one; and the bytes that these look at.
    const STEPS: usize = 2;
    const BYTES: usize = STEPS * STEP + WIDTH - 1;

    #[target_feature(enable = "avx2")]
    pub(super) fn find<const PLACES: usize>(halves: &Halves, block: &[u8], hits: &mut Vec<Hit>) -> usize {
        let mut low = [_mm256_setzero_si256(); PLACES];
        let mut high = low;
        for place in 0..PLACES {
            (low[place], high[place]) = (table(&halves.low[place]), table(&halves.high[place]));
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
