//! Logs on their own times: the same result as `run`, in bounded memory, whatever the logs hold.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::against::{Change, Sent, compare};
use super::archive::Archive;
use super::object::object;
use super::page::Page;
use super::*;
use crate::config;
use crate::engine::Engine;
use crate::event::Match;
use crate::line::split::Line;

const RULES: &str = r#"webhooks: { ops: { url: "http://127.0.0.1:9/services/T0/B0/X" } }
inputs: { app: { files: /logs/app.log, labels: { site: a } }, other: { files: '/logs/other*.log' } }
rules:
  - name: failed
    match: 'failed (?P<user>\w+) from (?P<ip>\w+)'
    when: { count: 3, within: 10s, by: ip }
    dedup: { window: 30s, max: 1m }
    escalate: [{ count: 12, mention: here }]
    message: { title: "failed from {{ ip }}" }
  - name: slow
    match: slow (?P<ms>\d+)
    where: ms > 5
    dedup: { window: 10s, by: input }
    throttle: { rate: 2/m }
  - { name: panic, match: panic, dedup: off }
"#;

fn stations(rules: &str) -> Stations {
    let loaded = config::from_str(rules, "hooktail.yaml", Path::new("/"), &|_| None);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(false));
    Stations::new(loaded.config.expect("nothing is wrong"))
}

#[derive(Default)]
struct Heard {
    matches: Vec<(RuleId, Time)>,
    messages: Vec<Shown>,
}

impl Audience for Heard {
    fn matched(&mut self, rule: RuleId, time: Time) {
        self.matches.push((rule, time));
    }

    fn message(&mut self, shown: Shown) {
        self.messages.push(shown);
    }
}

impl Heard {
    /// Each message in a line: seconds, kind, title.
    fn told(&self) -> Vec<String> {
        let line = |shown: &Shown| {
            let title = shown.part(&crate::proof::case::Part::Title).unwrap_or_default();
            format!("{} {} {title}", shown.alert.decided.as_secs(), shown.alert.kind.name())
        };
        self.messages.iter().map(line).collect()
    }
}

/// Replays files with these contents; each is of the input at the same place, the last input taking the rest.
fn replay(stations: &Stations, contents: &[impl AsRef<[u8]>], range: Range) -> (Heard, Replayed) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(place, content): (usize, &_)| {
        let path = folder.path().join(format!("{place}.log"));
        std::fs::write(&path, AsRef::<[u8]>::as_ref(content)).unwrap();
        let input = place.min(stations.inputs.len() - 1);
        Log { origin: stations.origin(input), ..Log::new(path, input, stations, Caps::default()) }
    };
    let logs: Vec<Log> = contents.iter().enumerate().map(write).collect();
    let mut heard = Heard::default();
    let replayed = run(stations, &logs, range, &|_| {}, &mut heard);
    (heard, replayed)
}

fn stamp(secs: i64) -> String {
    let stamp = jiff::Timestamp::from_second(secs).unwrap();
    stamp.to_string()
}

fn time(secs: i64) -> Time {
    Time::from_secs(secs)
}

/// What `run` does with these lines when each is read at its time: the engine's thread wakes when a timer is due.
fn as_run_does(stations: &Stations, lines: &[(i64, usize, String)]) -> Vec<serde_json::Value> {
    let start = time(lines.iter().map(|(secs, ..)| *secs).min().unwrap_or(0));
    let mut engine = Engine::new(stations.rules.clone(), stations.host.clone(), 100_000, start);
    let mut searches = [stations.search(0), stations.search(1)];
    let mut told = Vec::new();
    let mut now = start;
    let tell = |engine: &mut Engine, told: &mut Vec<serde_json::Value>| {
        for mut alert in engine.take_alerts() {
            let rule = stations.rule(&alert.rule).unwrap();
            crate::message::redact_alert::redact_alert(&mut alert, &rule.redact);
            told.push(object(&Shown::new(alert, Some(rule), &stations.host)));
        }
    };
    for (secs, input, line) in lines {
        while let Some(due) = engine.next_due().filter(|due| *due <= time(*secs)) {
            engine.advance(due);
            tell(&mut engine, &mut told);
        }
        now = now.max(time(*secs));
        let mut found: Vec<Match> = Vec::new();
        let (line, origin) = (Line::cut(line.as_bytes(), 1 << 20), stations.origin(*input));
        let search = &mut searches[*input];
        stations.scan(*input, &origin, line, time(*secs), search, |one| found.push(one));
        found.into_iter().for_each(|one| engine.take(one, now));
        tell(&mut engine, &mut told);
    }
    engine.advance(now);
    engine.end_of_input(now);
    tell(&mut engine, &mut told);
    told
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "failed [ab] from [xy]",
        "slow (3|7|9)",
        Just("panic".to_owned()),
        Just("nothing of note".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Also: it gives the same twice.
    #[test]
    fn it_tells_what_run_would_have_told(
        files in proptest::collection::vec(proptest::collection::vec((0i64..40, any_line()), 0..60), 1..4),
    ) {
        let stations = stations(RULES);
        let mut all = Vec::new();
        let contents: Vec<String> = files
            .iter()
            .enumerate()
            .map(|(place, lines)| {
                let mut secs = 1_767_225_600;
                let mut text = String::new();
                for (step, line) in lines {
                    // Bursts of one second, and gaps in which timers are due.
                    secs += if *step < 30 { *step / 10 } else { *step * 3 };
                    let line = format!("{} {line}", stamp(secs));
                    text += &format!("{line}\n");
                    all.push((secs, place.min(1), line));
                }
                text
            })
            .collect();
        // Of one time, in the order of the logs.
        all.sort_by_key(|(secs, ..)| *secs);
        let objects = |heard: &Heard| heard.messages.iter().map(object).collect::<Vec<_>>();
        let (heard, replayed) = replay(&stations, &contents, Range::default());
        let first = objects(&heard);
        prop_assert_eq!(&first, &as_run_does(&stations, &all));
        prop_assert_eq!(&first, &objects(&replay(&stations, &contents, Range::default()).0));
        prop_assert_eq!(replayed.report.lines, all.len() as u64);
        for counters in &replayed.counters {
            let gates = counters.below_when + counters.silenced + counters.joined + counters.throttled + counters.posted;
            prop_assert_eq!(counters.matches, gates);
        }
    }

    #[test]
    fn a_timeline_forgets_nothing_and_stays_small(
        times in proptest::collection::vec(prop_oneof![0i64..100_000, -5_000_000i64..5_000_000], 1..300),
    ) {
        let mut timeline = Timeline::default();
        times.iter().for_each(|secs| timeline.add(time(*secs)));
        let steps: Vec<(Time, u64)> = timeline.steps().collect();
        prop_assert!(steps.len() <= 480);
        let step = i64::try_from(timeline.step().as_secs()).unwrap();
        for (start, count) in steps {
            let inside = times.iter().filter(|secs| (0..step).contains(&(**secs - start.as_secs()))).count();
            prop_assert_eq!(count, inside as u64);
        }
        let (first, last) = (time(*times.iter().min().unwrap()), time(*times.iter().max().unwrap()));
        let spread: u64 = timeline.spread(first, last, 7).iter().sum();
        prop_assert_eq!(spread, times.len() as u64);
    }
}

#[test]
fn logs_are_merged_by_time() {
    let stations = stations(RULES);
    let one = format!("{} panic a\n{} panic c\n", stamp(10), stamp(30));
    let two = format!("{} panic b\n{} panic d\n", stamp(20), stamp(40));
    let (heard, replayed) = replay(&stations, &[&one, &two, &one], Range::default());
    let lines: Vec<String> = heard.messages.iter().map(|m| m.alert.event.clone().unwrap().line).collect();
    let ends: Vec<&str> = lines.iter().map(|line| &line[line.len() - 1..]).collect();
    assert_eq!(ends, ["a", "a", "b", "c", "c", "d"]);
    assert_eq!(replayed.period, Some((time(10), time(40))));
    assert_eq!(replayed.report.inputs["app"].lines, 2);
    assert_eq!(replayed.report.inputs["other"].lines, 4);
    assert_eq!(replayed.report.webhooks["ops"].messages, 6);
}

#[test]
fn a_line_without_a_time_belongs_to_the_one_before() {
    let stations = stations(RULES);
    let log = format!("panic 0\n{} x\npanic 1\n{} panic 2\n{} y\npanic 3", stamp(10), stamp(20), stamp(15));
    let (heard, replayed) = replay(&stations, &[log], Range::default());
    let times: Vec<i64> =
        heard.messages.iter().map(|m| m.alert.event.clone().unwrap().time.as_secs()).collect();
    assert_eq!(times, [10, 10, 20, 20], "also what comes first, and what comes after a time that goes back");
    assert!(replayed.timeless.is_empty());
}

#[test]
fn a_log_without_any_time_is_one_instant_and_said_so() {
    let stations = stations(RULES);
    let (heard, replayed) = replay(&stations, &["panic\npanic\n"], Range::default());
    assert_eq!((heard.messages.len(), replayed.timeless.len()), (2, 1));
    assert_eq!(heard.messages[0].alert.decided, heard.messages[1].alert.decided);
    let (_, replayed) = replay(&stations, &[""], Range::default());
    assert!(replayed.timeless.is_empty() && replayed.period.is_none());
}

#[test]
fn a_range_leaves_out_what_lies_outside() {
    let stations = stations(RULES);
    let log: String = (0..10).map(|n| format!("{} panic\n", stamp(n))).collect();
    let range = Range { since: Some(time(3)), until: Some(time(6)) };
    let (heard, replayed) = replay(&stations, &[&log], range);
    let times: Vec<i64> = heard.matches.iter().map(|(_, time)| time.as_secs()).collect();
    assert_eq!((times, replayed.period), (vec![3, 4, 5], Some((time(3), time(5)))));
}

#[test]
fn windows_and_dedup_hold_as_they_would_have() {
    let stations = stations(RULES);
    let at = |secs: i64| format!("{} failed a from x\n", stamp(secs));
    let log: String = [0, 1, 20, 21, 22, 30, 31, 32, 200].into_iter().map(at).collect();
    let (heard, _) = replay(&stations, &[log], Range::default());
    assert_eq!(heard.told(), ["22 opened failed from x", "52 summary failed from x · 3 more in 30s"]);
}

/// As `run` would have missed it, had it read the logs as they grew: from the first line of any of them on.
#[test]
fn what_is_absent_is_missed_from_the_first_line_to_the_last() {
    let rules = RULES.replace(
        "- { name: panic, match: panic, dedup: off }",
        "- { name: gone, match: panic, when: { absent: 100s } }",
    );
    let stations = stations(&rules);
    let quiet = format!("{} fine\n{} fine\n", stamp(1_000), stamp(1_150));
    let log = |end: i64| {
        let at = |secs: i64, what: &str| format!("{} {what}\n", stamp(secs));
        [at(1_040, "fine"), at(1_130, "panic"), at(1_229, "panic"), at(end, "fine")].concat()
    };
    let told = |logs: &[String]| replay(&stations, logs, Range::default()).0.told();
    let missed = ["1100 opened gone", "1130 resolved gone · after 2m, 1 times"];
    let last = told(&[quiet.clone(), log(1_328)]);
    assert_eq!(last.iter().map(|line| &line[..13]).collect::<Vec<_>>(), missed.map(|line| &line[..13]));
    // The end of the logs is no absence; a line is what says that time has passed.
    assert_eq!(told(&[quiet, log(1_329)]).len(), 3);
    assert_eq!(told(&[log(1_328)]).len(), 0, "armed at the first line, 90 seconds before the match");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn packed_logs_are_read_whatever_they_are_called() {
    let stations = stations(RULES);
    let log: String = (0..5_000).map(|n| format!("{} panic {n}\n", stamp(n))).collect();
    let (head, tail) = log.split_at(70_000);
    // Several members and frames, as rotation and parallel packers make them, and one to skip.
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0], &b"abc"[..]].concat();
    for packed in [
        gzip(log.as_bytes()),
        [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat(),
        zstd(log.as_bytes()),
        [zstd(head.as_bytes()), skipped.clone(), zstd(tail.as_bytes())].concat(),
        log.clone().into_bytes(),
    ] {
        let (heard, replayed) = replay(&stations, &[packed], Range::default());
        assert_eq!((heard.matches.len(), replayed.report.bytes), (5_000, log.len() as u64));
        assert!(replayed.failures.is_empty(), "{:?}", replayed.failures);
    }
}

#[test]
fn a_broken_archive_is_read_as_far_as_it_goes_and_said() {
    let stations = stations(RULES);
    let log: String = (0..5_000).map(|n| format!("{} panic {}\n", stamp(n), n * n)).collect();
    for (mut packed, least) in [(gzip(log.as_bytes()), 1), (zstd(log.as_bytes()), 0)] {
        packed.truncate(packed.len() * 3 / 4);
        let (heard, replayed) = replay(&stations, &[packed], Range::default());
        assert!(heard.matches.len() >= least && heard.matches.len() < 5_000);
        assert_eq!(replayed.failures.len(), 1);
    }
    let (_, replayed) = replay(&stations, &[&b"\xfd7zXZ\0..."[..], b"BZh91AY"], Range::default());
    let said: Vec<String> = replayed.failures.iter().map(|(_, error)| error.to_string()).collect();
    assert_eq!(
        said,
        [
            "it is packed by xz, which is not read: unpack it first",
            "it is packed by bzip2, which is not read: unpack it first"
        ]
    );
}

/// Row 46 of the catalogue of faults: a gzip bomb is stopped after little work, in constant memory.
#[test]
fn row_46_an_archive_that_grows_beyond_measure_is_stopped() {
    let grown = |packed: Vec<u8>, caps: Caps| {
        let read = AtomicU64::new(0);
        let count = |bytes| {
            read.fetch_add(bytes, Ordering::Relaxed);
        };
        let mut archive = Archive::new(Box::new(io::Cursor::new(packed)), caps, &count).unwrap();
        let mut grown = 0u64;
        let mut buffer = vec![0; 64 * 1024];
        let end = loop {
            match io::Read::read(&mut archive, &mut buffer) {
                Ok(0) => break "whole".to_owned(),
                Ok(len) => grown += len as u64,
                Err(error) => break error.to_string(),
            }
        };
        (grown, end)
    };
    let zeros = vec![0; 32 << 20];
    for bomb in [gzip(&zeros), zstd(&zeros)] {
        let caps = Caps { ratio: 500, free_bytes: 1 << 20, bytes: 1 << 40 };
        let (grew, end) = grown(bomb.clone(), caps);
        assert!(end.starts_with("it grows to more than 500 times its size"), "{end}");
        assert!(grew < 32 << 20, "{grew}");
        let caps = Caps { ratio: u64::MAX, free_bytes: 0, bytes: 3 << 20 };
        let (grew, end) = grown(bomb, caps);
        assert_eq!(end, format!("it holds more than {} bytes when it is unpacked", 3 << 20));
        assert!(grew <= (3 << 20) + 64 * 1024, "{grew}");
    }
    let log: String = (0..200_000).map(|n| format!("{} line {n}\n", stamp(n))).collect();
    let caps = Caps { free_bytes: 0, ..Caps::default() };
    assert_eq!(grown(gzip(log.as_bytes()), caps), (log.len() as u64, "whole".to_owned()));
    // What is not packed doesn't grow.
    assert_eq!(grown(vec![b'x'; 100], Caps { ratio: 1, free_bytes: 0, bytes: 1 }).0, 100);
}

#[test]
fn the_input_is_told_by_the_logs_name() {
    let stations = stations(RULES);
    let of = |path: &str| {
        Log::input_of(Path::new(path), &stations).map(|input| stations.inputs[input].name.to_string()).ok()
    };
    for (path, input) in [
        ("/logs/app.log", Some("app")),
        ("/logs/app.log.1", Some("app")),
        ("/logs/app.log.12.gz", Some("app")),
        ("/logs/app.log.zst", Some("app")),
        ("/logs/other-7.log.gz", Some("other")),
        ("/elsewhere/app.log", None),
        ("-", None),
    ] {
        assert_eq!(of(path).as_deref(), input, "{path}");
    }
    let error = Log::input_of(Path::new("x.log"), &stations).unwrap_err().to_string();
    assert_eq!(
        error,
        "`x.log`: no input's `files` name it\nhelp: say which one it is of: `--input NAME`; there are `app`, `other`"
    );
}

#[test]
fn two_rule_files_are_compared() {
    let log: String = [0, 1, 2, 3, 60]
        .into_iter()
        .map(|secs| format!("{} failed a from x\n{} panic\n", stamp(secs), stamp(secs)))
        .collect();
    let sent = |rules: &str| -> Vec<Sent> {
        let (heard, _) = replay(&stations(rules), &[&log], Range::default());
        heard.messages.iter().map(|shown| Sent::new(shown, None)).collect()
    };
    let (old, new) = (
        sent(RULES),
        sent(&RULES.replace("count: 3", "count: 4").replace("dedup: off }", "dedup: off, severity: info }")),
    );
    let told: Vec<String> = compare(&old, &new)
        .iter()
        .map(|change| match change {
            Change::Comes(sent) => format!("+ {} {}", sent.time.as_secs(), sent.title()),
            Change::Goes(sent) => format!("- {} {}", sent.time.as_secs(), sent.title()),
            Change::Changes(sent, parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|(part, before, after)| {
                        format!("{part} {}>{}", before.unwrap_or(""), after.unwrap_or(""))
                    })
                    .collect();
                format!("~ {} {}: {}", sent.time.as_secs(), sent.title(), parts.join(" "))
            }
            Change::Stays(sent) => format!("= {} {}", sent.time.as_secs(), sent.title()),
        })
        .collect();
    assert_eq!(
        told,
        [
            "~ 0 panic: severity error>info",
            "~ 1 panic: severity error>info",
            "- 2 failed from x",
            "~ 2 panic: severity error>info",
            "+ 3 failed from x",
            "~ 3 panic: severity error>info",
            "~ 60 panic: severity error>info",
        ]
    );
    assert!(compare(&old, &old).iter().all(|change| matches!(change, Change::Stays(_))));
}

#[test]
fn a_page_holds_all_it_needs_and_nothing_of_a_log_acts() {
    let stations = stations(RULES);
    let log = format!("{} panic <script>alert(1)</script> \" onload='x' </style> &amp; \u{202e}\n", stamp(0));
    let (heard, replayed) = replay(&stations, &[log], Range::default());
    let mut page = Page::new(stations.rules.len());
    for (rule, time) in &heard.matches {
        page.matched(*rule, *time);
    }
    heard.messages.iter().for_each(|shown| page.message(shown, &stations));
    let html = page.finish(&stations, &replayed);
    let lower = html.to_ascii_lowercase();
    assert!(lower.contains("default-src 'none'; style-src 'sha256-"));
    for forbidden in ["<script", "onload='", "onload=\"", " style=", "http://", "javascript:"] {
        assert!(!lower.contains(forbidden), "{forbidden} in {html}");
    }
    assert_eq!(lower.matches("</style>").count(), 1);
    assert!(
        html.contains("<section class=\"rule\">\n<h3>panic ")
            && html.contains("Without a match: failed, slow")
    );
    assert!(html.contains("<a href=\"#m1\">") && html.contains("<li class=\"item\" id=\"m1\">"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn nobody_reads_a_page_of_ten_thousand_messages() {
    let stations = stations(RULES);
    let log: String = (0..1_200).map(|n| format!("{} panic\n", stamp(n))).collect();
    let (heard, replayed) = replay(&stations, &[log], Range::default());
    let mut page = Page::new(stations.rules.len());
    heard.messages.iter().for_each(|shown| page.message(shown, &stations));
    let html = page.finish(&stations, &replayed);
    assert!(html.contains("200 later messages are not shown") && !html.contains("id=\"m1001\""));
}

#[test]
fn an_object_has_exactly_the_keys_that_are_documented() {
    let stations = stations(RULES);
    let log: String = (0..3).map(|n| format!("{} failed a from x\n", stamp(n))).collect();
    let (heard, _) = replay(&stations, &[log], Range::default());
    let object = object(&heard.messages[0]);
    let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "time",
            "kind",
            "rule",
            "key",
            "severity",
            "mention",
            "webhook",
            "count",
            "suppressed",
            "fields",
            "payload"
        ]
    );
    assert_eq!(object["key"].to_string(), r#"{"ip":"x"}"#);
    assert_eq!(object["fields"].to_string(), r#"{"site":"a","user":"a","ip":"x"}"#);
    assert_eq!(
        (object["mention"].to_string(), object["webhook"].to_string()),
        ("[]".into(), r#"["ops"]"#.into())
    );
    assert_eq!(object["payload"]["attachments"][0]["title"], "failed from x");
}
