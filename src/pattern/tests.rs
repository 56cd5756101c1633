//! Patterns against `regex::bytes::Regex`: whether they match, where, and what their groups catch.

use proptest::prelude::*;
use proptest::sample::select;
use regex::bytes::Regex;

use super::*;

const PARTS: &[&str] = &[
    r"\w",
    r"\d",
    r"\s",
    r"\W",
    r"\D",
    r"\S",
    ".",
    "(?s:.)",
    r"\b",
    r"\B",
    r"\b{start}",
    r"\b{end}",
    r"\b{start-half}",
    r"\b{end-half}",
    "^",
    "$",
    "(?m:^)",
    "(?m:$)",
    "(?mR:^)",
    "(?R:$)",
    r"(?-u:\b)",
    r"(?-u:\w)",
    r"(?-u:\xff)",
    r"(?-u:[\x80-\xff])",
    "_",
    "[_a]",
    "[^_]",
    "[^a]",
    "[é-ü]",
    "é",
    "ü",
    "注文",
    "完",
    r"\p{Greek}",
    "ß",
    "(?i:k)",
    "(?i:s)",
    "(?i:É)",
    r"\p{Lu}",
    r"[\u{80}-\u{10ffff}]",
    r"[\u{e000}-\u{ffff}]",
    "a",
    "b",
    "1",
    " ",
    "-",
    r"\n",
    "(?P<n>x)?",
    "(é)?",
    r"[[:alpha:]]",
    "ab1",
    "b-x",
    "aaa",
    r"\p{Nd}",
    r"[\w--\d]",
];

const PIECES: &[&[u8]] = &[
    b"a",
    b"b",
    b"x",
    b"_",
    b"__",
    b"ab1",
    b"b-x",
    b"aaaa",
    b"1",
    b" ",
    b"-",
    b"\n",
    b"\r",
    "é".as_bytes(),
    "ü".as_bytes(),
    "É".as_bytes(),
    "\u{212a}".as_bytes(),
    "\u{17f}".as_bytes(),
    "注文".as_bytes(),
    "完".as_bytes(),
    "٣".as_bytes(),
    "\u{a0}".as_bytes(),
    "λ".as_bytes(),
    "…".as_bytes(),
    "\u{301}".as_bytes(),
    "\u{1d7d8}".as_bytes(),
    "\u{e000}".as_bytes(),
    "\u{d7ff}".as_bytes(),
    "\u{10ffff}".as_bytes(),
    b"\xff",
    b"\x80",
    b"\xc3",
    b"\xe6\xb3",
    b"\xed\xa0\x80",
    b"\xf0\x9f",
];

fn pattern() -> impl Strategy<Value = String> {
    let part = (select(PARTS), select(&["", "", "", "+", "*", "?", "{2}", "{1,3}", "+?"][..]))
        .prop_map(|(part, times)| format!("(?:{part}){times}"));
    let group = (prop::collection::vec(part, 1..4), 0u32..4).prop_map(|(parts, group)| match group {
        0 => format!("({})", parts.concat()),
        1 => format!("(?P<g>{})", parts.concat()),
        _ => parts.concat(),
    });
    let pattern = prop_oneof![
        3 => prop::collection::vec(group.clone(), 1..3).prop_map(|groups| groups.concat()),
        1 => prop::collection::vec(group, 2..4).prop_map(|groups| groups.join("|")),
    ];
    pattern.prop_filter("one that the configuration takes", |text| Regex::new(text).is_ok())
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(PIECES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => any::<char>().prop_map(|one| one.to_string().into_bytes()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[track_caller]
fn check(pattern: &str, text: &[u8]) {
    let (ours, theirs) = (Pattern::new(On::Line, pattern).unwrap(), Regex::new(pattern).unwrap());
    let shown = format!("{pattern:?} on \"{}\", {:?}", text.escape_ascii(), ours.compiled.beyond);
    assert_eq!(ours.is_match(&Text::new(text)), theirs.is_match(text), "{shown}");
    let caught = theirs.captures(text).map(|groups| Caught {
        whole: groups.get(0).unwrap().range(),
        named: theirs
            .capture_names()
            .flatten()
            .filter_map(|name| Some((Arc::from(name), groups.name(name)?.range())))
            .collect(),
    });
    assert_eq!(ours.captures(&Text::new(text)), caught, "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn a_pattern_matches_where_the_regex_does(
        pattern in pattern(),
        texts in prop::collection::vec(text(), 1..8),
        ascii in "[ab_1 \n-]{0,12}",
    ) {
        texts.iter().for_each(|text| check(&pattern, text));
        check(&pattern, ascii.as_bytes());
    }
}

/// What rules look for: runs that give back, lazy ones, choices, counts, and groups in all of them.
fn usual() -> impl Strategy<Value = String> {
    let one =
        select(&[r"\w", r"\d", r"\S", ".", "[a-z]", "[^ ]", "[a_é]", "[^1]", "_", "é", "a", "(?i:K)"][..]);
    let times = select(&["", "", "+", "*", "?", "{2}", "{1,3}", "{2,}", "+?", "*?", "??", "{1,2}?"][..]);
    let run = (one, times).prop_map(|(one, times)| format!("{one}{times}"));
    let literal = select(&["ab", "a", "1", " ", "_", "b1", "-", "é ", r"\b", "^", "$", r"\B", "(?m:$)"][..]);
    let piece = prop_oneof![3 => run, 2 => literal.prop_map(str::to_owned)];
    let pieces = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let group = (pieces.clone(), pieces, 0u32..7).prop_map(|(one, other, sort)| match sort {
        0 => format!("(?P<NAME>{one})"),
        1 => format!("(?P<NAME>{one}|{other})"),
        2 => format!("(?:{one}(?P<NAME>{other}))?"),
        3 => format!("(?:{one}a(?P<NAME>{other}))*"),
        4 => format!("(?:(?P<NAME>{one})b){{1,2}}?"),
        _ => one,
    });
    prop::collection::vec(group, 1..4).prop_map(|groups| {
        let named = groups.iter().enumerate();
        named.map(|(at, group)| group.replace("NAME", &format!("g{at}"))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_walk_catches_what_the_regex_does(
        pattern in usual(),
        texts in prop::collection::vec("[ab1_ é-]{0,12}|[ab1 ]{0,24}", 1..10),
    ) {
        texts.iter().for_each(|text| check(&pattern, text.as_bytes()));
    }
}

/// Whether a walk tells it all, for a text of ASCII and for another.
#[track_caller]
fn walks(pattern: &str, text: &str) -> bool {
    check(pattern, text.as_bytes());
    let pattern = Pattern::new(On::Line, pattern).unwrap();
    pattern.compiled.walk(&Text::new(text.as_bytes()), &mut Places::default()) != Walked::GaveUp
}

#[test]
fn what_is_usual_is_walked() {
    for pattern in [
        "error",
        r"^(?P<who>\w+)\[\d+\]: (?P<what>.*)$",
        r"(?i)\btask (?P<id>\d+)\s+\S+",
        r"(?P<ip>(?:\d{1,3}\.){3}\d{1,3})",
        r#"status=(?P<status>5\d\d) .*"(?P<path>[^"]+)""#,
        "(?:timeout|refused|reset) by (?P<peer>\\S+)",
        r"müller: (?P<n>\d+)",
        r".*took (?P<n>\d+)(?:\.\d+)? ?ms",
    ] {
        for text in ["app[17]: task 5 took 3.5 ms", "für 10.0.0.1 status=503 \"/x\" reset by müller: 5"] {
            assert!(walks(pattern, text), "{pattern} on {text}");
        }
    }
    // A group at the end is come to from the end, word by word.
    let line = "2026-01-01 Anfrage für Müller 51 запрос выполнен за 512 注文を受け付けました parcel déconnecté après délai";
    assert!(walks(r"(?i)\bmüller 51\d*\b.*\b(?P<what>\w+)$", line));
    assert!(walks(r"(?i)\bmüller 51\d*\b.*\b(?P<what>\w+) nowhere$", line));
    // What may match nothing at all, what has too many ways to go, and what is too long.
    let long = "x".repeat(WALKED_BYTES_MAX + 1);
    for (pattern, text) in [(r"\w*", "a"), (r"(?:a*)*b", "aab"), ("x(?:ab|cd){20}", "x"), ("x", &*long)] {
        assert!(!walks(pattern, text), "{pattern}");
    }
}

#[test]
fn what_takes_too_long_is_left_to_automata() {
    let pattern = Pattern::new(On::Line, "^(?:a|aa)+(?P<end>b)").unwrap();
    let (text, other) = ("a".repeat(60), "aab");
    for _ in 0..2 * GIVEN_UP_MAX {
        assert!(!pattern.is_match(&Text::new(text.as_bytes())));
    }
    assert_eq!(pattern.compiled.given_up.load(Ordering::Relaxed), GIVEN_UP_MAX);
    let caught = pattern.captures(&Text::new(other.as_bytes()));
    assert_eq!(caught, Some(Caught { whole: 0..3, named: vec![("end".into(), 2..3)] }));
    check(r"\w+\w+\w+\w+\w+\w+\w+-", "a".repeat(200).as_bytes());
    // Runs that are gone along from each of their places on: too short ones, and such as may not begin where they do.
    let run = "a".repeat(4_000);
    assert!(!walks("[a-z]{4001,}", &run));
    assert!(!walks(r"\b[a-z]+=", &format!("1{run}=")));
    assert!(walks("[a-z]+=", &format!("{run} a{run}=")[3_950..]));
}

/// How a pattern is looked at where a text is not ASCII.
fn beyond(pattern: &str) -> &'static str {
    match Beyond::new(&parse(pattern).unwrap(), &[]) {
        Beyond::Same(_) => "same",
        Beyond::Rewritten(alphabet, _) if Arc::ptr_eq(&alphabet, Alphabet::common()) => "common",
        Beyond::Rewritten(..) => "own",
        Beyond::Whole(_) => "whole",
    }
}

#[test]
fn what_is_usual_is_small() {
    for (pattern, expected) in [
        ("error", "same"),
        (r"[^ ]+ .*é", "same"),
        (r"(\w+)", "common"),
        (r"(?i)\btask (?P<id>\d+)\s+\S+", "common"),
        (r"\bmüller: (\w+)", "own"),
        (r"\p{Greek}+ \w", "own"),
        (r"\B\w", "whole"),
        (r"(?-u:\b)\w", "whole"),
        (r"\w*", "whole"),
        (r"\w(?-u:\xff)", "whole"),
    ] {
        assert_eq!(beyond(pattern), expected, "{pattern}");
    }
}

#[test]
fn a_thousand_patterns_that_were_shown_lines_are_small() {
    let machine = |machine: &Machine| {
        let steps = machine.steps.get().and_then(Option::as_ref).map_or(0, Steps::bytes);
        steps + machine.regex.get().map_or(0, regex_automata::meta::Regex::memory_usage)
    };
    let size = |pattern: &Pattern| {
        let beyond = match pattern.compiled.beyond.get() {
            Some(Beyond::Rewritten(_, beyond)) => machine(beyond),
            _ => 0,
        };
        beyond + machine(&pattern.compiled.ascii)
    };
    let pattern = Pattern::new(On::Line, r"(?P<who>\w+) \b(?P<n>\d+) (?P<rest>\S+)").unwrap();
    assert_eq!(size(&pattern), 0);
    let see = || {
        let seen = [&b"eve 12 x"[..], "ève 12 x".as_bytes()].map(|text| pattern.is_match(&Text::new(text)));
        assert_eq!(seen, [true; 2]);
    };
    see();
    assert!(size(&pattern) < 2 * 1024, "{}", size(&pattern));
    // Where walks take too long.
    pattern.compiled.given_up.store(GIVEN_UP_MAX, Ordering::Relaxed);
    see();
    assert!(size(&pattern) < 40 * 1024, "{}", size(&pattern));
}

#[test]
fn a_character_that_is_cut_short_still_ends_a_word_as_it_does_for_the_regex() {
    for text in [
        &b"a\xa9x"[..],
        b"\xc3\xa9\xa9x",
        b"\xc3\xa9\xa9\xa9\xa9x",
        b"-\xa9x",
        b"\xe6\xb3x",
        b"\xffx",
        b"\xe6\xb3\xa8\x80\x80",
    ] {
        for pattern in [r"\bx", r"x\b", r"\b\w", r"\w\b", r"\b.\b"] {
            check(pattern, text);
        }
    }
}
