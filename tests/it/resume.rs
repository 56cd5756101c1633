//! Files that change while hooktail is not there, or while it is: what it goes on from. A row is one of the catalogue of
//! faults, as `docs/reliability.md` lists them.

use std::os::unix::fs::FileExt;

use rustix::process::Signal;

use crate::agent::{Agent, Ended, Launch};
use crate::scene::{Scene, wait_until_read};

const LOGS: &str = "logs: { files: 'logs/a.log', poll: 20ms }";
const ALL_NAMES: &str = "logs: { files: 'logs/a.log*', poll: 20ms }";

/// Enough for a content to be known by itself, in lines that are in order.
fn many(from: usize) -> String {
    (from..from + 100).map(|n| format!("line {n:04} of the log\n")).collect()
}

fn launch(scene: &Scene, inputs: &str) -> Launch {
    scene.launch(inputs).args(["--state-dir", "state"])
}

/// A scene in which `logs/a.log` was read to its end, and the first line told, by an agent that has ended.
fn read_before(inputs: &str, content: &str) -> Scene {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/a.log", content);
    finish(&scene, inputs);
    scene
}

/// Reads what is there to its ends, from where it was read before.
#[track_caller]
fn finish(scene: &Scene, inputs: &str) -> Ended {
    let ended = launch(scene, inputs).args(["--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    ended
}

/// The lines that were posted, in order; notices have no text.
fn lines(scene: &Scene) -> Vec<String> {
    scene.texts().into_iter().filter(|text| !text.is_empty()).collect()
}

#[track_caller]
fn check(scene: &Scene, expected: &str) {
    let mut lines = lines(scene);
    lines.sort();
    let mut expected: Vec<&str> = expected.lines().collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn reading_goes_on_where_it_ended() {
    let scene = read_before(LOGS, "1\n2\n");
    scene.folder.append("logs/a.log", "3\n");
    finish(&scene, LOGS);
    finish(&scene, LOGS);
    check(&scene, "1\n2\n3\n");
}

#[test]
fn row_04_what_was_rotated_while_down_is_found_by_its_number() {
    let scene = read_before(ALL_NAMES, "1\n");
    scene.folder.append("logs/a.log", "2\n");
    scene.folder.rename("logs/a.log", "logs/a.log.1");
    scene.folder.write("logs/a.log", "3\n");
    finish(&scene, ALL_NAMES);
    check(&scene, "1\n2\n3\n");
}

#[test]
fn row_05_what_was_rotated_while_down_to_a_name_outside_the_glob_is_looked_for_beside_it() {
    let scene = read_before(LOGS, "1\n");
    scene.folder.append("logs/a.log", "2\n");
    scene.folder.rename("logs/a.log", "logs/a.log.1");
    scene.folder.write("logs/a.log", "3\n");
    let ended = finish(&scene, LOGS);
    check(&scene, "1\n2\n3\n");
    assert_eq!(ended.said(&["went away unobserved"]), 0, "{}", ended.stderr);
}

#[test]
fn row_05_what_is_nowhere_to_be_found_is_told_once() {
    let scene = read_before(LOGS, "1\n");
    scene.folder.remove("logs/a.log");
    let ended = finish(&scene, LOGS);
    assert_eq!(ended.said(&["a.log", "went away unobserved", "after byte 2"]), 1, "{}", ended.stderr);
    assert!(scene.fallbacks().iter().any(|said| said.contains("went away unobserved")));
    let ended = finish(&scene, LOGS);
    assert_eq!(ended.said(&["went away unobserved"]), 0, "{}", ended.stderr);
}

#[test]
fn row_06_generations_that_came_and_went_while_down_are_read_oldest_first() {
    let scene = read_before(LOGS, "1\n");
    for n in 2..5 {
        for old in (1..n - 1).rev() {
            scene.folder.rename(&format!("logs/a.log.{old}"), &format!("logs/a.log.{}", old + 1));
        }
        scene.folder.rename("logs/a.log", "logs/a.log.1");
        // Births are told apart by the file system's tick.
        while born(&scene, "logs/a.log.1").is_some() && born(&scene, "logs/a.log.1") == born_now(&scene) {}
        scene.folder.write("logs/a.log", format!("{n}\n"));
    }
    finish(&scene, LOGS);
    if born(&scene, "logs/a.log").is_none() {
        println!("skipped: this file system doesn't say when a file was made");
        return;
    }
    assert_eq!(lines(&scene), ["1", "2", "3", "4"]);
}

fn born(scene: &Scene, name: &str) -> Option<std::time::SystemTime> {
    scene.folder.path(name).metadata().ok()?.created().ok()
}

/// When a file would be born that is made now.
fn born_now(scene: &Scene) -> Option<std::time::SystemTime> {
    scene.folder.write("tick", "");
    let born = born(scene, "tick");
    scene.folder.remove("tick");
    born
}

#[test]
fn row_09_and_10_a_number_that_was_given_anew_is_another_file() {
    // Longer and shorter than what was read; ext4 gives the number to the next file at once.
    for content in ["another file, and longer than the one before\n", "short\n"] {
        let scene = read_before(LOGS, "a line of some length\n");
        scene.folder.remove("logs/a.log");
        scene.folder.write("logs/a.log", content);
        finish(&scene, LOGS);
        finish(&scene, LOGS);
        check(&scene, &format!("a line of some length\n{content}"));
    }
}

#[test]
fn row_18_a_file_that_is_replaced_by_a_longer_version_of_itself_is_read_on() {
    let scene = read_before(LOGS, &many(0));
    scene.folder.write("logs/new", many(0) + "and more\n");
    scene.folder.rename("logs/new", "logs/a.log");
    finish(&scene, LOGS);
    check(&scene, &(many(0) + "and more\n"));
}

#[test]
fn row_18_also_while_it_is_being_read() {
    let scene = Scene::new();
    scene.folder.make("logs");
    let agent = launch(&scene, LOGS).start();
    agent.wait_for_stderr("names no file yet");
    scene.folder.write("logs/a.log", many(0));
    scene.wait_for(100);
    scene.folder.write("logs/new", many(0) + "and more\n");
    scene.folder.rename("logs/new", "logs/a.log");
    scene.wait_for(101);
    agent.stop();
    check(&scene, &(many(0) + "and more\n"));
}

#[test]
fn row_24_the_copy_that_copytruncate_makes_is_known() {
    let scene = Scene::new();
    scene.folder.make("logs");
    let agent = launch(&scene, ALL_NAMES).start();
    agent.wait_for_stderr("names no file yet");
    scene.folder.write("logs/a.log", many(0));
    scene.wait_for(100);
    std::fs::copy(scene.folder.path("logs/a.log"), scene.folder.path("logs/a.log.1")).unwrap();
    scene.folder.write("logs/a.log", "");
    scene.folder.append("logs/a.log", "after it\n");
    scene.wait_for(101);
    agent.stop();
    check(&scene, &(many(0) + "after it\n"));
}

#[test]
fn row_24_what_was_unread_of_a_truncated_file_is_read_in_its_copy() {
    let scene = read_before(LOGS, &many(0));
    scene.folder.append("logs/a.log", "unread\n");
    // A name that no glob has.
    std::fs::copy(scene.folder.path("logs/a.log"), scene.folder.path("logs/a.log.1")).unwrap();
    scene.folder.write("logs/a.log", "a new beginning of it\n");
    finish(&scene, LOGS);
    check(&scene, &(many(0) + "unread\na new beginning of it\n"));
}

#[test]
fn row_25_and_26_truncated_and_regrown_past_the_position() {
    let scene = read_before(LOGS, "1\n2\n");
    scene.folder.write("logs/a.log", "a longer one than before\n");
    finish(&scene, LOGS);
    check(&scene, "1\n2\na longer one than before\n");
}

#[test]
fn row_27_a_hole_before_a_line_is_passed() {
    let scene = read_before(LOGS, "a line\n");
    // A writer that has no O_APPEND goes on at its old offset.
    let file = scene.folder.write("logs/a.log", "");
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(b"after the hole\n", 4_500_000).unwrap();
    let ended = launch(&scene, LOGS).args(["--until-eof", "--report", "report.json"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    check(&scene, "a line\nafter the hole\n");
    let report: serde_json::Value = serde_json::from_str(&scene.folder.read("report.json")).unwrap();
    assert_eq!(report["inputs"]["logs"]["nul_bytes"], 4_500_000);
}

#[test]
fn row_32_the_beginning_of_a_line_is_read_again_after_a_kill() {
    let scene = Scene::new();
    scene.folder.make("logs");
    let agent = launch(&scene, LOGS).start();
    agent.wait_for_stderr("names no file yet");
    scene.folder.write("logs/a.log", "whole\nha");
    scene.wait_for(1);
    kill(agent);
    scene.folder.append("logs/a.log", "lf\n");
    finish(&scene, LOGS);
    let mut lines = lines(&scene);
    // The kill may have come before the receiver's answer was stored.
    lines.dedup();
    assert_eq!(lines, ["whole", "half"]);
}

fn kill(agent: Agent) {
    agent.signal(Signal::KILL);
    drop(agent);
}

#[test]
fn row_34_a_last_line_without_an_end_is_told_once() {
    let scene = Scene::new();
    scene.folder.make("logs");
    let agent = launch(&scene, LOGS).start();
    agent.wait_for_stderr("names no file yet");
    scene.folder.write("logs/a.log", "no end");
    assert_eq!(scene.wait_for(1), ["no end"]);
    agent.stop();
    scene.folder.append("logs/a.log", " yet\nnext\n");
    finish(&scene, LOGS);
    check(&scene, "no end\nnext\n");
}

#[test]
fn row_51_more_files_than_may_be_open() {
    let scene = Scene::new();
    scene.folder.make("logs");
    for n in 0..120 {
        scene.folder.write(&format!("logs/{n}.log"), "old\n");
    }
    let binary = env!("CARGO_BIN_EXE_hooktail");
    // Writes the rule file, too.
    drop(launch(&scene, "logs: { files: 'logs/*.log', poll: 20ms }"));
    let script = format!("ulimit -n 64; exec {binary} run -c rules.yaml --state-dir state");
    let agent = Launch::program("sh", ["-c", &script]).env("RUST_LOG", "hooktail=debug");
    let agent = agent.folder(&scene.folder.path("")).start();
    wait_until_read(&agent, "9.log");
    let mut expected = String::new();
    for round in 0..2 {
        for n in 0..120 {
            let line = format!("{round} {n}\n");
            scene.folder.append(&format!("logs/{n}.log"), &line);
            expected += &line;
        }
        scene.wait_for((round + 1) * 120);
    }
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    check(&scene, &expected);
}

#[test]
fn row_73_what_appears_while_down_is_read_from_its_beginning() {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/a.log", "old\n");
    let inputs = "logs: { files: 'logs/*.log', poll: 20ms }";
    let agent = launch(&scene, inputs).start();
    wait_until_read(&agent, "a.log");
    scene.folder.append("logs/a.log", "1\n");
    scene.wait_for(1);
    agent.stop();
    scene.folder.write("logs/b.log", "2\n");
    let agent = launch(&scene, inputs).start();
    scene.wait_for(2);
    agent.stop();
    // A further glob: what it names was there before it was used.
    scene.folder.write("logs/c.txt", "old\n");
    let inputs = "logs: { files: ['logs/*.log', 'logs/*.txt'], poll: 20ms }";
    let agent = launch(&scene, inputs).start();
    wait_until_read(&agent, "c.txt");
    scene.folder.append("logs/c.txt", "3\n");
    scene.wait_for(3);
    agent.stop();
    check(&scene, "1\n2\n3\n");
}

#[test]
fn row_47_what_is_no_regular_file_is_refused_once() {
    let scene = Scene::new();
    scene.folder.make("logs/directory.log");
    let pipe = scene.folder.path("logs/pipe.log");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: there is no mkfifo");
        return;
    }
    let agent = launch(&scene, "logs: { files: 'logs/*.log', poll: 20ms }").start();
    agent.wait_for_stderr("it is a named pipe");
    scene.folder.write("logs/a.log", "a line\n");
    scene.wait_for(1);
    let ended = agent.stop();
    assert_eq!(ended.said(&["pipe.log", "not read: it is a named pipe"]), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["directory.log", "not read: it is a directory"]), 1, "{}", ended.stderr);
}

#[test]
fn row_72_new_rules_and_globs_take_what_comes_from_now_on() {
    let scene = read_before(LOGS, "1\n2\n");
    scene.folder.append("logs/a.log", "3\n");
    scene.folder.write("logs/b.log", "there before its glob\n");
    let inputs = "logs: { files: ['logs/a.log', 'logs/b.log'], poll: 20ms }";
    let rules = "{ name: numbers, match: '^[0-9]', dedup: off,\n\
                 message: { title: \"{{ input }}:{{ file }}\", text: \"{{ line }}\" } }";
    let agent = scene.launch_with(inputs, rules).args(["--state-dir", "state"]).start();
    // Read on where it ended, by a rule that has not seen the lines before.
    scene.wait_for(3);
    wait_until_read(&agent, "b.log");
    scene.folder.append("logs/b.log", "4\n");
    scene.wait_for(4);
    agent.stop();
    check(&scene, "1\n2\n3\n4\n");
}

const TRACE: &str =
    "ERROR charge failed\ncom.example.PaymentException: declined\n\tat com.example.Pay.charge(Pay.java:4)\n";

fn joined(inputs: &str) -> String {
    format!("logs: {{ files: '{inputs}', poll: 20ms, multiline: {{ preset: java, timeout: 10m }} }}")
}

#[test]
fn row_48_an_event_of_several_lines_over_kills_and_a_restart() {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/a.log", "");
    let inputs = joined("logs/a.log");
    finish(&scene, &inputs);
    for line in TRACE.split_inclusive('\n') {
        let agent = launch(&scene, &inputs).start();
        scene.folder.append("logs/a.log", line);
        wait_until_read(&agent, "a.log");
        agent.signal(Signal::KILL);
    }
    let agent = launch(&scene, &inputs).start();
    scene.folder.append("logs/a.log", "\t... 3 more\nINFO next\n");
    scene.wait_for(1);
    assert_eq!(agent.stop().code(), 0);
    assert_eq!(lines(&scene).len(), 1, "{:?}", lines(&scene));
    finish(&scene, &inputs);
    assert_eq!(lines(&scene), [format!("{TRACE}\t... 3 more"), "INFO next".to_owned()]);
}

#[test]
fn row_48_an_event_of_several_lines_ends_with_its_file() {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/a.log", "");
    let inputs = joined("logs/a.log*");
    finish(&scene, &inputs);
    scene.folder.append("logs/a.log", TRACE);
    scene.folder.rename("logs/a.log", "logs/a.log.1");
    scene.folder.write("logs/a.log", "\t... 3 more\n");
    finish(&scene, &inputs);
    let mut told = lines(&scene);
    told.sort();
    assert_eq!(told, ["... 3 more", TRACE.trim_end()]);
}
