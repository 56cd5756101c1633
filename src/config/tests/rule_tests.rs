//! `tests`: what they mean, and what a wrong one gets.

use std::time::Duration;

use super::*;
use crate::config::load_tests;
use crate::proof::case::{Entry, Part};
use crate::time::Time;

#[test]
fn a_test_has_lines_waits_and_expectations() {
    let config = config(&rules(
        "    match: '(?P<ip>x)'
    tests:
      - at: 2026-03-29T01:30:00+01:00
        lines: [one, { wait: 1m30s }, \"two\\nthree\\n\", '']
        expect:
          - { kind: opened, title: 7, mention: [here, S0123ABCD], key: { ip: 1.10 }, webhook: [ops] }
          - { kind: summary, count: 3, suppressed: 1, severity: info, link: 'https://x', mention: [] }
      - { lines: x, expect: [] }
",
    ));
    let [first, second] = &config.tests[..] else { panic!("two tests: {:?}", config.tests) };
    assert_eq!((&*first.rule, first.number, &*first.file, first.line), ("r", 1, "hooktail.yaml", 7));
    assert_eq!(first.at, Some(Time::from_secs(1_774_744_200)));
    let line = |text: &str| Entry::Line(text.to_owned());
    assert_eq!(
        first.entries,
        [line("one"), Entry::Wait(Duration::from_secs(90)), line("two"), line("three"), line("")]
    );
    let shown = |number: usize| {
        let parts = first.expect[number].parts.iter();
        parts.map(|(part, value)| format!("{part}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(0), "kind=opened title=7 mention=S0123ABCD, here webhook=ops key.ip=1.10");
    assert_eq!(shown(1), "kind=summary link=https://x mention=nobody severity=info count=3 suppressed=1");
    assert_eq!(first.expect[0].parts[0].0, Part::Kind);
    assert_eq!((second.number, second.line, &second.at, second.expect.len()), (2, 12, &None, 0));
}

#[test]
fn tests_of_a_rule_that_is_left_out_are_left_out() {
    let keys = "    match: x\n    enabled: false\n    tests: [{ lines: x, expect: [] }]\n";
    assert!(config(&rules(keys)).tests.is_empty());
}

#[test]
fn what_a_wrong_test_gets() {
    for (written, expected) in [
        (
            "{ lines: x }",
            vec!["6:13 error: a test needs `expect` = write `expect: []` where no message is to come"],
        ),
        (
            "{ expect: [] }",
            vec!["6:13 error: a test needs `lines` = write `lines: [\"…\", { wait: 10s }, \"…\"]`"],
        ),
        ("{ lines: [], expect: [] }", vec!["6:15 error: a test without lines"]),
        (
            "{ lines: [404], expect: [] }",
            vec![
                "6:23 error: an item of `lines` takes text or a map ^ this is a number = put it in quotes: '404'",
            ],
        ),
        (
            "{ lines: [{ wiat: 1s }], expect: [] }",
            vec!["6:25 error: unknown key `wiat` ^ did you mean `wait`?"],
        ),
        (
            "{ lines: [sshd: hello], expect: [] }",
            vec!["6:23 error: unknown key `sshd` = a line with a `:` followed by a space wants quotes"],
        ),
        (
            "{ lines: [{ wait: 5 }], expect: [] }",
            vec!["6:31 error: a duration needs a unit ^ did you mean `5s`?"],
        ),
        (
            "{ lines: [{}], expect: [] }",
            vec!["6:23 error: neither a line nor a time to wait = write `{ wait: 10s }`"],
        ),
        (
            "{ at: yesterday, lines: x, expect: [] }",
            vec!["6:19 error: not a time with its zone = write it as `2026-03-29T01:30:00+01:00`"],
        ),
        (
            "{ lines: x, expect: [{ kind: opend, webhook: opps, severity: bad, mention: bob }] }",
            vec![
                "6:42 error: `opend` is no `kind` ^ did you mean `opened`?",
                "6:58 error: there is no webhook `opps` ^ did you mean `ops`?",
                "6:74 error: `bad` is no `severity` = write `critical`, `error`, `warning`, `info`",
                "6:88 error: `bob` is no mention = Slack needs the id, not the name: `U…` or `W…` of a person (profile, \"Copy member ID\"), `S…` of a user group; or `here`, `channel`, `everyone`",
            ],
        ),
        (
            "{ lines: x, expect: [{}] }",
            vec![
                "6:34 error: a message of which nothing is said = write at least its `kind`; `expect: []` where no message is to come",
            ],
        ),
        (
            "{ rule: r, lines: x, expect: [] }",
            vec![
                "6:15 error: a rule's test is of that rule ^ leave it out, or write the test into a file of its own",
            ],
        ),
        (
            "{ lines: x, expect: [{ titel: a }] }",
            vec!["6:36 error: unknown key `titel` ^ did you mean `title`?"],
        ),
    ] {
        assert_eq!(told(&rules(&format!("    match: x\n    tests: [{written}]\n"))), expected, "{written}");
    }
    let defaults = format!("{}defaults: {{ tests: [] }}\n", rules("    match: x\n"));
    assert_eq!(told(&defaults), ["6:13 error: `tests` can't have a default ^ write it in each rule"]);
}

#[test]
fn tests_may_stand_in_a_file_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tests.yaml");
    let config = config(&rules("    match: x\n"));
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let loaded = load_tests(&path, &config);
        let told: Vec<String> = loaded.diagnostics.iter().map(line).collect();
        (loaded.cases, told)
    };
    let (cases, told) = read(
        "tests:\n- { rule: r, lines: x, expect: [{ kind: opened }] }\n- { rule: r, lines: y, expect: [] }\n",
    );
    let cases = cases.unwrap();
    assert_eq!((cases.len(), cases[1].number, cases[1].line, told.len()), (2, 2, 3, 0));
    for (text, expected) in [
        ("", "1:1 error: there are no tests = write `tests: [{ rule: NAME, lines: […], expect: […] }]`"),
        (
            "tests: [{ lines: x, expect: [] }]",
            "1:9 error: a test in a file of its own needs `rule` = write the name of the rule that it is of",
        ),
        ("tests: [{ rule: q, lines: x, expect: [] }]", "1:17 error: there is no rule `q` = there are `r`"),
        ("tsets: []", "1:1 error: unknown key `tsets` ^ did you mean `tests`?"),
    ] {
        let (cases, told) = read(text);
        assert_eq!((cases, told), (None, vec![expected.to_owned()]), "{text}");
    }
    let missing = load_tests(&folder.path().join("none.yaml"), &config);
    assert!(missing.cases.is_none() && missing.diagnostics[0].message.starts_with("cannot read"));
}
