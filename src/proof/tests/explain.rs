//! What is said of a line, and that it is what the scanner and the engine do.

use proptest::prelude::*;

use super::stations;
use crate::proof::explain::{End, Explainer, object, words};
use crate::proof::rehearsal::Rehearsal;
use crate::time::Time;

const NOW: Time = Time::from_secs(1_767_225_600);

const RULES: &str = r#"rules:
  - name: slow
    match: ['took (?P<ms>\d+) ms (?P<what>\w+)', 'slow']
    ignore: [test, 'noise']
    where: ms >= 1000
    when: { count: 2, within: 1m, by: what }
    throttle: { rate: 1/h }
    message: { title: "slow {{ what }}" }
"#;

fn explained(lines: &[&str]) -> String {
    let (_, stations) = stations(RULES);
    let mut explainer = Explainer::new(&stations, None, NOW);
    let told: Vec<String> = lines.iter().map(|line| words(&explainer.explain(line.as_bytes()))).collect();
    told.last().cloned().unwrap_or_default()
}

#[track_caller]
fn check(lines: &[&str], expected: &str) {
    let told = explained(lines);
    let rule = told.split_once("\n\n").map_or("", |(_, rule)| rule);
    assert_eq!(rule, expected);
}

#[test]
fn each_gate_says_why() {
    check(
        &["hello"],
        "slow: does not take it\n  match    none matches of `took (?P<ms>\\d+) ms (?P<what>\\w+)` and `slow`\n",
    );
    check(
        &["it took 1500 ms x, test"],
        "slow: does not take it
  match    `took (?P<ms>\\d+) ms (?P<what>\\w+)`
           it took 1500 ms x, test
              ~~~~~^^^^~~~~^
                   ms      what
  ignore   `test` matches
           it took 1500 ms x, test
                              ~~~~
",
    );
    let found = "  match    `took (?P<ms>\\d+) ms (?P<what>\\w+)`
           took 7 ms x
           ~~~~~^~~~~^
                ms   what
";
    check(
        &["took 7 ms x"],
        &format!("slow: does not take it\n{found}  where    `ms >= 1000` does not hold: ms is 7\n"),
    );
    check(
        &["slow"],
        "slow: does not take it
  match    `slow`
           slow
           ~~~~
  where    `ms >= 1000` can't be told, so it does not hold: Undeclared reference to 'ms'
",
    );
    let found = "slow: takes it
  match    `took (?P<ms>\\d+) ms (?P<what>\\w+)`
           took 1000 ms db
           ~~~~~^^^^~~~~^^
                ms      what
  where    `ms >= 1000` holds
";
    let line = "took 1000 ms db";
    check(
        &[line],
        &format!("{found}  when     alerts when 2 lie within 1m per `what`: 1 so far of what=db\n"),
    );
    check(&[line, line], &format!("{found}  posted   opened: [ERROR] slow db, to `ops`\n"));
    check(
        &[line, line, line],
        &format!("{found}  when     alerts when 2 lie within 1m per `what`: 1 so far of what=db\n"),
    );
    check(
        &[line, line, line, line],
        &format!(
            "{found}  dedup    it joins an open episode, which tells in a summary 10m after its last message\n"
        ),
    );
    let other = "took 1000 ms queue";
    check(
        &[other, other, line, line],
        &format!("{found}  throttle the throttle holds it back; the rule's next message says so\n"),
    );
}

#[test]
fn the_input_that_is_asked_for_counts() {
    let yaml = "webhooks: { ops: { url: 'http://127.0.0.1:9/services/T0/B0/X' } }
inputs: { a: { files: /a }, b: { stdin: true } }
rules: [{ name: r, input: a, match: x }]
";
    let loaded = crate::config::from_str(yaml, "t", std::path::Path::new("/"), &|_| None);
    let stations = crate::proof::rehearsal::Stations::new(loaded.config.unwrap());
    let told = words(&Explainer::new(&stations, Some(1), NOW).explain(b"x"));
    assert!(told.ends_with("r: does not take it\n  match    `x`\n           x\n           ~\n  input    it reads `a`, not `b`\n"), "{told}");
    assert!(matches!(Explainer::new(&stations, None, NOW).explain(b"x").rules[0].end, End::Posted(_)));
    let error = stations.input_named("c").unwrap_err().to_string();
    assert_eq!(error, "there is no input `c`\nhelp: there are `a`, `b`");
}

#[test]
fn marks_stand_under_what_was_caught_whatever_the_line_holds() {
    let (_, stations) = stations("rules: [{ name: r, match: '(?P<a>é+)(?P<b>.)(?P<long>x)(?P<c>y)' }]\n");
    let told = words(&Explainer::new(&stations, None, NOW).explain("\u{1b}é世\u{0}xxy".as_bytes()));
    assert!(!told.contains('\u{1b}'));
    let told = words(&Explainer::new(&stations, None, NOW).explain("\u{1}漢éézxy \u{202e}".as_bytes()));
    assert!(
        told.contains(
            "           \\x01漢éézxy \\u{202e}\n                 ^^^^^\n                 a b c\n                    long\n"
        ),
        "{told}"
    );
    let long = format!("{}ézxy", "z".repeat(200));
    let told = words(&Explainer::new(&stations, None, NOW).explain(long.as_bytes()));
    assert!(
        told.contains("\n           a = é\n           b = z\n           long = x\n           c = y\n"),
        "{told}"
    );
}

#[test]
fn json_has_the_places() {
    let (_, stations) = stations(RULES);
    let told = object(&Explainer::new(&stations, None, NOW).explain(b"\xff took 1000 ms db"));
    let rule = &told["rules"][0];
    assert_eq!(
        (rule["gate"].as_str(), rule["taken"].as_bool(), rule["so_far"].as_u64()),
        (Some("when"), Some(true), Some(1))
    );
    assert_eq!(
        rule["match"].to_string(),
        r#"{"pattern":"took (?P<ms>\\d+) ms (?P<what>\\w+)","start":2,"end":17,"captures":[{"name":"ms","text":"1000","start":7,"end":11},{"name":"what","text":"db","start":15,"end":17}]}"#
    );
}

proptest! {
    /// An explanation that doesn't tell what `run` does would be worse than none.
    #[test]
    fn it_agrees_with_the_scanner_and_the_engine(
        lines in proptest::collection::vec(
            prop_oneof![
                "(took (7|1000|2000) ms (db|q)|slow|test|noise|x| ){1,4}",
                "[ -~]{0,12}",
            ],
            1..20,
        ),
    ) {
        let (_, stations) = stations(RULES);
        let mut explainer = Explainer::new(&stations, None, NOW);
        let mut rehearsal = Rehearsal::new(&stations, NOW);
        let origin = stations.origin(0);
        for line in &lines {
            let before = rehearsal.counters_of(crate::event::RuleId(0));
            rehearsal.line(0, &origin, crate::line::split::Line::cut(line.as_bytes(), 1_000), NOW);
            let after = rehearsal.counters_of(crate::event::RuleId(0));
            let explanation = explainer.explain(line.as_bytes());
            let end = &explanation.rules[0].end;
            prop_assert_eq!(end.taken(), after.matches > before.matches, "{}", line);
            let expected = match () {
                () if after.throttled > before.throttled => "throttle",
                () if after.posted > before.posted => "posted",
                () if after.joined > before.joined => "dedup",
                () if after.below_when > before.below_when => "when",
                () => end.gate(),
            };
            prop_assert_eq!(end.gate(), expected);
        }
    }
}
