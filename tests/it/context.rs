//! `context`: the lines around a line, in every command that shows them.

use rustix::process::Signal;

use crate::agent::{Folder, Launch};
use crate::scene::{Scene, wait_until_read};

const LOGS: &str = "logs: { files: 'logs/*.log', poll: 20ms, start: beginning }";

/// Each line with `error`, with two before and two after.
const ERRORS: &str = "{ name: errors, match: error, dedup: off, context: { before: 2, after: 2 } }";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene
}

fn texts(scene: &Scene) -> Vec<String> {
    let messages = scene.receiver.messages().into_iter();
    messages.flat_map(|message| message.attachments).filter_map(|attachment| attachment.text).collect()
}

/// Waits until so many were posted.
#[track_caller]
fn wait_for(scene: &Scene, count: usize) -> Vec<String> {
    while texts(scene).len() < count {
        let messages = scene.receiver.messages().len();
        scene.receiver.wait_for_messages(messages + 1, crate::agent::PATIENCE);
    }
    texts(scene)
}

#[test]
fn lines_of_the_same_file_in_order() {
    let scene = scene();
    scene.folder.write("logs/a.log", "a1\na2\na3\nerror a\na4\na5\na6\n");
    scene.folder.write("logs/b.log", b"error b\r\nb1\r\nerror <!here>\x1b[31m\x00\xff```\n");
    let ended = scene.launch_with(LOGS, ERRORS).args(["--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let mut texts = texts(&scene);
    texts.sort();
    assert_eq!(
        texts,
        [
            "```\n  a2\n  a3\n&gt; error a\n  a4\n  a5\n```",
            "```\n  error b\n  b1\n&gt; error &lt;!here&gt;\\x00\u{fffd}``\u{200b}`\u{200b}\n```",
            "```\n&gt; error b\n  b1\n  error &lt;!here&gt;\\x00\u{fffd}``\u{200b}`\u{200b}\n```",
        ]
    );
}

#[test]
fn lines_after_are_waited_for_and_those_of_another_file_are_none() {
    let scene = scene();
    scene.folder.write("logs/a.log", "a1\n");
    scene.folder.write("logs/b.log", "b1\n");
    let agent = scene.launch_with(LOGS, ERRORS).start();
    wait_until_read(&agent, "a.log");
    wait_until_read(&agent, "b.log");
    scene.folder.append("logs/a.log", "error a\n");
    agent.wait_for_stderr("it waits for the lines after its own");
    scene.folder.append("logs/b.log", "b2\nb3\nb4\n");
    scene.folder.append("logs/a.log", "a2\n");
    // Nothing more comes: what there is is sent.
    let text = wait_for(&scene, 1).remove(0);
    assert!(text.starts_with("```\n  a1\n&gt; error a\n"), "{text}");
    assert!(!text.contains('b'), "{text}");
    assert_eq!(agent.stop().code(), 0);
}

#[test]
fn what_a_file_held_before_it_was_truncated_is_not_around() {
    let scene = scene();
    scene.folder.write("logs/a.log", "old\nerror one\n");
    let agent = scene.launch_with(LOGS, &ERRORS.replace("after: 2", "after: 0")).start();
    assert_eq!(wait_for(&scene, 1), ["```\n  old\n&gt; error one\n```"]);
    scene.folder.write("logs/a.log", "new\nerror\n");
    assert_eq!(wait_for(&scene, 2)[1], "```\n  new\n&gt; error\n```");
    assert_eq!(agent.stop().code(), 0);
}

#[test]
fn at_the_end_and_at_a_stop_what_has_come_is_sent() {
    for stop in [false, true] {
        let scene = Scene::new();
        let mut agent = scene.launch_with("in: { stdin: true }", ERRORS).start();
        agent.write("one\nerror x\ntwo\n");
        agent.wait_for_stderr("it waits for the lines after its own");
        match stop {
            true => agent.signal(Signal::TERM),
            false => agent.close_stdin(),
        }
        let ended = agent.wait();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert_eq!(texts(&scene), ["```\n  one\n&gt; error x\n  two\n```"], "stop: {stop}");
    }
}

#[test]
fn an_alert_that_waits_for_lines_outlives_a_kill() {
    let scene = scene();
    scene.folder.write("logs/a.log", "a1\n");
    let launch = || scene.launch_with(LOGS, ERRORS).args(["--state-dir", "state"]);
    let agent = launch().start();
    wait_until_read(&agent, "a.log");
    scene.folder.append("logs/a.log", "error token=abcd1234\n");
    agent.wait_for_stderr("it waits for the lines after its own");
    agent.signal(Signal::KILL);
    drop(agent);
    scene.folder.append("logs/a.log", "a2\n");
    let agent = launch().start();
    let told = wait_for(&scene, 1);
    assert!(told[0].starts_with("```\n  a1\n&gt; error token=[redacted]\n"), "{told:?}");
    assert_eq!(agent.stop().code(), 0);
    // A kill that came late may have sent it already; a restart repeats nothing else.
    let texts = texts(&scene);
    assert!(texts.iter().all(|text| *text == told[0]), "{texts:?}");
}

#[test]
fn nothing_that_is_stored_holds_a_secret_of_the_lines_around() {
    let scene = scene();
    scene.folder.write("logs/a.log", "login password=hunter2\n");
    // The receiver is asked later than the test waits.
    let rules = ERRORS.replace("dedup: off, ", "");
    let agent = scene.launch_with(LOGS, &rules).args(["--state-dir", "state"]).start();
    wait_until_read(&agent, "a.log");
    scene.folder.append("logs/a.log", "error\napi_key=hunter3\nx\n");
    let text = wait_for(&scene, 1).remove(0);
    assert_eq!(text, "```\n  login password=[redacted]\n&gt; error\n  api_key=[redacted]\n  x\n```");
    assert_eq!(agent.stop().code(), 0);
    let files = std::fs::read_dir(scene.folder.path("state")).unwrap().map(|file| file.unwrap().path());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"hunter"), "{}", file.display());
    }
}

#[test]
fn of_a_program_each_stream_has_its_own() {
    let scene = Scene::new();
    let rules = scene.folder.write(
        "exec.yaml",
        format!(
            "webhooks: {{ hook: {{ url: \"{}\", rate: 1000/s }} }}\nrules: [{ERRORS}]\n",
            scene.receiver.url(crate::receiver::HOOK)
        ),
    );
    let script = "echo o1; echo e1 >&2; echo error; echo e2 >&2; echo o2; echo o3";
    let args = ["exec".as_ref(), "-c".as_ref(), rules.as_os_str()];
    let ended = Launch::new(args).args(["--", "sh", "-c", script]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(texts(&scene), ["```\n  o1\n&gt; error\n  o2\n  o3\n```"]);
}

/// A rule file beside which no receiver listens, and a log.
fn rules(folder: &Folder, more: &str) {
    folder.write(
        "hooktail.yaml",
        format!(
            "webhooks: {{ ops: {{ url: \"http://127.0.0.1:9/services/T0/B0/x\" }} }}\n\
             inputs: {{ app: {{ files: app.log }} }}\n\
             rules:\n  - {{ name: errors, match: error, context: {{ before: 1, after: 2 }}{more} }}\n"
        ),
    );
}

#[test]
fn in_a_rules_own_tests() {
    let folder = Folder::new();
    let text = "  a\\n> error\\n  b";
    rules(
        &folder,
        &format!(
            ", tests: [{{ lines: [a, error, b, {{ wait: 2s }}, late], expect: [{{ kind: opened, text: \"{text}\" }}] }}]"
        ),
    );
    let ended = Launch::new(["test"]).folder(&folder.path("")).output("");
    assert_eq!(ended.code(), 0, "{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
}

#[test]
fn in_a_replay_the_same_each_time() {
    let folder = Folder::new();
    rules(&folder, ", dedup: off");
    let log: String = (0..3_000)
        .map(|n| {
            let what = if n % 7 == 0 { "error" } else { "fine" };
            format!("2026-01-01T00:{:02}:{:02}Z {what} {n}\n", n / 60, n % 60)
        })
        .collect();
    folder.write("app.log", &log);
    let replay = || {
        let ended = Launch::new(["replay", "app.log", "--json"]).folder(&folder.path("")).output("");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        String::from_utf8(ended.stdout).unwrap()
    };
    let first = replay();
    assert_eq!(first.lines().count(), 3_000 / 7 + 1);
    let lines: Vec<&str> = log.lines().collect();
    for (place, told) in first.lines().enumerate() {
        let told: serde_json::Value = serde_json::from_str(told).unwrap();
        let at = place * 7;
        // Of the two lines that follow the second is two seconds later: too late.
        let near = (at.saturating_sub(1)..=at + 1).filter_map(|near| Some((near, lines.get(near)?)));
        let near = near.map(|(near, line)| format!("{}{line}\n", if near == at { "&gt; " } else { "  " }));
        let expected = format!("```\n{}```", near.collect::<String>());
        assert_eq!(told["payload"]["attachments"][0]["text"], expected);
    }
    assert_eq!(replay(), first);
}

#[test]
fn in_a_preview_the_lines_are_made_up() {
    let folder = Folder::new();
    rules(&folder, "");
    let ended = Launch::new(["preview", "errors", "an error"]).folder(&folder.path("")).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let shown = String::from_utf8(ended.stdout).unwrap();
    for line in ["  (a line before it)", "> an error", "  (a line after it)"] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
}
