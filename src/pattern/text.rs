//! A text that patterns are shown, one after another: what they need to know of it is found out once.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::alphabet::{Alphabet, Rewritten};

/// In so many alphabets the text is kept: more, and it is rewritten again.
const ALPHABETS_MAX: usize = 8;

/// A text, and what is known of it.
#[derive(Debug)]
pub struct Text<'a> {
    bytes: &'a [u8],
    is_ascii: bool,
    rewritten: RefCell<Vec<(Arc<Alphabet>, Rc<Rewritten>)>>,
}

impl<'a> Text<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_ascii: bytes.is_ascii(), rewritten: RefCell::default() }
    }

    /// The text itself.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it is of ASCII alone.
    pub const fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// The text in an alphabet.
    pub(super) fn rewritten_by(&self, alphabet: &Arc<Alphabet>) -> Rc<Rewritten> {
        let mut known = self.rewritten.borrow_mut();
        if let Some((_, text)) = known.iter().find(|(known, _)| Arc::ptr_eq(known, alphabet)) {
            return text.clone();
        }
        let text = Rc::new(alphabet.rewrite(self.bytes));
        if known.len() < ALPHABETS_MAX {
            known.push((alphabet.clone(), text.clone()));
        }
        text
    }
}
