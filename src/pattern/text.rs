//! A text that patterns are shown, one after another: what they need to know of it is found out once.

use std::cell::OnceCell;

use super::alphabet::Alphabet;

/// A text, and what is known of it.
#[derive(Debug)]
pub struct Text<'a> {
    bytes: &'a [u8],
    is_ascii: bool,
    rewritten: OnceCell<Vec<u8>>,
}

impl<'a> Text<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_ascii: bytes.is_ascii(), rewritten: OnceCell::new() }
    }

    /// The text itself.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it is of ASCII alone.
    pub const fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// The text in the alphabet that all patterns share.
    pub(crate) fn rewritten(&self) -> &[u8] {
        self.rewritten.get_or_init(|| Alphabet::common().rewrite(self.bytes))
    }
}
