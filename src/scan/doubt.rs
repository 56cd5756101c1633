//! A quick no for what is slow to decide: a word boundary among characters beyond ASCII.
//!
//! The automata know Unicode's word boundaries only in ASCII text; elsewhere a far slower machine decides. So a line
//! beyond ASCII is first shown to the pattern without its boundaries.

use regex_automata::meta::{Builder, Config, Regex};
use regex_syntax::hir::Hir;

use super::relax::relaxed;

/// What the states of its automaton may take, in bytes, for each thread.
const CACHE_BYTES: usize = 64 * 1024;

/// The pattern, made simpler.
#[derive(Debug)]
pub(super) struct Doubt(Regex);

impl Doubt {
    /// `None`: the pattern itself is as quick.
    pub(super) fn new(pattern: &Hir) -> Option<Self> {
        if !pattern.properties().look_set().contains_word_unicode() {
            return None;
        }
        let config = Config::new().utf8_empty(false).hybrid_cache_capacity(CACHE_BYTES);
        Builder::new().configure(config).build_from_hir(&relaxed(pattern)).ok().map(Self)
    }

    /// Where it says no, the pattern doesn't match `text`.
    pub(super) fn may_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}
