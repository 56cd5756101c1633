//! `when`, `resolve` and the steps of `escalate`: what they mean, what `check` says of them, and their mistakes.

use std::time::Duration;

use super::*;
use crate::config::describe;
use crate::rule::{Aggregate, Level, Novelty, Side, StepAt, Surge, When};

const MATCH: &str = "    match: '(?P<user>\\S+) (?P<ms>\\d+)'\n";

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn when(when: &str) -> When {
    rule(&format!("{MATCH}    when: {{ {when} }}\n")).when
}

/// What `check` says of the rule's `when`.
fn said_of(keys: &str) -> Vec<String> {
    let config = config(&rules(&format!("{MATCH}{keys}")));
    describe(&config.rules[0], &config)
}

#[test]
fn every_spelling_of_when() {
    let user = || std::sync::Arc::<str>::from("user");
    let by = || vec![user()];
    assert_eq!(
        when("distinct: user, count: 10, within: 5m"),
        When::Distinct { of: user(), count: 10, within: secs(300), by: vec![] }
    );
    assert_eq!(when("absent: 10m, by: user"), When::Absent { after: secs(600), by: by() });
    let surge = Surge { ratio: 1.5, within: secs(300), min: 20, by: by() };
    assert_eq!(when("spike: 1.5, within: 5m, min: 20, by: user"), When::Spike(surge.clone()));
    assert_eq!(when("drop: 1.5, within: 5m, min: 20, by: [user]"), When::Drop(surge));
    let level = Level {
        side: Side::Above,
        threshold: 500.0,
        of: "ms".into(),
        aggregate: Aggregate::parse("p95").unwrap(),
        within: Some(secs(300)),
        lasting: secs(60),
        samples: 10,
        by: vec![],
    };
    assert_eq!(
        when("above: 500, of: ms, agg: p95, within: 5m, for: 1m, samples: 10"),
        When::Level(level.clone())
    );
    let plain = Level {
        side: Side::Below,
        threshold: -0.5,
        aggregate: Aggregate::Last,
        within: None,
        lasting: Duration::ZERO,
        samples: 1,
        ..level
    };
    assert_eq!(when("below: -0.5, of: ms, for: 0s"), When::Level(plain));
    let When::NotFollowedBy { pattern, within, by: of } =
        when("not_followed_by: 'end (?P<user>x)', within: 30s, by: user")
    else {
        panic!("another sort")
    };
    assert_eq!((pattern.as_str(), within, of), ("end (?P<user>x)", secs(30), by()));
    let day = 86_400;
    let novelty = Novelty { of: user(), remember: secs(30 * day), learn: secs(day), by: vec![] };
    assert_eq!(when("new: user"), When::New(novelty.clone()));
    assert_eq!(
        when("new: user, remember: 2d, learn: 0s"),
        When::New(Novelty { remember: secs(2 * day), learn: Duration::ZERO, ..novelty })
    );
    assert_eq!(when("changed: ms, by: user"), When::Changed { of: "ms".into(), by: by() });
}

#[test]
fn check_says_what_each_of_them_does() {
    let said = |when: &str| said_of(&format!("    when: {{ {when} }}\n"))[1].clone();
    for (when, words) in [
        ("distinct: user, count: 10, within: 5m", "alerts when 10 different values of `user` lie within 5m"),
        ("absent: 10m, by: user", "alerts when none has come for 10m per `user`"),
        (
            "spike: 3, within: 5m, min: 20",
            "alerts when 20 or more come within 5m that are 3 times those of the 5m before",
        ),
        (
            "drop: 3, within: 5m, min: 20",
            "alerts when 20 or more came within 5m and the 5m after have 3 times less",
        ),
        (
            "above: 500, of: ms, agg: p95, within: 5m, for: 1m, samples: 10",
            "alerts when the p95 of `ms` over 5m is above 500 for 1m, of at least 10 numbers",
        ),
        ("below: 1.5, of: ms", "alerts when `ms` is below 1.5"),
        ("not_followed_by: done, within: 30s", "alerts when none that matches `done` follows one within 30s"),
        ("new: user", "alerts when `user` has a value that was not seen for 30d, after 1d of learning"),
        ("new: user, learn: 0s", "alerts when `user` has a value that was not seen for 30d"),
        ("changed: ms, by: user", "alerts when `ms` is another than the last per `user`"),
    ] {
        assert_eq!(said(when), words);
    }
}

#[test]
fn resolution_and_steps_are_told() {
    let said = said_of(
        "    resolve: { after: 10m, match: ok }\n    escalate: [{ after: 1h, mention: here }, { count: 9, severity: critical }]\n",
    );
    assert_eq!(
        said[3..],
        [
            "after 1h mentions here",
            "at 9 becomes critical",
            "is resolved after 10m without a match or at a line that matches `ok`"
        ]
    );
    assert_eq!(said_of("    when: { absent: 1h }\n")[4..], ["says when it is over"]);
    let rule = rule(&format!(
        "{MATCH}    resolve: {{ after: 10m }}\n    escalate: {{ after: 1h, mention: here }}\n"
    ));
    let resolve = rule.resolve.unwrap();
    assert_eq!((resolve.after, resolve.pattern), (Some(secs(600)), None));
    assert_eq!(rule.escalate[0].at, StepAt::After(secs(3600)));
}

#[test]
fn the_most_specific_spelling_decides() {
    let yaml = |keys: &str| {
        let defaults = "defaults: { when: { count: 3, within: 1m, by: user } }\n";
        format!("{}{defaults}", rules(&format!("{MATCH}{keys}")))
    };
    let when = |keys: &str| config(&yaml(keys)).rules.remove(0).when;
    let by = vec!["user".into()];
    assert_eq!(when("    when: { absent: 10m }\n"), When::Absent { after: secs(600), by: by.clone() });
    assert_eq!(when("    when: { within: 5m }\n"), When::Count { count: 3, within: secs(300), by });
}

#[track_caller]
fn wrong(keys: &str, expected: &[&str]) {
    let told: Vec<String> = told(&rules(&format!("    match: '(?P<user>\\S+)'\n{keys}")));
    assert_eq!(told, expected, "{keys}");
}

#[test]
fn what_a_wrong_when_gets() {
    let spelled = |when: &str, expected: &[&str]| wrong(&format!("    when: {{ {when} }}\n"), expected);
    spelled("absent: 5m, spike: 3", &["6:25 error: `when` is one thing at a time ^ beside `absent`"]);
    spelled(
        "count: 5, within: 1m, min: 3",
        &["6:35 error: `min` means nothing with `count` = write `{ count: 5, within: 1m }`"],
    );
    spelled(
        "distinct: user",
        &[
            "6:13 error: `distinct` needs `count` = write `{ distinct: user, count: 10, within: 5m }`",
            "6:13 error: `distinct` needs `within` = write `{ distinct: user, count: 10, within: 5m }`",
        ],
    );
    spelled(
        "distinct: usr, count: 2, within: 1m",
        &["6:23 error: rule `r` has no field `usr` ^ did you mean `user`?"],
    );
    spelled(
        "spike: 0.5, within: 5m, min: 0",
        &["6:20 error: a number out of bounds ^ how many times as many: from 1 to 1000000"],
    );
    spelled(
        "drop: 3, within: 5m",
        &["6:13 error: `drop` needs `min` = write `{ drop: 3, within: 5m, min: 20 }`"],
    );
    spelled(
        "above: 5",
        &["6:13 error: `above` needs `of` = write `{ above: 500, of: ms, agg: p95, within: 5m }`"],
    );
    spelled(
        "above: 5, of: user, agg: mean",
        &[
            "6:38 error: `mean` is no `agg` = write `last`, `avg`, `min`, `max`, `sum`, `rate`, or a percentile as `p95`",
        ],
    );
    spelled("below: 5, of: user, agg: p95", &["6:38 error: `agg: p95` needs `within` ^ over what time?"]);
    spelled("above: .inf, of: user", &["6:20 error: a threshold that no number reaches"]);
    spelled(
        "above: 5, of: user, samples: 0, for: 5",
        &[
            "6:42 error: a number out of bounds ^ must be from 1 to 1000000000",
            "6:50 error: a duration needs a unit ^ did you mean `5s`?",
        ],
    );
    spelled("not_followed_by: '(', within: 30s", &["6:31 error: the regex is wrong ^ unclosed group"]);
    spelled(
        "not_followed_by: 'x', within: 30s, by: [user, file]",
        &[
            "6:30 error: what matches this has no field `user` ^ problems are told apart by it = give it a named group: `(?P<user>…)`",
        ],
    );
    spelled("new: user, remember: 0s", &["6:34 error: a duration of nothing ^ must be longer than 0"]);
    spelled("absnt: 5m", &["6:13 error: unknown key `absnt` ^ did you mean `absent`?"]);
}

#[test]
fn what_a_wrong_resolve_gets() {
    wrong(
        "    resolve: {}\n",
        &[
            "6:5 error: `resolve` needs `after` or `match` = write `{ after: 10m }`, `{ match: REGEX }`, or both",
        ],
    );
    wrong(
        "    dedup: off\n    resolve: { after: 5m }\n",
        &[
            "7:5 error: `resolve` with `dedup: off` ^ without `dedup` each alert is a problem of its own, and none goes on",
        ],
    );
    wrong(
        "    when: { absent: 5m }\n    resolve: { after: 5m }\n",
        &[
            "7:5 error: `resolve` where `when` resolves by itself ^ `absent`, `above` and `below` are over when what they wait for is",
        ],
    );
    wrong(
        "    dedup: { by: user }\n    resolve: { match: 'ok' }\n",
        &[
            "7:23 error: what matches this has no field `user` ^ problems are told apart by it = give it a named group: `(?P<user>…)`",
        ],
    );
    wrong("    dedup: { by: [captures.user, file] }\n    resolve: { match: 'ok (?P<user>x)' }\n", &[]);
}

#[test]
fn what_wrong_steps_get() {
    wrong(
        "    escalate: [{ count: 5, after: 1h, mention: here }]\n",
        &["6:16 error: a step of `escalate` with both `count` and `after` = write two steps"],
    );
    wrong(
        "    escalate: [{ after: 1h, mention: here }, { count: 5, mention: here }, { after: 30m, mention: here }]\n",
        &["6:84 error: the durations of `escalate` must increase ^ must be more than 1h"],
    );
}
