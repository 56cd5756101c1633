//! What a test says of what came.

use super::stations;
use crate::proof::diff::unified;
use crate::proof::junit;
use crate::proof::trial;

const RULE: &str = r#"rules:
  - name: ssh
    match: 'Failed password for (?P<user>\S+) from (?P<ip>\S+)'
    when: { count: 2, within: 1m, by: ip }
    escalate: [{ count: 4, mention: here, severity: critical }]
    message: { title: "SSH from {{ ip }}" }
    tests:
"#;

/// The diff of the rule's only test: nothing where it passes.
#[track_caller]
fn check(test: &str, expected: &[&str]) {
    let (cases, stations) = stations(&format!("{RULE}{test}"));
    let trial = trial::run(&cases[0], &stations);
    let diff: Vec<String> =
        unified(&trial).iter().map(|(side, line)| format!("{} {line}", side.mark())).collect();
    assert_eq!(trial.passed(), diff.iter().all(|line| line.starts_with(' ')), "{diff:#?}");
    let shown: Vec<&str> =
        if trial.passed() { Vec::new() } else { diff.iter().map(String::as_str).collect() };
    assert_eq!(shown, expected);
}

fn failure(ip: &str) -> String {
    format!("Failed password for root from {ip}")
}

#[test]
fn a_test_that_passes_says_nothing() {
    let line = failure("10.0.0.1");
    check(
        &format!(
            "      - lines: ['{line}', {{ wait: 59s }}, '{line}', '{line}', '{line}', {{ wait: 20m }}]
        expect:
          - {{ kind: opened, title: SSH from 10.0.0.1, count: 2, suppressed: 0, mention: [], key: {{ ip: 10.0.0.1 }},
              fields: {{ user: root }}, webhook: ops, severity: error, text: '{line}' }}
          - {{ kind: escalated, title: SSH from 10.0.0.1 · 4 in 59s, mention: here, severity: critical }}
"
        ),
        &[],
    );
}

#[test]
fn a_window_is_open_at_its_old_end() {
    let line = failure("10.0.0.1");
    check(&format!("      - lines: ['{line}', {{ wait: 1m }}, '{line}']\n        expect: []\n"), &[]);
}

/// Where nothing is told of an input it is read as it grows: `absent` is armed when the test begins.
#[test]
fn what_is_absent_is_missed_since_the_beginning_and_since_the_last_match() {
    let rule = |by: &str| {
        format!(
            "rules:\n  - name: gone\n    match: 'backup of (?P<what>\\w+)'\n    when: {{ absent: 10m{by} }}\n    tests:\n"
        )
    };
    let passes = |by: &str, test: &str| {
        let (cases, stations) = stations(&format!("{}      - {test}\n", rule(by)));
        assert!(
            trial::run(&cases[0], &stations).passed(),
            "{test}: {:#?}",
            unified(&trial::run(&cases[0], &stations))
        );
    };
    let opened = "kind: opened, count: 0";
    passes("", "{ lines: [{ wait: 599s }], expect: [] }");
    passes("", &format!("{{ lines: [{{ wait: 10m }}], expect: [{{ {opened} }}] }}"));
    passes("", &format!("{{ lines: [noise, {{ wait: 10m }}], expect: [{{ {opened} }}] }}"));
    passes("", "{ lines: [{ wait: 599s }, backup of db, { wait: 599s }], expect: [] }");
    passes(
        "",
        &format!(
            "{{ lines: [backup of db, {{ wait: 10m }}, backup of db], expect: [{{ {opened} }}, {{ kind: resolved }}] }}"
        ),
    );
    passes(", by: what", "{ lines: [noise, { wait: 2h }], expect: [] }");
    passes(
        ", by: what",
        &format!(
            "{{ lines: [backup of db, {{ wait: 5m }}, backup of web, {{ wait: 5m }}], expect: [{{ {opened}, key: {{ what: db }} }}] }}"
        ),
    );
}

#[test]
fn what_differs_stands_side_by_side() {
    let line = failure("10.0.0.1");
    check(
        &format!(
            "      - lines: ['{line}', '{line}']
        expect: [{{ kind: opened, title: SSH from 10.0.0.2, fields: {{ user: root, port: 1.10 }}, text: \"a\\nb\" }}]
"
        ),
        &[
            "  - kind: opened",
            "-   title: SSH from 10.0.0.2",
            "+   title: SSH from 10.0.0.1",
            "-   text: |",
            "-     a",
            "-     b",
            "+   text: Failed password for root from 10.0.0.1",
            "    fields.user: root",
            "-   fields.port: 1.10",
            "+   fields.port: (none)",
        ],
    );
}

#[test]
fn a_missing_message_does_not_shift_the_others() {
    let (one, two) = (failure("10.0.0.1"), failure("10.0.0.2"));
    check(
        &format!(
            "      - lines: ['{two}', '{two}', '{one}', '{one}']
        expect: [{{ kind: opened, title: SSH from 10.0.0.1, key: {{ ip: 10.0.0.1 }} }}]
"
        ),
        &[
            "+ - kind: opened",
            "+   title: SSH from 10.0.0.2",
            "+   severity: error",
            "+   mention: nobody",
            "+   count: 2",
            "+   key.ip: 10.0.0.2",
            "  - kind: opened",
            "    title: SSH from 10.0.0.1",
            "    key.ip: 10.0.0.1",
        ],
    );
    check(
        &format!("      - lines: ['{one}']\n        expect: [{{ kind: opened, mention: here }}]\n"),
        &["- - kind: opened", "-   mention: here"],
    );
}

#[test]
fn time_stops_with_the_last_entry_and_nothing_is_flushed() {
    let line = failure("10.0.0.1");
    let lines = format!("'{line}', '{line}', '{line}', '{line}', '{line}', '{line}'");
    let opened = "{ kind: opened }, { kind: escalated }";
    check(&format!("      - lines: [{lines}, {{ wait: 9m }}]\n        expect: [{opened}]\n"), &[]);
    check(
        &format!(
            "      - lines: [{lines}, {{ wait: 10m }}]\n        expect: [{opened}, {{ kind: summary, suppressed: 2 }}]\n"
        ),
        &[],
    );
}

#[test]
fn a_text_of_several_lines_is_several_lines() {
    let line = failure("10.0.0.1");
    check(
        &format!(
            "      - lines: |\n          {line}\n          {line}\n        expect: {{ kind: opened, count: 2 }}\n"
        ),
        &[],
    );
}

#[test]
fn at_is_the_time_of_the_first_line() {
    let line = failure("10.0.0.1");
    let (cases, stations) = stations(&format!(
        "{RULE}      - at: 2026-03-29T01:30:00+01:00\n        lines: ['{line}', {{ wait: 5s }}, '{line}']\n        expect: []\n"
    ));
    let alert = &trial::run(&cases[0], &stations).got[0].alert;
    assert_eq!(
        [alert.first_seen, alert.decided].map(crate::time::Time::as_secs),
        [1_774_744_200, 1_774_744_205]
    );
}

#[test]
fn lines_with_times_tell_the_clock() {
    let at = |secs: i64| format!("1970-01-01T00:{:02}:{:02}Z {}", secs / 60, secs % 60, failure("10.0.0.1"));
    let opened = "{ kind: opened }";
    let lines =
        |times: &[i64]| times.iter().map(|secs| format!("'{}'", at(*secs))).collect::<Vec<_>>().join(", ");
    check(&format!("      - lines: [{}]\n        expect: [{opened}]\n", lines(&[0, 59])), &[]);
    check(&format!("      - lines: [{}]\n        expect: []\n", lines(&[0, 60])), &[]);
    // The window of the episode is up by the time of a line; a time that goes back counts as the latest.
    check(
        &format!(
            "      - lines: [{}]\n        expect: [{opened}, {{ kind: escalated }}, {{ kind: opened, count: 2 }}]\n",
            lines(&[0, 1, 2, 3, 630, 5])
        ),
        &[],
    );
}

#[test]
fn junit_holds_any_text() {
    let (cases, stations) = stations(
        "rules:
  - name: r
    match: x
    message: { title: \"{{ line }}\" }
    tests:
      - { lines: [\"x <&>\\\" \\x01 ]]>\"], expect: [] }
      - { lines: [y], expect: [] }
",
    );
    let trials: Vec<_> =
        cases.iter().map(|case| (trial::run(case, &stations), std::time::Duration::from_millis(1))).collect();
    let xml = junit::report(&trials);
    let expected = [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<testsuites name=\"hooktail\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"0.002\">",
        "  <testsuite name=\"r\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"0.002\">",
        "    <testcase classname=\"r\" name=\"test 1 (hooktail.yaml:8)\" file=\"hooktail.yaml\" line=\"8\" time=\"0.001\">",
        "      <failure message=\"messages: 0 expected, 1 came\">",
        "+ - kind: opened",
        "+   title: x &lt;&amp;&gt;&quot; \\x01 ]]&gt;",
        "+   severity: error",
        "+   mention: nobody",
        "+   count: 1",
        "+   key.shape: x &lt;&amp;&gt;&quot; � ]]&gt;",
        "      </failure>",
        "    </testcase>",
        "    <testcase classname=\"r\" name=\"test 2 (hooktail.yaml:9)\" file=\"hooktail.yaml\" line=\"9\" time=\"0.001\"/>",
        "  </testsuite>",
        "</testsuites>",
    ];
    assert_eq!(xml.lines().collect::<Vec<_>>(), expected);
}

/// Row 76 of the catalogue of faults: the machine was suspended, and a month passes at once. What was due in between
/// comes once each, in its order, and a throttle has room for its burst, not for a month.
#[test]
fn row_76_after_a_long_sleep_timers_fire_once() {
    let (cases, stations) = stations(
        "rules:
  - name: r
    match: 'disk (?P<disk>\\w+)'
    dedup: { by: disk, window: 10m }
    throttle: { rate: 2/m }
    tests:
      - lines: [disk a, disk b, disk a, disk b, disk b, { wait: 30d }, disk c, disk d, disk e]
        expect:
          - { kind: opened, key: { disk: a } }
          - { kind: opened, key: { disk: b } }
          - { kind: summary, key: { disk: a }, suppressed: 1 }
          - { kind: summary, key: { disk: b }, suppressed: 2 }
          - { kind: opened, key: { disk: c } }
          - { kind: opened, key: { disk: d } }
",
    );
    let trial = trial::run(&cases[0], &stations);
    assert!(trial.passed(), "{:#?}", unified(&trial));
    let decided: Vec<i64> =
        trial.got.iter().map(|shown| shown.alert.decided.as_secs() - 1_767_225_600).collect();
    let month = 30 * 86_400;
    assert_eq!(decided, [0, 0, 600, 600, month, month], "each at the time at which it was due");
}
