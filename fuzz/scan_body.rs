// Blocks of any bytes, through the scanner with its vectors, against the plain loop over all patterns and lines. Shared by
// the fuzz target and by a test of random bytes.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use hooktail::config;
use hooktail::event::Origin;
use hooktail::line::LineSpec;
use hooktail::scan::{Ends, Lines, Scanner, survey};
use hooktail::time::Time;
use regex::bytes::Regex;

/// Few patterns and many: windows of each width, hashed pieces, automata, and what each line is shown to.
const SETS: &[&[&str]] = &[
    &["(?i)error"],
    &["zq", "[a-d][0-9]"],
    &["é[0-9]", "(?i)kiosk", r"\xff?x{3}", "q.z"],
    &["[a-z]", r"\d\d", "(?-u:\\xff)"],
    &[r"\b\w+\b", r"[a-f]{2}\d", "^ ", " $", "", r"\Bx", r"(\w) (?P<n>\d)"],
    &[
        "error 1",
        "error 2",
        "fatal word",
        "disk is full",
        "needle seven",
        "connection reset",
        "kernel panic",
        "a_b_c",
        "注文 完了",
        "déconnecté",
        "status=503",
        "status=50",
        "(?i)oom",
        "out of memory",
        "x{20}",
        "one two three",
        "abc",
        "bcd",
    ],
];

static SCANNERS: LazyLock<Vec<(Scanner, Vec<Regex>)>> = LazyLock::new(|| {
    let regex = |pattern: &&str| Regex::new(pattern).expect("a regex");
    SETS.iter().map(|patterns| (scanner(patterns), patterns.iter().map(regex).collect())).collect()
});

fn scanner(patterns: &[&str]) -> Scanner {
    let rule =
        |(at, pattern): (usize, &&str)| serde_json::json!({ "name": format!("r{at}"), "match": pattern });
    let rules: Vec<serde_json::Value> = patterns.iter().enumerate().map(rule).collect();
    let file = serde_json::json!({
        "webhooks": { "ops": { "url": "http://127.0.0.1:9/" } }, "inputs": { "a": { "stdin": true } }, "rules": rules
    });
    let config = config::from_str(&file.to_string(), "rules", Path::new("."), &|_| None).config;
    let rules = config.expect("a good configuration").rules;
    Scanner::new("a", LineSpec::default(), rules.into(), "host".into())
}

/// The first byte says which patterns look at the rest.
pub(super) fn check(bytes: &[u8]) {
    let [set, block @ ..] = bytes else { return };
    let (scanner, regexes) = &SCANNERS[usize::from(*set) % SETS.len()];
    let lines: Vec<&[u8]> = block.split_inclusive(|byte| *byte == b'\n').collect();
    let seen = survey(block);
    assert_eq!((seen.lines, seen.escape), (lines.len() as u64, block.contains(&0x1b)));

    let origin = Arc::new(Origin { input: "a".into(), file: None, stream: None, labels: Default::default() });
    let common = Lines { origin: &origin, time: || Time::EPOCH };
    let mut taken = Vec::new();
    let mut search = scanner.search();
    let looked_at = scanner.look_at(block, Ends::Decoded, &mut search);
    assert_eq!(looked_at.survey(), seen);
    looked_at.take(&common, |found| taken.push((found.event.line.to_vec(), found.rule.0)));
    let mut expected = Vec::new();
    for line in lines {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let matching = regexes.iter().enumerate().filter(|(_, regex)| regex.is_match(line));
        expected.extend(matching.map(|(rule, _)| (line.to_vec(), rule)));
    }
    assert_eq!(taken, expected);
}
