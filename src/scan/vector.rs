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

/// Adds where windows may begin in `block` to `hits`, in order. Returns where to go on without vectors.
pub(super) fn find(halves: &Halves, block: &[u8], hits: &mut Vec<Hit>) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function was compiled for.
        #[allow(unsafe_code)]
        return unsafe { x86::find(halves, block, hits) };
    }
    let _ = (halves, block, hits);
    0
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256,
    };

    use super::{Halves, Hit, WIDTH};

    /// Places that are looked at together.
    const STEP: usize = 32;

    #[target_feature(enable = "avx2")]
    pub(super) fn find(halves: &Halves, block: &[u8], hits: &mut Vec<Hit>) -> usize {
        let mut low = [_mm256_setzero_si256(); WIDTH];
        let mut high = low;
        for place in 0..WIDTH {
            (low[place], high[place]) = (table(&halves.low[place]), table(&halves.high[place]));
        }
        let half = _mm256_set1_epi8(0x0f);
        let mut at = 0;
        while let Some(bytes) = block.get(at..at + STEP + WIDTH - 1) {
            let mut buckets = _mm256_set1_epi8(-1);
            for place in 0..WIDTH {
                let bytes = load(bytes, place);
                let by_low = _mm256_shuffle_epi8(low[place], _mm256_and_si256(bytes, half));
                let by_high =
                    _mm256_shuffle_epi8(high[place], _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half));
                buckets = _mm256_and_si256(buckets, _mm256_and_si256(by_low, by_high));
            }
            let nothing = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
            let mut places = !_mm256_movemask_epi8(nothing).cast_unsigned();
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

    /// Sixteen entries, in both halves of a vector.
    #[target_feature(enable = "avx2")]
    fn table(entries: &[u8; 16]) -> __m256i {
        // SAFETY: sixteen bytes are read, which is what `entries` has; no alignment is asked for.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast::<__m128i>()) })
    }

    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8], from: usize) -> __m256i {
        let bytes: &[u8; STEP] = bytes[from..].first_chunk().expect("a step and a window's rest were taken");
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
