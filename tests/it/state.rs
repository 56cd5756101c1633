//! State that outlives the process, seen from outside. A row is one of the catalogue of faults, as
//! `docs/reliability.md` lists them.

use rustix::process::Signal;

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::mounted::Mounted;
use crate::receiver::{Fault, HOOK};
use crate::scene::Scene;

const STDIN: &str = "app: { stdin: true }";

/// In one write, so that they are read, decided on and stored together.
const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";

fn launch(scene: &Scene) -> Launch {
    scene.launch(STDIN).args(["--state-dir", "state"])
}

/// An agent that has stored five alerts, the first of which is under way.
fn with_alerts_that_wait(scene: &Scene, fault: Fault) -> Agent {
    scene.receiver.script(HOOK, [fault]);
    let mut agent = launch(scene).start();
    agent.write(LINES);
    scene.receiver.wait_for(1, PATIENCE);
    agent
}

#[track_caller]
fn start_again(scene: &Scene) -> Ended {
    let ended = launch(scene).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    ended
}

/// The lines alone: that there is no file is remarked below them.
fn lines(texts: Vec<String>) -> Vec<String> {
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let mut lines: Vec<_> = texts.into_iter().map(first).collect();
    lines.sort();
    lines
}

/// Takes all the room that is left in a folder, as another program would.
fn fill(folder: &Folder, name: &str) {
    let mut file = std::fs::File::create(folder.path(name)).expect("a file can still be made");
    for size in [64 * 1024, 4096, 1] {
        while std::io::Write::write_all(&mut file, &vec![0; size]).is_ok() {}
    }
}

#[test]
fn row_58_on_a_full_disk_reading_waits_and_delivering_goes_on() {
    let scene = Scene::new();
    scene.folder.make("disk");
    let Some(_disk) = Mounted::mount("tmpfs", &scene.folder.path("disk"), "size=3m,mode=700") else { return };
    scene.folder.write("app.log", "");
    scene.receiver.script(HOOK, [Fault::status(503)]);
    let inputs = "app: { files: app.log, start: beginning, poll: 20ms }";
    let agent = scene.launch(inputs).args(["--state-dir", "disk/state"]).start();
    scene.folder.append("app.log", "stored 1\nstored 2\nstored 3\n");
    // All three are stored now, and the first is tried again later.
    scene.receiver.wait_for(1, PATIENCE);
    scene.receiver.hold();
    fill(&scene.folder, "disk/filler");
    // Lines come until there is no room for what they would leave.
    let mut written = 0;
    while !agent.stderr().contains("reading waits until it can be written") {
        scene.folder.append("app.log", format!("later {written}\n"));
        written += 1;
        assert!(written < 20_000, "{}", agent.stderr());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    scene.receiver.release();
    // What was stored is delivered, on a disk that stays full.
    scene.wait_for(3);
    assert!(!agent.stderr().contains("can be written again"), "{}", agent.stderr());
    scene.folder.remove("disk/filler");
    agent.wait_for_stderr("the state can be written again");
    let last = format!("later {}", written - 1);
    let mut count = 3 + written;
    while !scene.wait_for(count).contains(&last) {
        count += 1;
    }
    let ended = agent.stop();
    assert_eq!(ended.said(&["panicked"]), 0, "{}", ended.stderr);
    let stored = (1..=3).map(|n| format!("stored {n}"));
    let expected: Vec<String> = stored.chain((0..written).map(|n| format!("later {n}"))).collect();
    // What is told of the disk has no text.
    let texts: Vec<String> = scene.texts().into_iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, expected, "once each, and in order");
}

#[test]
fn row_64_kill_9_loses_no_alert_that_was_decided() {
    let scene = Scene::new();
    let agent = with_alerts_that_wait(&scene, Fault::hang());
    agent.signal(Signal::KILL);
    drop(agent);
    assert_eq!(scene.texts(), Vec::<String>::new());
    start_again(&scene);
    assert_eq!(lines(scene.texts()), ["five", "four", "one", "three", "two"]);
    // What was answered for has left.
    start_again(&scene);
    assert_eq!(scene.texts().len(), 5);
}

#[test]
fn row_65_kill_9_between_the_answer_and_its_storing_repeats_one_message() {
    let scene = Scene::new();
    let agent = with_alerts_that_wait(&scene, Fault::hang().delivered());
    agent.signal(Signal::KILL);
    drop(agent);
    start_again(&scene);
    let messages = scene.receiver.messages();
    let attachments: Vec<_> = messages.iter().flat_map(|message| &message.attachments).collect();
    let texts: Vec<_> = attachments.iter().filter_map(|attachment| attachment.text.clone()).collect();
    assert_eq!(lines(texts), ["five", "four", "one", "one", "three", "two"]);
    let footers: Vec<_> = attachments
        .iter()
        .filter(|attachment| attachment.text.as_deref().is_some_and(|text| text.starts_with("one")))
        .map(|attachment| attachment.footer.clone())
        .collect();
    assert!(footers[0].is_some() && footers[0] == footers[1], "the id is the same: {footers:?}");
}

#[test]
fn a_stop_keeps_what_is_undelivered_for_the_next_start() {
    let scene = Scene::new();
    let launch = launch(&scene).args(["--grace", "100ms"]);
    scene.receiver.script(HOOK, [Fault::hang()]);
    let mut agent = launch.start();
    agent.write(LINES);
    scene.receiver.wait_for(1, PATIENCE);
    let ended = agent.stop();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    assert_eq!(ended.said(&["undelivered, and kept for the next start: 5"]), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["undelivered to"]), 0, "{}", ended.stderr);
    start_again(&scene);
    assert_eq!(scene.texts().len(), 5);
}

#[test]
fn windows_episodes_and_counts_go_on_after_a_restart() {
    let scene = Scene::new();
    let rules = "{ name: often, match: x, when: { count: 3, within: 1h } }, { name: once, match: y }";
    for input in ["x\n", "x\ny 1\n", "x\n", "y 2\ny 3\n"] {
        let launch = scene.launch_with(STDIN, rules).args(["--state-dir", "state"]);
        assert_eq!(launch.output(input).code(), 0);
    }
    let said = scene.fallbacks();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(&said[..2], ["[ERROR] once", "[ERROR] often"]);
    assert!(said[2].starts_with("[ERROR] once · 2 more"), "{said:?}");
}

#[test]
fn row_70_a_second_agent_is_refused_with_the_first_ones_pid() {
    let scene = Scene::new();
    let first = with_alerts_that_wait(&scene, Fault::pass());
    let refused = launch(&scene).output("six\n");
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    let owner = format!("is in use by process {}", first.id());
    assert_eq!(refused.said(&["error: the state directory `state`", &owner]), 1, "{}", refused.stderr);
    assert_eq!(first.stop().code(), 0);
    start_again(&scene);
}

#[test]
fn the_command_line_wins_over_the_configuration_and_that_over_the_system() {
    let folder = Folder::new();
    folder.write("app.log", "");
    let rules = |state: &str| {
        let webhook = "webhooks: { hook: { url: 'http://127.0.0.1:9/services/T/B/X' } }";
        format!(
            "{webhook}\n{state}inputs: {{ app: {{ files: app.log }} }}\nrules: [{{ name: r, match: x }}]\n"
        )
    };
    folder.write("plain.yaml", rules(""));
    folder.write("kept.yaml", rules("state_dir: configured\n"));
    let run = |file: &str, args: &[&str], made: &str| {
        let launch = Launch::new(["run", "--until-eof", "-c", file]).args(args).folder(&folder.path(""));
        let ended = launch.env("STATE_DIRECTORY", folder.path("given")).output("");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        for name in ["given", "configured", "named", "none"] {
            assert_eq!(folder.path(name).join("state.db").exists(), name == made, "{made}: {name}");
            let _ = std::fs::remove_dir_all(folder.path(name));
        }
    };
    run("plain.yaml", &[], "given");
    run("kept.yaml", &[], "configured");
    run("kept.yaml", &["--state-dir", "named"], "named");
    run("kept.yaml", &["--state-dir", "none"], "");
    run("plain.yaml", &["--dry-run"], "");
}

#[test]
fn where_no_home_is_known_a_directory_is_asked_for() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become somebody else");
        return;
    }
    let scene = Scene::new();
    std::os::unix::fs::chown(scene.folder.path(""), Some(65_534), None).expect("root may");
    let bare = || scene.launch(STDIN).env("STATE_DIRECTORY", "").by_nobody();
    let ended = bare().env("HOME", "").output("");
    assert_eq!(ended.code(), 2, "{}", ended.stderr);
    assert_eq!(ended.said(&["nowhere to keep state"]), 1, "{}", ended.stderr);
    let ended = bare().env("HOME", scene.folder.path("home")).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let made = std::fs::read_dir(scene.folder.path("home/.local/state/hooktail")).expect("it was made");
    let names: Vec<_> =
        made.map(|entry| entry.expect("ours").file_name().into_string().expect("text")).collect();
    assert!(names.len() == 1 && names[0].starts_with("rules-"), "{names:?}");
}

#[test]
fn row_59_a_state_directory_that_is_not_ours_or_no_directory() {
    let folder = Folder::new();
    folder.write("file", "");
    let ended = pipe(&folder.path("file/state"));
    assert_eq!(ended.code(), 1);
    assert_eq!(ended.said(&["file/state` can't be used: Not a directory"]), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["help: ", "--state-dir"]), 1, "{}", ended.stderr);
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become somebody else");
        return;
    }
    folder.make("state");
    std::os::unix::fs::chown(folder.path("state"), Some(12_345), None).expect("root may");
    let ended = pipe(&folder.path("state"));
    assert_eq!(ended.code(), 1);
    assert_eq!(ended.said(&["belongs to user 12345, and this is user 0"]), 1, "{}", ended.stderr);
}

fn pipe(state: &std::path::Path) -> Ended {
    Launch::new(["pipe", "--match", "x", "--webhook", "http://127.0.0.1:9/services/T/B/X", "--state-dir"])
        .args([state])
        .output("x\n")
}

#[test]
fn dead_letters_are_sent_again_and_leave_when_they_are_taken() {
    let scene = Scene::new();
    // Refused with the others, alone, and in its simplest form.
    scene.receiver.script(HOOK, [Fault::status(400).times(2)]);
    let ended = launch(&scene).output("one\n");
    assert_eq!((ended.code(), ended.said(&["set aside: "])), (3, 1), "{}", ended.stderr);
    let send = || {
        let rules = scene.folder.path("rules.yaml");
        let args = ["send", "--dead-letters", "--state-dir", "state", "-c"];
        Launch::new(args).args([rules]).folder(&scene.folder.path("")).output("")
    };
    scene.receiver.script(HOOK, [Fault::status(500)]);
    let refused = send();
    let printed = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.code(), 1, "{printed}{}", refused.stderr);
    assert!(printed.starts_with("hook: [ERROR] app:"), "{printed}");
    assert!(printed.contains("500") && printed.contains("0 sent again, 1 left"), "{printed}");
    // While the agent runs, too.
    let mut agent = launch(&scene).start();
    agent.write("two\n");
    scene.wait_for(1);
    let taken = send();
    assert_eq!(taken.code(), 0, "{}", taken.stderr);
    assert!(String::from_utf8_lossy(&taken.stdout).contains("200 ok"), "{:?}", taken.stdout);
    assert_eq!(lines(scene.texts()), ["one", "two"]);
    let none = send();
    assert_eq!(String::from_utf8_lossy(&none.stdout), "there are no dead letters\n");
    drop(agent);
}
