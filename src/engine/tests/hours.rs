//! A rule with a schedule while the clock on the wall is put forward and back, against the wall clock of each minute.

use jiff::civil::time as clock;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::restart::Stored;
use super::*;
use crate::captures::Captures;
use crate::schedule::{Days, Hours, Schedule};

/// Where the clock is moved, and a day before it is.
const MOVES: [(&str, &str); 6] = [
    ("Europe/Berlin", "2026-03-28T00:00:00Z"),
    ("Europe/Berlin", "2026-10-24T00:00:00Z"),
    ("America/New_York", "2026-03-07T06:00:00Z"),
    ("America/New_York", "2026-10-31T06:00:00Z"),
    // By half an hour, and never.
    ("Australia/Lord_Howe", "2026-04-03T12:00:00Z"),
    ("Asia/Kolkata", "2026-03-28T00:00:00Z"),
];

const MINUTES: i64 = 3 * 1_440;

#[derive(Debug, Clone)]
struct Case {
    zone: &'static str,
    start: Timestamp,
    /// In half hours.
    from: u16,
    to: u16,
    days: &'static str,
}

fn case() -> impl Strategy<Value = Case> {
    let days = prop::sample::select(vec!["mon-sun", "sun", "sat,sun", "sat", "fri-mon"]);
    // Most hours begin or end where the clock is moved.
    let hour = || prop_oneof![3 => 0u16..9, 1 => 9u16..48];
    (prop::sample::select(MOVES.to_vec()), hour(), hour(), days).prop_map(
        |((zone, start), from, to, days)| Case {
            zone,
            start: start.parse().unwrap(),
            from,
            to: if to == from { to + 1 } else { to },
            days,
        },
    )
}

impl Case {
    fn rule(&self, when: When, dedup: Option<Dedup>) -> Rule {
        let hours = Hours {
            days: Days::parse(self.days).unwrap(),
            from: self.from * 30,
            to: self.to * 30,
            zone: TimeZone::get(self.zone).unwrap(),
        };
        let schedule = Schedule { name: "s".into(), hours: vec![hours] };
        Rule { when, dedup, active_during: Some(Arc::new(schedule)), ..rule() }
    }

    fn time(&self, minute: i64) -> Time {
        Time::from_secs(self.start.as_second() + minute * 60)
    }

    /// The oracle: what the clock on the wall shows.
    fn is_active(&self, minute: i64) -> bool {
        let local = TimeZone::get(self.zone).unwrap().to_datetime(self.start + minute.minutes());
        let wall = local.time();
        let at = |half_hours: u16| clock((half_hours / 2) as i8, (half_hours % 2 * 30) as i8, 0, 0);
        let holds = |day: jiff::civil::Date| {
            let name = format!("{:?}", day.weekday()).to_lowercase();
            let listed = |part: &str| match part {
                "mon-sun" => true,
                "fri-mon" => ["friday", "saturday", "sunday", "monday"].contains(&&*name),
                day => name.starts_with(day),
            };
            self.days.split(',').any(listed)
        };
        let (today, from, to) = (local.date(), at(self.from), at(self.to % 48));
        match self.from < self.to {
            true => holds(today) && wall >= from && (self.to == 48 || wall < to),
            false => holds(today) && wall >= from || holds(today.yesterday().unwrap()) && wall < to,
        }
    }

    fn event(&self, minute: i64) -> Match {
        let origin = Arc::new(Origin { input: "in".into(), file: None, stream: None, labels: Texts::new() });
        let (line, time) = (b"x".as_slice().into(), self.time(minute));
        let event = Arc::new(Event {
            origin,
            line,
            truncated: false,
            time,
            parse: Parse::Text,
            shape: Default::default(),
        });
        let (severity, captures) = (Severity::Error, Captures::default());
        Match { rule: RuleId(0), role: Role::Match, event, captures, severity, around: None }
    }

    /// Takes a match at each of `minutes`, and is killed and started again at some of them.
    fn run(&self, rule: Rule, minutes: &[(i64, bool)]) -> Vec<(i64, Kind, u64)> {
        let (rules, host): (Arc<[Rule]>, Arc<str>) = (Arc::from([rule]), "host".into());
        let (mut stored, mut alerts) = (Stored::default(), Vec::new());
        let mut engine = Engine::restore(rules.clone(), host.clone(), 100, Vec::new(), self.time(0)).0;
        for (minute, stop) in minutes {
            engine.take(self.event(*minute), self.time(*minute));
            if *stop {
                alerts.extend(engine.take_alerts());
                stored.put(engine.take_changes(&|_, _| {}));
                let again = self.time(*minute);
                engine = Engine::restore(rules.clone(), host.clone(), 100, stored.records(), again).0;
                engine.silence(Vec::new(), again);
            }
        }
        engine.advance(self.time(MINUTES));
        alerts.extend(engine.take_alerts());
        let minute = |alert: &Alert| (alert.decided.as_secs() - self.start.as_second()) / 60;
        alerts.iter().map(|alert| (minute(alert), alert.kind, alert.count)).collect()
    }
}

fn minutes() -> impl Strategy<Value = Vec<(i64, bool)>> {
    let gap = prop_oneof![2 => Just(30), 1 => Just(0), 3 => 1i64..200];
    proptest::collection::vec((gap, prop::bool::weighted(0.1)), 1..80).prop_map(|gaps| {
        let mut minute = 0;
        let next = |(gap, stop): (i64, bool)| {
            minute += gap;
            (minute, stop)
        };
        gaps.into_iter().map(next).take_while(|(minute, _)| *minute < MINUTES).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn outside_its_hours_a_rule_is_silent_and_then_says_how_much(case in case(), minutes in minutes()) {
        let got = case.run(case.rule(When::Every, None), &minutes);
        let (mut expected, mut held) = (Vec::new(), 0);
        for minute in 0..=MINUTES {
            let is_active = case.is_active(minute);
            if is_active && held > 0 {
                expected.push((minute, Kind::HeldBack, held));
                held = 0;
            }
            for _ in minutes.iter().filter(|(at, _)| *at == minute) {
                match is_active {
                    true => expected.push((minute, Kind::Opened, 1)),
                    false => held += 1,
                }
            }
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn outside_its_hours_nothing_is_missed(case in case(), minutes in minutes(), after in 1i64..400) {
        let when = When::Absent { after: secs(after as u64 * 60), by: Vec::new() };
        let got = case.run(case.rule(when, dedup(10_000_000, 1.0)), &minutes);
        let got = got.into_iter().find(|(_, kind, _)| *kind == Kind::Opened).map(|(minute, ..)| minute);
        // Time goes on in the active minutes alone.
        let (mut ran, mut since, mut expected) = (0, 0, None);
        for minute in 0..=MINUTES {
            let is_active = case.is_active(minute);
            if is_active && ran - since >= after {
                expected = Some(minute);
                break;
            }
            if minutes.iter().any(|(at, _)| *at == minute) {
                since = ran;
            }
            ran += i64::from(is_active);
        }
        prop_assert_eq!(got, expected);
    }
}

/// The engine was not there when the hours began.
#[test]
fn what_was_held_back_is_told_at_a_start_within_the_hours() {
    let case = Case {
        zone: "Europe/Berlin",
        start: "2026-10-25T00:00:00Z".parse().unwrap(),
        from: 6,
        to: 8,
        days: "mon-sun",
    };
    let rules: Arc<[Rule]> = Arc::from([case.rule(When::Every, None)]);
    let mut engine = Engine::restore(rules.clone(), "host".into(), 100, Vec::new(), case.time(0)).0;
    engine.take(case.event(30), case.time(30));
    let mut stored = Stored::default();
    stored.put(engine.take_changes(&|_, _| {}));
    // At 3:00 the clock was put back to 2:00: it is 3:10.
    let again = case.time(130);
    let mut engine = Engine::restore(rules, "host".into(), 100, stored.records(), again).0;
    engine.silence(Vec::new(), again);
    let told: Vec<(Kind, u64)> = engine.take_alerts().iter().map(|alert| (alert.kind, alert.count)).collect();
    assert_eq!(told, [(Kind::HeldBack, 1)]);
}
