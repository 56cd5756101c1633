//! What a receiver may do, and what becomes of the alerts: the delivery's part of the catalogue of faults.
//!
//! A test whose name begins with a row's number shows that row of `docs/reliability.md`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use hooktail::message::payload::{Attachment, Message};
use hooktail::rate::Rate;
use regex::Regex;

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Receiver};

/// A second webhook's path.
const OTHER: &str = "/services/T00000000/B00000001/XXXXXXXXXXXXXXXXXXXXXXXX";

/// Standard input, a rule that makes an alert of each line with a number, and a receiver.
struct Drill {
    folder: Folder,
    receiver: Receiver,
    /// What stands under the rule's `webhook`.
    to: &'static str,
}

impl Drill {
    fn new() -> Self {
        Self::to("ops")
    }

    fn to(to: &'static str) -> Self {
        Self { folder: Folder::new(), receiver: Receiver::start(), to }
    }

    /// Posts to these webhooks, given as the items of a YAML map in which `HOOK` and `OTHER` are URLs.
    fn launch(&self, webhooks: &str, more: &str) -> Launch {
        let webhooks = webhooks.replace("HOOK", &self.receiver.url(HOOK));
        let webhooks = webhooks.replace("OTHER", &self.receiver.url(OTHER));
        let rules = format!(
            "webhooks: {{ {webhooks} }}\ninputs: {{ app: {{ stdin: true }} }}\n\
             rules: [{{ name: each, match: 'ERROR (?P<n>\\d+)', dedup: off, webhook: {} }}]\n{more}\n",
            self.to
        );
        let file = self.folder.write("rules.yaml", rules);
        let args = ["run".as_ref(), "-c".as_ref(), file.as_os_str()];
        Launch::new(args).env("RUST_LOG", "hooktail=debug").folder(&self.folder.path(""))
    }

    /// Starts it with so many alerts, and waits until as many have arrived.
    #[track_caller]
    fn run(&self, webhooks: &str, alerts: usize) -> Ended {
        let mut agent = self.launch(webhooks, "").start();
        agent.write(errors(0..alerts));
        self.wait_for(alerts);
        agent.close_stdin();
        let ended = agent.wait();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        ended
    }

    /// Waits until so many alerts have arrived, and returns the numbers of all that came.
    #[track_caller]
    fn wait_for(&self, alerts: usize) -> Vec<u64> {
        loop {
            let messages = self.receiver.messages();
            let told = numbers(&messages);
            if told.len() >= alerts {
                return told;
            }
            self.receiver.wait_for_messages(messages.len() + 1, PATIENCE);
        }
    }
}

fn errors(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("ERROR {n} happened\n")).collect()
}

/// The captured numbers of the attachments.
fn numbers(messages: &[Message]) -> Vec<u64> {
    attachments(messages).iter().filter_map(|each| each.fields.first()?.value.parse().ok()).collect()
}

fn attachments(messages: &[Message]) -> Vec<Attachment> {
    messages.iter().flat_map(|message| message.attachments.clone()).collect()
}

/// How many messages told each number.
fn times(told: &[u64]) -> BTreeMap<u64, usize> {
    told.iter().fold(BTreeMap::new(), |mut times, n| {
        *times.entry(*n).or_default() += 1;
        times
    })
}

fn once(alerts: usize) -> BTreeMap<u64, usize> {
    (0..alerts as u64).map(|n| (n, 1)).collect()
}

#[test]
fn row_78_a_429_pauses_the_whole_destination_and_what_waits_is_put_together() {
    let drill = Drill::new();
    drill.receiver.script("*", [Fault::rate_limited("2")]);
    drill.run("ops: { url: 'HOOK', rate: 100/s }", 30);
    let received = drill.receiver.received();
    assert_eq!(received[0].answered, Some(429));
    assert!(received[1].at - received[0].at >= Duration::from_secs(2), "it did not wait");
    assert_eq!(received.len(), 3, "30 alerts are two messages after the one that was not taken");
    assert_eq!(times(&drill.wait_for(30)), once(30));
}

#[test]
fn row_78_a_pause_holds_for_all_webhooks_of_a_rate_group() {
    let drill = Drill::to("[ops, dev]");
    drill.receiver.script("*", [Fault::rate_limited("2")]);
    let group = "rate: 100/s, rate_group: channel";
    drill.run(&format!("ops: {{ url: 'HOOK', {group} }}, dev: {{ url: 'OTHER', {group} }}"), 2);
    let received = drill.receiver.received();
    let pause = received[2].at - received[0].at;
    assert!(received.len() == 3 && pause >= Duration::from_secs(2), "{pause:?}");
}

#[test]
fn row_79_passing_faults_are_tried_again_until_they_pass() {
    let drill = Drill::new();
    let faults = [500, 502, 503, 504, 408].map(Fault::status);
    drill.receiver.script("*", faults.into_iter().chain([Fault::reset(), Fault::close(), Fault::hang()]));
    let ended = drill.run("ops: { url: 'HOOK', rate: 100/s, timeout: 1s, retry: { max: 100ms } }", 3);
    assert_eq!(times(&drill.wait_for(3)), once(3));
    assert_eq!(ended.said(&["not delivered: it is sent again"]), 8, "{}", ended.stderr);
}

#[test]
fn row_80_a_lost_answer_repeats_the_message_with_the_same_ids() {
    let drill = Drill::new();
    drill.receiver.script("*", [Fault::close().delivered()]);
    drill.run("ops: { url: 'HOOK', rate: 100/s, retry: { max: 100ms } }", 1);
    drill.wait_for(2);
    let told = attachments(&drill.receiver.messages());
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], told[1]);
}

#[test]
fn row_81_a_page_in_place_of_an_answer_is_no_success() {
    let drill = Drill::new();
    let portal = Fault::status(200).body("<html>please log in</html>");
    drill.receiver.script("*", [portal, Fault::status(204), Fault::status(200).body("")]);
    let ended = drill.run("ops: { url: 'HOOK', rate: 100/s, retry: { max: 100ms } }", 1);
    assert_eq!(drill.receiver.received().len(), 4);
    assert_eq!(ended.said(&["not Slack's `ok`"]), 3, "{}", ended.stderr);
}

#[test]
fn row_82_a_refused_message_is_drawn_plainly_then_set_aside_and_the_queue_moves_on() {
    let drill = Drill::new();
    drill.receiver.script("*", [Fault::status(400).times(2)]);
    let mut agent = drill.launch("ops: { url: 'HOOK', rate: 100/s }", "").start();
    agent.write(errors(0..2));
    drill.wait_for(1);
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 3, "an alert was set aside: {}", ended.stderr);
    assert_eq!(ended.said(&["set aside: [ERROR] each", "400 invalid_payload"]), 1, "{}", ended.stderr);
    let sent: Vec<Message> =
        drill.receiver.received().iter().filter_map(|each| each.verdict.message.clone()).collect();
    assert_eq!((sent.len(), numbers(&sent[..1]), numbers(&sent[2..])), (3, vec![0], vec![1]));
    assert!(sent[1].text.starts_with("[ERROR] each · ") && sent[1].attachments[0].fields.is_empty());
}

#[test]
fn row_82_what_is_refused_for_its_form_arrives_in_its_simplest() {
    let drill = Drill::new();
    drill.receiver.script("*", [Fault::status(400)]);
    let mut agent = drill.launch("ops: { url: 'HOOK', rate: 100/s }", "").start();
    agent.write(errors(0..1));
    let messages = drill.receiver.wait_for_messages(1, PATIENCE);
    agent.close_stdin();
    assert_eq!(agent.wait().code(), 0);
    assert_eq!(messages[0].attachments[0].text.as_deref(), Some("ERROR 0 happened"));
}

#[test]
fn row_83_a_revoked_webhook_keeps_its_alerts_and_is_tried_now_and_then() {
    let drill = Drill::new();
    drill.receiver.script("*", [Fault::status(404).times(3)]);
    let ended = drill.run("ops: { url: 'HOOK', rate: 100/s, retry: { probe: 300ms } }", 5);
    let received = drill.receiver.received();
    let pauses: Vec<Duration> = received[..4].windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_millis(300)), "{pauses:?}");
    assert_eq!(times(&drill.wait_for(5)), once(5));
    assert_eq!(ended.said(&["the webhook takes messages again"]), 1, "{}", ended.stderr);
}

#[test]
fn row_83_the_fallback_gets_what_a_revoked_webhook_refuses() {
    let drill = Drill::new();
    drill.receiver.script(HOOK, [Fault::status(410).always()]);
    let ended = drill
        .run("ops: { url: 'HOOK', rate: 100/s, fallback: spare }, spare: { url: 'OTHER', rate: 100/s }", 5);
    let received = drill.receiver.received();
    assert_eq!(received.iter().filter(|each| each.path == HOOK).count(), 1, "it is tried every ten minutes");
    assert_eq!(times(&drill.wait_for(5)), once(5));
    assert_eq!(ended.said(&["the webhook `ops` is broken: its alerts go to `spare`"]), 1, "{}", ended.stderr);
}

#[test]
fn row_83_a_new_url_in_the_file_is_tried_at_once() {
    let drill = Drill::new();
    drill.receiver.script(HOOK, [Fault::status(404).always()]);
    let url = drill.folder.write("url", drill.receiver.url(HOOK));
    let mut permissions = std::fs::metadata(&url).expect("it was written").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&url, permissions).expect("the folder is ours");
    let mut agent = drill.launch("ops: { url_file: url, rate: 100/s }", "").start();
    agent.write(errors(0..3));
    agent.wait_for_stderr("the webhook `ops` is broken: its alerts are kept");
    drill.folder.write("url", drill.receiver.url(OTHER));
    assert_eq!(times(&drill.wait_for(3)), once(3));
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.said(&["the file holds another URL"]), 1, "{}", ended.stderr);
}

#[test]
fn row_84_a_redirect_is_not_followed() {
    let drill = Drill::new();
    let elsewhere = Receiver::start();
    drill.receiver.script("*", [Fault::redirect(&elsewhere.url(HOOK))]);
    let ended = drill.run("ops: { url: 'HOOK', rate: 100/s, retry: { probe: 100ms } }", 1);
    assert_eq!(elsewhere.received().len(), 0);
    assert_eq!(ended.said(&["the webhook `ops` is broken", "redirects"]), 1, "{}", ended.stderr);
}

/// How many alerts the attachments tell of: each its own, a digest as many as it says.
fn told(messages: &[Message]) -> u64 {
    let digest = Regex::new(r"^\[ERROR\] each · ([\d,]+) alerts").expect("a pattern");
    attachments(messages)
        .iter()
        .map(|each| match digest.captures(&each.fallback) {
            Some(found) => found[1].replace(',', "").parse().expect("a number"),
            None => 1,
        })
        .sum()
}

/// An outage with 50,000 alerts.
fn outage(drill: &Drill) -> (Agent, u64) {
    drill.receiver.hold();
    let webhook = "ops: { url: 'HOOK', rate: 5/s, timeout: 60s }";
    let mut agent = drill.launch(webhook, "limits: { outbox: 200 }").start();
    agent.write(errors(0..50_000));
    agent.close_stdin();
    agent.wait_for_stderr("nothing more is decided");
    let peak = agent.memory_peak().unwrap_or(0);
    drill.receiver.release();
    (agent, peak)
}

#[test]
fn row_85_an_outage_ends_in_a_few_messages_that_tell_of_every_alert() {
    let drill = Drill::new();
    let (agent, peak) = outage(&drill);
    let ended = agent.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let messages = drill.receiver.messages();
    assert!(messages.len() <= 20, "{} messages", messages.len());
    assert_eq!(told(&messages), 50_000);
    assert!(peak < 60 << 20, "{peak} bytes");
}

#[test]
fn row_86_past_the_limit_alerts_fold_into_a_digest_and_the_others_notice_nothing() {
    let drill = Drill::to("[ops, dev]");
    drill.receiver.script(HOOK, [Fault::hang().always()]);
    let webhooks = "ops: { url: 'HOOK', timeout: 60s }, dev: { url: 'OTHER', rate: 1000/s }";
    let launch = drill.launch(webhooks, "limits: { outbox: 10 }");
    let mut agent = launch.args(["--drain", "1s", "--report", "report.json"]).start();
    for n in 0..40 {
        agent.write(errors(n..n + 1));
        drill.wait_for(n + 1);
    }
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    assert_eq!(ended.said(&["the outbox is full"]), 1, "{}", ended.stderr);
    let report: serde_json::Value =
        serde_json::from_str(&drill.folder.read("report.json")).expect("a report");
    assert_eq!(report["webhooks"]["ops"]["overflowed"], 30);
    assert_eq!(report["webhooks"]["dev"]["attachments"], 40);
}

/// A webhook that takes one message a second, a rule that floods it, one that is quiet, one that is critical.
fn crowded(drill: &Drill) -> Launch {
    let rules = format!(
        "webhooks: {{ ops: {{ url: '{}' }} }}\ninputs: {{ app: {{ stdin: true }} }}\ndefaults: {{ dedup: off }}\n\
         rules:\n  - {{ name: flood, match: 'flood (?P<n>\\d+)' }}\n  - {{ name: quiet, match: quiet, severity: info }}\n\
         \x20 - {{ name: loud, match: 'loud (?P<n>\\d+)', severity: critical }}\n",
        drill.receiver.url(HOOK)
    );
    let file = drill.folder.write("rules.yaml", rules);
    Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()])
}

/// Writes lines of a flood in pieces, and after the first piece was taken `lines`; says how long it took until `rule`
/// was told, and in which place of its message.
fn told_after(flood: &str, lines: &str, rule: &str) -> (Duration, usize) {
    let drill = Drill::new();
    drill
        .receiver
        .limit("*", Rate { number: NonZeroU32::MIN, per: Duration::from_secs(1), burst: NonZeroU32::MIN });
    let mut agent = crowded(&drill).start();
    let mut more = (0..)
        .step_by(200)
        .map(|from| (from..from + 200).map(|n| format!("{flood} {n}\n")).collect::<String>());
    agent.write(more.next().unwrap_or_default());
    drill.receiver.wait_for(2, PATIENCE);
    agent.write(lines);
    let written = Instant::now();
    let mut seen = 2;
    loop {
        agent.write(more.next().unwrap_or_default());
        seen += 1;
        let received = drill.receiver.wait_for(seen, PATIENCE);
        assert!(received.iter().all(|each| each.answered == Some(200)), "the rate was broken");
        let found = received.iter().find_map(|each| {
            let attachments = each.message.iter().flat_map(|message| &message.attachments);
            let place = attachments.map(|each| each.fallback.ends_with(rule)).position(|is_it| is_it)?;
            Some((each.at - written, place))
        });
        if let Some(found) = found {
            return found;
        }
    }
}

#[test]
fn row_89_a_flood_of_one_rule_holds_up_no_other_for_more_than_5_seconds() {
    for flood in ["flood", "loud"] {
        let (delay, _) = told_after(flood, "quiet\n", "quiet");
        assert!(delay < Duration::from_secs(5), "{flood}: {delay:?}");
    }
}

#[test]
fn what_is_critical_goes_first() {
    let (delay, place) = told_after("flood", "quiet\nloud 1\n", "loud");
    assert!(delay < Duration::from_secs(3) && place == 0, "{delay:?} {place}");
}
