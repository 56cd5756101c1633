//! Windows by vectors of the processor: thirty-two or sixty-four places at a time. The only `unsafe` of hooktail.
//!
//! Chosen at run time: where the processor can't, the caller's plain loop does all.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;

use crate::line::ansi::ESC;

use super::windows::{Hit, WIDTH};

/// What this processor can: only it says so, by [`Means::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Means(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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
    /// None, which any processor has.
    pub(super) const PLAIN: Self = Self(Kind::Plain);

    /// All of this processor, the best last.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn all() -> impl DoubleEndedIterator<Item = Self> {
        let avx2 = is_x86_feature_detected!("avx2");
        let avx512 = is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("popcnt");
        let with = [(Kind::Plain, true), (Kind::Avx2, avx2), (Kind::Avx512, avx512)];
        with.into_iter().filter(|(_, has)| *has).map(|(kind, _)| Self(kind))
    }

    /// All of this processor.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn all() -> impl DoubleEndedIterator<Item = Self> {
        [Self::PLAIN].into_iter()
    }

    /// The best of this processor.
    pub(super) fn best() -> Self {
        Self::all().next_back().unwrap_or(Self::PLAIN)
    }

    /// Adds where windows of so many places may begin in `block` to `hits`, in order.
    pub(super) fn find(self, tables: &Tables, places: usize, block: &[u8], hits: &mut Vec<Hit>) -> Looked {
        let _ = (tables, places, block, &hits);
        match self.0 {
            Kind::Plain => Looked::UpTo(0),
            // SAFETY: the processor has what the functions were compiled for, or `self` was not there.
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            Kind::Avx2 => unsafe {
                Looked::UpTo(match places {
                    2 => avx2::find::<2>(tables, block, hits),
                    3 => avx2::find::<3>(tables, block, hits),
                    4 => avx2::find::<4>(tables, block, hits),
                    5 => avx2::find::<5>(tables, block, hits),
                    _ => avx2::find::<WIDTH>(tables, block, hits),
                })
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            Kind::Avx512 => unsafe {
                Looked::AtAll(match places {
                    2 => avx512::find::<2>(tables, block, hits),
                    3 => avx512::find::<3>(tables, block, hits),
                    4 => avx512::find::<4>(tables, block, hits),
                    5 => avx512::find::<5>(tables, block, hits),
                    _ => avx512::find::<WIDTH>(tables, block, hits),
                })
            },
        }
    }
}

/// How much of a block was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// Its beginning, so many bytes.
    UpTo(usize),
    /// All of it; what else is in it was seen on the way.
    AtAll(Passed),
}

/// What was come by in a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// How many line ends.
    pub(super) ends: u64,
    /// Whether an [`ESC`].
    pub(super) escape: bool,
}

/// A table that takes at most so many ASCII bytes for others may do so.
const MISTAKEN_MAX: u32 = 8;

/// The buckets that take a byte at each place of a window.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// By the byte's low half, and by its high half.
    low: [[u8; 16]; WIDTH],
    high: [[u8; 16]; WIDTH],
    /// By the byte itself.
    bytes: [[u8; 256]; WIDTH],
    /// Whether bytes beyond ASCII have entries of their own, else those of their low seven bits.
    tells_high: bool,
}

impl Default for Tables {
    fn default() -> Self {
        Self { low: [[0; 16]; WIDTH], high: [[0; 16]; WIDTH], bytes: [[0; 256]; WIDTH], tells_high: true }
    }
}

impl Tables {
    /// At that place of a window `buckets` take `byte`.
    pub(super) fn add(&mut self, place: usize, byte: u8, buckets: u8) {
        self.low[place][usize::from(byte & 15)] |= buckets;
        self.high[place][usize::from(byte >> 4)] |= buckets;
        self.bytes[place][usize::from(byte)] |= buckets;
    }

    /// All was added: where few bytes beyond ASCII are taken, an ASCII byte is as good as the one whose low bits it has.
    pub(super) fn merge_high(mut self) -> Self {
        let mistaken = |table: &[u8; 256]| {
            let (ascii, beyond) = table.split_at(128);
            ascii.iter().zip(beyond).map(|(ascii, beyond)| (beyond & !ascii).count_ones()).sum::<u32>()
        };
        self.tells_high = self.bytes.iter().any(|table| mistaken(table) > MISTAKEN_MAX);
        if !self.tells_high {
            for table in &mut self.bytes {
                let (ascii, beyond) = table.split_at_mut(128);
                for (ascii, beyond) in ascii.iter_mut().zip(beyond) {
                    *ascii |= *beyond;
                    *beyond = *ascii;
                }
            }
        }
        self
    }
}

/// What is in the first part of `block`, and how long it is.
pub(super) fn survey(block: &[u8]) -> (Passed, usize) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function was compiled for.
        #[allow(unsafe_code)]
        return unsafe { avx2::survey(block) };
    }
    let _ = block;
    (Passed::default(), 0)
}
