//! The engine against `engine.md`: its example to the letter, each gate, and the accounting for any stream.

mod episodes;
mod hours;
mod reload;
mod restart;
mod whens;

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::event::{Event, Origin, Parse, Role, Texts};
use crate::rate::Rate;
use crate::rule::{
    Aggregate, Color, Dedup, LATE, Level, Look, Mention, MessageSpec, Novelty, Pattern, Severity, Side, Step,
    StepAt, Surge, Throttle, When,
};

const START: Time = Time::from_secs(1_000_000);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn dedup(window: u64, backoff: f64) -> Option<Dedup> {
    Some(Dedup { by: None, window: secs(window), backoff, max: secs(14_400), summary: true })
}

fn rule() -> Rule {
    let look = Look { color: Color::DANGER, mention: Vec::new() };
    Rule {
        name: "r".into(),
        inputs: vec!["in".into()],
        patterns: Vec::new(),
        ignore: Vec::new(),
        filter: None,
        when: When::Every,
        severity: Severity::Error,
        severity_from: None,
        looks: [look.clone(), look.clone(), look.clone(), look],
        active_during: None,
        webhooks: vec!["ops".into()],
        dedup: dedup(600, 2.0),
        throttle: None,
        escalate: Vec::new(),
        resolve: None,
        late: LATE,
        message: MessageSpec::default(),
        context: crate::around::Reach::default(),
        runbook: None,
        labels: Texts::new(),
        redact: Arc::default(),
    }
}

fn by_ip(count: u32, within: u64) -> When {
    When::Count { count, within: secs(within), by: vec!["ip".into()] }
}

fn step(count: u64, mention: &[Mention]) -> Step {
    Step { at: StepAt::Count(count), mention: mention.to_vec(), severity: None, webhooks: Vec::new() }
}

fn throttle(per_minute: u32, burst: u32) -> Option<Throttle> {
    let number = NonZeroU32::new(per_minute).unwrap();
    let rate = Rate { number, per: secs(60), burst: NonZeroU32::new(burst).unwrap() };
    Some(Throttle { rate, by: Vec::new() })
}

/// An engine with one rule, fed by hand; what it posts is told as text.
struct Bench {
    engine: Engine,
    origin: Arc<Origin>,
    seen: Vec<Alert>,
}

impl Bench {
    fn new(rule: Rule) -> Self {
        Self::with_keys(rule, 100)
    }

    fn with_keys(rule: Rule, keys_max: usize) -> Self {
        Self::of(Arc::from([rule]), keys_max)
    }

    fn of(rules: Arc<[Rule]>, keys_max: usize) -> Self {
        let origin = Origin { input: "in".into(), file: None, stream: None, labels: Texts::new() };
        Self {
            engine: Engine::new(rules, "host".into(), keys_max, START),
            origin: Arc::new(origin),
            seen: Vec::new(),
        }
    }

    fn line(&mut self, at: u64, line: &str, ip: &str) -> Vec<String> {
        self.line_of(0, at, line, ip)
    }

    /// A match of the rule at `rule`.
    fn line_of(&mut self, rule: usize, at: u64, line: &str, ip: &str) -> Vec<String> {
        let time = START + secs(at);
        let event = Event {
            origin: self.origin.clone(),
            line: line.as_bytes().into(),
            truncated: false,
            time,
            parse: Parse::Text,
            shape: Default::default(),
        };
        let captures = vec![("ip".into(), ip.into())].into();
        let severity = Severity::Error;
        let event = Arc::new(event);
        self.engine.take(
            Match { rule: RuleId(rule), role: Role::Match, event, captures, severity, around: None },
            time,
        );
        self.told()
    }

    fn ip(&mut self, at: u64, ip: &str) -> Vec<String> {
        self.line(at, &format!("failed from {ip}"), ip)
    }

    fn wait(&mut self, until: u64) -> Vec<String> {
        self.engine.advance(START + secs(until));
        self.told()
    }

    fn told(&mut self) -> Vec<String> {
        let alerts = self.engine.take_alerts();
        let told = alerts.iter().map(tell).collect();
        self.seen.extend(alerts);
        told
    }

    fn counters(&self) -> Counters {
        self.engine.counters().next().unwrap().1
    }
}

fn tell(alert: &Alert) -> String {
    let mut told = format!(
        "{} {} count {} suppressed {}",
        alert.decided.since(START).as_secs(),
        alert.kind.name(),
        alert.count,
        alert.suppressed
    );
    for whom in &alert.mention {
        told += &format!(" @{whom}");
    }
    if let Some(held) = &alert.held_back {
        told += &format!(" held {}", held.count);
    }
    told
}

#[test]
fn the_example_of_the_design_to_the_letter() {
    let mut bench = Bench::new(Rule {
        when: by_ip(3, 60),
        dedup: dedup(600, 1.0),
        escalate: vec![step(20, &[Mention::Here])],
        ..rule()
    });
    let nothing: [&str; 0] = [];
    assert_eq!(bench.ip(0, "a"), nothing);
    assert_eq!(bench.ip(10, "a"), nothing);
    assert_eq!(bench.ip(20, "a"), ["20 opened count 3 suppressed 0"]);
    for n in 4..=19 {
        assert_eq!(bench.ip(30 + (n - 4) * 18, "a"), nothing);
    }
    assert_eq!(bench.ip(310, "a"), ["310 escalated count 20 suppressed 17 @here"]);
    for at in [320, 330, 340, 350, 360, 900] {
        assert_eq!(bench.ip(at, "a"), nothing);
    }
    assert_eq!(bench.wait(910), ["910 summary count 26 suppressed 6"]);
    assert_eq!(bench.ip(1200, "a"), nothing);
    assert_eq!(bench.wait(10_000), nothing);
    assert_eq!(bench.engine.open_episodes(), 0);
    let Counters { matches, below_when, joined, posted, .. } = bench.counters();
    assert_eq!((matches, posted), (27, 1));
    assert_eq!(below_when + joined, 26);
}

#[test]
fn without_when_the_shape_is_the_key() {
    let mut bench = Bench::new(rule());
    assert_eq!(bench.line(0, "disk 1 full", ""), ["0 opened count 1 suppressed 0"]);
    assert_eq!(bench.line(1, "disk 2 full", "").len(), 0);
    assert_eq!(bench.line(2, "disk gone", ""), ["2 opened count 1 suppressed 0"]);
    assert_eq!(bench.wait(600), ["600 summary count 2 suppressed 1"]);
}

#[test]
fn windows_grow_by_the_backoff_up_to_the_maximum() {
    let mut bench = Bench::new(Rule {
        dedup: Some(Dedup { by: None, window: secs(10), backoff: 2.0, max: secs(30), summary: true }),
        ..rule()
    });
    bench.line(0, "x", "");
    let mut summaries = Vec::new();
    for at in 1..=110 {
        summaries.extend(bench.line(at, "x", ""));
    }
    // A timer comes before the match of its instant: the window 0..10 has the matches of 1..=9.
    assert_eq!(
        summaries,
        [
            "10 summary count 10 suppressed 9",
            "30 summary count 30 suppressed 20",
            "60 summary count 60 suppressed 30",
            "90 summary count 90 suppressed 30",
        ]
    );
}

#[test]
fn a_summary_shows_what_it_folded() {
    let mut bench =
        Bench::new(Rule { when: When::Count { count: 1, within: secs(60), by: vec![] }, ..rule() });
    bench.line(0, "first", "a");
    for (line, ip) in [("disk full", "a"), ("disk 1 slow", "b"), ("disk 2 slow", "b"), ("gone", "c")] {
        bench.line(5, line, ip);
    }
    bench.wait(600);
    let folded = bench.seen[1].folded.clone().unwrap();
    assert_eq!(folded.samples, ["disk full", "disk 2 slow"]);
    assert_eq!(
        folded.common,
        [Common { capture: "ip".into(), values: vec![("b".into(), 2), ("a".into(), 1), ("c".into(), 1)] }]
    );
    assert_eq!(bench.seen[1].event.as_ref().unwrap().line, "gone");
}

#[test]
fn without_summaries_the_next_opening_says_how_many_were_folded() {
    let mut bench = Bench::new(Rule {
        dedup: Some(Dedup { by: None, window: secs(10), backoff: 2.0, max: secs(30), summary: false }),
        ..rule()
    });
    bench.line(0, "x", "");
    bench.line(1, "x", "");
    bench.line(2, "x", "");
    assert!(bench.wait(20).is_empty());
    assert_eq!(bench.line(30, "x", ""), ["30 opened count 1 suppressed 2"]);
    assert!(bench.wait(100).is_empty());
    assert_eq!(bench.line(100, "x", ""), ["100 opened count 1 suppressed 0"]);
}

#[test]
fn with_dedup_off_each_alert_is_a_message() {
    let mut bench = Bench::new(Rule { dedup: None, ..rule() });
    for at in 0..3 {
        assert_eq!(bench.line(at, "x", ""), [format!("{at} opened count 1 suppressed 0")]);
    }
    assert_eq!(bench.engine.open_episodes(), 0);
    assert_eq!(bench.engine.next_due(), None);
}

#[test]
fn steps_are_taken_once_and_add_their_webhook() {
    let pager = Step {
        at: StepAt::Count(4),
        mention: vec![Mention::Channel],
        severity: Some(Severity::Critical),
        webhooks: vec!["pager".into()],
    };
    let mut bench = Bench::new(Rule { escalate: vec![step(2, &[Mention::Here]), pager], ..rule() });
    let told: Vec<String> = (0..6).flat_map(|at| bench.line(at, "x", "")).collect();
    assert_eq!(
        told,
        [
            "0 opened count 1 suppressed 0",
            "1 escalated count 2 suppressed 1 @here",
            "3 escalated count 4 suppressed 2 @channel"
        ]
    );
    assert_eq!(bench.wait(603), ["603 summary count 6 suppressed 2"]);
    let webhooks: Vec<usize> = bench.seen.iter().map(|alert| alert.webhooks.len()).collect();
    assert_eq!(webhooks, [1, 1, 2, 2]);
    assert_eq!(bench.seen[3].severity, Severity::Critical);
}

#[test]
fn steps_that_the_opening_reaches_are_part_of_it() {
    let mut bench = Bench::new(Rule {
        when: by_ip(5, 60),
        escalate: vec![step(2, &[]), step(5, &[Mention::Here])],
        ..rule()
    });
    let told: Vec<String> = (0..5).flat_map(|at| bench.ip(at, "a")).collect();
    assert_eq!(told, ["4 opened count 5 suppressed 0 @here"]);
}

#[test]
fn what_the_throttle_holds_back_is_told() {
    let mut bench = Bench::new(Rule { throttle: throttle(1, 1), ..rule() });
    assert_eq!(bench.line(0, "a", "").len(), 1);
    assert_eq!(bench.line(1, "b", "").len(), 0);
    assert_eq!(bench.line(2, "c", "").len(), 0);
    assert_eq!(bench.line(60, "d", ""), ["60 opened count 1 suppressed 0 held 2"]);
    // The timer of the minute after the first one finds nothing to tell.
    assert!(bench.wait(100).is_empty());
    assert_eq!(bench.line(101, "e", "").len(), 0);
    assert_eq!(bench.wait(161), ["161 held_back count 1 suppressed 1 held 1"]);
    assert_eq!(bench.counters().throttled, 3);
    assert_eq!(bench.seen[2].held_back.as_ref().unwrap().keys, [("e".to_owned(), 1)]);
}

#[test]
fn a_key_that_was_held_back_tries_again() {
    let mut bench = Bench::new(Rule { throttle: throttle(1, 1), ..rule() });
    bench.line(0, "a", "");
    assert!(bench.line(1, "b", "").is_empty());
    assert_eq!(bench.line(60, "b", ""), ["60 opened count 1 suppressed 0 held 1"]);
}

#[test]
fn a_summary_that_is_held_back_keeps_what_it_counted() {
    let mut bench = Bench::new(Rule { dedup: dedup(10, 1.0), throttle: throttle(1, 1), ..rule() });
    bench.line(0, "a", "");
    bench.line(1, "a", "");
    assert!(bench.wait(59).is_empty());
    assert_eq!(bench.wait(60), ["60 summary count 2 suppressed 1 held 5"]);
}

#[test]
fn messages_about_what_is_held_back_become_rarer() {
    let mut bench = Bench::new(Rule {
        throttle: Some(Throttle {
            rate: Rate { number: NonZeroU32::MIN, per: secs(1_000_000), burst: NonZeroU32::MIN },
            by: Vec::new(),
        }),
        dedup: None,
        ..rule()
    });
    (0..2_000).for_each(|at| drop(bench.line(at * 10, "x", "")));
    let times: Vec<u64> = bench.seen[1..].iter().map(|alert| alert.decided.since(START).as_secs()).collect();
    assert_eq!(times, [70, 190, 430, 910, 1870, 3790, 7390, 10990, 14590, 18190]);
}

#[test]
fn at_the_end_of_the_input_everything_counted_is_told() {
    let mut bench = Bench::new(Rule { throttle: throttle(1, 2), ..rule() });
    bench.line(0, "a", "");
    bench.line(1, "b", "");
    bench.line(2, "b", "");
    bench.line(3, "c", "");
    bench.engine.end_of_input(START + secs(4));
    assert_eq!(bench.told(), ["4 summary count 2 suppressed 1 held 1"]);
}

#[test]
fn keys_are_bounded_and_the_forgotten_are_counted() {
    let mut bench = Bench::with_keys(Rule { when: by_ip(2, 60), ..rule() }, 10);
    for n in 0..100 {
        bench.ip(0, &n.to_string());
    }
    assert_eq!(bench.counters().keys_forgotten, 90);
    assert_eq!(bench.ip(1, "99"), ["1 opened count 2 suppressed 0"]);
    assert!(bench.ip(1, "0").is_empty());
}

#[test]
fn the_same_matches_give_the_same_alerts() {
    let run = || {
        let mut bench = Bench::new(Rule { escalate: vec![step(3, &[Mention::Here])], ..rule() });
        (0..200).for_each(|at| drop(bench.line(at * 7, "x", "")));
        bench.seen
    };
    assert_eq!(run(), run());
}

proptest! {
    /// `engine.md`, "The gates": every match ends at one gate; what is counted is told or still waits to be.
    #[test]
    fn every_match_ends_at_one_gate(
        stream in proptest::collection::vec((0u64..200, 0u8..5), 1..300),
        count in 1u32..4,
        per_minute in 1u32..10,
    ) {
        let mut bench = Bench::new(Rule {
            when: by_ip(count, 60),
            dedup: dedup(100, 1.5),
            throttle: throttle(per_minute, 1),
            escalate: vec![step(6, &[])],
            ..rule()
        });
        let mut at = 0;
        for (gap, ip) in &stream {
            at += gap;
            bench.ip(at, &ip.to_string());
        }
        let Counters { matches, below_when, silenced, joined, throttled, posted, .. } = bench.counters();
        prop_assert_eq!(matches, stream.len() as u64);
        prop_assert_eq!(matches, below_when + silenced + joined + throttled + posted);
        prop_assert_eq!(posted, bench.seen.iter().filter(|alert| alert.kind == Kind::Opened).count() as u64);
        bench.engine.end_of_input(START + secs(at));
        bench.told();
        for (n, alert) in bench.seen.iter().enumerate() {
            let later = bench.seen[n + 1..].iter().filter(|other| other.episode == alert.episode);
            for other in later {
                prop_assert!(other.count >= alert.count);
            }
            let ids = bench.seen.iter().filter(|other| other.id == alert.id).count();
            prop_assert_eq!(ids, 1);
        }
    }

    /// Without a throttle, what an episode's messages tell adds up to what it counted.
    #[test]
    fn nothing_counted_is_left_untold(stream in proptest::collection::vec((0u64..30, 0u8..3), 1..300)) {
        let mut bench = Bench::new(Rule { dedup: dedup(100, 1.5), escalate: vec![step(6, &[])], ..rule() });
        let mut at = 0;
        for (gap, ip) in &stream {
            at += gap;
            bench.line(at, "abc".get(usize::from(*ip)..=usize::from(*ip)).unwrap(), "");
        }
        bench.engine.end_of_input(START + secs(at));
        bench.told();
        let told: u64 = bench.seen.iter().map(|alert| alert.suppressed + u64::from(alert.kind == Kind::Opened)).sum();
        prop_assert_eq!(told, stream.len() as u64);
    }
}
