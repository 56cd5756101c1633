//! Thirty-two places at a time: a byte is looked up by its two halves, sixteen entries each, one shuffle a half.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_sad_epu8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_sub_epi8, _mm256_testz_si256,
};

use super::{ESC, Hit, Passed, Tables, WIDTH};

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
                let by_high =
                    _mm256_shuffle_epi8(high[place], _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half));
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
pub(super) fn survey(block: &[u8]) -> (Passed, usize) {
    /// Steps whose line ends are counted in bytes before they are added up: fewer than a byte can count.
    const COUNTED: usize = 128;
    let (end, escape) = (_mm256_set1_epi8(b'\n'.cast_signed()), _mm256_set1_epi8(ESC.cast_signed()));
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
    let escape = _mm256_testz_si256(escapes, escapes) == 0;
    (Passed { ends: sum.cast_unsigned(), escape }, block.len() - rest.len())
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
