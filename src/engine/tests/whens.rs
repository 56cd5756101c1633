//! Every sort of `when` against a brute-force oracle: it keeps every event, and recomputes from the words of `engine.md`
//! what must alert, and what is over, at each event and at each end of a slice.

use std::collections::{BTreeMap, BTreeSet};

use super::restart::Stored;
use super::*;

/// In milliseconds, so that 60 slices of a window are whole.
const WITHIN: i64 = 6_000;
const SLICE: i64 = WITHIN / 60;
const BASE: i64 = 600_000;

/// An event: so long after the last one was taken, so much before that by its own time, with a key and a value.
#[derive(Debug, Clone)]
struct Step {
    gap: i64,
    behind: i64,
    key: u8,
    value: i64,
    follow_up: bool,
    stop: bool,
}

fn steps(value: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Step>> {
    // Bursts of equal times, steps across slices, and gaps of more than two windows.
    // Whole seconds, so that things fall on the very edge of a window.
    let gap = prop_oneof![
        3 => Just(0),
        4 => whole(0..7),
        2 => 0i64..400,
        1 => 0i64..3_000,
        2 => prop::sample::select(vec![5_900, 6_000, 11_900, 12_000, 20_000]),
    ];
    let behind = prop_oneof![6 => Just(0i64), 1 => whole(0..10), 1 => 0i64..1_000];
    let step = (gap, behind, 0u8..3, value, prop::bool::weighted(0.3), prop::bool::weighted(0.05));
    let step = step.prop_map(|(gap, behind, key, value, follow_up, stop)| Step {
        gap,
        behind,
        key,
        value,
        follow_up,
        stop,
    });
    proptest::collection::vec(step, 1..60)
}

fn whole(secs: std::ops::Range<i64>) -> impl Strategy<Value = i64> {
    secs.prop_map(|secs| secs * 1_000)
}

fn at(millis: i64) -> Time {
    Time::from_nanos(millis * 1_000_000)
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(millis as u64)
}

/// A rule of which each alert that can be told is: an episode closes at the end of a window of a nanosecond.
fn bare(when: When) -> Rule {
    Rule { when, dedup: None, ..rule() }
}

/// A rule whose episodes end with their condition alone.
fn lasting(when: When) -> Rule {
    let window = secs(1_000_000);
    let dedup = Dedup { by: None, window, backoff: 1.0, max: window, summary: true };
    Rule { when, dedup: Some(dedup), ..rule() }
}

/// What an engine said: at what engine's time, of which key, which kind.
type Told = (i64, String, Kind);

/// Feeds the steps, restarting now and then; in between, time passes to each next due instant.
fn run(rule: Rule, steps: &[Step], value_name: &str) -> Vec<Told> {
    let rules: Arc<[Rule]> = Arc::from([rule]);
    let host: Arc<str> = "host".into();
    let mut stored = Stored::default();
    let (mut engine, _) = Engine::restore(rules.clone(), host.clone(), 1_000, Vec::new(), at(BASE));
    let origin = Arc::new(Origin { input: "in".into(), file: None, stream: None, labels: Texts::new() });
    let mut now = BASE;
    let mut told = Vec::new();
    for step in steps {
        now += step.gap;
        let time = at(now - step.behind);
        let event = Event {
            origin: origin.clone(),
            line: b"x".as_slice().into(),
            truncated: false,
            time,
            parse: Parse::Text,
            shape: Default::default(),
        };
        let mut captures: Texts = vec![("key".into(), step.key.to_string().into())];
        if step.value >= 0 {
            captures.push((value_name.into(), step.value.to_string().into()));
        }
        let role = if step.follow_up { Role::FollowUp } else { Role::Match };
        let (event, severity) = (Arc::new(event), Severity::Error);
        let captures = captures.into();
        engine.take(Match { rule: RuleId(0), role, event, captures, severity, around: None }, at(now));
        if step.stop {
            stored.put(engine.take_changes(&|_, _| {}));
            told.extend(tell(engine.take_alerts()));
            engine = Engine::restore(rules.clone(), host.clone(), 1_000, stored.records(), at(now)).0;
        }
    }
    engine.advance(at(now + 20_000));
    told.extend(tell(engine.take_alerts()));
    let counters = engine.counters().next().unwrap().1;
    let Counters { matches, below_when, silenced, joined, throttled, posted, .. } = counters;
    assert_eq!(matches, below_when + silenced + joined + throttled + posted);
    told
}

fn tell(alerts: Vec<Alert>) -> Vec<Told> {
    let key = |alert: &Alert| alert.key.first().map_or(String::new(), |(_, value)| value.to_string());
    alerts.iter().map(|alert| (alert.decided.as_nanos() / 1_000_000, key(alert), alert.kind)).collect()
}

fn by_key() -> Vec<Arc<str>> {
    vec!["key".into()]
}

/// An event as the oracle keeps it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    time: i64,
    value: i64,
}

/// The steps with the times of their taking, by key, without follow-ups.
fn events(steps: &[Step]) -> Vec<(i64, u8, Seen)> {
    let mut now = BASE;
    let mut events = Vec::new();
    for step in steps {
        now += step.gap;
        if !step.follow_up {
            events.push((now, step.key, Seen { time: now - step.behind, value: step.value }));
        }
    }
    events
}

/// How many of `seen` lie in the window that ends with the slice `last`.
fn in_window(seen: &[Seen], last: i64) -> usize {
    seen.iter().filter(|seen| (last - 59..=last).contains(&seen.time.div_euclid(SLICE))).count()
}

fn surge(ratio: f64, min: u64) -> Surge {
    Surge { ratio, within: millis(WITHIN), min, by: by_key() }
}

/// Whether two whole windows were seen at the end of slice `last`, and hold the condition `beats(this, before)`.
fn surges(seen: &[Seen], last: i64, beats: impl Fn(usize, usize) -> bool) -> bool {
    let first = seen.iter().map(|seen| seen.time.div_euclid(SLICE)).min().unwrap();
    last - first >= 119 && beats(in_window(seen, last), in_window(seen, last - 60))
}

fn check_spike(steps: &[Step], ratio: u32, min: u64) -> Result<(), TestCaseError> {
    let got = run(bare(When::Spike(surge(ratio.into(), min))), steps, "v");
    let mut expected = Vec::new();
    let mut kept: BTreeMap<u8, Vec<Seen>> = BTreeMap::new();
    for (now, key, seen) in events(steps) {
        let seen_of = kept.entry(key).or_default();
        seen_of.push(seen);
        let last = seen_of.iter().map(|seen| seen.time.div_euclid(SLICE)).max().unwrap();
        // What is behind the two windows was never in them.
        let beats = |this, before| this as u64 >= min && this as f64 >= f64::from(ratio) * before as f64;
        if surges(seen_of, last, beats) {
            expected.push((now, key.to_string(), Kind::Opened));
        }
    }
    prop_assert_eq!(got, expected);
    Ok(())
}

fn check_drop(steps: Vec<Step>, ratio: u32, min: u64) -> Result<(), TestCaseError> {
    let steps: Vec<Step> =
        steps.into_iter().map(|step| Step { behind: 0, follow_up: false, ..step }).collect();
    let got = run(bare(When::Drop(surge(ratio.into(), min))), &steps, "v");
    let events = events(&steps);
    let end = events.last().unwrap().0 + 20_000;
    let mut expected = BTreeSet::new();
    for key in 0..3u8 {
        let all: Vec<(i64, Seen)> =
            events.iter().filter(|event| event.1 == key).map(|event| (event.0, event.2)).collect();
        let Some((_, first)) = all.first() else { continue };
        for slice in first.time.div_euclid(SLICE)..end / SLICE {
            let edge = (slice + 1) * SLICE;
            // An event at the very end of a slice comes after the end.
            let seen: Vec<Seen> = all.iter().filter(|(now, _)| *now < edge).map(|(_, seen)| *seen).collect();
            let beats =
                |this, before| before as u64 >= min && before as f64 >= f64::from(ratio) * this as f64;
            if !seen.is_empty() && surges(&seen, slice, beats) {
                expected.insert((edge, key.to_string()));
            }
        }
    }
    let got: Vec<(i64, String)> = got.into_iter().map(|(at, key, _)| (at, key)).collect();
    prop_assert_eq!(got.iter().cloned().collect::<BTreeSet<_>>(), expected);
    prop_assert_eq!(got.len(), got.iter().collect::<BTreeSet<_>>().len(), "each once");
    Ok(())
}

/// Few events of one key, each a slice or so beside the edge of a window before it: a window that is a slice too long,
/// too short or too late counts otherwise.
fn edges() -> impl Strategy<Value = Vec<Step>> {
    let slices = prop::sample::select(vec![0, 0, 1, 1, 2, 58, 59, 60, 61, 118, 119, 120, 121]);
    let behind =
        prop_oneof![4 => Just(0), 1 => prop::sample::select(vec![1, 59, 60, 61, 118, 119, 120, 121])];
    let step = (slices, -1i64..2, behind).prop_map(|(slices, beside, behind): (i64, i64, i64)| Step {
        gap: (slices * SLICE + beside).max(0),
        behind: behind * SLICE,
        key: 0,
        value: 0,
        follow_up: false,
        stop: false,
    });
    proptest::collection::vec(step, 2..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_spike_on_the_edges_of_windows(steps in edges(), ratio in 1u32..4, min in 1u64..4) {
        check_spike(&steps, ratio, min)?;
    }

    #[test]
    fn a_drop_on_the_edges_of_windows(steps in edges(), ratio in 1u32..4, min in 1u64..4) {
        check_drop(steps, ratio, min)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_spike_is_what_the_slices_say(steps in steps(0..1), ratio in 1u32..4, min in 1u64..6) {
        check_spike(&steps, ratio, min)?;
    }

    #[test]
    fn a_drop_is_what_the_slices_say(steps in steps(0..1), ratio in 1u32..4, min in 1u64..6) {
        check_drop(steps, ratio, min)?;
    }

    #[test]
    fn a_level_is_what_the_slices_say(
        steps in steps(-1..12),
        aggregate in prop::sample::select(vec!["last", "avg", "min", "max", "sum", "rate", "p50", "p90"]),
        above: bool,
        threshold in 1i64..10,
        lasting_for in prop_oneof![Just(0i64), whole(1..3)],
        samples in 1u64..4,
        windowed: bool,
    ) {
        let aggregate = if windowed { aggregate } else { "last" };
        let steps: Vec<Step> = steps
            .into_iter()
            .map(|step| Step { behind: if windowed { 0 } else { step.behind }, follow_up: false, ..step })
            .collect();
        let level = Level {
            side: if above { Side::Above } else { Side::Below },
            threshold: threshold as f64,
            of: "v".into(),
            aggregate: Aggregate::parse(aggregate).unwrap(),
            within: windowed.then(|| millis(WITHIN)),
            lasting: millis(lasting_for),
            samples,
            by: by_key(),
        };
        let got: Vec<Told> = run(lasting(When::Level(level.clone())), &steps, "v")
            .into_iter()
            // Flapping is the episodes' own matter: here only which way it went.
            .filter(|(_, _, kind)| matches!(kind, Kind::Opened | Kind::Reopened | Kind::Resolved))
            .collect();
        let oracle = Levels { level: &level, windowed };
        let mut expected = oracle.run(&events(&steps));
        // From the third reopening on, what happens is told only once it stands, which it never does here.
        let mut reopened: BTreeMap<String, usize> = BTreeMap::new();
        expected.retain(|(_, key, kind)| {
            let count = reopened.entry(key.clone()).or_default();
            *count += usize::from(*kind == Kind::Reopened);
            *count < 3
        });
        let sorted = |mut told: Vec<Told>| {
            told.sort_by_key(|(at, key, kind)| (*at, key.clone(), kind.name()));
            told
        };
        prop_assert_eq!(sorted(got), sorted(expected));
    }

    #[test]
    fn what_is_not_followed_alerts(steps in steps(0..1)) {
        let within = 1_000;
        let pattern = Pattern::new(crate::rule::On::Message, "x").unwrap();
        let when = When::NotFollowedBy { pattern, within: millis(within), by: by_key() };
        let got = run(bare(when), &steps, "v");
        let mut expected = Vec::new();
        for key in 0..3u8 {
            // The first that waits, by its own time and by the clock.
            let mut waits: Option<(i64, i64)> = None;
            let mut now = BASE;
            for step in &steps {
                now += step.gap;
                // By the clock: it was due before this event, whoever's it is.
                if let Some((_, due)) = waits.filter(|(_, due)| *due <= now) {
                    expected.push((due, key.to_string(), Kind::Opened));
                    waits = None;
                }
                if step.key != key {
                    continue;
                }
                let time = now - step.behind;
                if waits.is_some_and(|(since, _)| time - since >= within) {
                    expected.push((now, key.to_string(), Kind::Opened));
                    waits = None;
                }
                match step.follow_up {
                    true => waits = None,
                    false => {
                        waits.get_or_insert((time, now + within));
                    }
                }
            }
            expected.extend(waits.map(|(_, due)| (due, key.to_string(), Kind::Opened)));
        }
        let sorted = |mut told: Vec<Told>| {
            told.sort_by_key(|(at, key, _)| (*at, key.clone()));
            told
        };
        prop_assert_eq!(sorted(got), sorted(expected));
    }

    #[test]
    fn what_is_new_was_not_seen(steps in steps(-1..6), remember in whole(1..9), learn in whole(0..9)) {
        let novelty = Novelty { of: "v".into(), remember: millis(remember), learn: millis(learn), by: by_key() };
        let got = run(bare(When::New(novelty)), &steps, "v");
        let events = events(&steps);
        let mut expected = Vec::new();
        for (place, (now, key, seen)) in events.iter().enumerate() {
            let before = events[..place].iter().filter(|other| other.1 == *key && other.2.value == seen.value);
            // The latest that was seen of it: what is that old is forgotten.
            let known = before.map(|other| other.2.time).max().is_some_and(|latest| seen.time - latest < remember);
            let learned = (seen.time - events[0].2.time).max(0) >= learn;
            if seen.value >= 0 && !known && learned {
                expected.push((*now, key.to_string(), Kind::Opened));
            }
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn what_changed_is_another_than_the_last(steps in steps(-1..3)) {
        let got = run(bare(When::Changed { of: "v".into(), by: by_key() }), &steps, "v");
        let mut last: BTreeMap<u8, i64> = BTreeMap::new();
        let mut expected = Vec::new();
        for (now, key, seen) in events(&steps).into_iter().filter(|event| event.2.value >= 0) {
            if last.insert(key, seen.value).is_some_and(|before| before != seen.value) {
                expected.push((now, key.to_string(), Kind::Opened));
            }
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn count_and_distinct_are_exact(steps in steps(0..4), count in 1u32..5, distinct: bool) {
        let when = match distinct {
            true => When::Distinct { of: "v".into(), count, within: millis(WITHIN), by: by_key() },
            false => When::Count { count, within: millis(WITHIN), by: by_key() },
        };
        let got = run(bare(when), &steps, "v");
        let mut kept: BTreeMap<u8, Vec<Seen>> = BTreeMap::new();
        let mut expected = Vec::new();
        for (now, key, seen) in events(&steps) {
            let all = kept.entry(key).or_default();
            all.push(seen);
            let latest = all.iter().map(|seen| seen.time).max().unwrap();
            let inside: Vec<&Seen> = all.iter().filter(|seen| latest - seen.time < WITHIN).collect();
            let values: BTreeSet<i64> = inside.iter().map(|seen| seen.value).collect();
            let reached = if distinct { values.len() } else { inside.len() };
            if reached >= count as usize {
                all.clear();
                expected.push((now, key.to_string(), Kind::Opened));
            }
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn what_is_absent_was_there_before(steps in steps(0..1), after in whole(1..9), keyed: bool) {
        let when = When::Absent { after: millis(after), by: if keyed { by_key() } else { Vec::new() } };
        let steps: Vec<Step> = steps.into_iter().map(|step| Step { follow_up: false, ..step }).collect();
        let got: Vec<Told> = run(lasting(when), &steps, "v")
            .into_iter()
            .filter(|(_, _, kind)| matches!(kind, Kind::Opened | Kind::Reopened | Kind::Resolved))
            .collect();
        let mut expected = Vec::new();
        let events = events(&steps);
        let end = events.last().unwrap().0 + 20_000;
        for key in if keyed { 0..3u8 } else { 0..1 } {
            let taken: Vec<i64> =
                events.iter().filter(|event| !keyed || event.1 == key).map(|event| event.0).collect();
            let name = if keyed { key.to_string() } else { String::new() };
            let mut reopened = 0;
            // Without `by`, it is armed at the start.
            let first = if keyed { taken.first().copied() } else { Some(BASE) };
            let mut since = first;
            let mut opened = false;
            for now in taken.iter().copied().skip(usize::from(keyed)).chain([end]) {
                let Some(last) = since else { break };
                if now - last >= after {
                    reopened += usize::from(opened);
                    let kind = if opened { Kind::Reopened } else { Kind::Opened };
                    opened = true;
                    if reopened < 3 {
                        expected.push((last + after, name.clone(), kind));
                        if now != end {
                            expected.push((now, name.clone(), Kind::Resolved));
                        }
                    }
                }
                since = Some(now);
            }
        }
        let sorted = |mut told: Vec<Told>| {
            told.sort_by_key(|(at, key, kind)| (*at, key.clone(), kind.name()));
            told
        };
        prop_assert_eq!(sorted(got), sorted(expected));
    }
}

/// `above` and `below`, recomputed from all events at each of them and at each slice's end.
struct Levels<'a> {
    level: &'a Level,
    windowed: bool,
}

/// How a key stands.
#[derive(Default)]
struct Stand {
    beyond: Option<i64>,
    within: Option<i64>,
    holds: bool,
    opened: bool,
}

impl Levels<'_> {
    fn run(&self, events: &[(i64, u8, Seen)]) -> Vec<Told> {
        let end = events.last().unwrap().0 + 20_000;
        let mut told = Vec::new();
        for key in 0..3u8 {
            let all: Vec<(i64, Seen)> = events
                .iter()
                .filter(|event| event.1 == key && event.2.value >= 0)
                .map(|event| (event.0, event.2))
                .collect();
            let Some(first) = all.first() else { continue };
            let mut stand = Stand::default();
            // Each instant at which it is judged: a slice's end comes before the events of its instant.
            let mut instants: Vec<(i64, usize, Option<usize>)> =
                (0..all.len()).map(|n| (all[n].0, 1, Some(n))).collect();
            if self.windowed {
                let slices = first.1.time.div_euclid(SLICE)..end / SLICE;
                instants.extend(slices.map(|slice| ((slice + 1) * SLICE, 0, None)));
            }
            instants.sort();
            let mut latest = i64::MIN;
            for (now, _, place) in instants {
                let known = match place {
                    Some(place) => &all[..=place],
                    None => &all[..all.partition_point(|(taken, _)| *taken < now)],
                };
                let time = if self.windowed { now } else { known.last().unwrap().1.time };
                latest = latest.max(time);
                let slice = match place {
                    Some(_) => latest.div_euclid(SLICE),
                    None => now / SLICE - 1,
                };
                let seen: Vec<Seen> = known.iter().map(|(_, seen)| *seen).collect();
                let kind = self.judge(&mut stand, &seen, latest, slice);
                told.extend(kind.map(|kind| (now, key.to_string(), kind)));
            }
        }
        told
    }

    fn judge(&self, stand: &mut Stand, seen: &[Seen], now: i64, slice: i64) -> Option<Kind> {
        let window: Vec<Seen> = seen
            .iter()
            .copied()
            .filter(|seen| !self.windowed || (slice - 59..=slice).contains(&seen.time.div_euclid(SLICE)))
            .collect();
        let value = aggregate(&window, self.level.aggregate);
        let threshold = self.level.threshold;
        let is_beyond = value.is_some_and(|value| match self.level.side {
            Side::Above => value > threshold,
            Side::Below => value < threshold,
        });
        let lasting = self.level.lasting.as_millis() as i64;
        if is_beyond {
            stand.within = None;
            let since = *stand.beyond.get_or_insert(now);
            if !stand.holds && now - since >= lasting && window.len() as u64 >= self.level.samples {
                stand.holds = true;
                let kind = if stand.opened { Kind::Reopened } else { Kind::Opened };
                stand.opened = true;
                return Some(kind);
            }
        } else {
            stand.beyond = None;
            let since = *stand.within.get_or_insert(now);
            if stand.holds && now - since >= lasting {
                stand.holds = false;
                return Some(Kind::Resolved);
            }
        }
        None
    }
}

fn aggregate(window: &[Seen], of: Aggregate) -> Option<f64> {
    let last = window.last()?;
    let numbers = || window.iter().map(|seen| seen.value as f64);
    Some(match of {
        Aggregate::Last => last.value as f64,
        Aggregate::Sum => numbers().sum(),
        Aggregate::Avg => numbers().sum::<f64>() / window.len() as f64,
        Aggregate::Min => numbers().fold(f64::INFINITY, f64::min),
        Aggregate::Max => numbers().fold(f64::NEG_INFINITY, f64::max),
        Aggregate::Rate => {
            let grown: i64 = window
                .windows(2)
                .map(|pair| match pair[1].value >= pair[0].value {
                    true => pair[1].value - pair[0].value,
                    false => pair[1].value,
                })
                .sum();
            let secs = (last.time - window[0].time) as f64 / 1_000.0;
            return (secs > 0.0).then(|| grown as f64 / secs);
        }
        Aggregate::Percentile(percent) => {
            let mut taken: Vec<f64> = numbers().map(when::taken_for).collect();
            taken.sort_by(f64::total_cmp);
            let rank = (percent.get() / 100.0 * taken.len() as f64).ceil() as usize;
            taken[rank.clamp(1, taken.len()) - 1]
        }
    })
}
