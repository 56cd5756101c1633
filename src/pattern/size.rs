//! How large a pattern becomes.

use regex_automata::nfa::thompson::{Compiler, Config};
use regex_syntax::hir::{Class, Hir, HirKind};

/// A byte of a literal, an alternative, an end of a repetition: a state of the machine with what points to it.
const STATE_BYTES: usize = 64;

/// A class of Unicode: what one range of it takes at most that takes much, and what a range takes that takes little.
const CLASS_BYTES: usize = 1024;
const RANGE_BYTES: usize = 256;

/// About how much memory a pattern takes when it is compiled with all of Unicode: rather more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(usize);

impl Size {
    /// A bound that is quick to tell.
    pub fn of(hir: &Hir) -> Self {
        Self(bytes(hir))
    }

    /// In bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// Whether `hir` takes at most `max` bytes. It is compiled where the bound doesn't tell.
    pub fn fits(hir: &Hir, max: usize) -> bool {
        if bytes(hir) <= max {
            return true;
        }
        let config = Config::new().utf8(false).nfa_size_limit(Some(max));
        Compiler::new().configure(config).build_from_hir(hir).is_ok()
    }
}

fn bytes(hir: &Hir) -> usize {
    let subs = || hir.kind().subs().iter().map(bytes).fold(0, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE_BYTES,
        HirKind::Literal(literal) => literal.0.len().saturating_mul(STATE_BYTES),
        HirKind::Class(Class::Bytes(class)) => STATE_BYTES + class.ranges().len() * STATE_BYTES,
        HirKind::Class(Class::Unicode(class)) => CLASS_BYTES + class.ranges().len() * RANGE_BYTES,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(0).max(repetition.min).max(1) as usize;
            subs().saturating_add(2 * STATE_BYTES).saturating_mul(times)
        }
        HirKind::Capture(_) => subs().saturating_add(6 * STATE_BYTES),
        HirKind::Concat(_) => subs(),
        HirKind::Alternation(parts) => subs().saturating_add(parts.len().saturating_mul(STATE_BYTES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_one() {
        for text in [
            r"\w",
            r"(\w+) \S+",
            "a{1000}",
            "(?:(?:ab|c|d){9}){9}",
            ".",
            "(?i)straße",
            r"\p{Greek}+?",
            "[^x]|",
            r"\p{L}{3}",
            r"\p{Lu}",
            "(?s).",
            r"[\u{80}-\u{10ffff}]",
            r"[\u{700}-\u{12345}]",
            "(a)(b)(c)?",
            r"\b\d{1,20}\b",
            r"(?-u)\w{7}",
        ] {
            let hir = regex_syntax::parse(text).unwrap();
            let nfa = Compiler::new().build_from_hir(&hir).unwrap();
            let (bound, size) = (Size::of(&hir).bytes(), nfa.memory_usage());
            assert!(bound >= size, "{text}: {bound} is less than {size}");
            assert!(Size::fits(&hir, bound) && !Size::fits(&hir, 64), "{text}");
        }
    }
}
