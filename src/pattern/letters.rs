//! A set of characters of a text that is of ASCII, or was rewritten by an alphabet.

use regex_syntax::hir::ClassBytes;

use super::alphabet::ESCAPE;

/// Which of them are in it: what is written as one byte, and what is written as a symbol between two escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Letters {
    bytes: [u64; 4],
    /// By the last six bits of the symbol: those of words differ in them.
    words: u64,
}

impl Letters {
    /// Those of these bytes, and of these symbols between escapes.
    pub(super) fn new(bytes: &ClassBytes, words: &[u8]) -> Self {
        let mut letters = Self::default();
        bytes.iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| letters.add_byte(byte));
        words.iter().for_each(|symbol| letters.add_word(*symbol));
        letters
    }

    /// What `text` begins with, as it is written.
    pub(super) fn first_of(text: &[u8], is_rewritten: bool) -> Self {
        let mut letters = Self::default();
        match *text {
            [ESCAPE, symbol, ..] if is_rewritten => letters.add_word(symbol),
            [byte, ..] => letters.add_byte(byte),
            [] => {}
        }
        letters
    }

    /// What stands in `text` behind its first character.
    pub(super) fn behind_first_of(text: &[u8], is_rewritten: bool) -> &[u8] {
        let first = if is_rewritten && text.first() == Some(&ESCAPE) { 3 } else { 1 };
        text.get(first..).unwrap_or_default()
    }

    /// The one byte of ASCII that is not in it, if all others are.
    pub(super) const fn all_but(&self) -> Option<u8> {
        let missing = !self.bytes[0] as u128 | (!self.bytes[1] as u128) << 64;
        if missing.count_ones() == 1 { Some(missing.trailing_zeros() as u8) } else { None }
    }

    fn add_byte(&mut self, byte: u8) {
        self.bytes[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn add_word(&mut self, symbol: u8) {
        self.words |= 1 << (symbol & 63);
    }

    /// Adds those of another set.
    pub(super) fn add(&mut self, other: &Self) {
        self.bytes.iter_mut().zip(other.bytes).for_each(|(bits, other)| *bits |= other);
        self.words |= other.words;
    }

    /// Whether no character is in both.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        self.words & other.words == 0
            && self.bytes.iter().zip(other.bytes).all(|(bits, other)| bits & other == 0)
    }

    /// Whether one of them may begin with that byte.
    #[inline]
    pub(super) const fn may_begin(&self, byte: u8) -> bool {
        self.has(byte) || byte == ESCAPE && self.words != 0
    }

    /// Where `text` goes on behind the one of them that is at `at`, where a character begins.
    #[inline]
    pub(super) fn behind(&self, text: &[u8], at: usize) -> Option<usize> {
        let byte = *text.get(at)?;
        if self.has(byte) {
            return Some(at + 1);
        }
        if byte != ESCAPE || self.words == 0 {
            return None;
        }
        let symbol = *text.get(at + 1)?;
        (self.words >> (symbol & 63) & 1 == 1).then_some(at + 3)
    }

    #[inline]
    const fn has(&self, byte: u8) -> bool {
        self.bytes[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }
}
