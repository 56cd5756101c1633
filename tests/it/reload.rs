//! A configuration that changes while hooktail runs: what it takes over, what it keeps, and what it refuses.

use std::os::unix::fs::symlink;

use hooktail::message::payload::Message;
use rustix::process::Signal;

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Received, Receiver};

/// Another webhook.
const OTHER: &str = "/services/T00000000/B00000001/XXXXXXXXXXXXXXXXXXXXXXXX";

/// A folder with a configuration that is written anew, and a receiver.
struct Stage {
    folder: Folder,
    receiver: Receiver,
}

/// A hooktail that follows it, and how often it was reloaded.
struct Running {
    agent: Agent,
    reloads: usize,
}

impl Stage {
    fn new() -> Self {
        Self { folder: Folder::new(), receiver: Receiver::start() }
    }

    /// With these sections, and one webhook.
    fn write(&self, sections: &str) {
        self.write_with(&format!("ops: {{ url: \"{}\", rate: 1000/s }}", self.receiver.url(HOOK)), sections);
    }

    fn write_with(&self, webhooks: &str, sections: &str) {
        self.folder.write("rules.yaml", format!("webhooks: {{ {webhooks} }}\n{sections}\n"));
    }

    fn launch(&self, args: &[&str]) -> Launch {
        let launch = Launch::new(["run", "-c", "rules.yaml", "--state-dir", "state"]).args(args);
        launch.env("RUST_LOG", "hooktail=debug").folder(&self.folder.path(""))
    }

    fn run(&self) -> Running {
        let agent = self.launch(&[]).start();
        agent.wait_for_stderr("hooktail 0.1.0 started");
        Running { agent, reloads: 0 }
    }

    /// Reads the logs of these names to their ends before anything else happens.
    fn run_and_read(&self, logs: &[&str]) -> Running {
        let running = self.run();
        logs.iter().for_each(|log| running.agent.wait_for_stderr(&format!("/{log} position=")));
        running
    }

    /// The titles of what came at a path, but for notices.
    fn titles(&self, path: &str) -> Vec<String> {
        titles(self.receiver.received(), path)
    }

    /// Waits for a message with this title at a path.
    #[track_caller]
    fn wait_for(&self, path: &str, title: &str) {
        loop {
            let received = self.receiver.received();
            let count = received.len();
            if titles(received, path).iter().any(|known| known == title) {
                return;
            }
            self.receiver.wait_for(count + 1, PATIENCE);
        }
    }
}

fn titles(received: Vec<Received>, path: &str) -> Vec<String> {
    let received = received.into_iter().filter(|each| each.path == path);
    let attachments = received.filter_map(|each| each.message).flat_map(|message| message.attachments);
    let attachments = attachments.filter(|attachment| !attachment.fallback.starts_with("[HOOKTAIL]"));
    attachments.filter_map(|attachment| attachment.title).collect()
}

impl Running {
    /// Asks for a reload, and waits until it is over.
    #[track_caller]
    fn reload(&mut self) {
        self.agent.signal(Signal::HUP);
        self.wait_for_reload();
    }

    #[track_caller]
    fn wait_for_reload(&mut self) {
        self.reloads += 1;
        self.agent.wait_for_stderr_times("hooktail reloaded: ", self.reloads);
    }

    #[track_caller]
    fn stop(self) -> Ended {
        let ended = self.agent.stop();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert_eq!(ended.said(&["panicked"]), 0, "{}", ended.stderr);
        ended
    }
}

/// A rule that posts each line with a word, under the word and the line.
fn rule(name: &str, word: &str) -> String {
    format!(
        "{{ name: {name}, match: '{word}', dedup: off, message: {{ title: \"{name}: {{{{ line }}}}\" }} }}"
    )
}

fn rules(rules: &[String]) -> String {
    format!(
        "inputs: {{ app: {{ files: app.log, poll: 20ms, start: beginning }} }}\nrules: [{}]",
        rules.join(", ")
    )
}

#[test]
fn rules_that_come_and_go_hold_from_the_reload_on() {
    let stage = Stage::new();
    stage.folder.write("app.log", "a 1\nb 1\n");
    stage.write(&rules(&[rule("a", "a")]));
    let mut running = stage.run_and_read(&["app.log"]);
    stage.wait_for(HOOK, "a: a 1");
    stage.write(&rules(&[rule("b", "b"), rule("a", "a")]));
    running.reload();
    stage.folder.append("app.log", "a 2\nb 2\n");
    stage.wait_for(HOOK, "a: a 2");
    stage.wait_for(HOOK, "b: b 2");
    stage.write(&rules(&[rule("b", "[ab]")]));
    running.reload();
    stage.folder.append("app.log", "a 3\n");
    stage.wait_for(HOOK, "b: a 3");
    let ended = running.stop();
    let mut titles = stage.titles(HOOK);
    titles.sort();
    assert_eq!(titles, ["a: a 1", "a: a 2", "b: a 3", "b: b 2"]);
    assert_eq!(ended.said(&["hooktail reloaded: 2 rules, 1 input"]), 1, "{}", ended.stderr);
    assert_eq!(
        ended.said(&["hooktail reloaded: 1 rule, 1 input; no longer there: `a`"]),
        1,
        "{}",
        ended.stderr
    );
}

#[test]
fn windows_and_episodes_go_on_and_what_starts_anew_is_said() {
    let stage = Stage::new();
    let count = |count: u32, more: &str| {
        rules(&[format!(
            "{{ name: c, match: x, when: {{ count: {count}, within: 1h }}, {more} message: {{ title: \"{{{{ count }}}}: {{{{ line }}}}\" }} }}"
        )])
    };
    stage.folder.write("app.log", "x 1\nx 2\n");
    stage.write(&count(3, ""));
    let mut running = stage.run_and_read(&["app.log"]);
    running.agent.wait_for_stderr("reading");
    stage.write(&count(3, "severity: warning,"));
    running.reload();
    stage.folder.append("app.log", "x 3\n");
    stage.wait_for(HOOK, "3: x 3");
    stage.write(&count(2, "dedup: off,"));
    running.reload();
    stage.folder.append("app.log", "x 4\nx 5\n");
    stage.wait_for(HOOK, "2: x 5");
    let ended = running.stop();
    assert_eq!(stage.titles(HOOK), ["3: x 3", "2: x 5"]);
    assert_eq!(ended.said(&["starts anew", "rule=c"]), 1, "{}", ended.stderr);
    assert_eq!(
        ended.said(&["hooktail reloaded: 1 rule, 1 input; starting anew: `c`"]),
        1,
        "{}",
        ended.stderr
    );
}

#[test]
fn inputs_that_come_and_go_keep_their_positions() {
    let stage = Stage::new();
    let inputs = |inputs: &str| {
        let rule = "{ name: all, match: '^', dedup: off, message: { title: \"{{ input }}/{{ team }}: {{ line }}\" } }";
        format!("inputs: {{ {inputs} }}\nrules: [{rule}]")
    };
    let [app, web] = ["app", "web"].map(|name| {
        format!("{name}: {{ files: {name}.log, poll: 20ms, start: beginning, labels: {{ team: x }} }}")
    });
    stage.folder.write("app.log", "1\n");
    stage.folder.write("web.log", "1\n");
    stage.write(&inputs(&app));
    let mut running = stage.run_and_read(&["app.log"]);
    stage.wait_for(HOOK, "app/x: 1");
    stage.write(&inputs(&format!("{web}, {app}")));
    running.reload();
    stage.wait_for(HOOK, "web/x: 1");
    stage.write(&inputs(&app.replace("team: x", "team: core")));
    running.reload();
    stage.folder.append("app.log", "2\n");
    stage.folder.append("web.log", "2\n");
    stage.wait_for(HOOK, "app/core: 2");
    // It goes on where it was read to, whatever `start` says.
    stage.write(&inputs(&format!("{app}, {}", web.replace("beginning", "end"))));
    running.reload();
    stage.wait_for(HOOK, "web/x: 2");
    running.stop();
    assert_eq!(stage.titles(HOOK), ["app/x: 1", "web/x: 1", "app/core: 2", "web/x: 2"]);
}

#[test]
fn globs_and_parsers_of_an_input_that_runs_change() {
    let stage = Stage::new();
    let app = |files: &str, parse: &str| {
        format!(
            "inputs: {{ app: {{ files: {files}, poll: 20ms, start: beginning, parse: {parse} }} }}\n\
             rules: [{{ name: all, match: '^', dedup: off, message: {{ title: \"{{{{ message }}}}\" }} }}]"
        )
    };
    stage.folder.write("a.log", "one\n");
    stage.folder.write("b.log", "two\n");
    stage.write(&app("'[ab].log'", "text"));
    let mut running = stage.run_and_read(&["a.log", "b.log"]);
    stage.wait_for(HOOK, "one");
    stage.wait_for(HOOK, "two");
    stage.write(&app("a.log", "json"));
    running.reload();
    stage.folder.append("b.log", "unread\n");
    stage.folder.append("a.log", "{\"message\":\"three\"}\n");
    stage.wait_for(HOOK, "three");
    stage.write(&app("'[ab].log'", "text"));
    running.reload();
    stage.wait_for(HOOK, "unread");
    running.stop();
    let mut titles = stage.titles(HOOK);
    titles.sort();
    assert_eq!(titles, ["one", "three", "two", "unread"]);
}

#[test]
fn a_webhook_that_goes_keeps_what_waits_for_it_and_gets_it_when_it_is_back() {
    let stage = Stage::new();
    let [ops, other] = [("ops", HOOK), ("other", OTHER)]
        .map(|(name, path)| format!("{name}: {{ url: \"{}\", rate: 1000/s }}", stage.receiver.url(path)));
    let to = |webhooks: &str| {
        rules(&[rule("a", "a").replace("match", &format!("webhook: [{webhooks}], match"))])
            + "\nnotices: { webhook: ops }"
    };
    stage.folder.write("app.log", "");
    stage.write_with(&format!("{ops}, {other}"), &to("ops, other"));
    stage.receiver.script(OTHER, [Fault::status(404)]);
    let mut running = stage.run();
    stage.folder.append("app.log", "a 1\n");
    running.agent.wait_for_stderr("the webhook `other` is broken");
    stage.wait_for(HOOK, "a: a 1");
    stage.write_with(&ops, &to("ops"));
    running.reload();
    running.agent.wait_for_stderr("what waits for it is kept, and sent when it is there again: 1");
    stage.folder.append("app.log", "a 2\n");
    stage.wait_for(HOOK, "a: a 2");
    assert_eq!(stage.titles(OTHER), [""; 0]);
    // It is kept over a restart too, by an agent that does not know the webhook.
    let ended = running.agent.stop();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    let mut running = stage.run();
    running
        .agent
        .wait_for_stderr("alerts wait for a webhook that the configuration no longer has: they are kept");
    stage.write_with(&format!("{other}, {ops}"), &to("ops, other"));
    running.reload();
    stage.wait_for(OTHER, "a: a 1");
    stage.folder.append("app.log", "a 3\n");
    stage.wait_for(OTHER, "a: a 3");
    stage.wait_for(HOOK, "a: a 3");
    running.stop();
    assert_eq!(stage.titles(HOOK), ["a: a 1", "a: a 2", "a: a 3"]);
    assert_eq!(stage.titles(OTHER), ["a: a 1", "a: a 3"]);
}

#[test]
fn a_broken_webhook_that_is_mended_gets_its_alerts_at_once() {
    let stage = Stage::new();
    let at = |path: &str| format!("ops: {{ url: \"{}\", rate: 1000/s }}", stage.receiver.url(path));
    stage.folder.write("app.log", "");
    stage.receiver.script(HOOK, [Fault::status(404).always()]);
    stage.write_with(&at(HOOK), &rules(&[rule("a", "a")]));
    let mut running = stage.run();
    stage.folder.append("app.log", "a 1\na 2\n");
    running.agent.wait_for_stderr("the webhook `ops` is broken");
    stage.write_with(&at(OTHER), &rules(&[rule("a", "a")]));
    running.reload();
    stage.wait_for(OTHER, "a: a 1");
    stage.wait_for(OTHER, "a: a 2");
    running.stop();
}

#[test]
fn a_url_file_that_changes_is_read_again() {
    let stage = Stage::new();
    let put = |path: &str| stage.folder.write("url", stage.receiver.url(path));
    put(HOOK);
    stage.folder.write("app.log", "");
    stage.write_with("ops: { url_file: url, rate: 1000/s }", &rules(&[rule("a", "a")]));
    let mut running = stage.run();
    stage.folder.append("app.log", "a 1\n");
    stage.wait_for(HOOK, "a: a 1");
    put(OTHER);
    // Nobody asks: the file is one of the configuration's.
    running.wait_for_reload();
    stage.folder.append("app.log", "a 2\n");
    stage.wait_for(OTHER, "a: a 2");
    running.stop();
}

/// The notices that came, by their headlines.
fn notices(stage: &Stage) -> Vec<String> {
    let messages = stage.receiver.messages().into_iter();
    let notices = messages.filter(|message: &Message| message.text.contains("[HOOKTAIL]"));
    notices.flat_map(|message| message.attachments).map(|attachment| attachment.fallback).collect()
}

#[test]
fn a_wrong_configuration_is_refused_and_the_one_before_goes_on() {
    let stage = Stage::new();
    stage.folder.write("app.log", "");
    stage.write(&rules(&[rule("a", "a")]));
    let mut running = stage.run();
    stage.write(&rules(&[rule("b", "b").replace("match", "mach")]));
    running.agent.signal(Signal::HUP);
    running.agent.wait_for_stderr("the configuration is refused, and the one before goes on");
    // All of it, as `check` prints it.
    running.agent.wait_for_stderr("did you mean `match`?");
    stage.receiver.wait_for_messages(1, PATIENCE);
    let notices = notices(&stage);
    let start = "[HOOKTAIL] the changed configuration is refused, and the one before goes on: unknown key";
    assert!(notices.len() == 1 && notices[0].starts_with(start), "{notices:?}");
    stage.folder.append("app.log", "a 1\nb 1\n");
    stage.wait_for(HOOK, "a: a 1");
    stage.write(&rules(&[rule("b", "b")]));
    running.reload();
    stage.folder.append("app.log", "b 2\n");
    stage.wait_for(HOOK, "b: b 2");
    running.stop();
    assert_eq!(stage.titles(HOOK), ["a: a 1", "b: b 2"]);
}

#[test]
fn a_configuration_whose_own_tests_fail_is_refused() {
    let stage = Stage::new();
    let tested = |word: &str| {
        let test = "tests: [{ lines: [\"a line\"], expect: [{ kind: opened }] }]";
        rules(&[rule("a", word).replace(" dedup", &format!(" {test}, dedup"))])
    };
    stage.folder.write("app.log", "");
    stage.write(&tested("line"));
    let mut running = stage.run();
    stage.write(&tested("lime"));
    running.agent.signal(Signal::HUP);
    running
        .agent
        .wait_for_stderr("is refused, and the one before goes on: test 1 of `a` fails (rules.yaml:3)");
    running.agent.wait_for_stderr("- expected, + came");
    stage.folder.append("app.log", "line\nlime\n");
    stage.wait_for(HOOK, "a: line");
    stage.write(&tested("li.e"));
    running.reload();
    running.stop();
    assert_eq!(stage.titles(HOOK), ["a: line"]);
}

#[test]
fn a_change_of_a_file_is_enough_however_it_comes_about() {
    let stage = Stage::new();
    stage.folder.write("app.log", "");
    stage.folder.make("conf.d");
    let main = "inputs: { app: { files: app.log, poll: 20ms } }\ninclude: 'conf.d/*.yaml'";
    let part = |rule: String| format!("rules: [{rule}]\n");
    stage.folder.write("conf.d/a.yaml", part(rule("a", "a")));
    stage.write(main);
    let mut running = stage.run();
    // As an editor does it: another file takes the name.
    stage.folder.write("conf.d/a.yaml~", part(rule("b", "a")));
    stage.folder.rename("conf.d/a.yaml~", "conf.d/a.yaml");
    running.wait_for_reload();
    stage.folder.append("app.log", "a 1\n");
    stage.wait_for(HOOK, "b: a 1");
    // A further file.
    stage.folder.write("conf.d/c.yaml", part(rule("c", "c")));
    running.wait_for_reload();
    stage.folder.append("app.log", "c 1\n");
    stage.wait_for(HOOK, "c: c 1");
    // As Kubernetes does it: a link among those that lead to it is set anew.
    stage.folder.make("v1");
    stage.folder.write("v1/d.yaml", part(rule("d", "d")));
    symlink("../v1", stage.folder.path("conf.d/..data")).unwrap();
    symlink("..data/d.yaml", stage.folder.path("conf.d/d.yaml")).unwrap();
    running.wait_for_reload();
    stage.folder.make("v2");
    stage.folder.write("v2/d.yaml", part(rule("e", "d")));
    symlink("../v2", stage.folder.path("conf.d/..new")).unwrap();
    stage.folder.rename("conf.d/..new", "conf.d/..data");
    running.wait_for_reload();
    stage.folder.append("app.log", "d 1\n");
    stage.wait_for(HOOK, "e: d 1");
    running.stop();
}

#[test]
fn standard_input_is_read_on_by_the_new_rules() {
    let stage = Stage::new();
    let stdin = |options: &str, name: &str| {
        format!("inputs: {{ in: {{ stdin: true, {options} }} }}\nrules: [{}]", rule(name, "x"))
    };
    stage.write(&stdin("passthrough: true", "a"));
    let mut running = stage.run();
    running.agent.write("x 1\n");
    stage.wait_for(HOOK, "a: x 1");
    stage.write(&stdin("max_line: 1KiB, encoding: latin1, multiline: { start: x }", "b"));
    running.reload();
    running.agent.write("x 2\n");
    stage.wait_for(HOOK, "b: x 2");
    assert_eq!(running.agent.wait_for_stdout(8), b"x 1\nx 2\n");
    let files = "inputs: { files: { files: app.log, poll: 20ms } }\nrules: [{ name: c, match: x }]";
    stage.write(files);
    running.reload();
    running.agent.write("x 3\n");
    assert_eq!(running.agent.wait_for_stdout(12), b"x 1\nx 2\nx 3\n");
    running.agent.close_stdin();
    let ended = running.stop();
    assert_eq!(stage.titles(HOOK), ["a: x 1", "b: x 2"]);
    let keys = ["passthrough", "max_line", "encoding", "multiline"].map(|key| format!("`inputs.in.{key}`"));
    for kept in keys.iter().map(|key| &**key).chain(["`inputs.in` (it is read on, by no rule)"]) {
        assert_eq!(ended.said(&[kept, "stays as it was until a restart"]), 1, "{kept}: {}", ended.stderr);
    }
}

#[test]
fn what_can_not_change_is_said_by_its_name() {
    let stage = Stage::new();
    stage.folder.write("app.log", "");
    stage.write(&rules(&[rule("a", "a")]));
    let mut running = stage.run();
    stage.write(&(rules(&[rule("a", "a")]) + "\nstate_dir: elsewhere\nhost: web-7"));
    running.reload();
    stage.folder.append("app.log", "a 1\n");
    stage.wait_for(HOOK, "a: a 1");
    let ended = running.stop();
    assert_eq!(ended.said(&["`state_dir` stays as it was until a restart"]), 1, "{}", ended.stderr);
    assert!(!stage.folder.path("elsewhere").exists());
    assert!(stage.receiver.messages()[0].text.ends_with("web-7"), "the host is another");
}

#[test]
fn reading_goes_on_while_a_configuration_is_loaded() {
    let stage = Stage::new();
    let [before, after] = [rule("a", "a"), rule("b", "b")].map(|rule| rules(&[rule]));
    stage.folder.write("app.log", "");
    stage.write(&after);
    let text = stage.folder.read("rules.yaml");
    stage.write(&before);
    let mut running = stage.run();
    // Loading waits for whoever writes to a FIFO.
    stage.folder.remove("rules.yaml");
    let fifo = stage.folder.path("rules.yaml");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    running.agent.signal(Signal::HUP);
    running.agent.wait_for_stderr("reading the configuration again");
    for n in 0..3 {
        stage.folder.append("app.log", format!("a {n}\nb {n}\n"));
        stage.wait_for(HOOK, &format!("a: a {n}"));
    }
    // What is asked for meanwhile is one more reload.
    (0..5).for_each(|_| running.agent.signal(Signal::HUP));
    std::fs::write(&fifo, &text).unwrap();
    running.wait_for_reload();
    stage.folder.append("app.log", "b 3\n");
    stage.wait_for(HOOK, "b: b 3");
    std::fs::write(&fifo, &text).unwrap();
    running.wait_for_reload();
    running.stop();
    assert_eq!(stage.titles(HOOK), ["a: a 0", "a: a 1", "a: a 2", "b: b 3"]);
}

#[test]
fn silences_and_notices_are_taken_over() {
    let stage = Stage::new();
    let [ops, other] = [("ops", HOOK), ("other", OTHER)]
        .map(|(name, path)| format!("{name}: {{ url: \"{}\", rate: 1000/s }}", stage.receiver.url(path)));
    let both = format!("{ops}, {other}");
    let a = rule("a", "a").replace("match", "webhook: ops, match");
    stage.folder.write("app.log", "");
    stage.write_with(&both, &rules(std::slice::from_ref(&a)));
    let mut running = stage.run();
    let silence = "silences: [{ where: 'rule == \"a\"', until: 2200-01-01T00:00:00Z, why: moving }]\n\
                   notices: { webhook: other, lifecycle: true }";
    stage.write_with(&both, &format!("{}\n{silence}", rules(std::slice::from_ref(&a))));
    running.reload();
    let reloaded = stage.receiver.wait_for(1, PATIENCE);
    assert_eq!(reloaded[0].path, OTHER, "where notices go now");
    stage.folder.append("app.log", "a 1\na 2\n");
    running.agent.wait_for_stderr("/app.log position=");
    stage.write_with(&both, &rules(&[a]));
    running.reload();
    stage.folder.append("app.log", "a 3\n");
    stage.wait_for(HOOK, "a: a 3");
    running.stop();
    assert!(!stage.titles(HOOK).contains(&"a: a 1".to_owned()), "{:?}", stage.titles(HOOK));
}

#[test]
fn a_program_is_watched_by_the_new_rules_and_sighup_is_its_own() {
    let stage = Stage::new();
    stage.write(&format!("rules: [{}]", rule("a", "x")));
    let script = "trap 'echo x hup' HUP; echo x 1; until [ -e go ]; do sleep 0.02; done; echo x 2; \
                  until [ -e end ]; do sleep 0.02; done; exit 3";
    let launch = Launch::new(["exec", "-c", "rules.yaml", "--", "sh", "-c", script]);
    let launch = launch.env("RUST_LOG", "hooktail=info").folder(&stage.folder.path(""));
    let launch = launch.with_default_signals().in_own_group();
    let mut running = Running { agent: launch.start(), reloads: 0 };
    stage.wait_for(HOOK, "a: x 1");
    stage.write(&format!("on_exit: {{ severity: info }}\nrules: [{}]", rule("b", "x")));
    running.wait_for_reload();
    stage.folder.write("go", "");
    stage.wait_for(HOOK, "b: x 2");
    running.agent.signal(Signal::HUP);
    stage.wait_for(HOOK, "b: x hup");
    stage.folder.write("end", "");
    let ended = running.agent.wait();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    assert_eq!(ended.said(&["hooktail reloaded"]), 1, "{}", ended.stderr);
    let told =
        stage.receiver.messages().into_iter().filter(|message| message.text.contains("[INFO]")).count();
    assert_eq!(told, 1, "its end is told as the new configuration has it");
}

#[test]
fn a_command_without_a_configuration_to_read_again_says_so() {
    let mut agent = Launch::new(["pipe", "--match", "x", "--passthrough"]).start();
    agent.write("y\n");
    agent.wait_for_stdout(2);
    agent.signal(Signal::HUP);
    agent.wait_for_stderr("SIGHUP: there is no configuration to read again");
    agent.close_stdin();
    assert_eq!(agent.wait().code(), 0);
}
