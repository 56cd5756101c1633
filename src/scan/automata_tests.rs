//! Automata against each of their patterns by itself, on blocks in which matches are frequent and then are not.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use regex::bytes::Regex;
use regex_syntax::hir::Hir;

use super::Ends;
use super::automata::{Automata, PATTERNS_MAX};
use super::filter::Certainty;

/// Enough for some automata that go along lines together, one that goes from match to match, and one of what can't be said
/// in the common alphabet.
static PATTERNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let literal = (0..PATTERNS_MAX).map(|at| format!("task-{at}x"));
    let free = (0..5 * PATTERNS_MAX + 3).map(|at| format!(r"\b[a-c]{{{}}}{}\w+$", 1 + at / 10, at % 10));
    let unsaid = [r"\Bé", r"(?-u:\b)a\w"].map(str::to_owned);
    literal.chain(free).chain(unsaid).collect()
});

static HIRS: LazyLock<Vec<Hir>> = LazyLock::new(|| {
    let parse =
        |text: &String| regex_syntax::ParserBuilder::new().utf8(false).build().parse(text).expect("a regex");
    PATTERNS.iter().map(parse).collect()
});

static REGEXES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().map(|text| Regex::new(text).expect("a regex")).collect());

fn automata() -> Automata {
    let hirs: Vec<(u32, &Hir)> = (0..).zip(HIRS.iter()).collect();
    Automata::new(&hirs)
}

/// What is found in `block` is what each pattern matches by itself, and perhaps more of those that can't be said.
fn check(automata: &Automata, search: &mut super::automata::Search, block: &[u8]) {
    let (mut sure, mut maybe) = (BTreeSet::new(), BTreeSet::new());
    automata.find(block, Ends::Read, search, None, |line, pattern, certainty| {
        let set = if certainty == Certainty::Sure { &mut sure } else { &mut maybe };
        assert!(set.insert((line.start, line.end, pattern)));
    });
    let mut start = 0;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let place = (start, start + text.len());
        start += line.len();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        for (at, regex) in (0..).zip(REGEXES.iter()).filter(|(_, regex)| regex.is_match(text)) {
            let found = (place.0, place.1, at);
            assert!(sure.remove(&found) || maybe.contains(&found), "{} {text:?}", regex.as_str());
        }
    }
    assert!(sure.is_empty(), "{sure:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn together_and_one_by_one_they_find_the_same(
        lines in proptest::collection::vec(("[abc]{1,4}[0-9é]x{0,2}|task-[0-9]{1,2}x?|calm", "| |é|_|ß \u{212a}", 0..4_u8), 1..40),
        repeated in 1..30_usize,
    ) {
        let mut block = Vec::new();
        for (text, more, end) in &lines {
            block.extend(format!("{more}{text}{more} {text}").into_bytes());
            block.extend_from_slice(if *end == 0 { b"\r\n" } else { b"\n" });
        }
        let (automata, whole) = (automata(), block.len() - 1);
        let mut search = automata.search();
        // So much that matches are told to be frequent, or not.
        for _ in 0..repeated {
            check(&automata, &mut search, &block);
            check(&automata, &mut search, &b"calm\n".repeat(200));
        }
        check(&automata, &mut search, &block[..whole]);
    }
}
