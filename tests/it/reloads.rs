//! Reloads again and again, while lines come: none is lost and none is told twice.
//!
//! `RELOADS=1000 cargo test --test it many_reloads -- --nocapture` has it last longer, and says how long lines waited.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::agent::{Folder, Launch, PATIENCE};
use crate::receiver::{HOOK, Receiver as Slack};

/// How often, where the environment says nothing else.
const RELOADS: usize = 40;

/// Each of so many lines makes an alert of the rule that counts.
const COUNT: usize = 7;

/// The parts of the configuration that come, go and change, by the number of the reload.
fn configuration(url: &str, reload: usize) -> String {
    let all = "{ name: all, match: 'line', dedup: off, webhook: ops, \
               message: { title: \"{{ input }} {{ message }}\" } }";
    let count = format!(
        "{{ name: count, match: 'line', when: {{ count: {COUNT}, within: 1h, by: input }}, dedup: off, webhook: ops, \
         message: {{ title: \"counted {{{{ input }}}}\" }} }}"
    );
    let mut rules = vec![all.to_owned(), count];
    let mut inputs = "file: { files: a.log, poll: 20ms, start: beginning }, \
                      pipe: { stdin: true, passthrough: true }"
        .to_owned();
    let mut webhooks = format!("ops: {{ url: \"{url}\", rate: 10000/s }}");
    match reload % 5 {
        0 => {}
        1 => rules.reverse(),
        2 => rules.insert(0, "{ name: other, match: 'no such text', webhook: ops }".to_owned()),
        3 => {
            inputs += ", more: { files: b.log, poll: 20ms }";
            webhooks += &format!(", more: {{ url: \"{url}\" }}");
        }
        _ => inputs = inputs.replace("poll", "labels: { team: core }, poll"),
    }
    let rules = rules.join(", ");
    format!(
        "webhooks: {{ {webhooks} }}\nlimits: {{ outbox: 100000 }}\nnotices: {{ webhook: ops }}\n\
         inputs: {{ {inputs} }}\nrules: [{rules}]\n"
    )
}

/// How often a line is written to each input: no oftener than all of them can be posted one by one.
const LINE_EVERY: Duration = Duration::from_millis(10);

/// Writes lines until it is told to stop; returns when each was written.
fn write(
    mut to: impl Write + Send + 'static,
    name: &'static str,
    stop: Receiver<()>,
) -> JoinHandle<Vec<Instant>> {
    std::thread::spawn(move || {
        let mut written = Vec::new();
        while stop.recv_timeout(LINE_EVERY) == Err(RecvTimeoutError::Timeout) {
            written.push(Instant::now());
            to.write_all(format!("{name} line {}\n", written.len()).as_bytes()).expect("it is read");
        }
        written
    })
}

/// When each line of a stream came.
fn read(from: std::io::PipeReader) -> JoinHandle<Vec<Instant>> {
    std::thread::spawn(move || BufReader::new(from).lines().map(|_| Instant::now()).collect())
}

#[test]
fn many_reloads_under_load_lose_and_repeat_nothing() {
    let reloads = std::env::var("RELOADS").map_or(RELOADS, |text| text.parse().expect("a number"));
    let (folder, slack) = (Folder::new(), Slack::start());
    let url = slack.url(HOOK);
    folder.write("rules.yaml", configuration(&url, 0));
    folder.write("a.log", "");
    let (out, passed) = std::io::pipe().unwrap();
    let launch = Launch::new(["run", "-c", "rules.yaml", "--state-dir", "state", "--report", "report.json"]);
    let launch = launch.env("RUST_LOG", "warn,hooktail::notice=info").folder(&folder.path("")).stdout(passed);
    let mut agent = launch.start();
    agent.wait_for_stderr("started");
    let file = std::fs::OpenOptions::new().append(true).open(folder.path("a.log")).unwrap();
    let pipe: ChildStdin = agent.take_stdin();
    let stopper = || -> (SyncSender<()>, Receiver<()>) { sync_channel(1) };
    let ((stop_file, file_stops), (stop_pipe, pipe_stops)) = (stopper(), stopper());
    let (file, pipe) = (write(file, "file", file_stops), write(pipe, "pipe", pipe_stops));
    let passed = read(out);
    for reload in 1..=reloads {
        folder.write("rules.yaml", configuration(&url, reload));
        agent.signal(Signal::HUP);
        agent.wait_for_stderr_times("hooktail reloaded: ", reload);
    }
    drop((stop_file, stop_pipe));
    let [file, pipe] = [file, pipe].map(|writing| writing.join().unwrap());
    let expected = [("file", file.len()), ("pipe", pipe.len())];
    let all: usize = expected.iter().map(|(_, lines)| lines).sum();
    let told: usize = all + expected.iter().map(|(_, lines)| lines / COUNT).sum::<usize>();
    loop {
        let messages = slack.messages();
        if messages.iter().map(|message| message.attachments.len()).sum::<usize>() >= told {
            break;
        }
        slack.wait_for_messages(messages.len() + 1, PATIENCE);
    }
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let mut titles: BTreeMap<String, usize> = BTreeMap::new();
    for attachment in slack.messages().into_iter().flat_map(|message| message.attachments) {
        *titles.entry(attachment.title.unwrap_or_default()).or_default() += 1;
    }
    for (input, lines) in expected {
        let counted = titles.remove(&format!("counted {input}"));
        assert_eq!(counted, Some(lines / COUNT), "the window of `{input}` went on over all reloads");
        for line in 1..=lines {
            assert_eq!(
                titles.remove(&format!("{input} {input} line {line}")),
                Some(1),
                "{input} line {line}"
            );
        }
    }
    assert_eq!(titles, BTreeMap::new());
    let report: serde_json::Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    let matches = &report["rules"]["all"]["matches"];
    assert_eq!(matches, &serde_json::json!(all), "each match is counted once");
    let passed = passed.join().unwrap();
    assert_eq!(passed.len(), pipe.len());
    let longest = passed.iter().zip(&pipe).map(|(came, went)| came.duration_since(*went)).max();
    println!("{reloads} reloads, {all} lines; passed on after {longest:?} at most");
}
