//! Sixty-four places at a time: a byte is looked up by itself, half of all bytes a shuffle.

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_mask_blend_epi8,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_setzero_si512,
    _mm512_storeu_si512, _mm512_test_epi8_mask,
};

use super::{ESC, Hit, Passed, Tables, WIDTH};

/// Places that are looked at together.
const STEP: usize = 64;

/// Steps between which is asked whether any place was one: with fewer, asking takes longer than looking.
const STEPS: usize = 4;

/// The bytes that one step looks at, and so many steps.
const STEP_BYTES: usize = STEP + WIDTH - 1;
const BYTES: usize = STEPS * STEP + WIDTH - 1;

/// Entries for seven bits of a byte: a lookup knows no more.
type Entries = (__m512i, __m512i);

/// Finds all: what is behind the block takes no other means either. Line ends are counted on the way, which costs less than
/// to come by once more.
#[target_feature(enable = "avx512bw,avx512vbmi,popcnt")]
pub(super) fn find<const PLACES: usize>(tables: &Tables, block: &[u8], hits: &mut Vec<Hit>) -> Passed {
    let (end, escape) = (_mm512_set1_epi8(b'\n'.cast_signed()), _mm512_set1_epi8(ESC.cast_signed()));
    let (mut ends, mut escapes) = (0, 0);
    let ascii = entries::<PLACES>(tables, 0);
    let mut at = 0;
    while let Some(bytes) = block.get(at..).and_then(<[u8]>::first_chunk::<BYTES>) {
        for step in 0..STEPS {
            let bytes = load(bytes, step * STEP);
            ends += u64::from(_mm512_cmpeq_epi8_mask(bytes, end).count_ones());
            escapes |= _mm512_cmpeq_epi8_mask(bytes, escape);
        }
        let mut steps = [_mm512_setzero_si512(); STEPS];
        if tables.tells_high && has_high(bytes) {
            for (step, buckets) in steps.iter_mut().enumerate() {
                let bytes = bytes[step * STEP..].first_chunk().expect("so many steps are there");
                *buckets = any_byte::<PLACES>(tables, bytes);
            }
        } else {
            for (step, buckets) in steps.iter_mut().enumerate() {
                *buckets = look_up(ascii[0], load(bytes, step * STEP));
                for (place, entries) in ascii.into_iter().enumerate().skip(1) {
                    let of_place = look_up(entries, load(bytes, step * STEP + place));
                    *buckets = _mm512_and_si512(*buckets, of_place);
                }
            }
        }
        let any = steps.into_iter().fold(_mm512_setzero_si512(), |any, step| _mm512_or_si512(any, step));
        if _mm512_test_epi8_mask(any, any) != 0 {
            for (step, buckets) in steps.into_iter().enumerate() {
                note(buckets, u64::MAX, at + step * STEP, hits);
            }
        }
        at += STEPS * STEP;
    }
    while at < block.len() {
        // A window that begins near the end takes any byte after it.
        let mut bytes = [b'\n'; STEP_BYTES];
        let rest = &block[at..block.len().min(at + STEP_BYTES)];
        bytes[..rest.len()].copy_from_slice(rest);
        let within = u64::MAX >> STEP.saturating_sub(rest.len());
        note(any_byte::<PLACES>(tables, &bytes), within, at, hits);
        let bytes = load(&bytes, 0);
        ends += u64::from((_mm512_cmpeq_epi8_mask(bytes, end) & within).count_ones());
        escapes |= _mm512_cmpeq_epi8_mask(bytes, escape);
        at += STEP;
    }
    Passed { ends, escape: escapes != 0 }
}

/// The entries of each place for bytes from `from` on.
#[inline]
#[target_feature(enable = "avx512bw")]
fn entries<const PLACES: usize>(tables: &Tables, from: usize) -> [Entries; PLACES] {
    let mut entries = [(_mm512_setzero_si512(), _mm512_setzero_si512()); PLACES];
    for (entries, table) in entries.iter_mut().zip(&tables.bytes) {
        *entries = (load(table, from), load(table, from + STEP));
    }
    entries
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi")]
fn look_up((first, second): Entries, bytes: __m512i) -> __m512i {
    _mm512_permutex2var_epi8(first, bytes, second)
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn has_high(bytes: &[u8; BYTES]) -> bool {
    let mut any = load(bytes, BYTES - STEP);
    for step in 0..STEPS {
        any = _mm512_or_si512(any, load(bytes, step * STEP));
    }
    _mm512_movepi8_mask(any) != 0
}

/// The buckets at the places of a step, whatever the bytes are. Out of line, for its tables would take the room of the others.
#[inline(never)]
#[target_feature(enable = "avx512bw,avx512vbmi")]
fn any_byte<const PLACES: usize>(tables: &Tables, bytes: &[u8; STEP_BYTES]) -> __m512i {
    let (ascii, beyond) = (entries::<PLACES>(tables, 0), entries::<PLACES>(tables, 2 * STEP));
    let mut buckets = _mm512_set1_epi8(-1);
    for (place, (ascii, beyond)) in ascii.into_iter().zip(beyond).enumerate() {
        let bytes = load(bytes, place);
        let (of_ascii, of_others) = (look_up(ascii, bytes), look_up(beyond, bytes));
        let by_byte = _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), of_ascii, of_others);
        buckets = _mm512_and_si512(buckets, by_byte);
    }
    buckets
}

/// Adds the places of a step that are in some bucket, and in `within`.
#[inline]
#[target_feature(enable = "avx512bw")]
fn note(buckets: __m512i, within: u64, at: usize, hits: &mut Vec<Hit>) {
    let mut places = _mm512_test_epi8_mask(buckets, buckets) & within;
    if places == 0 {
        return;
    }
    let buckets = store(buckets);
    while places != 0 {
        let place = places.trailing_zeros() as usize;
        hits.push(((at + place) as u32, buckets[place]));
        places &= places - 1;
    }
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
