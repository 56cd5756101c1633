//! An engine that is stopped, stored and started again goes on as if it had not been.

use std::collections::BTreeMap;

use super::*;
use crate::around::{Around, FOLLOW_WAIT, Reach};
use crate::captures::Captures;
use crate::message::redact::Redactor;
use crate::message::redact_alert::redact_alert;
use crate::store::{Record, Space};

/// Records by owner and key, as a store keeps them.
#[derive(Debug, Default, Clone)]
pub(super) struct Stored(BTreeMap<(Arc<str>, Box<str>), Record>);

impl Stored {
    pub(super) fn put(&mut self, records: Vec<Record>) {
        for record in records {
            assert_eq!(record.space, Space::Engine);
            let place = (record.owner.clone(), record.key.clone());
            match record.value {
                Some(_) => drop(self.0.insert(place, record)),
                None => drop(self.0.remove(&place)),
            }
        }
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.0.values().cloned().collect()
    }

    fn text(&self) -> String {
        let value = |record: &Record| String::from_utf8(record.value.clone().unwrap().into()).unwrap();
        self.0.values().map(|record| format!("{} {}\n", record.key, value(record))).collect()
    }
}

fn redact(alert: &mut Alert, rule: &Rule) {
    redact_alert(alert, &rule.redact);
}

impl Bench {
    pub(super) fn store(&mut self, stored: &mut Stored) {
        stored.put(self.engine.take_changes(&redact));
    }

    /// The engine of `rules`, from what is stored.
    pub(super) fn restart(&mut self, stored: &Stored, rules: Arc<[Rule]>, at: u64) -> Restored {
        let (engine, restored) =
            Engine::restore(rules, "host".into(), 100, stored.records(), START + secs(at));
        self.engine = engine;
        restored
    }
}

/// One rule of each kind, told apart by `count`, `throttle` and `summary`.
fn rules(count: u32, per_minute: u32, summary: bool) -> Arc<[Rule]> {
    Arc::from([Rule {
        when: if count == 0 { When::Every } else { by_ip(count, 60) },
        dedup: Some(Dedup { by: None, window: secs(100), backoff: 1.5, max: secs(300), summary }),
        throttle: throttle(per_minute, 1),
        escalate: vec![step(6, &[Mention::Here])],
        ..rule()
    }])
}

proptest! {
    #[test]
    fn a_restart_changes_nothing(
        stream in proptest::collection::vec((0u64..90, 0u8..5, prop::bool::weighted(0.2)), 1..200),
        count in 0u32..4,
        per_minute in 1u32..10,
        summary: bool,
    ) {
        let rules = rules(count, per_minute, summary);
        let mut straight = Bench::of(rules.clone(), 100);
        let mut stopped = Bench::of(rules.clone(), 100);
        let mut stored = Stored::default();
        prop_assert_eq!(stopped.restart(&stored, rules.clone(), 0), Restored::default());
        let mut at = 0;
        for (gap, ip, stop) in &stream {
            at += gap;
            let line = format!("failed {} from {ip}", "abc".get(usize::from(*ip) % 3..).unwrap());
            straight.line(at, &line, &ip.to_string());
            stopped.line(at, &line, &ip.to_string());
            if *stop {
                stopped.store(&mut stored);
                prop_assert_eq!(stopped.restart(&stored, rules.clone(), at), Restored::default());
                prop_assert_eq!(stopped.engine.take_changes(&redact), vec![]);
            }
        }
        straight.engine.end_of_input(START + secs(at));
        stopped.engine.end_of_input(START + secs(at));
        straight.told();
        stopped.told();
        prop_assert_eq!(straight.counters(), stopped.counters());
        prop_assert_eq!(straight.seen, stopped.seen);
    }
}

/// A bench whose engine has stored what these lines left.
fn stopped(rules: &Arc<[Rule]>, lines: &[(u64, &str)]) -> (Bench, Stored) {
    let mut bench = Bench::of(rules.clone(), 100);
    let mut stored = Stored::default();
    bench.restart(&stored, rules.clone(), 0);
    for (at, ip) in lines {
        bench.ip(*at, ip);
    }
    bench.store(&mut stored);
    (bench, stored)
}

#[test]
fn what_came_due_while_it_was_down_is_handled_at_the_start_once_each() {
    let rules: Arc<[Rule]> = Arc::from([Rule { when: by_ip(1, 60), ..rule() }]);
    let (mut bench, stored) = stopped(&rules, &[(0, "a"), (1, "b"), (2, "b"), (3, "a")]);
    bench.restart(&stored, rules, 100_000);
    let told = bench.wait(100_000);
    assert_eq!(told, ["100000 summary count 2 suppressed 1", "100000 summary count 2 suppressed 1"]);
    assert_eq!(bench.seen[2].key[0].1.as_ref(), "a");
    assert_eq!(bench.engine.next_due(), Some(START + secs(101_200)));
}

#[test]
fn a_rule_that_means_something_else_starts_anew() {
    let before: Arc<[Rule]> = Arc::from([Rule { when: by_ip(3, 60), ..rule() }]);
    let (mut bench, mut stored) = stopped(&before, &[(0, "a"), (1, "a")]);
    let after: Arc<[Rule]> = Arc::from([Rule { when: by_ip(2, 60), ..rule() }]);
    let restored = bench.restart(&stored, after, 2);
    assert_eq!(restored, Restored { anew: vec!["r".into()], ..Restored::default() });
    assert!(bench.ip(2, "a").is_empty());
    bench.store(&mut stored);
    assert_eq!(bench.ip(3, "a"), ["3 opened count 2 suppressed 0"]);

    let renamed: Arc<[Rule]> = Arc::from([Rule { name: "s".into(), when: by_ip(3, 60), ..rule() }]);
    let restored = bench.restart(&stored, renamed, 4);
    assert_eq!(restored, Restored { gone: vec!["r".into()], ..Restored::default() });
    bench.store(&mut stored);
    assert!(!stored.text().contains("\"r\"") && stored.0.keys().all(|(owner, _)| &**owner != "r"));
}

#[test]
fn other_settings_change_no_state() {
    let before: Arc<[Rule]> = Arc::from([Rule { when: by_ip(3, 60), ..rule() }]);
    let (mut bench, stored) = stopped(&before, &[(0, "a"), (1, "a")]);
    let after: Arc<[Rule]> =
        Arc::from([Rule { when: by_ip(3, 60), severity: Severity::Info, dedup: dedup(5, 1.0), ..rule() }]);
    assert_eq!(bench.restart(&stored, after, 2), Restored::default());
    assert_eq!(bench.ip(2, "a"), ["2 opened count 3 suppressed 0"]);
}

#[test]
fn row_75_a_stored_time_in_the_future_counts_as_now() {
    let rules: Arc<[Rule]> = Arc::from([Rule { when: by_ip(2, 60), ..rule() }]);
    let (mut bench, stored) = stopped(&rules, &[(900_000, "a"), (900_000, "b"), (900_000, "b")]);
    bench.restart(&stored, rules, 10);
    assert_eq!(bench.engine.next_due(), Some(START + secs(610)));
    assert_eq!(bench.ip(69, "a"), ["69 opened count 2 suppressed 0"]);
}

#[test]
fn what_can_not_be_read_starts_anew_and_is_counted() {
    let rules: Arc<[Rule]> = Arc::from([Rule { when: by_ip(3, 60), ..rule() }]);
    let (mut bench, mut stored) = stopped(&rules, &[(0, "a"), (1, "a"), (1, "b"), (1, "b")]);
    let place = stored.0.keys().find(|(_, key)| key.ends_with("1:a")).unwrap().clone();
    stored.0.get_mut(&place).unwrap().value = Some(b"{".to_vec().into());
    assert_eq!(bench.restart(&stored, rules, 2).unreadable, 1);
    bench.store(&mut stored);
    assert!(!stored.0.contains_key(&place));
    assert!(bench.ip(2, "a").is_empty());
    assert_eq!(bench.ip(2, "b"), ["2 opened count 3 suppressed 0"]);
}

#[test]
fn no_secret_is_stored() {
    let redact = Arc::new(Redactor::new(true, Vec::new()));
    let rules: Arc<[Rule]> = Arc::from([
        Rule { when: by_ip(1, 60), redact: redact.clone(), ..rule() },
        Rule { name: "s".into(), throttle: throttle(1, 1), redact, ..rule() },
    ]);
    let mut bench = Bench::of(rules.clone(), 100);
    let mut stored = Stored::default();
    bench.restart(&stored, rules.clone(), 0);
    for at in 0..3 {
        bench.line_of(0, at, "login password=hunter from x", "password=hunter");
        bench.line_of(1, at, &"token=hunter z".repeat(usize::try_from(at).unwrap()), "x");
    }
    bench.store(&mut stored);
    let text = stored.text();
    assert!(text.contains("redacted") && !text.contains("hunter"), "{text}");
    assert_eq!(bench.restart(&stored, rules, 3), Restored::default());
    assert_eq!(bench.line_of(0, 3, "x", "password=hunter").len(), 1, "told once more, not hidden");
}

/// A match among a line with a secret and one that is still to come.
fn among(bench: &Bench, at: u64) -> (Match, Arc<Around>) {
    let before = ["earlier", "pin password=hunter"].map(str::as_bytes);
    let around =
        Arc::new(Around::new(before.into_iter().rev(), Reach { before: 5, after: 5 }, START + secs(at)));
    let (origin, line, time) = (bench.origin.clone(), b"failed".as_slice().into(), START + secs(at));
    let event = Arc::new(Event {
        origin,
        line,
        truncated: false,
        time,
        parse: Parse::Text,
        shape: Default::default(),
    });
    let (severity, captures) = (Severity::Error, Captures::default());
    let found =
        Match { rule: RuleId(0), role: Role::Match, event, captures, severity, around: Some(around.clone()) };
    (found, around)
}

#[test]
fn a_summary_shows_what_was_around_the_last_line_also_after_a_restart() {
    let redact = Arc::new(Redactor::new(true, Vec::new()));
    let rules: Arc<[Rule]> = Arc::from([Rule { context: Reach { before: 1, after: 2 }, redact, ..rule() }]);
    for is_restarted in [false, true] {
        let mut bench = Bench::of(rules.clone(), 100);
        let mut stored = Stored::default();
        bench.restart(&stored, rules.clone(), 0);
        let (found, around) = among(&bench, 0);
        bench.engine.take(found, START);
        let mut opened = bench.engine.take_alerts().remove(0);
        assert_eq!(opened.follow(START), Some(START + FOLLOW_WAIT));
        while around.follow(b"later", START) {}
        assert_eq!(opened.follow(START), None);
        let context = opened.event.unwrap().context;
        assert_eq!([context.before, context.after].concat(), ["pin password=hunter", "later", "later"]);

        let (found, around) = among(&bench, 9);
        bench.engine.take(found, START + secs(9));
        around.follow(b"token=hunter", START + secs(10));
        around.follow(b"too late", START + secs(11));
        bench.store(&mut stored);
        assert!(!stored.text().contains("hunter"), "{}", stored.text());
        if is_restarted {
            bench.restart(&stored, rules.clone(), 20);
        }
        bench.engine.advance(START + secs(600));
        let mut summary = bench.engine.take_alerts().remove(0);
        assert_eq!((summary.kind, summary.follow(START + secs(600))), (Kind::Summary, None));
        redact_alert(&mut summary, &rules[0].redact);
        let context = summary.event.unwrap().context;
        assert_eq!([context.before, context.after].concat(), ["pin password=[redacted]", "token=[redacted]"]);
    }
}
