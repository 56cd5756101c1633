//! Other rules in the place of those that hold: what is unchanged goes on as if nothing had been.

use super::restart::Stored;
use super::*;
use crate::event::InputState;
use crate::rule::Resolve;
use crate::schedule::Schedule;

impl Bench {
    fn reload(&mut self, rules: Arc<[Rule]>, at: u64) -> Reloaded {
        let reloaded = self.engine.reload(rules, "host".into(), 100, START + secs(at));
        self.told();
        reloaded
    }

    fn line_for(&mut self, rule: &str, at: u64, line: &str, ip: &str) -> Vec<String> {
        let place = self.engine.rules.iter().position(|known| &*known.name == rule);
        self.line_of(place.expect("it is one of them"), at, line, ip)
    }
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn named(name: &str) -> Rule {
    Rule { name: name.into(), dedup: dedup(100, 1.5), ..rule() }
}

/// One rule of each kind that has a state of its own.
fn of_each_kind() -> Vec<Rule> {
    let by = || vec!["ip".into()];
    let level = Level {
        side: Side::Above,
        threshold: 2.0,
        of: "ip".into(),
        aggregate: Aggregate::Avg,
        within: Some(secs(120)),
        lasting: Duration::ZERO,
        samples: 1,
        by: Vec::new(),
    };
    let surge = || Surge { ratio: 2.0, within: secs(120), min: 2, by: by() };
    let follow = |within| When::NotFollowedBy {
        pattern: Pattern::new(crate::rule::On::Message, "done").unwrap(),
        within: secs(within),
        by: by(),
    };
    vec![
        Rule { throttle: throttle(2, 1), escalate: vec![step(6, &[Mention::Here])], ..named("every") },
        Rule { when: by_ip(3, 60), ..named("count") },
        Rule {
            when: When::Distinct { of: "ip".into(), count: 2, within: secs(60), by: Vec::new() },
            ..named("distinct")
        },
        Rule { when: When::Absent { after: secs(100), by: by() }, ..named("absent") },
        Rule { when: When::Spike(surge()), ..named("spike") },
        Rule { when: When::Drop(surge()), ..named("drop") },
        Rule { when: When::Level(level), ..named("level") },
        Rule { when: follow(30), ..named("follow") },
        Rule {
            when: When::New(Novelty {
                of: "ip".into(),
                remember: secs(500),
                learn: secs(100),
                by: Vec::new(),
            }),
            ..named("new")
        },
        Rule { when: When::Changed { of: "ip".into(), by: Vec::new() }, dedup: None, ..named("changed") },
        Rule {
            resolve: Some(Resolve { after: Some(secs(50)), pattern: None }),
            dedup: Some(Dedup { by: None, window: secs(100), backoff: 1.0, max: secs(300), summary: false }),
            ..named("resolved")
        },
    ]
}

/// The same rules, and what has nothing to do with them.
fn otherwise(how: u8) -> Arc<[Rule]> {
    let mut rules = of_each_kind();
    match how {
        0 => {}
        1 => rules.reverse(),
        2 => rules.insert(0, named("another")),
        _ => rules.iter_mut().for_each(|rule| {
            rule.runbook = Some("https://example.com".into());
            rule.labels = vec![("team".into(), "core".into())];
        }),
    }
    rules.into()
}

proptest! {
    #[test]
    fn a_reload_changes_nothing_of_what_did_not_change(
        stream in proptest::collection::vec(
            (0u64..90, 0u8..5, 0usize..11, prop::option::weighted(0.2, 0u8..4)), 1..200),
        tracked: bool,
    ) {
        let mut straight = Bench::of(otherwise(0), 100);
        let mut reloaded = Bench::of(otherwise(0), 100);
        let mut stored = Stored::default();
        if tracked {
            reloaded.restart(&stored, otherwise(0), 0);
        }
        let kinds: Vec<Arc<str>> = of_each_kind().into_iter().map(|rule| rule.name).collect();
        let mut at = 0;
        for (gap, ip, kind, reload) in &stream {
            at += gap;
            if let Some(how) = reload {
                straight.wait(at);
                let came_of = reloaded.reload(otherwise(*how), at);
                prop_assert!(came_of.anew.is_empty());
            }
            let line = format!("failed {} from {ip}", "abc".get(usize::from(*ip) % 3..).unwrap());
            // Where two rules have something due at one instant, their order decides.
            let [told, again] = [&mut straight, &mut reloaded].map(|bench| {
                let mut told = bench.line_for(&kinds[*kind], at, &line, &ip.to_string());
                told.sort();
                told
            });
            prop_assert_eq!(told, again);
            prop_assert_eq!(straight.engine.next_due(), reloaded.engine.next_due());
        }
        for bench in [&mut straight, &mut reloaded] {
            bench.wait(at + 1_000);
            bench.engine.end_of_input(START + secs(at + 1_000));
            bench.told();
        }
        let seen = |bench: &Bench| -> Vec<(Arc<str>, String)> {
            bench.seen.iter().map(|alert| (alert.rule.clone(), tell(alert))).collect()
        };
        let sorted = |bench: &Bench| {
            let mut seen = seen(bench);
            seen.sort();
            seen
        };
        prop_assert_eq!(sorted(&straight), sorted(&reloaded));
        let counted = |bench: &Bench, name: &Arc<str>| {
            bench.engine.counters().find(|(rule, _)| rule.name == *name).map(|(_, counters)| counters)
        };
        for name in &kinds {
            prop_assert_eq!(counted(&straight, name), counted(&reloaded, name));
        }
        // What is stored goes on too.
        if tracked {
            reloaded.store(&mut stored);
            let rules = reloaded.engine.rules.clone();
            let restored = reloaded.restart(&stored, rules, at + 1_000);
            prop_assert_eq!(restored, Restored::default());
        }
    }
}

/// A bench whose engine is stored, after these lines of the one rule.
fn after(rule: Rule, lines: &[(u64, &str)]) -> (Bench, Stored) {
    let rules: Arc<[Rule]> = Arc::from([rule]);
    let mut bench = Bench::of(rules.clone(), 100);
    let stored = Stored::default();
    bench.restart(&stored, rules, 0);
    for (at, ip) in lines {
        bench.ip(*at, ip);
    }
    (bench, stored)
}

#[test]
fn a_rule_that_means_something_else_starts_anew_in_the_store_too() {
    let (mut bench, mut stored) = after(
        Rule { when: by_ip(3, 60), throttle: throttle(1, 1), ..rule() },
        &[(0, "a"), (1, "a"), (1, "b")],
    );
    bench.store(&mut stored);
    let changed = Rule { when: by_ip(2, 60), ..rule() };
    let expected = Reloaded { anew: names(&["r"]), ..Reloaded::default() };
    assert_eq!(bench.reload(Arc::from([changed]), 2), expected);
    assert!(bench.ip(2, "a").is_empty());
    bench.store(&mut stored);
    assert_eq!(bench.ip(3, "a"), ["3 opened count 2 suppressed 0"]);
    let rules = bench.engine.rules.clone();
    assert_eq!(bench.restart(&stored, rules, 3), Restored::default());
    assert_eq!(bench.ip(3, "a"), ["3 opened count 2 suppressed 0"], "what was stored is the new one's");
}

#[test]
fn a_rule_that_is_gone_leaves_nothing_and_fires_no_timer() {
    let (mut bench, mut stored) = after(rule(), &[(0, "a"), (1, "a")]);
    bench.store(&mut stored);
    let expected = Reloaded { gone: names(&["r"]), fresh: names(&["s"]), ..Reloaded::default() };
    assert_eq!(bench.reload(Arc::from([named("s")]), 2), expected);
    assert!(bench.wait(100_000).is_empty());
    bench.store(&mut stored);
    assert!(stored.records().iter().all(|record| &*record.owner != "r"));
}

#[test]
fn an_open_episode_goes_where_its_rule_now_posts() {
    let pager = |at| Step { webhooks: vec!["pager".into()], ..step(at, &[]) };
    let (mut bench, _) = after(Rule { escalate: vec![pager(2)], ..rule() }, &[(0, "a"), (1, "a"), (2, "a")]);
    bench.reload(Arc::from([Rule { webhooks: vec!["new".into()], escalate: vec![pager(2)], ..rule() }]), 3);
    bench.wait(10_000);
    let last = bench.seen.last().unwrap();
    assert_eq!((last.kind, &last.webhooks[..]), (Kind::Summary, &names(&["new", "pager"])[..]));
}

#[test]
fn with_dedup_off_no_episode_of_before_takes_the_alerts() {
    let (mut bench, mut stored) = after(rule(), &[(0, "a"), (1, "a")]);
    bench.store(&mut stored);
    bench.reload(Arc::from([Rule { dedup: None, ..rule() }]), 2);
    assert_eq!(bench.ip(3, "a"), ["3 opened count 1 suppressed 0"]);
    // The same at a restart with such a rule.
    let restored = bench.restart(&stored, Arc::from([Rule { dedup: None, ..rule() }]), 4);
    assert_eq!(restored, Restored::default());
    assert_eq!(bench.ip(5, "a"), ["5 opened count 1 suppressed 0"]);
}

#[test]
fn what_only_a_resolution_would_have_ended_ends_with_it() {
    let resolve = Some(Resolve { after: None, pattern: None });
    let (mut bench, _) = after(Rule { resolve, ..rule() }, &[(0, "a")]);
    bench.wait(5_000);
    assert_eq!(bench.engine.open_episodes(), 1);
    bench.reload(Arc::from([rule()]), 5_000);
    assert_eq!(bench.engine.open_episodes(), 0);
    assert_eq!(bench.ip(5_001, "a"), ["5001 opened count 1 suppressed 0"]);
}

#[test]
fn a_throttle_keeps_what_is_used_up_of_it() {
    let limited = |per_minute| Rule { throttle: throttle(per_minute, 1), ..rule() };
    let (mut bench, mut stored) = after(limited(1), &[(0, "a")]);
    bench.reload(Arc::from([limited(1)]), 1);
    assert!(bench.line(2, "other", "").is_empty(), "unchanged");
    bench.reload(Arc::from([limited(60)]), 3);
    assert!(bench.line(3, "third", "").is_empty(), "a faster one begins with its burst used up");
    assert_eq!(bench.line(4, "fourth", "").len(), 1);
    bench.reload(Arc::from([rule()]), 5);
    assert_eq!(bench.line(5, "fifth", "").len(), 1, "without one nothing is held back");
    bench.store(&mut stored);
    assert!(stored.records().iter().all(|record| !record.key.starts_with('t')));
}

#[test]
fn a_rule_that_comes_to_read_an_input_knows_how_it_stands() {
    let absent = |inputs: &[&str]| Rule {
        inputs: names(inputs),
        when: When::Absent { after: secs(10), by: Vec::new() },
        ..rule()
    };
    let mut bench = Bench::of(Arc::from([rule()]), 100);
    bench.engine.input(&"bad".into(), InputState::Unreadable, START);
    bench.reload(Arc::from([absent(&["bad"])]), 1);
    assert!(bench.wait(100).is_empty(), "nobody can know whether something is missing");
    bench.reload(Arc::from([absent(&["in"])]), 100);
    assert_eq!(bench.wait(200), ["110 opened count 0 suppressed 0"]);
}

#[test]
fn keys_are_bounded_by_the_new_limit() {
    let rules = || -> Arc<[Rule]> { Arc::from([Rule { when: by_ip(2, 60), ..rule() }]) };
    let mut bench = Bench::of(rules(), 100);
    (0..50).for_each(|ip| drop(bench.ip(0, &ip.to_string())));
    bench.engine.reload(rules(), "host".into(), 10, START);
    assert!(bench.ip(1, "0").is_empty(), "it was forgotten");
    assert_eq!(bench.ip(1, "49").len(), 1);
}

#[test]
fn what_a_schedule_held_back_is_told_when_the_schedule_goes() {
    let never = Schedule { name: "never".into(), hours: Vec::new() };
    let (mut bench, _) =
        after(Rule { active_during: Some(Arc::new(never)), ..rule() }, &[(0, "a"), (1, "a")]);
    assert!(bench.seen.is_empty());
    bench.reload(Arc::from([rule()]), 2);
    bench.engine.silence(Vec::new(), START + secs(2));
    assert_eq!(bench.told(), ["2 held_back count 2 suppressed 2 held 2"]);
    assert_eq!(bench.ip(3, "a"), ["3 opened count 1 suppressed 0"]);
}
