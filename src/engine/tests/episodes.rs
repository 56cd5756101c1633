//! Episodes, resolution, coming back and escalation against a plain walk through the seconds, and each by example.

use std::collections::BTreeMap;

use super::*;
use crate::captures::Captures;
use crate::event::InputState;
use crate::expr::Expr;
use crate::rule::{Aggregate, Level, Pattern, Resolve, Side};

/// What was told: when, of which key, what, with which counts.
type Told = (u64, String, &'static str, u64, u64);

fn told(alerts: &[Alert]) -> Vec<Told> {
    let key = |alert: &Alert| alert.key.first().map_or(String::new(), |(_, value)| value.to_string());
    alerts
        .iter()
        .map(|alert| {
            let at = alert.decided.since(START).as_secs();
            (at, key(alert), alert.kind.name(), alert.count, alert.suppressed)
        })
        .collect()
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    window: u64,
    backoff: u64,
    max: u64,
    after: Option<u64>,
    by_line: bool,
    step_count: u64,
    step_after: u64,
}

impl Plan {
    fn rule(&self) -> Rule {
        let pattern = self.by_line.then(|| Pattern::new(crate::rule::On::Message, "x").unwrap());
        let resolve = Resolve { after: self.after.map(secs), pattern };
        let is_resolved = resolve.after.is_some() || resolve.pattern.is_some();
        Rule {
            dedup: Some(Dedup {
                by: Some(vec!["ip".into()]),
                window: secs(self.window),
                backoff: self.backoff as f64,
                max: secs(self.max),
                summary: true,
            }),
            resolve: is_resolved.then_some(resolve),
            escalate: vec![
                step(self.step_count, &[Mention::Here]),
                Step { at: StepAt::After(secs(self.step_after)), ..step(0, &[Mention::Channel]) },
            ],
            ..rule()
        }
    }
}

/// How a key stands in the walk.
#[derive(Debug, Clone)]
struct Walked {
    opened: u64,
    count: u64,
    suppressed: u64,
    length: u64,
    since: Option<u64>,
    alerted: bool,
    last: u64,
    reopened: u64,
    steps: [bool; 2],
    /// Resolved, and whether that was told.
    over: Option<(u64, bool)>,
}

struct Walk {
    plan: Plan,
    keys: BTreeMap<String, Walked>,
    told: Vec<Told>,
}

impl Walk {
    fn say(&mut self, now: u64, key: &str, kind: &'static str) {
        let walked = self.keys.get_mut(key).unwrap();
        self.told.push((now, key.to_owned(), kind, walked.count, walked.suppressed));
        walked.suppressed = 0;
        walked.alerted = false;
        if walked.over.is_none() {
            walked.since = Some(now);
        }
    }

    fn summary(&mut self, now: u64, key: &str) {
        let walked = self.keys.get_mut(key).unwrap();
        walked.length = (walked.length * self.plan.backoff).min(self.plan.max.max(walked.length));
        self.say(now, key, "summary");
    }

    fn resolve(&mut self, now: u64, key: &str) {
        let walked = self.keys.get_mut(key).unwrap();
        let is_told = walked.reopened < 3;
        walked.over = Some((now, is_told));
        walked.since = None;
        if is_told {
            self.say(now, key, "resolved");
        }
    }

    /// What is due at `now`: resolutions, then windows.
    fn due(&mut self, now: u64) {
        let keys: Vec<String> = self.keys.keys().cloned().collect();
        let Plan { window, max, after, by_line, .. } = self.plan;
        for key in &keys {
            let walked = self.keys[key].clone();
            match walked.over {
                Some((at, is_told)) if at + window <= now => {
                    if !is_told {
                        self.say(now, key, "resolved");
                    }
                    self.keys.remove(key);
                }
                None if after.is_some_and(|after| walked.last + after <= now) => self.resolve(now, key),
                None if after.is_none() && by_line && walked.last + max <= now => {
                    self.keys.remove(key);
                }
                _ => {}
            }
        }
        for key in &keys {
            let Some(walked) = self.keys.get(key).cloned() else { continue };
            if walked.over.is_some() || walked.since.is_none_or(|since| since + walked.length > now) {
                continue;
            }
            if walked.alerted {
                self.summary(now, key);
            } else if after.is_some() || by_line {
                self.keys.get_mut(key).unwrap().since = None;
            } else {
                self.keys.remove(key);
            }
        }
    }

    fn event(&mut self, now: u64, key: &str) {
        let Plan { window, step_count, step_after, .. } = self.plan;
        let Some(walked) = self.keys.get_mut(key) else {
            let new = Walked {
                opened: now,
                count: 1,
                suppressed: 0,
                length: window,
                since: None,
                alerted: false,
                last: now,
                reopened: 0,
                steps: [step_count <= 1, false],
                over: None,
            };
            self.keys.insert(key.to_owned(), new);
            return self.say(now, key, "opened");
        };
        walked.count += 1;
        walked.suppressed += 1;
        walked.alerted = true;
        walked.last = now;
        if walked.over.take().is_some() {
            walked.reopened += 1;
            walked.length = window;
            if walked.reopened < 3 {
                self.say(now, key, "reopened");
            } else {
                walked.since = Some(now);
            }
        }
        let walked = self.keys.get_mut(key).unwrap();
        let reached = [step_count <= walked.count, now - walked.opened >= step_after];
        let new = (0..2).any(|step| reached[step] && !walked.steps[step]);
        (0..2).for_each(|step| walked.steps[step] |= reached[step]);
        if new {
            self.say(now, key, "escalated");
        } else if walked.since.is_none() {
            self.summary(now, key);
        }
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let resolve = (prop::option::of(1u64..60), any::<bool>());
    let steps = (1u64..12, 10u64..200);
    (5u64..40, 1u64..3, 1u64..4, resolve, steps).prop_map(
        |(window, backoff, times, (after, by_line), steps)| Plan {
            window,
            backoff,
            max: window * times,
            after,
            by_line,
            step_count: steps.0,
            step_after: steps.1,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn episodes_are_what_a_walk_through_the_seconds_finds(
        plan in plans(),
        stream in proptest::collection::vec((0u64..40, 0u8..3, prop::bool::weighted(0.15), prop::bool::weighted(0.1)), 1..120),
    ) {
        let rules: Arc<[Rule]> = Arc::from([plan.rule()]);
        let mut bench = Bench::of(rules.clone(), 100);
        let mut stored = restart::Stored::default();
        bench.restart(&stored, rules.clone(), 0);
        let mut walk = Walk { plan, keys: BTreeMap::new(), told: Vec::new() };
        let (mut at, mut walked_to) = (0, 0);
        for (gap, ip, is_end, stop) in &stream {
            at += gap;
            let ip = ip.to_string();
            (walked_to..=at).for_each(|now| walk.due(now));
            walked_to = at + 1;
            let role = if *is_end { Role::Resolution } else { Role::Match };
            if !*is_end {
                walk.event(at, &ip);
            } else if plan.by_line && walk.keys.get(&ip).is_some_and(|walked| walked.over.is_none()) {
                walk.resolve(at, &ip);
            }
            if !*is_end || plan.by_line {
                bench.role_of(role, at, "x", &ip);
            }
            if *stop {
                bench.wait(at);
                bench.store(&mut stored);
                bench.restart(&stored, rules.clone(), at);
            }
        }
        (walked_to..at + 1_000).for_each(|now| walk.due(now));
        bench.wait(at + 999);
        prop_assert_eq!(told(&bench.seen), walk.told);
        let Counters { matches, below_when, silenced, joined, throttled, posted, .. } = bench.counters();
        prop_assert_eq!(matches, below_when + silenced + joined + throttled + posted);
    }
}

impl Bench {
    pub(super) fn role_of(&mut self, role: Role, at: u64, line: &str, ip: &str) -> Vec<String> {
        let time = START + secs(at);
        let origin = self.origin.clone();
        let event = Event {
            origin,
            line: line.as_bytes().into(),
            truncated: false,
            time,
            parse: Parse::Text,
            shape: Default::default(),
        };
        let captures = vec![("ip".into(), ip.into())].into();
        let found = Match {
            rule: RuleId(0),
            role,
            event: Arc::new(event),
            captures,
            severity: Severity::Error,
            around: None,
        };
        self.engine.take(found, time);
        self.told()
    }
}

fn resolved_by_line() -> Option<Resolve> {
    Some(Resolve { after: None, pattern: Some(Pattern::new(crate::rule::On::Message, "ok").unwrap()) })
}

#[test]
fn without_by_one_line_ends_all_problems_in_one_message() {
    let mut bench = Bench::new(Rule { resolve: resolved_by_line(), ..rule() });
    bench.line(0, "disk full", "");
    bench.line(1, "disk gone", "");
    bench.line(2, "disk gone", "");
    assert_eq!(bench.role_of(Role::Resolution, 5, "ok", ""), ["5 resolved count 3 suppressed 1"]);
    assert_eq!((bench.seen[2].more_resolved, bench.engine.open_episodes()), (1, 0));
    assert_eq!(bench.line(8, "disk gone", ""), ["8 reopened count 3 suppressed 1"]);
    assert!(bench.role_of(Role::Resolution, 9, "ok", "").len() == 1);
    assert!(bench.role_of(Role::Resolution, 9, "ok", "").is_empty(), "what is over is not ended again");
}

fn absent(after: u64) -> Rule {
    Rule { when: When::Absent { after: secs(after), by: Vec::new() }, dedup: dedup(100, 1.0), ..rule() }
}

#[test]
fn what_is_missing_is_told_again_and_again_until_it_is_there() {
    let escalate = vec![Step { at: StepAt::After(secs(250)), ..step(0, &[Mention::Here]) }];
    let mut bench = Bench::new(Rule { escalate, ..absent(60) });
    bench.line(10, "x", "a");
    assert_eq!(
        bench.wait(400),
        [
            "70 opened count 0 suppressed 0",
            "170 summary count 0 suppressed 0",
            "270 summary count 0 suppressed 0",
            "320 escalated count 0 suppressed 0 @here",
        ]
    );
    assert_eq!(bench.seen[1].still, Some(Still::Missing));
    assert_eq!(bench.seen[1].lasted, secs(160));
    assert_eq!(bench.line(401, "x", "a"), ["401 resolved count 0 suppressed 0"]);
    assert_eq!(bench.counters().below_when, 2);
    assert_eq!((bench.counters().timed, bench.counters().posted), (1, 0));
}

#[test]
fn absence_waits_for_what_can_not_be_read() {
    let mut bench = Bench::new(absent(60));
    let input: Arc<str> = "in".into();
    bench.engine.input(&input, InputState::Behind, START);
    assert!(bench.wait(1_000).is_empty(), "a backlog is still to be read");
    bench.engine.input(&input, InputState::CaughtUp, START + secs(1_000));
    assert!(bench.wait(1_059).is_empty());
    bench.engine.input(&input, InputState::Unreadable, START + secs(1_059));
    assert!(bench.wait(2_000).is_empty());
    bench.engine.input(&input, InputState::CaughtUp, START + secs(2_000));
    assert_eq!(bench.wait(3_000).first().map(String::as_str), Some("2001 opened count 0 suppressed 0"));
}

#[test]
fn what_waits_for_a_follow_up_at_the_end_says_so() {
    let pattern = Pattern::new(crate::rule::On::Message, "x").unwrap();
    let when = When::NotFollowedBy { pattern, within: secs(60), by: vec!["ip".into()] };
    let mut bench = Bench::new(Rule { when, ..rule() });
    bench.ip(0, "a");
    bench.ip(1, "b");
    bench.role_of(Role::FollowUp, 2, "x", "a");
    bench.engine.end_of_input(START + secs(3));
    assert_eq!(bench.told(), ["3 opened count 1 suppressed 0"]);
    assert!(bench.seen[0].input_ended && &*bench.seen[0].key[0].1 == "b");
}

fn silence(id: &str, source: &str, until: u64) -> Silence {
    let filter = Arc::new(Expr::parse(source).unwrap());
    Silence { id: id.into(), filter, until: START + secs(until), why: String::new() }
}

#[test]
fn a_silence_holds_back_openings_summaries_and_steps_and_says_how_many() {
    let mut bench = Bench::new(Rule {
        when: by_ip(1, 60),
        dedup: dedup(10, 1.0),
        escalate: vec![step(3, &[Mention::Here])],
        ..rule()
    });
    bench.ip(0, "a");
    bench.engine.silence(vec![silence("s", "rule == 'r' && ip != 'c'", 100)], START + secs(1));
    for at in 1..60 {
        assert!(bench.ip(at, ["a", "b", "b"][at as usize % 3]).is_empty());
    }
    assert_eq!(bench.ip(60, "c"), ["60 opened count 1 suppressed 0"], "another key");
    let told = bench.wait(100);
    // What the open episode counted meanwhile is in its summary too.
    assert_eq!(
        told[..],
        ["100 held_back count 59 suppressed 59 held 59", "100 summary count 20 suppressed 19"]
    );
    let held = bench.seen[bench.seen.len() - 2].held_back.clone().unwrap();
    assert_eq!(
        (held.by, &held.keys[..]),
        (HeldBy::Silence, &[("b".to_owned(), 40), ("a".to_owned(), 19)][..])
    );
    assert_eq!(bench.ip(101, "b"), ["101 opened count 1 suppressed 0"]);
    let Counters { matches, silenced, posted, .. } = bench.counters();
    assert_eq!((matches, silenced, posted), (62, 59, 3));
}

#[test]
fn a_silence_that_is_taken_out_tells_at_once() {
    let mut bench = Bench::new(rule());
    bench.engine.silence(vec![silence("s", "true", 1_000)], START);
    assert!(bench.line(1, "x", "").is_empty());
    bench.engine.silence(Vec::new(), START + secs(2));
    assert_eq!(bench.told(), ["2 held_back count 1 suppressed 1 held 1"]);
}

#[test]
fn a_late_alert_mentions_nobody() {
    let mut bench = Bench::new(Rule { late: secs(60), escalate: vec![step(1, &[Mention::Here])], ..rule() });
    let late = |bench: &mut Bench, line: &str, age: u64| {
        let now = START + secs(10_000);
        let (origin, time) = (bench.origin.clone(), now - secs(age));
        let event = Event {
            origin,
            line: line.as_bytes().into(),
            truncated: false,
            time,
            parse: Parse::Text,
            shape: Default::default(),
        };
        let (event, role, severity) = (Arc::new(event), Role::Match, Severity::Error);
        bench.engine.take(
            Match { rule: RuleId(0), role, event, captures: Captures::default(), severity, around: None },
            now,
        );
        bench.told()
    };
    assert_eq!(late(&mut bench, "a", 60), ["10000 opened count 1 suppressed 0 @here"]);
    assert_eq!(late(&mut bench, "b", 61), ["10000 opened count 1 suppressed 0"]);
    assert_eq!((bench.seen[0].late, bench.seen[1].late), (None, Some(secs(61))));
}

#[test]
fn what_is_no_number_is_counted_and_stops_nothing() {
    let level = Level {
        side: Side::Above,
        threshold: 5.0,
        of: "ip".into(),
        aggregate: Aggregate::Last,
        within: None,
        lasting: Duration::ZERO,
        samples: 1,
        by: Vec::new(),
    };
    let mut bench = Bench::new(Rule { when: When::Level(level), ..rule() });
    for text in ["", "x", "NaN", "inf", "1e999", "5"] {
        assert!(bench.ip(0, text).is_empty());
    }
    assert_eq!(bench.ip(1, " 7.5 "), ["1 opened count 2 suppressed 0"]);
    assert_eq!(bench.seen[0].value.as_deref(), Some("7.5"));
    assert_eq!((bench.counters().not_numbers, bench.counters().below_when), (5, 6));
    assert_eq!(bench.wait(601), ["601 summary count 2 suppressed 0"]);
    assert_eq!(bench.seen[1].still, Some(Still::Above("5".into())));
}
