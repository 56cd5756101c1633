//! `hooktail replay` as a user meets it: what it prints, what it writes, and its status.

use serde_json::Value;

use crate::agent::{Ended, Folder, Launch};

const RULES: &str = r#"webhooks: { ops: { url: "http://127.0.0.1:9/services/T0/B0/X" } }
inputs: { app: { files: app.log } }
rules:
  - name: disk-full
    match: 'disk (?P<disk>\S+) is full'
    dedup: { by: disk, window: 10m }
    message: { title: "{{ disk }} is full" }
  - { name: other, match: other }
"#;

const LOG: &str = "2026-11-24T10:00:00Z disk sda is full\n2026-11-24T10:00:01Z ready\n\
                   2026-11-24T10:05:00Z disk sda is full\n2026-11-24T10:06:00Z disk sdb is full\n";

fn replay(folder: &Folder, args: &[&str]) -> Ended {
    let launch = Launch::new(["replay", "-c", "rules.yaml"]).args(args.iter().copied()).env("TZ", "UTC");
    launch.folder(&folder.path("")).output("")
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("rules.yaml", RULES);
    folder.write("app.log", LOG);
    folder
}

fn stdout(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

#[test]
fn a_log_in_utf_16_is_read_by_its_mark_and_refused_without_one() {
    let folder = folder();
    let units = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    folder.write("app.log", units(&format!("\u{feff}{LOG}")));
    let ended = replay(&folder, &["app.log"]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(stdout(&ended).contains("disk-full: 3 matches"), "{}", stdout(&ended));
    folder.write("app.log", units(LOG));
    let ended = replay(&folder, &["app.log"]);
    assert_eq!((ended.code(), ended.said(&["app.log", "`encoding: utf-16be`"])), (1, 1), "{}", ended.stderr);
}

#[test]
fn what_would_have_been_sent_and_what_became_of_the_rest() {
    let ended = replay(&folder(), &["app.log"]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(
        stdout(&ended),
        "2026-11-24T10:00:00+00:00 opened    [ERROR] sda is full (disk-full)
2026-11-24T10:06:00+00:00 opened    [ERROR] sdb is full (disk-full)
2026-11-24T10:06:00+00:00 summary   [ERROR] sda is full · 1 more in 6m (disk-full)

disk-full: 3 matches, 1 folded, 2 opened
other: no match
"
    );
    assert_eq!(
        ended.said(&[
            "hooktail: 4 lines from 2026-11-24T10:00:00+00:00 to 2026-11-24T10:06:00+00:00: 3 matches, 3 messages"
        ]),
        1,
        "{}",
        ended.stderr
    );
}

#[test]
fn json_is_an_object_a_message_and_the_files_are_written() {
    let folder = folder();
    let ended = replay(&folder, &["app.log", "--json", "--report", "report.json", "--html", "page.html"]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let objects: Vec<Value> =
        stdout(&ended).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<String> = objects.iter().map(|told| format!("{} {}", told["time"], told["kind"])).collect();
    assert_eq!(
        told,
        [
            r#""2026-11-24T10:00:00+00:00" "opened""#,
            r#""2026-11-24T10:06:00+00:00" "opened""#,
            r#""2026-11-24T10:06:00+00:00" "summary""#
        ]
    );
    let report: Value = serde_json::from_str(&folder.read("report.json")).expect("JSON");
    assert_eq!(report["rules"]["disk-full"]["joined"], 1);
    assert_eq!((&report["lines"], &report["webhooks"]["ops"]["attachments"]), (&4.into(), &3.into()));
    assert!(folder.read("page.html").contains("<li class=\"item\" id=\"m3\">"));
}

#[test]
fn a_part_of_the_time() {
    let ended =
        replay(&folder(), &["app.log", "--since", "2026-11-24 10:01", "--until", "2026-11-24T10:06:00Z"]);
    assert_eq!(
        stdout(&ended).lines().next(),
        Some("2026-11-24T10:05:00+00:00 opened    [ERROR] sda is full (disk-full)")
    );
    assert_eq!(replay(&folder(), &["app.log", "--since", "noon"]).code(), 2);
}

#[test]
fn against_another_rule_file() {
    let folder = folder();
    folder.write(
        "old.yaml",
        RULES.replace("name: disk-full", "name: disk-full\n    mention: here").replace("sd", "x"),
    );
    let ended = replay(&folder, &["app.log", "--against", "old.yaml"]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(
        stdout(&ended),
        "~ 2026-11-24T10:00:00+00:00 opened    [ERROR] sda is full (disk-full)
      mention: here → nobody
~ 2026-11-24T10:06:00+00:00 opened    [ERROR] sdb is full (disk-full)
      mention: here → nobody
0 come, 0 go, 2 change, 1 stay
"
    );
    folder.write("old.yaml", RULES.replace("by: disk, ", ""));
    let ended = replay(&folder, &["app.log", "--against", "old.yaml", "--json"]);
    let changes: Vec<Value> =
        stdout(&ended).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(changes.iter().all(|told| told["change"] != "" && told["payload"].is_object()), "{changes:?}");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_replayed() {
    let folder = folder();
    let ended = replay(&folder, &["missing.log"]);
    assert_eq!((ended.code(), ended.said(&["failed to read `missing.log`"])), (1, 1), "{}", ended.stderr);
    folder.write("app.log.2.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03");
    let ended = replay(&folder, &["app.log.2.gz", "app.log"]);
    assert_eq!(
        (ended.code(), ended.said(&["`app.log.2.gz` was not read to its end"])),
        (1, 1),
        "{}",
        ended.stderr
    );
    assert_eq!(stdout(&ended).lines().count(), 6);
    assert_eq!(replay(&folder, &["app.log", "--input", "none"]).code(), 2);
}

#[test]
fn standard_input_is_a_log_too() {
    let folder = folder();
    let launch = Launch::new(["replay", "-c", "rules.yaml", "--json", "-"]).folder(&folder.path(""));
    assert_eq!(stdout(&launch.output(LOG)).lines().count(), 3);
    let ended = replay(&folder, &["-", "--against", "rules.yaml"]);
    assert_eq!((ended.code(), ended.said(&["standard input can be read once"])), (2, 1), "{}", ended.stderr);
}
