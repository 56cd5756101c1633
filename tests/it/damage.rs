//! A damaged store and a disk that fails, with the real binary. 25 changed bytes here; `FLIPS=500` in the environment
//! for more.

use std::collections::BTreeSet;

use crate::agent::PATIENCE;
use crate::receiver::{Fault, HOOK};
use crate::scene::Scene;

/// A stopped scene whose store holds three alerts that wait.
fn with_alerts_that_wait() -> (Scene, Vec<u8>) {
    let scene = Scene::new();
    scene.receiver.script(HOOK, [Fault::hang()]);
    let mut agent =
        scene.launch("app: { stdin: true }").args(["--state-dir", "state", "--grace", "50ms"]).start();
    agent.write("one\ntwo\nthree\n");
    scene.receiver.wait_for(1, PATIENCE);
    assert_eq!(agent.stop().code(), 3);
    let store = std::fs::read(scene.folder.path("state/state.db")).expect("it is there");
    (scene, store)
}

#[test]
fn row_67_random_bytes_of_the_store_changed() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let flips = std::env::var("FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(25);
    let (scene, whole) = with_alerts_that_wait();
    // Where something is: most of a small store is empty.
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let (mut refused, mut told) = (0, 0);
    for _ in 0..flips {
        let mut damaged = whole.clone();
        let at = used[random.usize(..used.len())];
        damaged[at] ^= random.u8(1..);
        scene.folder.write("state/state.db", damaged);
        let ended =
            scene.launch("app: { stdin: true }").args(["--state-dir", "state", "--drain", "10s"]).output("");
        assert_eq!(ended.said(&["panicked"]), 0, "{at}: {}", ended.stderr);
        match ended.code() {
            0 => told += ended.said(&["was damaged"]),
            1 => {
                assert_eq!(ended.said(&["error: ", "state.db"]), 1, "{at}: {}", ended.stderr);
                assert_eq!(ended.said(&["help: move it away"]), 1, "{at}: {}", ended.stderr);
                refused += 1;
            }
            other => panic!("{at}: status {other}: {}", ended.stderr),
        }
        for name in ["state/state.db-wal", "state/state.db-shm"] {
            let _ = std::fs::remove_file(scene.folder.path(name));
        }
    }
    println!("{flips} changes: {refused} refused, {told} remarks");
    let lines: BTreeSet<String> =
        scene.texts().iter().filter_map(|text| text.lines().next().map(str::to_owned)).collect();
    let known = BTreeSet::from(["one", "two", "three"].map(str::to_owned));
    // What hooktail tells about the damage is a message too.
    let unknown: Vec<_> = lines.difference(&known).filter(|line| !line.contains("was damaged")).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

/// The second agent of a scene, when the disk of the first has failed.
#[track_caller]
fn start_again(scene: &Scene) {
    let ended = scene.launch("app: { stdin: true }").args(["--state-dir", "state"]).output("last\n");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(scene.texts().iter().any(|text| text.starts_with("last")));
}

#[test]
fn row_69_a_write_that_fails_ends_the_agent_and_a_start_goes_on() {
    let scene = Scene::new();
    // A file may not grow past 600 KiB: to the store, that is an error that is no full disk.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 1200; exec \"$@\"", "sh"];
    let launch = scene.launch("app: { stdin: true }").args(["--state-dir", "state"]).under(&limited);
    let mut agent = launch.start();
    agent.write("one\n");
    scene.wait_for(1);
    agent.write("two\n".repeat(5_000));
    let ended = agent.wait();
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["error: failed to write the state"]), 1, "{}", ended.stderr);
    start_again(&scene);
}

#[test]
fn row_69_a_failed_fsync_ends_the_agent_and_a_start_goes_on() {
    let tracing = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !tracing.is_ok_and(|status| status.success()) {
        println!("skipped: strace is not installed, or may not trace");
        return;
    }
    let scene = Scene::new();
    // The sixth of each thread and those after it; a start with a store that is there needs fewer.
    start_again(&scene);
    let inject = "inject=fsync,fdatasync:error=EIO:when=6+";
    let failing = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject];
    let launch = scene.launch("app: { stdin: true }").args(["--state-dir", "state"]).under(&failing);
    let mut agent = launch.start();
    // A commit for each few lines, until nobody reads them any more.
    let mut stdin = agent.take_stdin();
    let writing = std::thread::spawn(move || {
        while std::io::Write::write_all(&mut stdin, b"line\n").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let ended = agent.wait();
    writing.join().expect("it ends with the pipe");
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["error: failed to write the state"]), 1, "{}", ended.stderr);
    start_again(&scene);
}
