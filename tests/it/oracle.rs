//! Inputs of files against a straightforward count: whatever is written, renamed and cut into pieces, each line is
//! taken once, and windows count what a loop counts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::agent::Launch;
use crate::receiver::HOOK;
use crate::scene::Scene;

/// A log and those that it was: `NAME.log`, `NAME.log.1` and so on, each with what is still to be written of its line.
struct Log {
    name: String,
    generations: usize,
    rest: BTreeMap<usize, Vec<u8>>,
}

impl Log {
    /// The current one is the last; the others are numbered by age, so that no name is used twice.
    fn path(&self, generation: usize) -> String {
        match generation == self.generations {
            true => format!("{}.log", self.name),
            false => format!("{}.log.{generation}", self.name),
        }
    }

    /// Writes up to `length` bytes of a line that is begun, or of the next one.
    fn write(&mut self, scene: &Scene, generation: usize, length: usize, next: &mut usize, padding: usize) {
        let path = self.path(generation);
        let rest = self.rest.entry(generation).or_default();
        if rest.is_empty() {
            *rest = format!("{next}{}\n", "x".repeat(padding)).into_bytes();
            *next += 1;
        }
        let piece: Vec<u8> = rest.drain(..length.min(rest.len())).collect();
        scene.folder.append(&path, piece);
    }

    fn finish(&mut self, scene: &Scene) {
        for (generation, rest) in std::mem::take(&mut self.rest) {
            scene.folder.append(&self.path(generation), rest);
        }
    }
}

fn numbers(scene: &Scene) -> Vec<usize> {
    let numbers = scene.texts().into_iter().map(|text| text.trim_end_matches('x').parse().expect("a number"));
    let mut numbers: Vec<usize> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

#[track_caller]
fn check(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let scene = Scene::new();
    scene.folder.make("logs");
    let agent = scene.run("logs: { files: 'logs/*.log*', poll: 20ms }");
    agent.wait_for_stderr("names no file yet");
    let mut logs: Vec<Log> = ["a", "b", "c", "d"]
        .map(|name| Log { name: format!("logs/{name}"), generations: 0, rest: BTreeMap::new() })
        .into();
    let mut next = 0;
    for step in 0..1500 {
        let log = &mut logs[random.usize(..4)];
        if random.u8(..) < 12 && scene.folder.path(&log.path(log.generations)).exists() {
            let from = log.path(log.generations);
            log.generations += 1;
            scene.folder.rename(&from, &log.path(log.generations - 1));
        }
        // Now and then a writer has not yet been told that its file was renamed.
        let late = usize::from(log.generations > 0 && random.u8(..) < 60);
        let generation = log.generations - late;
        let (length, padding) = (random.usize(1..80), random.usize(..100));
        log.write(&scene, generation, length, &mut next, padding);
        if step % 300 == 299 {
            // The reader is let in between, too: so far most of it is written before it looks.
            let whole = next.saturating_sub(logs.iter().map(|log| log.rest.len()).sum());
            scene.wait_for(whole);
        }
    }
    logs.iter_mut().for_each(|log| log.finish(&scene));
    scene.wait_for(next);
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.said(&["not read"]), 0, "{}", ended.stderr);
    assert_eq!(numbers(&scene), (0..next).collect::<Vec<_>>(), "seed {seed}: {}", ended.stderr);
}

#[test]
fn each_line_is_posted_once_whatever_the_writers_do() {
    check(1);
}

#[test]
fn each_line_is_posted_once_whatever_other_writers_do() {
    check(2);
}

/// About 2,000 lines of an SSH server's log, the same ones each time.
fn auth_log() -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut log = Vec::new();
    for n in 0..2000_u32 {
        // Few addresses with many failures, many with few.
        let spread = [3, 40, 400][random.usize(..3)];
        let ip = format!("10.0.{}.{}", spread % 7, random.u32(..spread) % 250);
        let user = ["root", "admin", "invalid user test"][random.usize(..3)];
        let port = 1024 + n;
        log.push(match random.u8(..4) {
            0 => format!("sshd[{n}]: Accepted publickey for deploy from {ip} port {port} ssh2"),
            1 => format!("sshd[{n}]: Connection closed by {ip} port {port} [preauth]"),
            _ => format!("sshd[{n}]: Failed password for {user} from {ip} port {port} ssh2"),
        });
    }
    log
}

/// Failures by address, counted by hand.
fn failures(log: &[String]) -> BTreeMap<String, u64> {
    let mut failures = BTreeMap::new();
    for line in log.iter().filter(|line| line.contains("Failed password for ")) {
        let ip = line.split(" from ").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
        *failures.entry(ip.to_owned()).or_default() += 1;
    }
    failures
}

/// Runs the rule over the log; gives the rule's counters, and the highest count told of each address.
fn brute_force(dedup: &str) -> (Value, BTreeMap<String, u64>) {
    let scene = Scene::new();
    scene.folder.write("auth.log", auth_log().join("\n") + "\n");
    let rules = format!(
        r#"
webhooks: {{ hook: {{ url: "{}", rate: 1000/s }} }}
inputs: {{ auth: {{ files: auth.log, time: read }} }}
rules:
  - name: brute
    match: 'Failed password for (?:invalid user )?(?P<user>\S+) from (?P<ip>\S+)'
    when: {{ count: 5, within: 1m, by: ip }}
    dedup: {dedup}
    message: {{ title: "{{{{ ip }}}} {{{{ count }}}}" }}
"#,
        scene.receiver.url(HOOK)
    );
    scene.folder.write("rules.yaml", rules);
    let ended = Launch::new(["run", "-c", "rules.yaml", "--until-eof", "--report", "report.json"])
        .folder(&scene.folder.path(""))
        .output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let mut told = BTreeMap::new();
    for message in scene.receiver.messages() {
        for attachment in message.attachments {
            let title = attachment.title.expect("the rule gives one");
            let (ip, count) = title.split_once(' ').expect("as the template has it");
            let count: u64 = count.split(' ').next().unwrap_or(count).parse().expect("a count");
            let most: &mut u64 = told.entry(ip.to_owned()).or_default();
            *most = count.max(*most);
        }
    }
    let mut report: Value = serde_json::from_str(&scene.folder.read("report.json")).expect("JSON");
    (report["rules"]["brute"].take(), told)
}

#[test]
fn brute_force_is_counted_as_by_hand() {
    let failures = failures(&auth_log());
    let total: u64 = failures.values().sum();
    let alerts: u64 = failures.values().map(|n| n / 5).sum();
    let noisy: BTreeMap<String, u64> =
        failures.iter().filter(|(_, n)| **n >= 5).map(|(ip, n)| (ip.clone(), *n)).collect();
    assert!(noisy.len() > 10 && failures.len() > noisy.len() + 10 && alerts > 50, "{failures:?}");

    let (counters, told) = brute_force("{ window: 10m }");
    assert_eq!(told, noisy, "an episode an address, which tells all its failures");
    assert_eq!(counters["matches"], total);
    assert_eq!(counters["posted"], noisy.len());

    let (counters, told) = brute_force("off");
    assert_eq!(told.keys().collect::<Vec<_>>(), noisy.keys().collect::<Vec<_>>());
    assert_eq!((&counters["matches"], &counters["posted"]), (&total.into(), &alerts.into()));
    assert_eq!(counters["below_when"], total - alerts);
}
