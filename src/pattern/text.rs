//! A text that patterns are shown, one after another: what they need to know of it is found out once.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::alphabet::Alphabet;

/// In so many further alphabets the text is kept: more, and it is rewritten again.
const OWN_MAX: usize = 8;

/// A text, and what is known of it.
#[derive(Debug)]
pub struct Text<'a> {
    bytes: &'a [u8],
    is_ascii: bool,
    rewritten: OnceCell<Vec<u8>>,
    own: RefCell<Vec<Rewritten>>,
}

/// A text in an alphabet.
type Rewritten = (Arc<Alphabet>, Rc<[u8]>);

impl<'a> Text<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_ascii: bytes.is_ascii(), rewritten: OnceCell::new(), own: RefCell::default() }
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

    /// The text in another alphabet.
    pub(super) fn rewritten_by(&self, alphabet: &Arc<Alphabet>) -> Rc<[u8]> {
        let mut own = self.own.borrow_mut();
        if let Some((_, text)) = own.iter().find(|(known, _)| Arc::ptr_eq(known, alphabet)) {
            return text.clone();
        }
        let text: Rc<[u8]> = alphabet.rewrite(self.bytes).into();
        if own.len() < OWN_MAX {
            own.push((alphabet.clone(), text.clone()));
        }
        text
    }
}
