//! Whole blocks, and lines, against the plain loop over all rules.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use regex::bytes::Regex;

use super::*;
use crate::config;
use crate::event::{Origin, Role, Texts};
use crate::rule::When;

/// Two inputs' rules in one file; `b` reads only some of them.
const RULES: &str = r#"
webhooks: { w: { url: "https://hooks.slack.com/services/T0/B0/x" } }
inputs: { a: { stdin: true }, b: { files: x.log } }
rules:
  - { name: word, match: ["error (?P<what>\\w+)", "(?P<all>err\\S*)"], ignore: "harmless" }
  - { name: number, input: a, match: '(?P<n>\d+) ms$', where: n > 10 }
  - { name: empty, match: "^$|^ $" }
  - { name: open, where: line.contains("open") }
  - { name: case, match: '(?i)\bkiosk\b' }
  - { name: common, match: '[a-z ]{3}' }
  - { name: ended, match: 'err', resolve: { match: 'open (?P<what>\w+)|kiosk|^ ' } }
  - { name: followed, match: '\d', when: { not_followed_by: '(?P<n>\d+) ms|error', within: 1m } }
"#;

fn rules() -> Arc<[Rule]> {
    let loaded = config::from_str(RULES, "rules", std::path::Path::new("."), &|_| None);
    loaded.config.expect("a good configuration").rules.into()
}

fn origin() -> Arc<Origin> {
    Arc::new(Origin { input: "a".into(), file: None, stream: None, labels: Texts::new() })
}

type Taken = (Vec<u8>, String, Role, Texts);

/// What a pattern is by its meaning.
fn regex(pattern: &Pattern) -> Regex {
    thread_local!(static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default());
    let new = || Regex::new(pattern.as_str()).unwrap();
    KNOWN.with_borrow_mut(|known| known.entry(pattern.as_str().to_owned()).or_insert_with(new).clone())
}

fn only(matcher: &Matcher) -> &Pattern {
    &matcher.parts[0]
}

/// What the named groups of a pattern that matches caught.
fn captures(pattern: &Pattern, line: &[u8]) -> Texts {
    let regex = regex(pattern);
    let groups = regex.captures(line).unwrap();
    let text = |bytes| Arc::from(String::from_utf8_lossy(bytes));
    let named = regex.capture_names().flatten();
    named.filter_map(|name| Some((name.into(), text(groups.name(name)?.as_bytes())))).collect()
}

/// The oracle.
fn plain(rules: &[Rule], input: &str, lines: &[Vec<u8>]) -> Vec<Taken> {
    let mut taken = Vec::new();
    for line in lines {
        for rule in rules.iter().filter(|rule| rule.inputs.iter().any(|name| &**name == input)) {
            let resolution = rule.resolve.as_ref().and_then(|resolve| resolve.pattern.as_ref());
            let follow_up = match &rule.when {
                When::NotFollowedBy { pattern, .. } => Some(pattern),
                _ => None,
            };
            let matches = |pattern: &&Pattern| regex(pattern).is_match(line);
            for (role, pattern) in [(Role::Resolution, resolution), (Role::FollowUp, follow_up)] {
                if let Some(pattern) = pattern.filter(matches) {
                    taken.push((line.clone(), rule.name.to_string(), role, captures(pattern, line)));
                }
            }
            if resolution.is_some_and(|pattern| matches(&pattern)) {
                continue;
            }
            let first = rule.patterns.iter().map(only).find(|pattern| regex(pattern).is_match(line));
            if first.is_none() && !rule.patterns.is_empty()
                || rule.ignore.iter().map(only).any(|pattern| regex(pattern).is_match(line))
            {
                continue;
            }
            let captures = first.map(|pattern| captures(pattern, line)).unwrap_or_default();
            let holds = match &*rule.name {
                // What begins with a zero is no JSON number, and text is not compared with one.
                "number" => {
                    !captures[0].1.starts_with('0') && captures[0].1.parse::<f64>().is_ok_and(|n| n > 10.0)
                }
                "open" => String::from_utf8_lossy(line).contains("open"),
                _ => true,
            };
            if holds {
                taken.push((line.clone(), rule.name.to_string(), Role::Match, captures));
            }
        }
    }
    taken
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "error disk",
            "error",
            "err7",
            "harmless",
            " ",
            "11 ms",
            "5 ms",
            "open",
            "kiosk",
            "KIO\u{17f}\u{212a}",
            "\r",
            "é",
            "ABC",
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>().prop_filter("a line holds no end", |byte| *byte != b'\n'), 0..4),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn blocks_and_lines_are_taken_as_the_plain_loop_takes_them(
        lines in prop::collection::vec(line(), 0..20),
        input in prop::sample::select(vec!["a", "b"]),
        ends in prop::sample::select(vec![Ends::Read, Ends::Decoded]),
        seen in 0usize..100,
    ) {
        let rules = rules();
        let scanner = Scanner::new(input, LineSpec::default(), rules.clone(), "host".into());
        let texts: Vec<Vec<u8>> = match ends {
            Ends::Read => lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect(),
            Ends::Decoded => lines.clone(),
        };
        let expected = plain(&rules, input, &texts);
        let origin = origin();
        let common = Lines { origin: &origin, time: || Time::EPOCH };
        let mut search = scanner.search();
        // The filter is chosen anew somewhere on the way.
        search.sample = sample::Sample::after(seen);
        let note = |found: &Match| {
            (found.event.line.to_vec(), rules[found.rule.0].name.to_string(), found.role, found.captures.texts(&found.event))
        };

        let mut together = Vec::new();
        for lines in lines.chunks(lines.len().div_ceil(2).max(1)) {
            let block: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
            if let Some(sample) = search.sample(&block) {
                search.go_by(scanner.choose(&sample));
            }
            scanner.scan_block(&block, ends, &common, &mut search, |found| together.push(note(&found)));
        }
        prop_assert_eq!(&together, &expected);

        let mut one_by_one = Vec::new();
        for text in &texts {
            scanner.scan(text, false, &common, &mut search, |found| one_by_one.push(note(&found)));
        }
        prop_assert_eq!(one_by_one, expected);
    }

    #[test]
    fn joined_lines_are_one_text(lines in prop::collection::vec(line(), 2..6)) {
        let rules = rules();
        let scanner = Scanner::new("a", LineSpec::default(), rules.clone(), "host".into());
        let text = lines.join(&b'\n');
        let expected = plain(&rules, "a", std::slice::from_ref(&text));
        let origin = origin();
        let mut taken = Vec::new();
        let common = Lines { origin: &origin, time: || Time::EPOCH };
        scanner.scan(&text, false, &common, &mut scanner.search(), |found| {
            let name = rules[found.rule.0].name.to_string();
            taken.push((found.event.line.to_vec(), name, found.role, found.captures.texts(&found.event)));
        });
        prop_assert_eq!(taken, expected);
    }
}

/// Rules that only a parser can answer, beside some that it need not.
const PARSED: &str = r#"
webhooks: { w: { url: "https://hooks.slack.com/services/T0/B0/x" } }
inputs: { a: { stdin: true, parse: json } }
rules:
  - { name: message, match: '^say "(?P<what>.*)"$' }
  - { name: field, match: [{ req.status: '^5(?P<rest>..)', message: '(?P<first>.)' }, { level: fatal }] }
  - { name: line, match: { line: '"user":"(?P<user>[^"]*)"' }, ignore: { user: ^root$ } }
  - { name: where, where: n > 3 && !quiet }
  - { name: level, match: { level: . }, severity: { from: level, min: warning, map: { odd: critical }, else: error } }
"#;

fn parsed(lines: &[&str]) -> (Vec<String>, Scanned) {
    let config = config::from_str(PARSED, "rules", std::path::Path::new("."), &|_| None).config.unwrap();
    let rules: Arc<[Rule]> = config.rules.into();
    let scanner = Scanner::new("a", config.inputs[0].line.clone(), rules.clone(), "host".into());
    let origin = origin();
    let common = Lines { origin: &origin, time: || Time::EPOCH };
    let told = |found: &Match| {
        let captures: Vec<String> =
            found.captures.of(&found.event).map(|(name, text)| format!("{name}={text}")).collect();
        format!("{} {} {}", rules[found.rule.0].name, found.severity, captures.join(" ")).trim().to_owned()
    };
    let mut together = Vec::new();
    let mut search = scanner.search();
    let block = lines.join("\n");
    scanner
        .scan_block(block.as_bytes(), Ends::Read, &common, &mut search, |found| together.push(told(&found)));
    let mut one_by_one = Vec::new();
    for line in lines {
        let mut search = scanner.search();
        scanner.scan(line.as_bytes(), false, &common, &mut search, |found| one_by_one.push(told(&found)));
    }
    assert_eq!(together, one_by_one);
    (together, search.scanned)
}

#[test]
fn a_parsed_line_is_matched_by_its_message_and_its_fields() {
    for (line, expected) in [
        (r#"{"msg":"say \"hi\""}"#, &["message error what=hi"][..]),
        (r#"{"req":{"status":503},"msg":"x"}"#, &["field error rest=03 first=x"]),
        (r#"{"req.status":"599","req":{"status":200},"msg":"y"}"#, &["field error rest=99 first=y"]),
        (r#"{"req":{"status":503},"msg":"","level":"fatal"}"#, &["field error", "level critical"]),
        (r#"{"user":"eve"}"#, &["line error user=eve"]),
        (r#"{"user":"root"}"#, &[]),
        (r#"{"n":4,"quiet":false}"#, &["where error"]),
        (r#"{"n":"4","quiet":false}"#, &[]),
        (r#"{"level":"info"}"#, &[]),
        (r#"{"level":40}"#, &["level warning"]),
        (r#"{"level":"odd"}"#, &["level critical"]),
        (r#"{"level":"loud"}"#, &["level error"]),
        (r#"say "{}""#, &["message error what={}"]),
    ] {
        assert_eq!(parsed(&[line]).0, expected, "{line}");
    }
}

#[test]
fn what_cannot_be_parsed_is_text_and_counted() {
    let (taken, scanned) = parsed(&[r#"{"msg":"say"#, r#"say "no""#, r#"{"user":"eve","n":1,"quiet":true}"#]);
    assert_eq!(taken, ["message error what=no", "line error user=eve"]);
    // `where` asks for what these two lines have not.
    assert_eq!(scanned, Scanned { unparsed: 2, expression_errors: 2, ..Scanned::default() });
}

#[test]
fn a_line_is_parsed_only_where_a_rule_could_take_it() {
    let rules = PARSED
        .replace("- { name", "- { enabled: false, name")
        .replace("enabled: false, name: line", "name: line");
    let config = config::from_str(&rules, "rules", std::path::Path::new("."), &|_| None).config.unwrap();
    let scanner = Scanner::new("a", config.inputs[0].line.clone(), config.rules.into(), "host".into());
    let origin = origin();
    let common = Lines { origin: &origin, time: || Time::EPOCH };
    let mut search = scanner.search();
    scanner.scan_block(b"no JSON\nnor \"user\":\"x\" this\n", Ends::Read, &common, &mut search, drop);
    assert_eq!(search.scanned.unparsed, 1);
}

#[test]
fn a_time_that_goes_back_counts_as_the_latest_of_its_file() {
    let rules = rules();
    let scanner = Scanner::new("a", LineSpec::default(), rules, "host".into());
    let now = Time::from_secs(1_767_225_600);
    let block: String =
        [30, 10, 40, 99].map(|second| format!("2025-12-31T23:00:{second}Z error x\n")).concat();
    let block = block.replace(":99Z", ":50Z") + "error without a time\n2026-06-01T00:00:00Z error to come\n";
    let mut times = Vec::new();
    let origin = origin();
    let common = Lines { origin: &origin, time: || now };
    scanner.scan_block(block.as_bytes(), Ends::Read, &common, &mut scanner.search(), |found| {
        if &*scanner.rules[found.rule.0].name == "word" {
            times.push(found.event.time.as_secs() - now.as_secs() + 3_600);
        }
    });
    assert_eq!(times, [30, 30, 40, 50, 3_600, 3_600]);
}

#[test]
fn a_line_that_is_too_old_is_counted_once_and_not_matched() {
    let line = LineSpec { max_age: Some(std::time::Duration::from_secs(60)), ..LineSpec::default() };
    let scanner = Scanner::new("a", line, rules(), "host".into());
    let origin = origin();
    let common = Lines { origin: &origin, time: || Time::from_secs(1_767_225_600) };
    let (mut search, mut found) = (scanner.search(), Vec::new());
    let block = b"2025-12-31T23:58:59Z error open\n2025-12-31T23:59:00Z error x\nerror x\n";
    scanner.scan_block(block, Ends::Read, &common, &mut search, |one| found.push(one.event.line.len()));
    assert_eq!(search.scanned.too_old, 1);
    assert!(!found.contains(&31) && found.contains(&28) && found.contains(&7), "{found:?}");
}

const COSTLY: &str = r#"
webhooks: { w: { url: "https://hooks.slack.com/services/T0/B0/x" } }
inputs: { a: { stdin: true, parse: logfmt } }
rules:
  - { name: needle, match: { line: 'disk \w+ full' } }
  - { name: automaton, match: { line: '[a-z]+ [a-z]+ [a-z]+' } }
  - { name: where, where: status == 503 }
  - { name: never, match: { line: 'no such text anywhere' } }
"#;

/// A millisecond a look at it: far more than the lines of a test take.
fn stopwatch() -> std::time::Duration {
    thread_local! { static LOOKS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) }; }
    let looks = LOOKS.with(|looks| looks.replace(looks.get() + 1));
    // It takes no time by itself, as `Costs` asks for at first.
    std::time::Duration::from_millis(looks.saturating_sub(16))
}

#[test]
fn what_lines_cost_is_told_by_rule() {
    let config = config::from_str(COSTLY, "rules", std::path::Path::new("."), &|_| None).config.unwrap();
    let rules: Arc<[Rule]> = config.rules.into();
    let scanner = Scanner::new("a", config.inputs[0].line.clone(), rules.clone(), "host".into());
    let origin = origin();
    let common = Lines { origin: &origin, time: || Time::EPOCH };
    let mut search = scanner.search();
    search.time_by(stopwatch);
    let block = "disk vda1 full\nthe door is open\nstatus=503\nstatus=5\n\n".repeat(100);
    let mut found = Vec::new();
    scanner.scan_block(block.as_bytes(), Ends::Read, &common, &mut search, |one| found.push(one.rule));
    let mut costs = search.take_costs();
    costs.sort_by_key(|(rule, _)| rule.0);
    let told: Vec<(&str, u64)> =
        costs.iter().map(|(rule, cost)| (&*rules[rule.0].name, cost.shown)).collect();
    assert_eq!(told, [("needle", 100), ("automaton", 100), ("where", 500)]);
    assert!(costs.iter().all(|(_, cost)| cost.nanos > 0), "{costs:?}");
    assert!(search.scanned.needle_nanos > 0);
    assert_eq!(search.take_costs(), []);

    let mut untimed = Vec::new();
    scanner.scan_block(block.as_bytes(), Ends::Read, &common, &mut scanner.search(), |one| {
        untimed.push(one.rule);
    });
    assert_eq!(found, untimed, "what is timed is found as it is otherwise");
    scanner.scan_block(b"calm\n", Ends::Read, &common, &mut search, drop);
    let rules: Vec<usize> = search.take_costs().iter().map(|(rule, _)| rule.0).collect();
    assert_eq!(rules, [1, 2], "a line that nothing is found in: an automaton reads it, and `where`");
}

/// What ends at the `\r` is found too, by whatever means.
#[test]
fn a_return_at_the_end_of_a_decoded_line_is_text() {
    let rules = |pattern: &str| -> Arc<[Rule]> {
        let text = RULES.split("  - ").next().unwrap_or_default().to_owned();
        let text = format!("{text}  - {{ name: r, input: a, match: '{pattern}' }}\n");
        config::from_str(&text, "rules", std::path::Path::new("."), &|_| None).config.unwrap().rules.into()
    };
    let origin = origin();
    let common = Lines { origin: &origin, time: || Time::EPOCH };
    for pattern in [r"\s$", r"[^\n ]\s$", r"(?-u:\W)$", r"\r$", r"x\r\z"] {
        let scanner = Scanner::new("a", LineSpec::default(), rules(pattern), "host".into());
        let mut taken = Vec::new();
        let block = b"calm\nx\r\ncalm\n";
        scanner.scan_block(block, Ends::Decoded, &common, &mut scanner.search(), |found| {
            taken.push(found.event.line.to_vec());
        });
        assert_eq!(taken, [b"x\r"], "{pattern}");
    }
}
