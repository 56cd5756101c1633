//! Agents with their state in memory are asked as others are: `exec`, and `run --state-dir none`. And `status --watch`.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::receiver::{HOOK, Receiver};

/// A rule file, a receiver, and the folder for sockets of the user who asks.
struct Stage {
    folder: Folder,
    receiver: Receiver,
}

impl Stage {
    fn new() -> Self {
        let (folder, receiver) = (Folder::new(), Receiver::start());
        let url = receiver.url(HOOK);
        folder.make("run");
        folder.write(
            "rules.yaml",
            format!(
                "webhooks: {{ ops: {{ url: '{url}', rate: 100/s }} }}\n\
                 inputs: {{ app: {{ stdin: true }} }}\n\
                 rules: [{{ name: disk, match: 'ERROR (?P<what>\\w+)' }}]\n"
            ),
        );
        Self { folder, receiver }
    }

    fn command(&self, args: &[&str]) -> Launch {
        let launch = Launch::new([args[0], "-c", "rules.yaml"]).args(&args[1..]);
        launch.env("XDG_RUNTIME_DIR", self.folder.path("run")).folder(&self.folder.path(""))
    }

    /// A program that says this, and goes on until its standard input ends.
    fn exec(&self, says: &str) -> Agent {
        let script = format!("echo '{says}'; read end");
        let agent = self.command(&["exec", "--", "sh", "-c", &script]).start();
        agent.wait_for_stdout(says.len() + 1);
        agent
    }

    fn ask(&self, args: &[&str]) -> Ended {
        let args: Vec<&str> = match args {
            ["silence", what, rest @ ..] => [&["silence", what, "-c", "rules.yaml"], rest].concat(),
            [what, rest @ ..] => [&[*what, "-c", "rules.yaml"], rest].concat(),
            [] => Vec::new(),
        };
        let launch = Launch::new(args).env("XDG_RUNTIME_DIR", self.folder.path("run"));
        launch.folder(&self.folder.path("")).output("")
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> String {
        let ended = self.ask(args);
        assert_eq!(ended.code(), 0, "{args:?}: {}", ended.stderr);
        String::from_utf8(ended.stdout).expect("text")
    }

    fn sockets(&self) -> usize {
        std::fs::read_dir(self.folder.path("run/hooktail")).map_or(0, Iterator::count)
    }
}

/// Ends a program that waits for the end of its standard input.
#[track_caller]
fn end(mut agent: Agent) {
    agent.close_stdin();
    assert_eq!(agent.wait().stderr, "");
}

#[test]
fn a_program_that_is_watched_can_be_asked_about() {
    let stage = Stage::new();
    let agent = stage.exec("ERROR sda1");
    stage.receiver.wait_for_messages(1, PATIENCE);
    let mode =
        |name: &str| stage.folder.path(name).metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode("run/hooktail"), 0o700);
    let status: Value = serde_json::from_str(&stage.done(&["status", "--json"])).expect("JSON");
    assert_eq!(status["process"]["pid"], agent.id());
    assert_eq!(status["store"]["directory"], Value::Null);
    assert_eq!(status["rules"][0]["gates"]["matches"], 1);
    let made = stage.done(&["silence", "add", "disk", "--for", "1h", "--why", "moving"]);
    let id = made.split_once(':').expect("its id").0;
    assert!(stage.done(&["silence", "list"]).contains("moving"));
    stage.done(&["silence", "expire", id]);
    assert_eq!(stage.done(&["silence", "list"]), "nothing is silenced\n");
    let why = stage.done(&["why", "disk"]);
    assert!(why.contains("matches so far: 1;") && why.contains("ERROR sda1"), "{why}");
    let why: Value = serde_json::from_str(&stage.done(&["why", "disk", "--json"])).expect("JSON");
    let alert = why["alerts"][0]["id"].as_str().expect("an id");
    let why = stage.done(&["why", &alert[..8]]);
    assert!(why.contains("ERROR sda1\n") && why.contains("ops: delivered"), "{why}");
    let unknown = stage.ask(&["why", "nothing"]);
    assert_eq!(
        (unknown.code(), unknown.said(&["no rule `nothing` is known, and"])),
        (1, 1),
        "{}",
        unknown.stderr
    );
    end(agent);
    assert_eq!(stage.sockets(), 0, "its socket is gone with it");
    let ended = stage.ask(&["status", "--state-dir", "none"]);
    assert_eq!(ended.code(), 1);
    assert!(
        ended.stderr.contains("no agent with its state in memory runs by `rules.yaml`"),
        "{}",
        ended.stderr
    );
    assert!(stage.ask(&["status"]).stderr.contains("no agent runs with the state directory"));
}

#[test]
fn of_several_one_is_named_by_its_process() {
    let stage = Stage::new();
    let agents = [stage.exec("one"), stage.exec("ERROR two")];
    let [one, two] = [0, 1].map(|n| agents[n].id().to_string());
    let ended = stage.ask(&["status"]);
    assert_eq!(ended.code(), 1);
    let (low, high) = if agents[0].id() < agents[1].id() { (&one, &two) } else { (&two, &one) };
    let said =
        format!("several agents run by `rules.yaml` with their state in memory: the processes {low}, {high}");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    stage.receiver.wait_for_messages(1, PATIENCE);
    assert!(stage.done(&["why", "disk", "--pid", &two]).contains("ERROR two"));
    assert!(stage.done(&["why", "disk", "--pid", &one]).contains("no alert of it"));
    agents.into_iter().for_each(end);
    assert!(stage.ask(&["status", "--pid", &one]).stderr.contains("no agent with its state in memory runs"));
}

#[test]
fn what_a_killed_one_leaves_is_in_nobodys_way() {
    let stage = Stage::new();
    let mut agent = stage.exec("ERROR one");
    agent.signal(Signal::KILL);
    agent.close_stdin();
    drop(agent);
    assert_eq!(stage.sockets(), 1);
    let agent = stage.exec("ERROR two");
    assert_eq!(stage.sockets(), 1);
    assert!(stage.done(&["status"]).contains(&format!("process {},", agent.id())));
    end(agent);
}

#[test]
fn an_agent_without_a_state_directory_is_asked_the_same_way() {
    let stage = Stage::new();
    let agent = stage.command(&["run", "--state-dir", "none"]).start();
    agent.wait_for_stderr("started: 1 rule");
    assert!(stage.done(&["status"]).contains("state in memory\n"));
    assert_eq!(agent.stop().code(), 0);
}

#[test]
fn where_there_is_no_place_for_a_socket_it_is_said_and_all_goes_on() {
    let stage = Stage::new();
    stage.folder.write("run/hooktail", "");
    let launch = stage.command(&["run", "--state-dir", "none"]);
    // To root there is always a place.
    let launch = if rustix::process::geteuid().is_root() {
        std::fs::set_permissions(stage.folder.path(""), PermissionsExt::from_mode(0o755)).expect("ours");
        launch.by_nobody()
    } else {
        launch
    };
    let agent = launch.start();
    agent.wait_for_stderr("can't reach this agent, whose state is in memory");
    agent.wait_for_stderr("started: 1 rule");
    assert_eq!(agent.stop().code(), 0);
}

#[test]
fn watching_looks_again_until_somebody_ends_it() {
    let stage = Stage::new();
    let agent = stage.exec("ERROR sda1");
    let (words, json) =
        ((vec!["status", "--watch"], "hooktail 0"), (vec!["status", "--watch", "--json"], "{\"version\":"));
    for (args, each) in [words, json] {
        let watch = stage.command(&args).with_default_signals().start();
        // Standard output is no terminal: what is drawn comes below what was there.
        let mut length = 1;
        loop {
            let out = String::from_utf8(watch.wait_for_stdout(length)).expect("text");
            if out.matches(each).count() >= 2 {
                assert!(!out.contains('\x1b'), "{out}");
                break;
            }
            length = out.len() + 1;
        }
        watch.signal(Signal::INT);
        assert_eq!(watch.wait().status.signal(), Some(Signal::INT.as_raw()));
    }
    let watch = stage.command(&["status", "--watch"]).start();
    watch.wait_for_stdout(1);
    end(agent);
    let ended = watch.wait();
    assert_eq!((ended.code(), ended.said(&["no agent runs"])), (1, 1), "{}", ended.stderr);
}

/// At a terminal it draws over what is there, and goes on where the agent is started again.
#[test]
fn at_a_terminal_watching_redraws() {
    let stage = Stage::new();
    let agent = stage.exec("ERROR sda1");
    // What ignores a key's signal, as what a shell runs in the background does, leaves that to what it starts.
    let reset = if cfg!(target_os = "linux") { "env --default-signal " } else { "" };
    let program = env!("CARGO_BIN_EXE_hooktail");
    let line = format!("stty rows 8 cols 60; exec {reset}{program} status --watch -c rules.yaml");
    let script = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .current_dir(stage.folder.path(""))
        .env("XDG_RUNTIME_DIR", stage.folder.path("run"))
        .env("STATE_DIRECTORY", stage.folder.path("state"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut script) = script else {
        println!("skipped: there is no `script` to make a terminal");
        return;
    };
    let mut output = script.stdout.take().expect("it is piped");
    let mut input = script.stdin.take().expect("it is piped");
    let (drawn, draws) = std::sync::mpsc::sync_channel(16);
    let reading = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = std::io::Read::read(&mut output, &mut buffer)
            && drawn.send(String::from_utf8_lossy(&buffer[..read]).into_owned()).is_ok()
        {}
    });
    let mut seen = String::new();
    let mut wait_for = |text: &str, times: usize| {
        while seen.matches(text).count() < times {
            let more = draws.recv_timeout(PATIENCE);
            seen.push_str(&more.unwrap_or_else(|_| panic!("`{text}` has not come: {seen}")));
        }
    };
    wait_for("\x1b[?7l\x1b[Hhooktail 0", 2);
    wait_for("more lines: a higher window shows them", 1);
    end(agent);
    wait_for("\x1b[Hno agent runs with the state directory", 1);
    let agent = stage.exec("again");
    wait_for(&format!("process {},", agent.id()), 1);
    std::io::Write::write_all(&mut input, b"\x03").expect("script reads");
    drop(input);
    script.wait().expect("it is our child");
    drop(draws);
    reading.join().expect("it ends with the terminal");
    end(agent);
}
