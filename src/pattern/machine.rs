//! A syntax tree to a machine that searches.

use regex_automata::meta::{Builder, Config, Regex};
use regex_syntax::hir::Hir;

use super::size::Size;

/// What the states of one lazily built automaton may take, in bytes, for each thread; more where the pattern is so large
/// that not even a few of them fit.
const CACHE_BYTES_MIN: usize = 64 * 1024;

/// A table that finds groups in one pass may take so much; where it would take more, they are found in several.
const ONE_PASS_BYTES_MAX: usize = 16 * 1024;

/// Of a tree that was bounded before.
pub(super) fn compile(hir: &Hir) -> Regex {
    let config = Config::new()
        .utf8_empty(false)
        .nfa_size_limit(None)
        .onepass_size_limit(Some(ONE_PASS_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES_MIN.max(Size::of(hir).bytes().saturating_mul(4)));
    Builder::new()
        .configure(config)
        .build_from_hir(hir)
        .expect("it is well formed, and nothing limits its size")
}
