//! Files in trouble: names that lead nowhere, files that nobody may read, deleted ones that are held open, watches that
//! the system denies, many files beside a busy one. A row is one of the catalogue of faults, as `docs/reliability.md`
//! lists them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::agent::{Agent, Folder};
use crate::mounted::Mounted;
use crate::scene::{Scene, wait_until_read};

#[test]
fn row_16_a_link_that_leads_nowhere_and_comes_and_goes_is_said_once() {
    let scene = Scene::new();
    let link = scene.folder.path("current.log");
    symlink(scene.folder.path("target"), &link).unwrap();
    let agent = scene.run("logs: { files: current.log, poll: 20ms }");
    agent.wait_for_stderr("names no file yet");
    for n in 1..=20 {
        scene.folder.append("target", format!("{n}\n"));
        scene.wait_for(n);
        // Gone, and back: the same file under its old name.
        std::fs::remove_file(&link).unwrap();
        symlink("nowhere", &link).unwrap();
        // Longer than `poll`, so that a look finds it so.
        std::thread::sleep(Duration::from_millis(40));
        std::fs::remove_file(&link).unwrap();
        symlink(scene.folder.path("target"), &link).unwrap();
    }
    let ended = agent.stop();
    assert_eq!(scene.texts(), (1..=20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(ended.said(&["WARN", "current.log"]) <= 1, "{}", ended.stderr);
}

/// An overlay over the folder `lower`, as `merged`; none where it can't be mounted, which is said.
fn overlay(folder: &Folder) -> Option<Mounted> {
    for name in ["upper", "work", "merged"] {
        folder.make(name);
    }
    let [lower, upper, work] = ["lower", "upper", "work"].map(|name| folder.path(name).display().to_string());
    Mounted::mount(
        "overlay",
        &folder.path("merged"),
        &format!("lowerdir={lower},upperdir={upper},workdir={work}"),
    )
}

#[test]
fn row_21_a_file_that_an_overlay_copies_up_is_read_on() {
    let scene = Scene::new();
    scene.folder.make("lower");
    scene.folder.write("lower/app.log", "old\n");
    let Some(_overlay) = overlay(&scene.folder) else { return };
    let agent = scene.run("logs: { files: merged/app.log, start: beginning, poll: 50ms }");
    assert_eq!(scene.wait_for(1), ["old"]);
    // The writer gets a copy; who reads has the lower one open.
    scene.folder.append("merged/app.log", "new\n");
    assert_eq!(scene.wait_for(2), ["old", "new"]);
    scene.folder.append("merged/app.log", "more\n");
    assert_eq!(scene.wait_for(3), ["old", "new", "more"]);
    agent.stop();
    assert_eq!(scene.texts(), ["old", "new", "more"]);
}

/// Whether the agent holds a file open that has no name any more.
fn holds_deleted(agent: &Agent, name: &str) -> bool {
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", agent.id())).expect("it runs").flatten();
    let mut targets = descriptors.filter_map(|descriptor| descriptor.path().read_link().ok());
    targets.any(|target| target.to_string_lossy().ends_with(&format!("{name} (deleted)")))
}

#[test]
fn row_50_a_deleted_file_that_is_still_written_to_is_given_back_and_told() {
    if !Path::new("/proc/self/fd").exists() {
        println!("skipped: this system doesn't show a process's descriptors");
        return;
    }
    let scene = Scene::new();
    scene.folder.write("a.log", "");
    let rule = "{ name: all, match: '^line', dedup: off }";
    let inputs = "logs: { files: a.log, poll: 20ms } }\nnotices: { webhook: hook";
    let scene_launch = scene.launch_with(inputs, rule);
    let text = scene.folder.read("rules.yaml").replace("outbox: 100000", "outbox: 100000, deleted_file: 2s");
    scene.folder.write("rules.yaml", text);
    let agent = scene_launch.start();
    wait_until_read(&agent, "a.log");
    let mut writer = std::fs::OpenOptions::new().append(true).open(scene.folder.path("a.log")).unwrap();
    scene.folder.remove("a.log");
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stopped.load(Ordering::Relaxed) {
                std::io::Write::write_all(&mut writer, b"line\n").unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        // Once it is said, it is closed.
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            agent.wait_for_stderr("was deleted 2s ago and is still written to");
            agent.wait_for_stderr("closed");
        }));
        stopped.store(true, Ordering::Relaxed);
        said.unwrap();
    });
    let begin = Instant::now();
    while holds_deleted(&agent, "a.log") {
        assert!(begin.elapsed() < crate::agent::PATIENCE, "it is still open");
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = agent.stop();
    assert_eq!(ended.said(&["was deleted 2s ago"]), 1, "{}", ended.stderr);
    assert!(scene.fallbacks().iter().any(|said| said.contains("was deleted 2s ago")));
}

/// `strace`, so that these calls of the agent fail; none where it can't be had, which is said.
fn denying<'a>(calls: &'a str, inject: &'a str) -> Option<[&'a str; 10]> {
    let tracing = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !tracing.is_ok_and(|status| status.success()) {
        println!("skipped: strace is not installed, or may not trace");
        return None;
    }
    // Beside the agent and not above it: signals are the agent's.
    Some(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", calls, "-e", inject])
}

#[test]
fn row_52_without_watches_files_are_looked_at_each_poll() {
    let denied = [
        ("trace=inotify_init1,inotify_init", "inject=inotify_init1,inotify_init:error=EMFILE"),
        ("trace=inotify_add_watch", "inject=inotify_add_watch:error=ENOSPC"),
    ];
    for (calls, inject) in denied {
        let Some(under) = denying(calls, inject) else { return };
        let scene = Scene::new();
        scene.folder.write("a.log", "");
        let agent = scene.launch("logs: { files: '*.log', poll: 50ms }").under(&under).start();
        wait_until_read(&agent, "a.log");
        let begin = Instant::now();
        for n in 0..5 {
            scene.folder.append("a.log", format!("{n}\n"));
            scene.wait_for(n + 1);
        }
        scene.folder.write("b.log", "new\n");
        scene.wait_for(6);
        // Looked at every ten seconds only, as where events come, it would take a minute.
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        agent.stop();
        assert_eq!(scene.texts(), ["0", "1", "2", "3", "4", "new"]);
    }
}

#[test]
fn row_56_quiet_files_are_read_at_once_beside_a_busy_one() {
    // 10,000 by hand, in release: `FILES=10000 cargo test --release row_56 -- --nocapture`.
    let files = std::env::var("FILES").ok().and_then(|files| files.parse().ok()).unwrap_or(1_000);
    let scene = Scene::new();
    scene.folder.make("logs");
    for n in 0..files {
        scene.folder.write(&format!("logs/{n:05}.log"), "old\n");
    }
    scene.folder.write("logs/busy.log", "");
    let rule = "{ name: quiet, match: '^quiet', dedup: off }";
    let agent = scene.launch_with("logs: { files: 'logs/*.log' }", rule).start();
    wait_until_read(&agent, "busy.log");
    let stopped = AtomicBool::new(false);
    let longest = std::thread::scope(|scope| {
        scope.spawn(|| {
            let lines = "a line of a busy log, of which nothing is wanted\n".repeat(2_000);
            while !stopped.load(Ordering::Relaxed) {
                scene.folder.append("logs/busy.log", &lines);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let longest = (0..10).map(|n| {
            let begin = Instant::now();
            scene.folder.append(&format!("logs/{:05}.log", n * files / 10), "quiet\n");
            scene.wait_for_alerts(n + 1);
            begin.elapsed()
        });
        let longest = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| longest.max()));
        stopped.store(true, Ordering::Relaxed);
        longest.unwrap().unwrap()
    });
    println!("{files} files and a busy one: a quiet file's line was posted within {longest:?}");
    // The next look would come after ten seconds.
    assert!(longest < Duration::from_secs(8), "{longest:?}");
    drop(agent);
}

#[test]
fn row_57_a_backlog_is_read_in_bounded_memory_and_its_alerts_say_their_age() {
    let scene = Scene::new();
    let line = "2020-02-03T04:05:06Z a line of a long backlog, of which nothing is wanted\n";
    let mut backlog = line.repeat(800_000);
    backlog.push_str("2020-02-03T04:05:06Z ERROR at the end\n");
    scene.folder.write("a.log", &backlog);
    let rule = "{ name: errors, match: ERROR, mention: here }";
    let agent = scene.launch_with("logs: { files: a.log, start: beginning }", rule).start();
    scene.wait_for_alerts(1);
    let peak = agent.memory_peak();
    agent.stop();
    let messages = scene.receiver.messages();
    assert!(!messages[0].text.contains("<!here>"), "{:?}", messages[0].text);
    assert!(messages[0].text.contains("late"), "{:?}", messages[0].text);
    match peak {
        Some(peak) => assert!(peak < 48 << 20, "{} MiB for {} MiB", peak >> 20, backlog.len() >> 20),
        None => println!("skipped: this system doesn't say how much memory a process used"),
    }
}

#[test]
fn row_60_a_file_that_nobody_may_read_is_read_once_they_may() {
    let scene = Scene::new();
    let folder = scene.folder.path("");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    let closed = scene.folder.write("closed.log", "old\n");
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    scene.folder.write("open.log", "");
    let launch = scene.launch("logs: { files: '*.log', start: beginning, poll: 50ms }");
    let launch = if rustix::process::getuid().is_root() { launch.by_nobody() } else { launch };
    let agent = launch.start();
    agent.wait_for_stderr("not read: ");
    scene.folder.append("open.log", "beside it\n");
    assert_eq!(scene.wait_for(1), ["beside it"]);
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(scene.wait_for(2), ["beside it", "old"]);
    let ended = agent.stop();
    assert_eq!(ended.said(&["WARN", "closed.log"]), 1, "{}", ended.stderr);
}
