//! Inputs of files while names come, go and change: no line is lost, none is read twice.

use std::os::unix::fs::symlink;

use crate::agent::{Agent, Ended};
use crate::scene::{Scene, wait_until_read};

/// A scene in which `a.log` is read and its first line, `1`, has arrived.
fn reading(inputs: &str) -> (Scene, Agent) {
    let scene = Scene::new();
    scene.folder.write("a.log", "old\n");
    let agent = scene.run(inputs);
    wait_until_read(&agent, "a.log");
    scene.folder.append("a.log", "1\n");
    assert_eq!(scene.wait_for(1), ["1"]);
    (scene, agent)
}

/// Waits for lines `1` to `last`, stops the agent, and checks that each came once.
#[track_caller]
fn finish(scene: &Scene, agent: Agent, last: usize) -> Ended {
    scene.wait_for(last);
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let numbers = scene.texts().into_iter().map(|text| text.parse().expect("a number"));
    let mut numbers: Vec<usize> = numbers.collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{}", ended.stderr);
    ended
}

#[test]
fn row_01_to_03_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    for glob in ["a.log", "a.log*"] {
        let (scene, agent) = reading(&format!("logs: {{ files: '{glob}', poll: 20ms }}"));
        scene.folder.append("a.log", "2\n");
        scene.folder.rename("a.log", "a.log.1");
        scene.folder.append("a.log.1", "3\n");
        scene.folder.write("a.log", "4\n5\n");
        scene.wait_for(5);
        // A writer that has not yet been told goes on with the old file.
        scene.folder.append("a.log.1", "6\n");
        scene.wait_for(6);
        scene.folder.append("a.log", "7\n");
        scene.wait_for(7);
        scene.folder.append("a.log.1", "8\n");
        finish(&scene, agent, 8);
    }
}

#[test]
fn row_07_rotations_in_a_row_move_every_name() {
    let (scene, agent) = reading("logs: { files: 'a.log*', poll: 20ms }");
    for n in 2..12 {
        for old in (1..n - 1).rev() {
            scene.folder.rename(&format!("a.log.{old}"), &format!("a.log.{}", old + 1));
        }
        scene.folder.rename("a.log", "a.log.1");
        scene.folder.append("a.log", format!("{n}\n"));
    }
    let ended = finish(&scene, agent, 11);
    assert_eq!(ended.said(&["not read"]), 0, "a name that has just moved on is no trouble: {}", ended.stderr);
}

#[test]
fn a_rename_away_to_another_folder() {
    let (scene, agent) = reading("logs: { files: a.log, poll: 20ms }");
    scene.folder.make("archive");
    scene.folder.append("a.log", "2\n");
    scene.folder.rename("a.log", "archive/a.log");
    scene.folder.append("archive/a.log", "3\n");
    scene.wait_for(3);
    scene.folder.write("a.log", "4\n");
    finish(&scene, agent, 4);
}

#[test]
fn a_last_line_without_an_end_of_an_old_file_is_read_at_a_stop() {
    let (scene, agent) = reading("logs: { files: '*.log', poll: 20ms }");
    scene.folder.append("a.log", "the last line of the old");
    scene.folder.rename("a.log", "old");
    scene.folder.write("a.log", "what will be finished aft");
    agent.wait_for_stderr("the name leads elsewhere now");
    let ended = agent.stop();
    assert_eq!(scene.texts(), ["1", "the last line of the old"], "{}", ended.stderr);
}

#[test]
fn row_23_a_truncated_file_is_read_again_from_its_beginning() {
    let (scene, agent) = reading("logs: { files: a.log }");
    scene.folder.append("a.log", format!("{:040}\n", 2));
    scene.wait_for(2);
    // As copytruncate does it; what is there then is shorter than what was read.
    for n in 3..6 {
        scene.folder.write("a.log", "");
        scene.folder.append("a.log", format!("{n:0width$}\n", width = 40 - n));
        scene.wait_for(n);
    }
    finish(&scene, agent, 5);
}

#[test]
fn row_29_and_30_a_line_that_a_truncation_cut_is_not_glued_to_the_next() {
    let scene = Scene::new();
    scene.folder.write("a.log", "old old old old\n");
    let agent = scene.launch("logs: { files: a.log, poll: 20ms }").args(["--report", "report.json"]).start();
    wait_until_read(&agent, "a.log");
    scene.folder.append("a.log", "whole\nhalf");
    scene.wait_for(1);
    scene.folder.write("a.log", "");
    agent.wait_for_stderr("the file was truncated");
    scene.folder.append("a.log", "new\n");
    scene.wait_for(3);
    let ended = agent.stop();
    // That a beginning of a line was lost is told, in a message of its own.
    let lines: Vec<_> = scene.texts().into_iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(lines, ["whole", "new"]);
    assert!(
        scene.fallbacks().iter().any(|said| said.contains("was truncated within a line")),
        "{:?}",
        scene.fallbacks()
    );
    assert_eq!(ended.said(&["the file was truncated", "dropped_bytes=4"]), 1, "{}", ended.stderr);
    let report: serde_json::Value = serde_json::from_str(&scene.folder.read("report.json")).unwrap();
    assert_eq!(report["inputs"]["logs"]["dropped_bytes"], 4);
}

#[test]
fn row_08_a_deleted_file_and_one_of_its_name() {
    let (scene, agent) = reading("logs: { files: '*.log' }");
    for n in 1..5 {
        scene.folder.append("a.log", format!("{}\n", 2 * n));
        scene.folder.remove("a.log");
        scene.folder.write("a.log", format!("{}\n", 2 * n + 1));
        scene.wait_for(2 * n + 1);
    }
    finish(&scene, agent, 9);
}

#[test]
fn row_17_a_deleted_folder_and_one_of_its_name() {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/a.log", "old\n");
    let agent = scene.run("logs: { files: 'logs/*.log', poll: 20ms }");
    wait_until_read(&agent, "a.log");
    for n in 1..5 {
        std::fs::remove_dir_all(scene.folder.path("logs")).unwrap();
        scene.folder.make("logs");
        scene.folder.write("logs/a.log", format!("{n}\n"));
        scene.wait_for(n);
    }
    finish(&scene, agent, 4);
}

#[test]
fn row_15_a_link_that_is_turned_to_another_file() {
    let scene = Scene::new();
    scene.folder.write("v1", "old\n");
    symlink("v1", scene.folder.path("current.log")).unwrap();
    let agent = scene.run("logs: { files: '*.log', poll: 20ms }");
    wait_until_read(&agent, "current.log");
    scene.folder.append("v1", "1\n");
    scene.wait_for(1);
    scene.folder.append("v1", "2\n");
    scene.folder.write("v2", "3\n");
    symlink("v2", scene.folder.path("next")).unwrap();
    scene.folder.rename("next", "current.log");
    scene.wait_for(3);
    scene.folder.append("v1", "4\n");
    scene.wait_for(4);
    scene.folder.append("v2", "5\n");
    finish(&scene, agent, 5);
}

#[test]
fn row_11_and_13_a_file_with_the_beginning_of_another_is_another() {
    let (scene, agent) = reading("logs: { files: '*.log' }");
    scene.folder.write("b.log", "2\n");
    scene.wait_for(2);
    // The same bytes as `a.log` has, which were not read there.
    scene.folder.write("c.log", "old\n1\n");
    scene.wait_for(4);
    let ended = agent.stop();
    assert_eq!(scene.texts(), ["1", "2", "old", "1"], "{}", ended.stderr);
}
