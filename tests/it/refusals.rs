//! Inputs of files that meet what is no log, or what they may not read: nothing hangs, and each is said once.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::agent::{Agent, Ended};
use crate::scene::{Scene, wait_until_read};

/// Has the agent look a few times, then stops it. `before`: lines that have arrived.
#[track_caller]
fn after_some_looks(scene: &Scene, agent: Agent, before: usize) -> Ended {
    for n in 0..5 {
        scene.folder.write(&format!("look{n}.log"), format!("{n}\n"));
        scene.wait_for(before + n + 1);
    }
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    ended
}

#[track_caller]
fn assert_said_once(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.said(parts), 1, "{parts:?} in:\n{}", ended.stderr);
}

#[test]
fn what_is_no_regular_file_is_refused_and_said_once() {
    let scene = Scene::new();
    scene.folder.make("folder.log");
    mknodat(CWD, scene.folder.path("fifo.log"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = UnixListener::bind(scene.folder.path("socket.log")).unwrap();
    symlink("/dev/null", scene.folder.path("device.log")).unwrap();
    let agent = scene.run("logs: { files: '*.log', poll: 20ms, follow_symlinks: true }");
    agent.wait_for_stderr("/socket.log");
    let ended = after_some_looks(&scene, agent, 0);
    for (name, kind) in
        [("folder", "directory"), ("fifo", "named pipe"), ("socket", "socket"), ("device", "device")]
    {
        assert_said_once(&ended, &[&format!("/{name}.log"), &format!("a {kind}, not a regular file")]);
    }
    assert_eq!(scene.texts().len(), 5);
}

#[test]
fn a_pipe_does_not_hold_up_until_eof() {
    let scene = Scene::new();
    mknodat(CWD, scene.folder.path("a.log"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    scene.folder.write("b.log", "b\n");
    let ended = scene.read("logs: { files: '*.log' }, literal: { files: a.log }");
    assert_eq!(ended.said(&["a named pipe, not a regular file"]), 2, "{}", ended.stderr);
    assert_eq!(scene.texts(), ["b"]);
}

#[test]
fn a_missing_file_and_a_missing_folder_are_said_once() {
    let scene = Scene::new();
    let agent = scene.run("logs: { files: ['look*.log', missing.log, 'none/*.log'], poll: 20ms }");
    agent.wait_for_stderr("none/*.log");
    let ended = after_some_looks(&scene, agent, 0);
    assert_said_once(&ended, &["names no file yet", "/missing.log"]);
    assert_said_once(&ended, &["names no file yet", "/none/*.log"]);
}

#[test]
fn a_link_that_leads_nowhere_is_said_once_and_read_once_it_leads_somewhere() {
    let scene = Scene::new();
    symlink("target", scene.folder.path("a.log")).unwrap();
    let agent = scene.run("logs: { files: [a.log, 'look*.log'], poll: 20ms }");
    agent.wait_for_stderr("a.log");
    scene.folder.write("target", "there\n");
    assert_eq!(scene.wait_for(1), ["there"]);
    let ended = after_some_looks(&scene, agent, 1);
    assert_said_once(&ended, &["names no file yet", "/a.log"]);
}

#[test]
fn a_link_out_of_the_folders_is_refused_and_said_once() {
    let scene = Scene::new();
    let elsewhere = crate::agent::Folder::new();
    let target = elsewhere.write("target", "outside\n");
    scene.folder.write("inside", "inside\n");
    symlink(&target, scene.folder.path("out.log")).unwrap();
    symlink("inside", scene.folder.path("in.log")).unwrap();
    let agent = scene.run("logs: { files: '*.log', poll: 20ms, start: beginning }");
    assert_eq!(scene.wait_for(1), ["inside"]);
    let ended = after_some_looks(&scene, agent, 1);
    assert_said_once(&ended, &["/out.log", "a link that leads to", "outside the directories"]);
    assert!(ended.stderr.contains("follow_symlinks: true"), "{}", ended.stderr);
    assert!(!scene.texts().contains(&"outside".to_owned()));
}

#[test]
fn a_target_elsewhere_is_read_where_that_is_allowed() {
    let scene = Scene::new();
    let elsewhere = crate::agent::Folder::new();
    elsewhere.make("pod");
    elsewhere.write("pod/0.log", "");
    let target = elsewhere.write("target", "old\n");
    symlink(&target, scene.folder.path("out.log")).unwrap();
    symlink(elsewhere.path("pod"), scene.folder.path("pod")).unwrap();
    let agent = scene.run("logs: { files: ['*.log', '*/*.log'], poll: 20ms, follow_symlinks: true }");
    wait_until_read(&agent, "out.log");
    wait_until_read(&agent, "0.log");
    // No event comes of what happens behind a link: looking has to do.
    for n in [1, 2, 3] {
        elsewhere.append("target", format!("{n}\n"));
        scene.wait_for(n);
    }
    elsewhere.append("pod/0.log", "4\n");
    scene.wait_for(4);
    elsewhere.append("pod/1.log", "5\n");
    scene.wait_for(5);
    agent.stop();
    assert_eq!(scene.texts(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_folder_of_the_globs_that_is_a_link_itself_is_looked_into() {
    let scene = Scene::new();
    let elsewhere = crate::agent::Folder::new();
    elsewhere.write("a.log", "old\n");
    symlink(elsewhere.path(""), scene.folder.path("logs")).unwrap();
    let agent = scene.run("logs: { files: 'logs/*.log' }, one: { files: logs/a.log }");
    agent.wait_for_stderr("input=logs");
    agent.wait_for_stderr("input=one");
    elsewhere.append("a.log", "new\n");
    scene.wait_for(2);
    agent.stop();
    assert_eq!(scene.texts(), ["new", "new"]);
}

fn permit(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn an_unreadable_file_is_said_once_and_tried_again() {
    let scene = Scene::new();
    let file = scene.folder.write("secret.log", "old\n");
    permit(&file, 0o000);
    permit(&scene.folder.path(""), 0o755);
    let mut launch = scene.launch("logs: { files: '*.log', poll: 20ms }");
    if rustix::process::geteuid().is_root() {
        launch = launch.by_nobody();
    }
    let agent = match launch.try_start() {
        Ok(agent) => agent,
        Err(error) => {
            println!("skipped: root reads everything, and nobody can't run the program: {error}");
            return;
        }
    };
    agent.wait_for_stderr("Permission denied");
    for n in 0..3 {
        scene.folder.write(&format!("before{n}.log"), "before\n");
        permit(&scene.folder.path(&format!("before{n}.log")), 0o644);
        scene.wait_for(n + 1);
    }
    // It was there at the start: what it held then is not ours.
    scene.folder.append("secret.log", "new\n");
    permit(&file, 0o644);
    scene.wait_for(4);
    let ended = after_some_looks(&scene, agent, 4);
    assert_said_once(&ended, &["/secret.log", "not read: Permission denied"]);
    assert_eq!(scene.texts()[..4], ["before", "before", "before", "new"]);
}
