//! An agent that has nothing to do sleeps.

use std::fs;
use std::time::{Duration, Instant};

use crate::agent::{Folder, Launch};
use crate::receiver::{HOOK, Receiver};

/// As the promise has it.
const FILES: usize = 100;

/// So long is looked at a time; what beats each second beats so often in it.
const WINDOW: Duration = Duration::from_secs(5);

/// Files are looked at each ten seconds, and the configuration each minute: in one window perhaps both.
const WAKES_MAX: u64 = 2;

/// Until the start is over: threads that did something for it leave after ten seconds.
const SETTLES: Duration = Duration::from_secs(90);

/// How often any thread of a process went to sleep: what wakes goes to sleep again. That others have the processor doesn't
/// count.
fn sleeps(process: i32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("it runs").filter_map(Result::ok);
    let status = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    let count = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    status.filter_map(count).sum()
}

#[test]
fn nothing_wakes_where_nothing_happens() {
    if !cfg!(target_os = "linux") {
        println!("skipped: the system doesn't count how often a thread sleeps");
        return;
    }
    let (folder, receiver) = (Folder::new(), Receiver::start());
    folder.make("logs");
    for number in 0..FILES {
        folder.write(&format!("logs/{number}.log"), "a quiet line\n");
    }
    folder.write(
        "rules.yaml",
        format!(
            "webhooks: {{ ops: {{ url: \"{}\" }} }}\ninputs: {{ app: {{ files: 'logs/*.log' }} }}\n\
             rules: [{{ name: a, match: ERROR }}]\n",
            receiver.url(HOOK)
        ),
    );
    let launch = Launch::new(["run", "-c", "rules.yaml", "--state-dir", "state"]).folder(&folder.path(""));
    let agent = launch.start();
    agent.wait_for_stderr("started");
    let began = Instant::now();
    loop {
        let before = sleeps(agent.id());
        std::thread::sleep(WINDOW);
        let wakes = sleeps(agent.id()).saturating_sub(before);
        if wakes <= WAKES_MAX {
            break;
        }
        assert!(began.elapsed() < SETTLES, "in {WINDOW:?} something woke {wakes} times: {}", agent.stderr());
    }
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}
