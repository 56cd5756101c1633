//! What hooktail tells about itself, and to whom.

use hooktail::message::payload::Message;

use crate::agent::{Ended, Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Receiver};

/// The webhook that hears of notices; `HOOK` is the one of the rule.
const OWN: &str = "/services/T00000000/B00000001/XXXXXXXXXXXXXXXXXXXXXXXX";

/// A rule that posts each line to `ops`, and `own`, which gets the notices.
struct Drill {
    folder: Folder,
    receiver: Receiver,
}

impl Drill {
    fn new() -> Self {
        Self { folder: Folder::new(), receiver: Receiver::start() }
    }

    fn launch(&self, more: &str) -> Launch {
        let [ops, own] = [HOOK, OWN].map(|path| self.receiver.url(path));
        let rules = format!(
            "webhooks: {{ ops: {{ url: \"{ops}\", rate: 100/s, retry: {{ probe: 100ms }} }}, own: {{ url: \"{own}\" }} }}\n\
             inputs: {{ app: {{ stdin: true }} }}\nrules: [{{ name: each, match: '^', dedup: off, webhook: ops }}]\n{more}\n"
        );
        let file = self.folder.write("rules.yaml", rules);
        Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()])
    }

    /// The headlines of what came at a path.
    fn headlines(&self, path: &str) -> Vec<String> {
        let received = self.receiver.received().into_iter().filter(|each| each.path == path);
        received.filter_map(|each| each.message).flat_map(|message| fallbacks(&message)).collect()
    }
}

fn fallbacks(message: &Message) -> Vec<String> {
    message.attachments.iter().map(|attachment| attachment.fallback.clone()).collect()
}

fn assert_done(ended: &Ended) {
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}

#[test]
fn a_broken_webhook_is_told_to_the_one_for_notices_once() {
    let drill = Drill::new();
    drill.receiver.script(HOOK, [Fault::status(404).times(4)]);
    let mut agent = drill.launch("notices: { webhook: own }").start();
    agent.write("x\n");
    let told = drill.receiver.wait_for_messages(2, PATIENCE);
    agent.close_stdin();
    let ended = agent.wait();
    assert_done(&ended);
    let notices = drill.headlines(OWN);
    assert_eq!(notices.len(), 1, "{notices:?}");
    let start = "[HOOKTAIL] the webhook `\u{2060}ops`\u{2060} is broken: its alerts are kept";
    assert!(notices[0].starts_with(start), "{notices:?}");
    let notice = told.iter().find(|message| message.text.starts_with("*[HOOKTAIL]*")).expect("a notice");
    assert_eq!(notice.attachments[0].color, "#a30200", "alerts wait");
    assert_eq!(drill.headlines(HOOK), ["[ERROR] each"]);
    assert_eq!(ended.said(&["about=Webhook", "the webhook `ops` is broken"]), 1, "{}", ended.stderr);
}

#[test]
fn a_broken_webhook_gets_no_notice_of_itself() {
    let drill = Drill::new();
    drill.receiver.script(HOOK, [Fault::status(404)]);
    let mut agent = drill.launch("notices: { webhook: ops }").start();
    agent.write("x\n");
    drill.receiver.wait_for_messages(1, PATIENCE);
    agent.close_stdin();
    let ended = agent.wait();
    assert_done(&ended);
    assert_eq!((drill.headlines(HOOK), drill.headlines(OWN).len()), (vec!["[ERROR] each".to_owned()], 0));
    assert_eq!(ended.said(&["the webhook `ops` is broken"]), 1, "{}", ended.stderr);
}

#[test]
fn starts_and_stops_are_told_where_lifecycle_asks_for_it() {
    for (keys, expected) in [("webhook: own, lifecycle: true", 2), ("webhook: own", 0)] {
        let drill = Drill::new();
        let ended = drill.launch(&format!("notices: {{ {keys} }}")).output("");
        assert_done(&ended);
        let told = drill.headlines(OWN);
        assert_eq!(told.len(), expected, "{told:?}");
        assert_eq!(ended.said(&["hooktail", "started: 1 rule, 1 input"]), 1, "{}", ended.stderr);
        if let [started, stopped] = &told[..] {
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(*started, format!("[HOOKTAIL] hooktail {version} started: 1 rule, 1 input"));
            assert!(stopped.starts_with("[HOOKTAIL] hooktail ended with its inputs, after "), "{stopped}");
        }
    }
}

#[test]
fn a_stop_by_a_signal_is_told_before_the_end() {
    let drill = Drill::new();
    let agent = drill.launch("notices: { webhook: own, lifecycle: true }").args(["--grace", "5s"]).start();
    drill.receiver.wait_for_messages(1, PATIENCE);
    agent.signal(rustix::process::Signal::TERM);
    agent.wait_for_stderr("stopping");
    let mut agent = agent;
    agent.close_stdin();
    assert_done(&agent.wait());
    assert!(
        drill.headlines(OWN)[1].starts_with("[HOOKTAIL] hooktail stopped, after "),
        "{:?}",
        drill.headlines(OWN)
    );
}

#[test]
fn a_dry_run_draws_notices() {
    let drill = Drill::new();
    let ended = drill.launch("notices: { lifecycle: true }").args(["--dry-run"]).output("");
    assert_done(&ended);
    let drawn = String::from_utf8_lossy(&ended.stdout);
    assert!(drawn.contains("[HOOKTAIL] hooktail") && drawn.contains("started: 1 rule, 1 input"), "{drawn}");
    assert!(drill.receiver.received().is_empty());
}
