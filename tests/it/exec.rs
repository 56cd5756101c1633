//! `hooktail exec`: a program's output passes on as it is, its lines and its end are told, its status is ours.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hooktail::message::payload::{Attachment, Message};
use rustix::process::{Pid, Signal, kill_process};

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Receiver};

/// A rule that posts the lines with ERROR, and a receiver.
struct Stage {
    folder: Folder,
    receiver: Receiver,
}

impl Stage {
    fn new() -> Self {
        Self { folder: Folder::new(), receiver: Receiver::start() }
    }

    /// With these sections beside the webhook and the rule.
    fn options(&self, more: &str, options: &[&str], program: &[&str]) -> Launch {
        let url = self.receiver.url(HOOK);
        let rules = format!(
            "webhooks: {{ ops: {{ url: \"{url}\", rate: 1000/s }} }}\n\
             rules: [{{ name: errors, match: 'ERROR (?P<what>\\w+)', dedup: off, \
             message: {{ title: \"{{{{ what }}}} on {{{{ stream }}}}\" }} }}]\n{more}\n"
        );
        let file = self.folder.write("rules.yaml", rules);
        let launch = Launch::new(["exec".as_ref(), "-c".as_ref(), file.as_os_str()]);
        let launch = launch.args(options).args(["--"]).args(program).folder(&self.folder.path(""));
        launch.with_default_signals().in_own_group()
    }

    fn program(&self, more: &str, program: &[&str]) -> Launch {
        self.options(more, &[], program)
    }

    fn shell(&self, more: &str, script: &str) -> Launch {
        self.program(more, &["sh", "-c", script])
    }

    fn attachments(&self) -> Vec<Attachment> {
        self.receiver.messages().into_iter().flat_map(|Message { attachments, .. }| attachments).collect()
    }

    fn titles(&self) -> Vec<String> {
        self.attachments().into_iter().filter_map(|attachment| attachment.title).collect()
    }
}

/// Its status, and that it wrote nothing but this.
#[track_caller]
fn assert_ended(ended: &Ended, status: i32, stdout: &str, stderr: &str) {
    assert_eq!((ended.code(), ended.stderr.as_str()), (status, stderr));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), stdout);
}

/// Waits until the program says that it is ready.
#[track_caller]
fn ready(launch: Launch) -> Agent {
    let agent = launch.start();
    agent.wait_for_stdout("ready\n".len());
    agent
}

#[test]
fn both_streams_pass_on_and_their_lines_are_watched() {
    let stage = Stage::new();
    let ended = stage.shell("", "echo ERROR one; echo ERROR two >&2; printf 'ERROR three'").output("");
    assert_ended(&ended, 0, "ERROR one\nERROR three", "ERROR two\n");
    let mut titles = stage.titles();
    titles.sort();
    assert_eq!(titles, ["one on stdout", "three on stdout", "two on stderr"]);
}

#[test]
fn a_rule_may_ask_for_the_stream() {
    let stage = Stage::new();
    let more = "defaults: { where: 'stream == \"stderr\"' }";
    let ended = stage.shell(more, "echo ERROR one; echo ERROR two >&2").output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(stage.titles(), ["two on stderr"]);
}

#[test]
fn bytes_that_are_no_text_pass_on_as_they_are() {
    let stage = Stage::new();
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    stage.folder.write("bytes", &bytes);
    let ended = stage.shell("", "cat bytes; cat bytes >&2; exit 9").output("");
    assert_eq!(ended.code(), 9);
    assert!(ended.stdout == bytes, "standard output is another");
    assert_eq!(ended.stderr, String::from_utf8_lossy(&bytes));
}

/// Numbered lines of 50 bytes.
fn numbered(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|n| format!("{n:>12} an ordinary line, nothing to see in it\n").into_bytes())
        .collect()
}

#[test]
fn a_hundred_megabytes_pass_on_in_order_whatever_the_receiver_does() {
    let stage = Stage::new();
    stage.receiver.script("*", [Fault::hang().always()]);
    let bytes = numbered(1_000_000);
    stage.folder.write("bytes", &bytes);
    let script = ["sh", "-c", "echo ERROR first; cat bytes & cat bytes >&2; wait"];
    // A word of ours about the receiver would stand among the program's.
    let ended = stage.options("", &["--drain", "100ms"], &script).env("RUST_LOG", "off").output("");
    assert_eq!(ended.code(), 0);
    assert!(ended.stdout["ERROR first\n".len()..] == bytes, "standard output is another");
    let (passed, ours) = ended.stderr.split_at(bytes.len());
    assert!(passed.as_bytes() == bytes, "standard error is another");
    assert!(ours.starts_with("undelivered to `ops`"), "{ours}");
}

#[test]
fn a_line_passes_on_before_the_receiver_has_answered() {
    let stage = Stage::new();
    stage.receiver.script("*", [Fault::hang().always()]);
    let mut agent = stage.program("", &["cat"]).start();
    let mut expected = 0;
    for n in 0..50 {
        let line = format!("ERROR number{n}\n");
        expected += line.len();
        agent.write(line);
        agent.wait_for_stdout(expected);
    }
    agent.signal(Signal::TERM);
    agent.close_stdin();
    agent.signal(Signal::TERM);
    let ended = agent.wait();
    assert!(ended.said(&["undelivered to `ops`"]) > 0, "{}", ended.stderr);
}

#[test]
fn the_status_is_the_programs() {
    let stage = Stage::new();
    for (program, status) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["sh", "-c", "exit 255"], 255),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["sh", "-c", "kill -USR1 $$"], 138),
        (&["sh", "-c", "kill -TERM $$"], 143),
    ] {
        assert_ended(&stage.program("", program).output(""), status, "", "");
    }
    for (program, status) in
        [("./nothing-here", 127), ("no-such-program", 127), (".", 126), ("./rules.yaml", 126)]
    {
        let ended = stage.program("", &[program]).output("");
        assert_eq!(
            (ended.code(), ended.said(&["error: failed to run", program])),
            (status, 1),
            "{}",
            ended.stderr
        );
    }
    assert!(stage.receiver.received().is_empty());
}

#[test]
fn a_wrong_configuration_keeps_the_program_from_starting_and_nothing_else_does() {
    let stage = Stage::new();
    let started = |args: &[&str], more: &str, status: i32, words: &str| {
        let touch = ["touch", "started"];
        let ended = stage.options(more, args, &touch).output("");
        assert_eq!(ended.code(), status, "{args:?}: {}", ended.stderr);
        assert_eq!(ended.said(&[words]), 1, "{args:?}: {}", ended.stderr);
        let started = stage.folder.path("started").exists();
        if started {
            stage.folder.remove("started");
        }
        started
    };
    assert!(!started(&[], "rulez: []", 125, "unknown key `rulez`"));
    assert!(!started(&["--no-such-option"], "", 125, "unexpected argument"));
    assert!(!started(&["--drain", "soon"], "", 125, "invalid value"));
    stage.folder.write("no-folder", "");
    assert!(started(&["--state-dir", "no-folder"], "", 0, "state is kept in memory"));
    let nothing = Launch::new(["exec", "--", "touch", "started"]).folder(&stage.folder.path("")).output("");
    assert_eq!(
        (nothing.code(), nothing.said(&["help: name one with `-c FILE`"])),
        (125, 1),
        "{}",
        nothing.stderr
    );
    let none = Launch::new(["--log-format", "json", "exec"]).output("");
    assert_eq!(none.code(), 125, "{}", none.stderr);
    assert!(!stage.folder.path("started").exists());
}

#[test]
fn row_70_a_state_directory_in_use_is_a_warning_for_exec() {
    let stage = Stage::new();
    let holder = ready(stage.options("", &["--state-dir", "state"], &["sh", "-c", "echo ready; read x"]));
    let ended = stage.options("", &["--state-dir", "state"], &["echo", "ERROR second"]).output("");
    assert_eq!(
        (ended.code(), ended.said(&["WARN", "in use", "state is kept in memory"])),
        (0, 1),
        "{}",
        ended.stderr
    );
    assert_eq!(stage.titles(), ["second on stdout"]);
    drop(holder);
}

const ON_EXIT: &str = "on_exit: { mention: here, lines: 3 }";

#[test]
fn its_death_is_posted_with_status_and_last_lines() {
    let stage = Stage::new();
    let script =
        "echo one; echo two >&2; sleep 0.1; echo 'password=hunter22 three'; echo '<!channel>' >&2; exit 3";
    let ended = stage.shell(ON_EXIT, script).output("");
    assert_eq!(ended.code(), 3);
    let messages = stage.receiver.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let text = &messages[0].text;
    assert!(text.starts_with("<!here> *[CRITICAL]* sh ended with status 3, after "), "{text}");
    let attachment = &messages[0].attachments[0];
    assert_eq!(attachment.color, "#8b0000");
    let lines =
        attachment.text.as_deref().unwrap_or_default().trim_matches('`').trim().lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for line in ["password=[redacted] three", "&lt;!channel&gt;"] {
        assert!(lines.contains(&line), "{lines:?}");
    }
    assert!(attachment.footer.as_deref().is_some_and(|footer| footer.contains(":exec · ")), "{attachment:?}");
    assert!(attachment.fields.is_empty(), "the title says it all");
    assert_eq!(attachment.mrkdwn_in, ["text"]);
}

#[test]
fn a_death_that_is_expected_is_not_posted() {
    let stage = Stage::new();
    for (keys, script) in [
        ("{}", "exit 0"),
        ("{}", "kill -TERM $$"),
        ("{ ok: [0, 3] }", "exit 3"),
        ("{ ok: 137 }", "kill -KILL $$"),
    ] {
        stage.shell(&format!("on_exit: {keys}"), script).output("");
        assert_eq!(stage.titles(), [""; 0], "{keys} {script}");
    }
    let ended =
        stage.shell("on_exit: { ok: 3, severity: warning }", "exec 2>&- >&-; kill -KILL $$").output("");
    assert_eq!(ended.code(), 137);
    let told = stage.attachments();
    assert!(told[0].fallback.starts_with("[WARNING] sh was ended by SIGKILL, after "), "{told:?}");
    assert_eq!(told[0].text.as_deref(), Some("```(it wrote nothing)```"));
}

#[test]
fn signals_go_on_to_the_program() {
    let stage = Stage::new();
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
    ] {
        let script =
            format!("trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 0.02; done");
        let agent = ready(stage.shell("", &script));
        agent.signal(signal);
        assert_ended(&agent.wait(), 5, &format!("ready\ngot {name}\n"), "");
    }
}

#[test]
fn a_program_that_goes_on_after_a_signal_is_waited_for() {
    let stage = Stage::new();
    let script = "trap 'echo ERROR asked' TERM; echo ready; read x; read x; echo ERROR done; exit 4";
    let mut agent = ready(stage.shell("", script));
    for n in 1..3 {
        agent.signal(Signal::TERM);
        agent.wait_for_stdout("ready\n".len() + n * "ERROR asked\n".len());
    }
    agent.write("\n\n");
    let ended = agent.wait();
    assert_ended(&ended, 4, "ready\nERROR asked\nERROR asked\nERROR done\n", "");
    assert_eq!(stage.titles().last().map(String::as_str), Some("done on stdout"));
}

#[test]
fn what_is_ignored_at_the_start_stays_ignored() {
    let stage = Stage::new();
    stage.program("", &["true"]).output("");
    let script = "kill -HUP $PPID; kill -HUP $$; echo alive";
    let outer = "trap '' HUP; exec \"$0\" exec -c rules.yaml -- sh -c \"$1\"";
    let output = Command::new("sh")
        .args(["-c", outer, env!("CARGO_BIN_EXE_hooktail"), script])
        .current_dir(stage.folder.path(""))
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"alive\n");
}

/// What holds the pipes open is ended with the test: it has inherited whatever the test runner holds.
#[test]
fn somebody_who_holds_the_pipes_open_is_not_waited_for() {
    let stage = Stage::new();
    for script in
        ["sleep 600 & echo $!", "while :; do echo more; sleep 0.01; done & echo $!", "yes & echo $!"]
    {
        let began = Instant::now();
        let ended = stage.shell("", script).output("");
        let written = String::from_utf8_lossy(&ended.stdout).into_owned();
        let left = written.lines().find_map(|line| line.parse().ok()).and_then(Pid::from_raw);
        // One that writes has ended by itself: nobody reads it.
        let _ = kill_process(left.expect("it says its number"), Signal::KILL);
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert!(began.elapsed() < PATIENCE, "it waited for {script}");
    }
}

#[test]
fn what_was_written_before_the_end_is_passed_on_and_watched() {
    let stage = Stage::new();
    for _ in 0..20 {
        let ended = stage.shell("", "seq 1 5000; echo ERROR last").output("");
        assert!(ended.stdout.ends_with(b"\n5000\nERROR last\n"));
    }
    assert_eq!(stage.titles(), ["last on stdout"; 20]);
}

#[test]
fn a_closed_standard_output_ends_the_program_as_it_would_without_us() {
    let stage = Stage::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = stage.program("", &["yes"]).stdout(writer).output("");
    assert_eq!((ended.code(), ended.stderr.as_str()), (128 + 13, ""));
}

#[test]
fn standard_input_is_the_programs() {
    let stage = Stage::new();
    assert_ended(&stage.program("", &["cat"]).output("ERROR mine"), 0, "ERROR mine", "");
    assert_eq!(stage.titles(), ["mine on stdout"]);
}

#[test]
fn the_files_other_inputs_are_read_too_until_the_program_ends() {
    let stage = Stage::new();
    stage.folder.write("app.log", "");
    let more =
        "inputs: { app: { files: app.log, start: beginning }, out: { stdin: true, labels: { a: b } } }";
    let mut agent = ready(stage.shell(more, "echo ready; read x; echo ERROR own"));
    stage.folder.append("app.log", "ERROR filed\n");
    stage.receiver.wait_for_messages(1, PATIENCE);
    agent.write("\n");
    let ended = agent.wait();
    assert_ended(&ended, 0, "ready\nERROR own\n", "");
    assert_eq!(stage.titles(), ["filed on", "own on stdout"]);
    let footers: Vec<String> = stage.attachments().into_iter().filter_map(|each| each.footer).collect();
    assert!(footers[1].contains(":out · "), "{footers:?}");
}

#[test]
fn a_report_says_what_was_done() {
    let stage = Stage::new();
    let ended =
        stage.options("on_exit: {}", &["--report", "report.json"], &["sh", "-c", "echo ERROR a; exit 1"]);
    assert_eq!(ended.output("").code(), 1);
    let report: serde_json::Value = serde_json::from_str(&stage.folder.read("report.json")).expect("JSON");
    assert_eq!(report["inputs"]["exec"]["lines"], 1);
    assert_eq!(
        (&report["rules"]["errors"]["posted"], &report["rules"]["on_exit"]["posted"]),
        (&1.into(), &1.into())
    );
    let ended = stage.options("", &["--report", "no/such/folder"], &["sh", "-c", "exit 6"]).output("");
    assert_eq!((ended.code(), ended.said(&["failed to write the report"])), (6, 1), "{}", ended.stderr);
}

#[test]
fn after_a_signal_what_waits_has_a_few_seconds() {
    let stage = Stage::new();
    stage.receiver.script("*", [Fault::hang().always()]);
    let script = "trap 'echo ERROR asked; exit 3' TERM; echo ready; while :; do sleep 0.02; done";
    let agent = ready(stage.options("", &["--drain", "10m"], &["sh", "-c", script]));
    agent.signal(Signal::TERM);
    stage.receiver.wait_for(1, PATIENCE);
    let began = Instant::now();
    let ended = agent.wait();
    assert_eq!(
        (ended.code(), ended.said(&["undelivered to `ops`: [ERROR] errors"])),
        (3, 1),
        "{}",
        ended.stderr
    );
    assert!(began.elapsed() >= Duration::from_secs(4), "it gave up at once");
}

#[test]
fn two_signals_after_the_end_end_the_wait() {
    let stage = Stage::new();
    stage.receiver.script("*", [Fault::hang().always()]);
    let agent = stage.options("", &["--drain", "10m"], &["echo", "ERROR a"]).env("RUST_LOG", "debug").start();
    agent.wait_for_stderr("nothing more is decided");
    for signal in [Signal::TERM, Signal::INT] {
        agent.signal(signal);
    }
    assert_eq!(agent.wait().code(), 0);
}

#[test]
fn the_example_tells_of_a_crash_and_of_the_end() {
    let stage = Stage::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exec.yaml");
    let program = ["sh", "-c", "seq 49 >&2; echo 'panicked at src/main.rs:7' >&2; exit 101"];
    let ended = Launch::new(["exec", "-c", example, "--"])
        .args(program)
        .env("SLACK_WEBHOOK_URL", stage.receiver.url(HOOK))
        .output("");
    assert_eq!(ended.code(), 101, "{}", ended.stderr);
    let told: Vec<String> = stage.attachments().into_iter().map(|each| each.fallback).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for start in
        ["[CRITICAL] crash", "[WARNING] 50 lines on standard error", "[CRITICAL] sh ended with status 101"]
    {
        assert!(told.iter().any(|fallback| fallback.starts_with(start)), "{start}: {told:?}");
    }
}

/// Ctrl-C at a terminal signals the whole foreground group: the program must not get it twice.
#[test]
fn a_key_of_the_terminal_reaches_the_program_once() {
    let stage = Stage::new();
    stage.program("", &["true"]).output("");
    let trap = "trap 'echo got INT' INT; echo ready; read a; read b; echo over";
    stage.folder.write("program.sh", trap);
    let defaults = if cfg!(target_os = "linux") { "env --default-signal " } else { "" };
    let line = format!("{defaults}{} exec -c rules.yaml -- sh program.sh", env!("CARGO_BIN_EXE_hooktail"));
    let script = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .current_dir(stage.folder.path(""))
        .env("NO_COLOR", "1")
        .env("XDG_RUNTIME_DIR", stage.folder.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut script) = script else {
        println!("skipped: there is no `script` to make a terminal");
        return;
    };
    let mut output = script.stdout.take().expect("it is piped");
    let mut input = script.stdin.take().expect("it is piped");
    let mut seen = Vec::new();
    wait_for(&mut output, &mut seen, "ready");
    std::io::Write::write_all(&mut input, b"\x03").expect("script reads");
    wait_for(&mut output, &mut seen, "got INT");
    std::io::Write::write_all(&mut input, b"\n\n\n").expect("script reads");
    wait_for(&mut output, &mut seen, "over");
    drop(input);
    script.wait().expect("it is our child");
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert_eq!(seen.matches("got INT").count(), 1, "{seen}");
}

fn wait_for(output: &mut impl std::io::Read, seen: &mut Vec<u8>, text: &str) {
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(seen).contains(text) {
        let read = output.read(&mut buffer).expect("a pipe can be read");
        assert!(read > 0, "`{text}` has not come: {}", String::from_utf8_lossy(seen));
        seen.extend_from_slice(&buffer[..read]);
    }
}
