//! `kill -9` at random moments while a log is written and rotated: every alert arrives, and a count counts right.
//!
//! 10 kills and 20,000 lines here; `KILLS=50 LINES=200000` in the environment for more. The seed is printed, and taken
//! from `SEED`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::agent::{Agent, Folder, Launch, PATIENCE};
use crate::receiver::{HOOK, Receiver};

/// How the log is rotated.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Create,
    CopyTruncate,
}

struct World {
    folder: Folder,
    receiver: Receiver,
    lines: usize,
    kills: usize,
    mode: Mode,
}

fn from_env(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

impl World {
    fn new(mode: Mode) -> Self {
        let folder = Folder::new();
        let receiver = Receiver::start();
        folder.write(
            "rules.yaml",
            format!(
                "webhooks: {{ hook: {{ url: \"{}\", rate: 1000/s }} }}\n\
                 limits: {{ outbox: 100000 }}\n\
                 inputs: {{ app: {{ files: 'logs/app.log*', start: beginning, poll: 20ms }} }}\n\
                 rules:\n\
                 - {{ name: each, match: 'MARK (?P<n>\\d+)$', dedup: off, context: {{ before: 2, after: 3 }}, message: {{ title: 'n={{{{ n }}}}' }} }}\n\
                 - {{ name: hundreds, match: '^line ', when: {{ count: 100, within: 1d }}, dedup: off, message: {{ title: hundred }} }}\n",
                receiver.url(HOOK)
            ),
        );
        folder.make("logs");
        folder.write("logs/app.log", "");
        let how = match mode {
            Mode::Create => "create",
            Mode::CopyTruncate => "copytruncate",
        };
        let log = folder.path("logs/app.log");
        folder
            .write("rotate.conf", format!("{} {{\n  rotate 100\n  {how}\n  nocompress\n}}\n", log.display()));
        Self { folder, receiver, lines: from_env("LINES", 20_000), kills: from_env("KILLS", 10), mode }
    }

    fn start(&self) -> Agent {
        let rules = self.folder.path("rules.yaml");
        let args =
            ["run".as_ref(), "--state-dir".as_ref(), "state".as_ref(), "-c".as_ref(), rules.as_os_str()];
        Launch::new(args).folder(&self.folder.path("")).start()
    }

    fn rotate(&self) {
        let [conf, state] = ["rotate.conf", "rotate.state"].map(|name| self.folder.path(name));
        let done = Command::new("logrotate").arg("-f").arg("-s").arg(state).arg(conf).output();
        let done = done.expect("logrotate was found before");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Writes all lines while the agent is killed, and rotates eight times. Nothing is written while the log is copied.
    fn write(&self) {
        let open =
            || OpenOptions::new().append(true).open(self.folder.path("logs/app.log")).expect("it is there");
        let mut file = open();
        // More than a kibibyte: from there on a file is known by its content.
        let at_once = (self.lines / (self.kills * 10)).max(200);
        let rotation = (self.lines / at_once / 8).max(1);
        for first in (1..=self.lines).step_by(at_once) {
            let lines: String = (first..first + at_once)
                .map(|n| if n % 100 == 0 { format!("line MARK {n}\n") } else { format!("line {n}\n") })
                .collect();
            file.write_all(lines.as_bytes()).expect("the folder is ours");
            if (first / at_once) % rotation == rotation - 1 {
                self.rotate();
                if matches!(self.mode, Mode::Create) {
                    file = open();
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The ids of the alerts of each number, and those of the rule that counts.
    fn arrived(&self) -> (BTreeMap<usize, BTreeSet<String>>, BTreeSet<String>) {
        let (mut numbers, mut hundreds) = (BTreeMap::new(), BTreeSet::new());
        for attachment in self.receiver.messages().into_iter().flat_map(|message| message.attachments) {
            let footer = attachment.footer.as_deref().expect("each has one");
            let id = footer.rsplit(" · ").next().unwrap_or_default().to_owned();
            let title = attachment.title.as_deref().unwrap_or_default();
            match title.split_once('=') {
                Some((_, n)) => {
                    numbers.entry(n.parse().expect("a number")).or_insert_with(BTreeSet::new).insert(id);
                }
                None => {
                    assert_eq!(title, "hundred", "nothing goes wrong that is to be told: {attachment:?}");
                    hundreds.insert(id);
                }
            }
        }
        (numbers, hundreds)
    }
}

fn kills(mode: Mode) {
    if Command::new("logrotate").arg("--version").output().is_err() {
        println!("skipped: logrotate is not installed");
        return;
    }
    let seed = from_env("SEED", usize::try_from(fastrand::u32(..)).unwrap_or(0));
    println!("seed {seed}, {mode:?}");
    let mut random = fastrand::Rng::with_seed(seed as u64);
    let world = World::new(mode);
    let kills = world.kills;
    let written = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            world.write();
            written.store(true, Ordering::Release);
        });
        for _ in 0..kills {
            let agent = world.start();
            std::thread::sleep(Duration::from_millis(random.u64(30..600)));
            agent.signal(Signal::KILL);
        }
    });
    assert!(written.load(Ordering::Acquire));

    let agent = world.start();
    let marks = world.lines / 100;
    let began = std::time::Instant::now();
    loop {
        let messages = world.receiver.messages().len();
        let (numbers, hundreds) = world.arrived();
        if numbers.len() == marks && hundreds.len() >= marks {
            break;
        }
        assert!(
            began.elapsed() < PATIENCE * 2,
            "{} of {marks}, {}: {numbers:?}",
            numbers.len(),
            hundreds.len()
        );
        world.receiver.wait_for_messages(messages + 1, PATIENCE);
    }
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);

    let (numbers, hundreds) = world.arrived();
    let expected: Vec<usize> = (1..=marks).map(|n| n * 100).collect();
    assert_eq!(numbers.keys().copied().collect::<Vec<_>>(), expected, "each arrived");
    // Read once, and stored with its position: a message may be repeated, but not the alert.
    let twice: Vec<_> = numbers.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(twice.is_empty(), "decided twice: {twice:?}");
    // A message holds up to twenty; of messages, one a kill is repeated.
    let sent: Vec<_> = world.receiver.messages().iter().map(ids).collect();
    let mut seen = BTreeSet::new();
    let repeated = sent.iter().filter(|ids| ids.iter().any(|id| !seen.insert((*id).clone()))).count();
    assert!(repeated <= kills, "{repeated} messages repeat something after {kills} kills");
    check_context(&world.receiver);
    // What was read is stored with what it counted: no line counts twice.
    assert_eq!(hundreds.len(), marks, "what the rule counted");
    println!("{repeated} messages were repeated after {kills} kills");
}

/// Around each line those that were written next to it, or none: after a kill, a rotation, or the wait.
fn check_context(receiver: &Receiver) {
    let (mut before, mut after) = (0, 0);
    for attachment in receiver.messages().into_iter().flat_map(|message| message.attachments) {
        let Some(n) = attachment.title.and_then(|title| title.strip_prefix("n=")?.parse::<usize>().ok())
        else {
            continue;
        };
        let text = attachment.text.expect("each has one");
        let lines: Vec<&str> = text.trim_matches('`').trim().lines().map(str::trim_start).collect();
        let own = lines.iter().position(|line| line.contains("MARK")).expect("its own line");
        let expected: Vec<String> = (n - own..=n + lines.len() - own - 1)
            .map(|near| match (near == n, lines.len()) {
                (false, _) => format!("line {near}"),
                (true, 1) => format!("line MARK {n}"),
                (true, _) => format!("&gt; line MARK {n}"),
            })
            .collect();
        assert_eq!(lines, expected, "{text}");
        assert!(own <= 2 && lines.len() - own <= 4, "{text}");
        (before, after) = (before + own, after + lines.len() - own - 1);
    }
    assert!(before > 0 && after > 0, "{before} lines before and {after} after");
}

fn ids(message: &hooktail::message::payload::Message) -> Vec<String> {
    message.attachments.iter().filter_map(|attachment| attachment.footer.clone()).collect()
}

#[test]
fn row_64_kills_while_a_log_is_rotated_by_renaming() {
    kills(Mode::Create);
}

#[test]
fn row_64_kills_while_a_log_is_copied_and_truncated() {
    kills(Mode::CopyTruncate);
}
