//! `hooktail pipe`, seen from outside.

use std::io::{Read, Write, pipe};
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::agent::{Folder, Launch};
use crate::receiver::{HOOK, Receiver};

fn launch(args: &[&str]) -> Launch {
    Launch::new(["pipe"]).args(args)
}

/// Posts to `receiver`, whose URL comes by the environment.
fn posting(receiver: &Receiver, args: &[&str]) -> Launch {
    launch(args).env("HOOKTAIL_WEBHOOK", receiver.url(HOOK))
}

/// The fallbacks of all attachments: headlines in plain text.
fn headlines(receiver: &Receiver) -> Vec<String> {
    let messages = receiver.messages();
    messages.iter().flat_map(|message| &message.attachments).map(|each| each.fallback.clone()).collect()
}

#[test]
fn a_hundred_thousand_equal_lines_are_two_messages() {
    let receiver = Receiver::start();
    let input = "ERROR disk sda1 is full\n".repeat(100_000);
    let ended = launch(&["--match", "ERROR", "--webhook", &receiver.url(HOOK)]).output(input);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    let [opening, summary] = [0, 1].map(|n| format!("{:?}", messages[n]));
    assert!(opening.contains("ERROR disk sda1 is full") && !opening.contains("more"), "{opening}");
    assert!(summary.contains("99,999 more"), "{summary}");
    let told = "hooktail: 100,000 lines (2,400,000 bytes), 100,000 matches, 2 alerts posted in 2 messages in";
    assert_eq!(ended.said(&[told, "99,999 folded away"]), 1, "{}", ended.stderr);
}

#[test]
fn what_passes_through_is_unchanged() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut input: Vec<u8> = (0..100_000).map(|_| random.u8(..)).collect();
    input.extend(b"\0\0NULs\0\r\n\n\n\xff\xfe");
    input.extend(vec![b'x'; 1 << 20]);
    input.extend(b"\nERROR at the end, without a line's end");
    let ended = launch(&["--match", "ERROR", "--passthrough"]).output(&input);
    assert_eq!(ended.code(), 0);
    assert!(ended.stdout == input, "{} bytes instead of {}", ended.stdout.len(), input.len());
    assert_eq!(ended.said(&["ERROR at the end, without a line's end"]), 1, "{}", ended.stderr);
}

#[test]
fn what_passes_through_is_not_delayed() {
    let mut agent = launch(&["--match", "x", "--passthrough"]).start();
    let mut expected = Vec::new();
    for piece in ["no line's end", " yet", ", and now\n", "next"] {
        agent.write(piece);
        expected.extend(piece.bytes());
        assert_eq!(agent.wait_for_stdout(expected.len()), expected);
    }
    agent.close_stdin();
    assert_eq!(agent.wait().stdout, expected);
}

#[test]
fn without_passthrough_nothing_is_on_standard_output() {
    let ended = launch(&["--match", "ERROR"]).output("ERROR one\nINFO two\n");
    assert_eq!((ended.code(), ended.stdout.as_slice()), (0, &b""[..]));
    assert_eq!(ended.said(&["▌", "ERROR one"]), 1, "it is drawn: {}", ended.stderr);
    assert!(!ended.stderr.contains('\x1b'), "no colours where there is no terminal: {}", ended.stderr);
}

#[test]
fn a_broken_standard_output_does_not_stop_watching() {
    let receiver = Receiver::start();
    let (reader, writer) = pipe().unwrap();
    let mut agent = posting(&receiver, &["--match", "ERROR", "--passthrough"]).stdout(writer).start();
    drop(reader);
    agent.write("first\n");
    agent.wait_for_stderr("standard output takes no more");
    agent.write("ERROR later\n");
    receiver.wait_for_messages(1, crate::agent::PATIENCE);
    agent.write("more\n");
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.said(&["standard output takes no more"]), 1, "{}", ended.stderr);
    assert_eq!(headlines(&receiver).len(), 1);
}

#[test]
fn a_broken_standard_error_does_not_stop_watching() {
    let receiver = Receiver::start();
    let (reader, writer) = pipe().unwrap();
    let mut agent = posting(&receiver, &["--match", "ERROR", "--passthrough", "--dedup", "off"])
        .env("RUST_LOG", "debug")
        .stderr(writer)
        .start();
    drop(reader);
    agent.write("ERROR one\n");
    receiver.wait_for_messages(1, crate::agent::PATIENCE);
    agent.write("ERROR two\n");
    receiver.wait_for_messages(2, crate::agent::PATIENCE);
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!((ended.code(), ended.stdout.as_slice()), (0, &b"ERROR one\nERROR two\n"[..]));
}

#[test]
fn a_reader_that_is_stuck_does_not_hold_up_the_end() {
    let receiver = Receiver::start();
    let (mut reader, writer) = pipe().unwrap();
    let args = ["--match", "ERROR", "--passthrough", "--grace", "1s"];
    let mut agent = posting(&receiver, &args).stdout(writer).start();
    // More than the pipe between holds, and no more than we can write without waiting.
    let input = format!("ERROR first\n{}", "x\n".repeat(75_000));
    agent.write(&input);
    receiver.wait_for_messages(1, crate::agent::PATIENCE);
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let mut passed = Vec::new();
    reader.read_to_end(&mut passed).unwrap();
    assert!(input.as_bytes().starts_with(&passed) && passed.len() >= 4096, "{} bytes", passed.len());
}

#[test]
fn a_slow_reader_gets_everything() {
    let (mut reader, writer) = pipe().unwrap();
    let mut agent = launch(&["--match", "ERROR", "--passthrough"]).stdout(writer).start();
    let input: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    let expected = input.clone();
    let reading = std::thread::spawn(move || {
        let mut passed = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => return passed,
                read => passed.extend_from_slice(&buffer[..read]),
            }
        }
    });
    agent.write(&input);
    agent.close_stdin();
    assert_eq!(agent.wait().code(), 0);
    assert!(reading.join().unwrap() == expected.as_bytes());
}

#[test]
fn colours_do_not_hide_a_line() {
    let receiver = Receiver::start();
    let input = "\x1b[31mERROR\x1b[0m: disk full\n";
    let ended = posting(&receiver, &["--match", "^ERROR: disk", "--passthrough"]).output(input);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, input.as_bytes(), "what passes through keeps them");
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    let body = String::from_utf8(received[0].body.clone()).unwrap();
    assert!(body.contains("ERROR: disk full"), "{body}");
    assert!(!body.contains("\\u001b") && !body.contains('\x1b') && !body.contains("[31m"), "{body}");
}

#[test]
fn a_message_is_as_the_options_say() {
    let receiver = Receiver::start();
    let args = [
        "--match",
        r"user (?P<user>\w+) failed",
        "--match",
        "panic",
        "--ignore",
        "test",
        "--ignore",
        "dry run",
        "--severity",
        "critical",
        "--mention",
        "here",
        "--mention",
        "U0123456789",
        "--title",
        "{{ user }} failed",
    ];
    let input = "user test failed\nuser eve failed in a dry run\nall is well\nuser mallory failed\n";
    let ended = posting(&receiver, &args).output(input);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert_eq!(messages[0].attachments[0].title.as_deref(), Some("mallory failed"));
    assert_eq!(messages[0].attachments[0].color, "#8b0000");
    for part in ["[CRITICAL]", "mallory failed", "<!here>", "<@U0123456789>"] {
        assert!(messages[0].text.contains(part), "{part} in {}", messages[0].text);
    }
}

/// The counters of the rule after `input`.
fn counted(args: &[&str], input: &str) -> Value {
    let folder = Folder::new();
    let ended = launch(args).args(["--report", "report.json"]).folder(&folder.path("")).output(input);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let mut report: Value = serde_json::from_str(&folder.read("report.json")).expect("JSON");
    report["rules"]["pipe"].take()
}

#[test]
fn counting_and_folding_are_as_the_options_say() {
    const USER: &str = r"user (?P<user>\w+)";
    const INPUT: &str = "user a\nuser b\nuser a\nuser a\nuser b\nuser a\nuser c\n";
    for (args, posted, joined, below) in [
        (&["--match", USER][..], 3, 4, 0),
        (&["--match", USER, "--by", "user"], 3, 4, 0),
        (&["--match", USER, "--dedup", "off"], 7, 0, 0),
        (&["--match", USER, "--count", "2", "--within", "1m"], 1, 2, 4),
        (&["--match", USER, "--count", "2", "--within", "1m", "--by", "user"], 2, 1, 4),
        (&["--match", USER, "--count", "2", "--within", "1m", "--by", "user", "--dedup", "off"], 3, 0, 4),
        (&["--match", USER, "--count", "5", "--within", "1m", "--by", "user"], 0, 0, 7),
    ] {
        let counted = counted(args, INPUT);
        let counted = ["matches", "posted", "joined", "below_when"].map(|key| counted[key].as_u64().unwrap());
        assert_eq!(counted, [7, posted, joined, below], "{args:?}");
    }
}

#[test]
fn a_wrong_regex_is_underlined() {
    let ended = launch(&["--match", "fine", "--match", "disk (full"]).output("");
    assert_eq!((ended.code(), ended.stdout.as_slice()), (2, &b""[..]));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let shown = lines.iter().position(|line| line.contains("disk (full")).expect("the pattern is shown");
    let column = lines[shown].find("(full").unwrap();
    assert_eq!(lines[shown + 1].find('^'), Some(column), "{}", ended.stderr);
    assert_eq!(ended.said(&["hooktail: "]), 0, "nothing was run: {}", ended.stderr);
}

#[test]
fn what_is_not_yet_supported_says_so() {
    let ended = launch(&["--match", "x", "--parse", "cri"]).output("x\n");
    assert_eq!(ended.code(), 2, "{}", ended.stderr);
    assert_eq!(ended.said(&["not yet supported"]), 1, "{}", ended.stderr);
    assert_eq!(launch(&["--match", "x", "--state-dir", "none", "--parse", "text"]).output("x\n").code(), 0);
}

#[test]
fn a_parsed_line_is_matched_by_its_message() {
    let line = "{\"msg\":\"disk \\\"sda\\\" is full\",\"user\":{\"name\":\"eve\"}}\n";
    let title = "{{ user.name }}: {{ disk }}";
    let args = ["--match", "^disk \"(?P<disk>\\w+)\" is full$", "--parse", "json", "--title", title];
    let ended = launch(&args).output(format!("{line}no JSON\n"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.said(&["eve: sda"]), 2, "{}", ended.stderr);
}

#[test]
fn wrong_options_are_said_and_nothing_is_read() {
    for args in [
        &["--severity", "bad"][..],
        &["--mention", "bob"],
        &["--count", "5"],
        &["--within", "5m"],
        &["--count", "0", "--within", "1m"],
        &["--dedup", "soon"],
        &["--title", "{{ x"],
        &["--by", "nothing"],
        &["--webhook", "ftp://x"],
        &["--webhook-file", "missing"],
        &["--drain", "5"],
    ] {
        let ended = launch(&["--match", "x", "--passthrough"]).args(args).output("x\n");
        assert_eq!((ended.code(), ended.stdout.as_slice()), (2, &b""[..]), "{args:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty(), "{args:?}");
    }
    assert_eq!(Launch::new(["pipe"]).output("").code(), 2);
}

#[test]
fn the_webhook_comes_by_file_by_environment_or_by_option() {
    const OTHER: &str = "/services/T00000000/B11111111/YYYYYYYYYYYYYYYYYYYYYYYY";
    const THIRD: &str = "/services/T00000000/B22222222/ZZZZZZZZZZZZZZZZZZZZZZZZ";
    let receiver = Receiver::start();
    let folder = Folder::new();
    let file = folder.write("url", format!("{}\n", receiver.url(OTHER)));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let secrets = [HOOK, OTHER, THIRD].map(|path| path.rsplit('/').next().unwrap());
    let check = |launch: Launch, path: &str, warns: usize| {
        let before = receiver.received().len();
        let ended = launch.folder(&folder.path("")).output("x\n");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        let received = receiver.received();
        assert_eq!(received.len(), before + 1);
        assert_eq!(received[before].path, path);
        assert_eq!(ended.said(&["can be seen by other users"]), warns, "{}", ended.stderr);
        assert!(!secrets.iter().any(|secret| ended.stderr.contains(secret)), "{}", ended.stderr);
    };
    check(posting(&receiver, &["--match", "x"]), HOOK, 0);
    check(launch(&["--match", "x", "--webhook-file", "url"]), OTHER, 0);
    check(posting(&receiver, &["--match", "x", "--webhook-file", "url"]), OTHER, 0);
    check(posting(&receiver, &["--match", "x", "--webhook", &receiver.url(THIRD)]), THIRD, 1);
}

#[test]
fn a_stop_reads_to_the_end_within_its_grace() {
    let receiver = Receiver::start();
    let mut agent = posting(&receiver, &["--match", "ERROR", "--passthrough", "--grace", "20s"]).start();
    agent.write("first\n");
    agent.wait_for_stdout(6);
    agent.signal(Signal::TERM);
    agent.wait_for_stderr("stopping");
    // An application's last lines are the ones that matter.
    agent.write("ERROR last words");
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!((ended.code(), ended.stdout.as_slice()), (0, &b"first\nERROR last words"[..]));
    assert_eq!(headlines(&receiver).len(), 1, "{}", ended.stderr);
}

#[test]
fn an_endless_writer_does_not_hold_up_a_stop() {
    for second in [false, true] {
        let grace = if second { "10m" } else { "500ms" };
        let mut agent = launch(&["--match", "ERROR", "--grace", grace]).start();
        agent.write("ERROR one\n");
        agent.wait_for_stderr("▌ │ ERROR one");
        let mut stdin = agent.take_stdin();
        let writing = std::thread::spawn(move || while stdin.write_all(&[b'\n'; 4096]).is_ok() {});
        agent.signal(Signal::TERM);
        if second {
            agent.wait_for_stderr("stopping");
            agent.signal(Signal::TERM);
        }
        let ended = agent.wait();
        writing.join().unwrap();
        assert_eq!(ended.said(&["hooktail: ", "1 match,"]), 1, "{}", ended.stderr);
        assert_eq!(ended.code(), 0);
    }
}

#[test]
fn a_second_request_to_stop_ends_it_at_once() {
    let mut agent = launch(&["--match", "ERROR", "--grace", "10m"]).start();
    agent.write("ERROR one\n");
    agent.wait_for_stderr("▌ │ ERROR one");
    agent.signal(Signal::INT);
    agent.wait_for_stderr("stopping");
    agent.signal(Signal::TERM);
    let ended = agent.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.said(&["hooktail: 1 line "]), 1, "{}", ended.stderr);
}
