//! `hooktail test` as a user meets it: what it prints, what it writes, and its status.

use crate::agent::{Ended, Folder, Launch};

const RULES: &str = r#"webhooks: { ops: { url: "http://127.0.0.1:9/services/T0/B0/X" } }
inputs: { app: { files: /var/log/app.log } }
rules:
  - name: disk-full
    match: 'disk (?P<disk>\S+) is full'
    message: { title: "{{ disk }} is full" }
    tests:
      - lines: [disk sda is full]
        expect: [{ kind: opened, title: sda is full }]
  - name: other
    match: other
"#;

fn test(folder: &Folder, rules: &str, more: &[&str]) -> Ended {
    folder.write("rules.yaml", rules);
    Launch::new(["test", "-c", "rules.yaml"]).args(more.iter().copied()).folder(&folder.path("")).output("")
}

#[test]
fn tests_that_pass_are_said_in_a_line() {
    let ended = test(&Folder::new(), RULES, &[]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(
        String::from_utf8_lossy(&ended.stdout),
        "ok   disk-full: 1 of 1 passed\n1 test passed; without a test: `other`\n"
    );
}

#[test]
fn a_test_that_fails_shows_the_difference_and_ends_with_1() {
    let folder = Folder::new();
    folder.write("more.yaml", "tests: [{ rule: other, lines: [nothing], expect: [{ kind: opened }] }]\n");
    let rules = RULES.replace("title: sda is full", "title: sdb is full");
    let ended = test(&folder, &rules, &["more.yaml", "--junit", "junit.xml"]);
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    assert_eq!(
        String::from_utf8_lossy(&ended.stdout),
        "FAIL disk-full: 0 of 1 passed
  test 1 (rules.yaml:8): - expected, + came
      - kind: opened
    -   title: sdb is full
    +   title: sda is full
FAIL other: 0 of 1 passed
  test 1 (more.yaml:1): - expected, + came
    - - kind: opened
2 tests, 2 failed
"
    );
    let xml = folder.read("junit.xml");
    assert!(xml.contains("<testsuites name=\"hooktail\" tests=\"2\" failures=\"2\""), "{xml}");
    let ended = test(&folder, &rules, &["more.yaml", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!((json["ok"].as_bool(), json["failed"].as_u64()), (Some(false), Some(2)));
    let difference = &json["tests"][0]["differences"][0];
    assert_eq!(
        difference.to_string(),
        r#"{"message":1,"key":"title","expected":"sdb is full","came":"sda is full"}"#
    );
}

#[test]
fn a_wrong_file_of_tests_ends_with_2() {
    let folder = Folder::new();
    folder.write("more.yaml", "tests: [{ rule: othr, lines: [x], expect: [] }]\n");
    let ended = test(&folder, RULES, &["more.yaml"]);
    assert_eq!(ended.code(), 2);
    assert_eq!(ended.said(&["there is no rule `othr`"]), 1, "{}", ended.stderr);
    assert_eq!(test(&folder, RULES, &["missing.yaml"]).code(), 2);
    assert_eq!(test(&folder, &RULES.replace("expect:", "expcet:"), &[]).code(), 2);
}

#[test]
fn a_line_is_explained_and_the_status_is_0() {
    let folder = Folder::new();
    folder.write("rules.yaml", RULES);
    let explain = |args: &[&str], input: &str| {
        let launch = Launch::new(["explain", "-c", "rules.yaml"]).args(args.iter().copied());
        launch.folder(&folder.path("")).output(input)
    };
    let ended = explain(&["disk sda is full"], "");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(told.contains("  posted   opened: [ERROR] sda is full, to `ops`\n"), "{told}");
    let ended = explain(&["--json", "-"], "disk sda is full\nother");
    let gates: Vec<String> = String::from_utf8_lossy(&ended.stdout)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|told| format!("{} {}", told["rules"][0]["gate"], told["rules"][1]["gate"]))
        .collect();
    assert_eq!(gates, [r#""posted" "match""#, r#""match" "posted""#]);
    assert_eq!(explain(&["--input", "auth", "x"], "").code(), 2);
}

const COSTLY: &str = r#"
webhooks: { ops: { url: "https://hooks.slack.com/services/T0/B0/x" } }
inputs:
  app: { files: /var/log/app.log }
  other: { files: /var/log/other.log }
rules:
  - { name: text, input: app, match: 'disk (?P<disk>\w+) is full', where: disk != "sdb" }
  - { name: words, input: app, match: '[a-z]+ [a-z]+ [a-z]+' }
  - { name: open, input: app, where: 'line == "disk sda is full"' }
  - { name: elsewhere, input: other, match: x }
"#;

#[test]
fn what_finding_lines_costs_is_told_by_rule() {
    let folder = Folder::new();
    folder.write("rules.yaml", COSTLY);
    let explain = |args: &[&str], input: &str| {
        let launch = Launch::new(["explain", "--cost", "-c", "rules.yaml"]).args(args.iter().copied());
        launch.folder(&folder.path("")).output(input)
    };
    let lines = "disk sda is full\ndisk sdb is full\nNOTHING\n".repeat(1_000);
    let ended = explain(&["--input", "app", "--json"], &lines);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(
        (&told["input"], &told["lines"], &told["bytes"]),
        (&"app".into(), &3_000.into(), &42_000.into())
    );
    let rules = told["rules"].as_array().unwrap();
    let number = |rule: &serde_json::Value, key: &str| rule[key].as_f64().unwrap();
    for rule in rules {
        let by = match rule["rule"].as_str().unwrap() {
            "text" => ("text", 2_000.0, 1_000.0),
            "words" => ("automaton", 2_000.0, 2_000.0),
            "open" => ("every_line", 3_000.0, 1_000.0),
            other => panic!("{other} does not read it"),
        };
        assert_eq!((rule["found_by"].as_str().unwrap(), number(rule, "shown"), number(rule, "taken")), by);
        assert!(number(rule, "scan_seconds") > 0.0, "{rule}");
    }
    let sum: f64 = rules.iter().map(|rule| number(rule, "scan_seconds")).sum::<f64>();
    assert!((sum + number(&told, "filter_seconds") - number(&told, "scan_seconds")).abs() < 1e-6, "{told}");
    let costs: Vec<f64> = rules.iter().map(|rule| number(rule, "scan_seconds")).collect();
    assert!(costs.len() == 3 && costs.is_sorted_by(|one, other| one >= other), "{told}");

    let ended = explain(&["--input", "app", "disk sda is full"], "");
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(told.starts_with("1 line (16 B) of `app`: "), "{told}");
    assert!(told.contains("found by") && told.contains("an automaton"), "{told}");
    assert_eq!(explain(&["--input", "ap", "x"], "").code(), 2);
    let ended = explain(&[], "");
    assert_eq!((ended.code(), ended.said(&["`--input NAME`", "`app`, `other`"])), (2, 1), "{}", ended.stderr);
}

#[test]
fn lines_that_are_one_event_are_tested_explained_and_drawn_as_one() {
    let rules = RULES.replace("app: { files: /var/log/app.log }", "app: { files: /var/log/app.log, multiline: { preset: python } }")
        .replace("- name: other\n    match: other\n", "- name: other\n    match: '(?s)^ERROR save.*TimeoutError: (?P<why>.*)'\n    \
            message: { title: '{{ why }}' }\n    tests:\n      - lines: |\n          ERROR save\n          Traceback (most recent call last):\n            \
            File \"a.py\", line 1, in f\n          TimeoutError: no answer\n        expect: [{ kind: opened, title: no answer }]\n");
    let folder = Folder::new();
    let ended = test(&folder, &rules, &[]);
    assert_eq!(ended.code(), 0, "{}{}", ended.stderr, String::from_utf8_lossy(&ended.stdout));
    let run = |args: &[&str]| Launch::new(args.iter().copied()).folder(&folder.path("")).output("");
    let text = "ERROR save\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nTimeoutError: no answer";
    let explained = run(&["explain", "-c", "rules.yaml", text]);
    let words = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert_eq!(words.matches("shape:").count(), 1, "{words}");
    assert!(words.contains("other: takes it"), "{words}");
    for args in
        [&["preview", "-c", "rules.yaml", "other"][..], &["preview", "-c", "rules.yaml", "other", text]]
    {
        let drawn = run(args);
        assert!(String::from_utf8_lossy(&drawn.stdout).contains("no answer"), "{}", drawn.stderr);
    }
}
