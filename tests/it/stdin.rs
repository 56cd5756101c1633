//! Standard input: passed on byte for byte, held up by no receiver, read to its end.
//!
//! A test whose name begins with a row's number shows that row of `docs/reliability.md`.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::agent::{Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Receiver};

/// Posts each line with ERROR to `receiver`, and passes on.
fn posting(receiver: &Receiver, options: &[&str]) -> Launch {
    let launch = Launch::new(["pipe", "--match", "ERROR", "--dedup", "off", "--passthrough"]).args(options);
    launch.env("HOOKTAIL_WEBHOOK", receiver.url(HOOK)).env("RUST_LOG", "hooktail=debug")
}

fn hanging() -> Receiver {
    let receiver = Receiver::start();
    receiver.script("*", [Fault::hang().always()]);
    receiver
}

/// Many lines, some of which match, and no end to the last.
fn lines(count: usize) -> Vec<u8> {
    let line = |n: usize| format!("{n} {}\n", if n.is_multiple_of(1_000) { "ERROR" } else { "all is well" });
    let mut bytes: Vec<u8> = (0..count).flat_map(|n| line(n).into_bytes()).collect();
    bytes.extend_from_slice(b"\xff\x00 the ERROR at the end");
    bytes
}

#[test]
fn row_90_the_writer_is_never_held_up_by_a_receiver_and_a_partial_line_counts() {
    let receiver = hanging();
    let bytes = lines(200_000);
    let mut agent = posting(&receiver, &["--drain", "200ms"]).start();
    let mut stdin = agent.take_stdin();
    let written = bytes.clone();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &written));
    // All is written, and passed on, while the receiver says nothing.
    assert!(agent.wait_for_stdout(bytes.len()) == bytes, "another text was passed on");
    writing.join().expect("the writer lives").expect("everything was read");
    let ended = agent.wait();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    assert_eq!(ended.said(&["undelivered to `pipe`"]), 201, "each is told: {}", ended.stderr);
}

#[test]
fn row_90_a_writer_that_is_killed_has_said_what_it_had_written() {
    let receiver = Receiver::start();
    let script =
        "sh -c 'printf \"one\\nERROR half\"; kill -KILL $$' | \"$0\" pipe --match ERROR --passthrough";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_hooktail")])
        .env("HOOKTAIL_WEBHOOK", receiver.url(HOOK))
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{:?}: {output:?}", output.status.signal());
    assert_eq!(output.stdout, b"one\nERROR half");
    assert_eq!(receiver.messages()[0].attachments[0].text.as_deref(), Some("```ERROR half```"));
}

#[test]
fn row_74_a_stop_ends_within_its_grace_whatever_the_receiver_does() {
    for signal in [Signal::TERM, Signal::INT] {
        let receiver = hanging();
        let grace = Duration::from_secs(2);
        // Neither the writer nor the receiver ever ends.
        let mut agent = posting(&receiver, &["--grace", "2s"]).start();
        agent.write("ERROR one\n");
        receiver.wait_for(1, PATIENCE);
        let began = Instant::now();
        agent.signal(signal);
        agent.wait_for_stderr("stopping");
        // Its last words are read within the grace.
        agent.write("ERROR two");
        agent.wait_for_stdout("ERROR one\nERROR two".len());
        let _stdin = agent.take_stdin();
        let ended = agent.wait();
        assert_eq!((ended.code(), ended.said(&["undelivered to `pipe`"])), (3, 2), "{}", ended.stderr);
        let took = began.elapsed();
        assert!(took >= grace && took < grace + Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn lines_that_are_cut_are_said_once_and_counted() {
    let folder = Folder::new();
    let rules = "webhooks: { ops: { url: \"http://127.0.0.1:9/services/T0/B0/X\" } }\n\
                 inputs: { app: { stdin: true, max_line: 100 } }\nrules: [{ name: none, match: NOTHING }]\n";
    let file = folder.write("rules.yaml", rules);
    let long = format!("short\n{}\n{}\nshort\n{}", "a".repeat(101), "b".repeat(5_000), "c".repeat(101));
    let report = folder.path("report.json");
    let args = ["--dry-run".as_ref(), "--report".as_ref(), report.as_os_str()];
    let ended = Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()])
        .args(args)
        .folder(&folder.path(""))
        .output(&long);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(
        ended.said(&["WARN", "longer than `max_line`", "input=app", "kept=100"]),
        1,
        "{}",
        ended.stderr
    );
    let report: serde_json::Value = serde_json::from_str(&folder.read("report.json")).expect("JSON");
    assert_eq!((&report["inputs"]["app"]["truncated"], &report["lines"]), (&3.into(), &5.into()));
}

/// Our own log in the folder that is watched.
#[test]
fn row_49_our_own_log_is_not_read() {
    let folder = Folder::new();
    let receiver = Receiver::start();
    let rules = format!(
        "webhooks: {{ ops: {{ url: \"{}\", rate: 1000/s }} }}\ninputs: {{ all: {{ files: '*.log', start: beginning }} }}\n\
         rules: [{{ name: all, match: '^', dedup: off }}]\n",
        receiver.url(HOOK)
    );
    let file = folder.write("rules.yaml", rules);
    folder.write("app.log", "one\n");
    let log = std::fs::File::create(folder.path("own.log")).expect("the folder is ours");
    let agent = Launch::new([
        "run".as_ref(),
        "-c".as_ref(),
        file.as_os_str(),
        "--state-dir".as_ref(),
        "none".as_ref(),
    ])
    .folder(&folder.path(""))
    .stderr(log)
    .start();
    receiver.wait_for_messages(1, PATIENCE);
    // By the time that the second line is posted, whatever our log says of the first has been looked at.
    folder.append("app.log", "two\n");
    receiver.wait_for_messages(2, PATIENCE);
    agent.stop();
    let texts: Vec<_> = receiver
        .messages()
        .into_iter()
        .flat_map(|message| message.attachments)
        .map(|each| each.text)
        .collect();
    assert_eq!(texts, [Some("```one```".to_owned()), Some("```two```".to_owned())]);
    let own = folder.read("own.log");
    assert_eq!(own.matches("hooktail itself writes there").count(), 1, "{own}");
}
