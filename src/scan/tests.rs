//! Whole blocks, and lines, against the plain loop over all rules.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config;

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
            let matches = |pattern: &&Pattern| pattern.regex.is_match(line);
            for (role, pattern) in [(Role::Resolution, resolution), (Role::FollowUp, follow_up)] {
                if let Some(pattern) = pattern.filter(matches) {
                    taken.push((line.clone(), rule.name.to_string(), role, captures(pattern, line)));
                }
            }
            if resolution.is_some_and(|pattern| matches(&pattern)) {
                continue;
            }
            let first = rule.patterns.iter().find(|pattern| pattern.regex.is_match(line));
            if first.is_none() && !rule.patterns.is_empty()
                || rule.ignore.iter().any(|pattern| pattern.regex.is_match(line))
            {
                continue;
            }
            let text = |bytes| Arc::from(String::from_utf8_lossy(bytes));
            let mut captures = Texts::new();
            if let Some(pattern) = first {
                let groups = pattern.regex.captures(line).unwrap();
                for (name, number) in &pattern.names {
                    captures.extend(groups.get(*number).map(|group| (name.clone(), text(group.as_bytes()))));
                }
            }
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
        let scanner = Scanner::new(input, rules.clone(), "host".into());
        let texts: Vec<Vec<u8>> = match ends {
            Ends::Read => lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect(),
            Ends::Decoded => lines.clone(),
        };
        let expected = plain(&rules, input, &texts);
        let origin = origin();
        let common = Lines { origin: &origin, time: || Time::EPOCH };
        let mut search = scanner.search();
        // The filter is chosen anew somewhere on the way.
        search.sample = Sample::after(seen);
        let note = |found: &Match| {
            (found.event.line.to_vec(), rules[found.rule.0].name.to_string(), found.role, found.captures.clone())
        };

        let mut together = Vec::new();
        for lines in lines.chunks(lines.len().div_ceil(2).max(1)) {
            let block: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
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
        let scanner = Scanner::new("a", rules.clone(), "host".into());
        let text = lines.join(&b'\n');
        let expected = plain(&rules, "a", std::slice::from_ref(&text));
        let origin = origin();
        let mut taken = Vec::new();
        let common = Lines { origin: &origin, time: || Time::EPOCH };
        scanner.scan(&text, false, &common, &mut scanner.search(), |found| {
            let name = rules[found.rule.0].name.to_string();
            taken.push((found.event.line.to_vec(), name, found.role, found.captures));
        });
        prop_assert_eq!(taken, expected);
    }
}
