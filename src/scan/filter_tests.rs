//! The filter against the plain loop over all patterns and lines: whatever a pattern matches must be a candidate.

use proptest::prelude::*;
use proptest::sample::select;
use regex::bytes::Regex;
use regex_syntax::hir::Hir;

use super::Ends;
use super::block::{Line, line_at};
use super::filter::{Certainty, Filter};
use crate::rule::Pattern;

/// Parts of patterns, and of lines: alike enough to meet, and to nearly meet.
const WORDS: &[&str] = &[
    "error",
    "Error",
    "ERROR",
    "fatal",
    "disk sda1 is full",
    "timeout after ",
    "Failed password",
    "\"status\": 503,",
    "kernel panic",
    "mask",
    "KELVIN",
    "s\u{17f}s",
    "\u{212a}elvin",
    "müller",
    "MÜLLER",
    "注文 完了",
    "déconnecté",
    "x",
    "",
    " ",
    "-",
    "connection refused by peer",
    "connection reset by peer",
    "HTTP/1.1\" 500",
    "a.b.c",
    "0",
    "17",
    "4096",
    "::",
    "[7]",
];

const PARTS: &[&str] = &[
    r"\d+",
    r"\d{3}",
    r"\d{1,3}\.\d{1,3}",
    r"\S+",
    r"\s",
    r".*",
    r".",
    r"(?s:.)",
    r"\w+",
    r"\b",
    r"\B",
    r"^",
    r"$",
    r"(?m:^)",
    r"(?m:$)",
    r"(?R:$)",
    r"(?mR:^)",
    r"[a-f]{2}",
    r"[^a]",
    r"[[:upper:]]{3,}",
    r"\p{Greek}",
    r"[é-ü]",
    r"(?:error|fatal|)",
    r"(?:ab|cd){2,3}",
    r"(?P<n>x)?",
    r"s*",
    r"(?-u:\xff)",
    r"(?-u:\b)",
    r"(?-u:[\x80-\xff])",
    r"\n",
    r"[\n ]",
    r"\r",
    r"\A",
    r"\z",
    r"(?i:k)",
    r"(?i:ss)",
    r"(?i:error)",
    r"(?i:MÜLLER)",
    r"(?i:kiosk)",
    r"[^\s]",
    r"[\d.]+",
    r"(?-u:\w)",
    r"\b{start}",
    r"(?:\d\d:){2}",
    r"\d{1,3}",
    r"[0-9]{2,4}",
    r"[^.]{1,2}",
    r"(?:\d{1,3}\.){1,3}",
    r":(?:2[23]|338)",
    r"x{20}",
    r"[a-z]{9}",
];

fn pattern() -> impl Strategy<Value = String> {
    let word = select(WORDS).prop_map(regex::escape);
    let part = prop_oneof![3 => word, 3 => select(PARTS).prop_map(str::to_owned)];
    let chain = prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat());
    let choice = prop_oneof![
        4 => chain.clone(),
        1 => prop::collection::vec(chain.clone(), 2..5).prop_map(|all| all.join("|")),
        1 => (chain.clone(), chain.clone()).prop_map(|(one, other)| format!("({one})+{other}")),
    ];
    (select(&["", "(?i)", "(?-u)", "(?x)", "(?s)", "(?U)"][..]), choice)
        .prop_map(|(flags, text)| format!("{flags}{text}"))
        .prop_filter("a pattern that the configuration takes", |text| Regex::new(text).is_ok())
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        2 => (select(WORDS), 0usize..20).prop_map(|(word, cut)| word.as_bytes()[..cut.min(word.len())].to_vec()),
        1 => select(WORDS).prop_map(|word| word.to_uppercase().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => "[0-9]{1,5}[.:]?".prop_map(String::into_bytes),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"x".repeat(70)),
    ]
}

/// Lines of a block; some have no end but the block's.
fn block() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat());
    (prop::collection::vec(line, 0..12), any::<bool>()).prop_map(|(lines, ended)| {
        let mut block = lines.join(&b'\n');
        if ended {
            block.push(b'\n');
        }
        block
    })
}

/// What the filter missed; and that what it names are lines.
fn check(patterns: &[String], blocks: &[Vec<u8>], sample: Option<&[u8]>) -> Result<(), TestCaseError> {
    let hirs: Vec<Hir> =
        patterns.iter().map(|text| Pattern::new(crate::rule::On::Line, text).unwrap().hir()).collect();
    let regexes: Vec<Regex> = patterns.iter().map(|text| Regex::new(text).unwrap()).collect();
    let filter = Filter::new(&hirs, sample);
    let mut search = filter.search();
    for (block, ends) in blocks.iter().flat_map(|block| [(block, Ends::Read), (block, Ends::Decoded)]) {
        filter.find(block, ends, &mut search, None);
        for pair in search.candidates.windows(2) {
            prop_assert!(pair[0] < pair[1]);
        }
        for candidate in &search.candidates {
            prop_assert_eq!(line_at(block, candidate.line.start), candidate.line);
            let (pattern, text) = (candidate.pattern as usize, candidate.line.text(block, ends));
            prop_assert!(
                candidate.certainty == Certainty::Maybe || regexes[pattern].is_match(text),
                "sure of {:?} on \"{}\"",
                patterns[pattern],
                text.escape_ascii()
            );
        }
        let mut start = 0;
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            let place = Line { start, end: start + line.strip_suffix(b"\n").unwrap_or(line).len() };
            start += line.len();
            let text = place.text(block, ends);
            for (number, (pattern, regex)) in patterns.iter().zip(&regexes).enumerate() {
                let number = number as u32;
                let named =
                    search.candidates.iter().any(|found| found.line == place && found.pattern == number);
                let filtered = named || filter.unfiltered().contains(&number);
                prop_assert!(
                    filtered || !regex.is_match(text),
                    "missed {pattern:?} on \"{}\"",
                    text.escape_ascii()
                );
            }
        }
    }
    Ok(())
}

/// Runs of varying length, one after the other, with what stands between them.
fn runs() -> impl Strategy<Value = String> {
    let set = select(&[r"\d", "[0-9]", "[ab]", "[a-é]", r"\w"][..]);
    let run = (set, select(&["{1,2}", "{1,3}", "{2,3}", "{3,8}", "", "?", "+"][..]));
    let between = select(&["", r"\.", ":", "b", "(?:a|1.)"][..]);
    let part = (run, between).prop_map(|((set, times), between)| format!("({set}{times}){between}"));
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_holds_runs_of_varying_length_is_a_candidate(
        pattern in runs(),
        lines in prop::collection::vec("[0-2ab.:é٣]{0,16}", 1..20),
    ) {
        check(&[pattern], &[lines.join("\n").into_bytes()], None)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_pattern_matches_is_a_candidate(
        patterns in prop::collection::vec(pattern(), 1..6),
        blocks in prop::collection::vec(block(), 1..4),
        sample in prop::option::of(block()),
    ) {
        check(&patterns, &blocks, sample.as_deref())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn of_many_patterns_too(
        patterns in prop::collection::vec(pattern(), 20..60),
        blocks in prop::collection::vec(block(), 1..3),
    ) {
        check(&patterns, &blocks, None)?;
    }
}

#[test]
fn a_needle_at_each_place_of_a_block_is_found() {
    let few = ["needle seven", "é[0-9]{3}", "(?i)kiosk"].map(str::to_owned);
    let others = (0..40).map(|number| format!("other word {number}"));
    let many: Vec<String> = few.iter().cloned().chain(others).collect();
    let mut blocks = Vec::new();
    for text in ["needle seven", "é123", "Kiosk", "\u{212a}io\u{17f}k"] {
        for before in 0..80 {
            for after in [0, 1, 2, 40] {
                let dashes = |count| "-".repeat(count);
                blocks.push(format!("a\nb\n{}{text}{}", dashes(before), dashes(after)).into_bytes());
            }
        }
    }
    check(&few, &blocks, None).unwrap();
    check(&many, &blocks, None).unwrap();
}
