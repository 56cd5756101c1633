//! `threads`: files of an input that are read by several threads are read as by one, only sooner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rustix::process::Signal;
use serde_json::Value;

use crate::agent::{Folder, Launch, PATIENCE};
use crate::receiver::{HOOK, Receiver};

/// Lines of each file, so that some take several turns, and one in so many is posted.
const LINES: [usize; 8] = [1, 40_000, 300, 9_000, 25_000, 12_000, 700, 30_000];
const MARK_EVERY: usize = 500;

/// What our log says when a further thread has something to read for the first time.
const ANOTHER: &str = "another thread reads files";

/// Logs, and a receiver for what is marked in them.
struct Logs {
    folder: Folder,
    receiver: Receiver,
}

/// What was posted of each file, in order of arrival: which line, the text with the lines before it, and the alert's id.
type Posted = BTreeMap<String, Vec<(usize, String, String)>>;

impl Logs {
    fn new() -> Self {
        let logs = Self { folder: Folder::new(), receiver: Receiver::start() };
        logs.folder.make("logs");
        for (file, lines) in LINES.into_iter().enumerate() {
            logs.folder.write(&format!("logs/{file}.log"), text(file, 1..=lines));
        }
        logs
    }

    fn configure(&self, threads: usize) {
        self.folder.write(
            "rules.yaml",
            format!(
                "webhooks: {{ hook: {{ url: \"{}\", rate: 1000/s }} }}\n\
                 limits: {{ outbox: 100000 }}\n\
                 inputs: {{ app: {{ files: 'logs/*.log', start: beginning, poll: 20ms }} }}\n\
                 threads: {threads}\n\
                 rules:\n\
                 - {{ name: marks, match: 'MARK (?P<n>\\d+)', dedup: off, context: {{ before: 2 }}, message: {{ title: '{{{{ file }}}} {{{{ n }}}}' }} }}\n",
                self.receiver.url(HOOK)
            ),
        );
    }

    fn launch(&self) -> Launch {
        let launch = Launch::new(["run", "-c", "rules.yaml", "--state-dir", "state"]);
        launch.env("RUST_LOG", "hooktail=debug").folder(&self.folder.path(""))
    }

    /// Reads all files to their ends; gives the report, and what our log says.
    fn read(&self) -> (Value, String) {
        let ended = self.launch().args(["--until-eof", "--report", "report.json"]).output("");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        (serde_json::from_str(&self.folder.read("report.json")).expect("JSON"), ended.stderr)
    }

    fn posted(&self) -> Posted {
        let mut posted = Posted::new();
        for attachment in self.receiver.messages().into_iter().flat_map(|message| message.attachments) {
            let title = attachment.title.expect("the rule gives one");
            let (path, n) = title.split_once(' ').expect("as the rule's template has it");
            let file = path.rsplit('/').next().unwrap_or_default().to_owned();
            let footer = attachment.footer.expect("each has one");
            let id = footer.rsplit(" · ").next().unwrap_or_default().to_owned();
            let text = attachment.text.unwrap_or_default();
            posted.entry(file).or_default().push((n.parse().expect("a number"), text, id));
        }
        posted
    }
}

/// Lines of a file, by their numbers.
fn text(file: usize, lines: std::ops::RangeInclusive<usize>) -> String {
    lines.fold(String::new(), |mut text, n| {
        let mark = if n % MARK_EVERY == 0 { format!("MARK {n}") } else { format!("of {n}") };
        let _ = writeln!(
            text,
            "file {file}, line {mark}: a request for the shop's basket was answered in {n} ms"
        );
        text
    })
}

/// The numbers of the lines that are posted of a file of so many.
fn marks(lines: usize) -> Vec<usize> {
    (1..=lines / MARK_EVERY).map(|n| n * MARK_EVERY).collect()
}

#[test]
fn several_threads_read_what_one_reads() {
    let read = |threads| {
        let logs = Logs::new();
        // A copy is known by what was read of its original, whoever reads that.
        logs.folder.write("logs/9.log", text(7, 1..=LINES[7]));
        logs.configure(threads);
        let (report, stderr) = logs.read();
        assert_eq!(stderr.matches(ANOTHER).count(), threads - 1, "{stderr}");
        let told =
            (report["lines"].clone(), report["bytes"].clone(), report["rules"]["marks"]["matches"].clone());
        let posted = logs.posted().into_iter().map(|(file, posted)| {
            let texts: Vec<_> = posted.into_iter().map(|(n, text, _)| (n, text)).collect();
            (file, texts)
        });
        (told, posted.collect::<BTreeMap<_, _>>())
    };
    let one = read(1);
    let numbers: BTreeMap<String, Vec<usize>> =
        one.1.iter().map(|(file, posted)| (file.clone(), posted.iter().map(|(n, _)| *n).collect())).collect();
    let expected = LINES.into_iter().enumerate().filter(|(_, lines)| *lines >= MARK_EVERY);
    let expected = expected.map(|(file, lines)| (format!("{file}.log"), marks(lines)));
    assert_eq!(numbers, expected.collect::<BTreeMap<_, _>>());
    assert_eq!(one.0.0, LINES.iter().sum::<usize>());
    for threads in [2, 3] {
        assert_eq!(read(threads), one, "{threads} threads");
    }
}

#[test]
fn a_kill_loses_and_repeats_nothing_of_what_several_threads_read() {
    let logs = Logs::new();
    logs.configure(3);
    for some in [1, 60, 120] {
        let agent = logs.launch().start();
        logs.receiver.wait_for_messages(some / 20 + 1, PATIENCE);
        agent.signal(Signal::KILL);
    }
    logs.read();
    for (file, lines) in LINES.into_iter().enumerate() {
        let posted = logs.posted().remove(&format!("{file}.log")).unwrap_or_default();
        let ids: BTreeSet<_> = posted.iter().map(|(n, _, id)| (*n, id.clone())).collect();
        let numbers: Vec<usize> = ids.iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, marks(lines), "{file}.log: each is decided once");
    }
}

#[test]
fn a_reload_changes_how_many_threads_read() {
    let logs = Logs::new();
    logs.configure(1);
    let agent = logs.launch().start();
    let wait = |marked: usize| {
        loop {
            // Counted before what is in them: another may come meanwhile, and be the last.
            let messages = logs.receiver.messages().len();
            if logs.posted().values().map(Vec::len).sum::<usize>() >= marked {
                break;
            }
            logs.receiver.wait_for_messages(messages + 1, PATIENCE);
        }
    };
    let marked: usize = LINES.into_iter().map(|lines| marks(lines).len()).sum();
    wait(marked);
    assert!(!agent.stderr().contains(ANOTHER), "one thread reads where nothing else is said");
    logs.configure(2);
    agent.signal(Signal::HUP);
    agent.wait_for_stderr("hooktail reloaded: ");
    // Both at once, and then it is looked.
    agent.signal(Signal::STOP);
    let more = 20_000;
    for file in [1, 4] {
        logs.folder.append(&format!("logs/{file}.log"), text(file, LINES[file] + 1..=LINES[file] + more));
    }
    agent.signal(Signal::CONT);
    agent.wait_for_stderr(ANOTHER);
    wait(marked + 2 * more / MARK_EVERY);
    let ended = agent.stop();
    assert_eq!((ended.code(), ended.said(&["until a restart"])), (0, 0), "{}", ended.stderr);
    for file in [1, 4] {
        let posted = &logs.posted()[&format!("{file}.log")];
        let numbers: Vec<usize> = posted.iter().map(|(n, ..)| *n).collect();
        assert_eq!(numbers, marks(LINES[file] + more), "{file}.log");
    }
}
