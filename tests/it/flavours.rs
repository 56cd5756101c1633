//! Receivers other than an app's webhook, the way there, and what their messages may call.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::agent::{Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Receiver};

/// A run over `lines` with one rule of these keys for a webhook of these keys, to its end.
#[track_caller]
fn run(receiver: &Receiver, webhook: &str, rule: &str, lines: &str) -> String {
    let folder = Folder::new();
    let rules = format!(
        "webhooks: {{ ops: {{ url: '{}', rate: 100/s, {webhook} }} }}\ninputs: {{ app: {{ stdin: true }} }}\n\
         rules: [{{ name: r, match: 'ERROR', dedup: off, {rule} }}]\n",
        receiver.url(HOOK)
    );
    let file = folder.write("rules.yaml", rules);
    let ended = Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()]).output(lines);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    ended.stderr
}

/// The payloads of all requests.
fn payloads(receiver: &Receiver) -> Vec<Value> {
    let bodies = receiver.received().into_iter().map(|each| each.body);
    bodies.map(|body| serde_json::from_slice(&body).expect("JSON")).collect()
}

#[test]
fn a_custom_integration_is_told_where_and_as_whom_to_post() {
    let receiver = Receiver::start();
    let keys = "flavor: slack-legacy, channel: '#ops', username: hooktail, icon_emoji: ':wrench:'";
    run(&receiver, keys, "mention: here", "ERROR @channel\n");
    let payload = &payloads(&receiver)[0];
    assert_eq!((&payload["channel"], &payload["username"]), (&"#ops".into(), &"hooktail".into()));
    assert_eq!(payload["icon_emoji"], ":wrench:");
    assert_eq!(payload["attachments"][0]["text"], "```ERROR @channel```");
    assert!(payload["text"].as_str().is_some_and(|text| text.starts_with("<!here> *[ERROR]*")), "{payload}");
}

#[test]
fn every_flavor_is_spoken_and_its_answer_understood() {
    let answers = BTreeMap::from([
        ("mattermost", (Fault::status(200).body("ok"), "@channel **[ERROR]** r")),
        ("rocketchat", (Fault::status(200).body(r#"{"success":true}"#), "@all *[ERROR]* r")),
        ("discord", (Fault::status(204).body(""), "@everyone **[ERROR]** r")),
    ]);
    for (flavor, (answer, text)) in answers {
        let receiver = Receiver::start();
        receiver.script("*", [answer]);
        run(&receiver, &format!("flavor: {flavor}"), "mention: channel", "ERROR @here <!channel>\n");
        let payloads = payloads(&receiver);
        assert_eq!(payloads.len(), 1, "{flavor}");
        assert!(payloads[0]["text"].as_str().is_some_and(|shown| shown.starts_with(text)), "{}", payloads[0]);
        assert_eq!(payloads[0]["attachments"][0]["text"], "```ERROR @\u{200b}here &lt;!channel&gt;```");
        assert_eq!(payloads[0]["attachments"][0]["color"], "#a30200", "a hex colour, which Discord wants");
    }
}

#[test]
fn a_success_that_says_it_is_none_is_none() {
    let receiver = Receiver::start();
    let no = Fault::status(200).body(r#"{"success":false,"error":"no"}"#);
    receiver.script("*", [no, Fault::status(200).body(r#"{"success":true}"#)]);
    let folder = Folder::new();
    let rules = format!(
        "webhooks: {{ ops: {{ url: '{}', flavor: rocketchat, retry: {{ probe: 100ms }} }} }}\n\
         inputs: {{ app: {{ stdin: true }} }}\nrules: [{{ name: r, match: 'ERROR' }}]\n",
        receiver.url(HOOK)
    );
    let file = folder.write("rules.yaml", rules);
    let mut agent = Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()]).start();
    agent.write("ERROR x\n");
    receiver.wait_for(2, PATIENCE);
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.said(&["is broken: its alerts are kept", r#""success":false"#]), 1, "{}", ended.stderr);
}

#[test]
fn a_proxy_is_the_way_to_the_webhook() {
    let proxy = Receiver::start();
    let folder = Folder::new();
    let rules = format!(
        "webhooks: {{ ops: {{ url: 'http://slack.invalid{HOOK}', allow_http: true, proxy: '{}' }} }}\n\
         inputs: {{ app: {{ stdin: true }} }}\nrules: [{{ name: r, match: 'ERROR' }}]\n",
        proxy.url("/")
    );
    let file = folder.write("rules.yaml", rules);
    let ended = Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()]).output("ERROR x\n");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let received = proxy.wait_for_messages(1, PATIENCE);
    assert_eq!(received.len(), 1);
    let host = |(key, value): &(String, String)| key.eq_ignore_ascii_case("host") && value == "slack.invalid";
    assert!(proxy.received()[0].headers.iter().any(host));
}

/// The texts of the messages that the lines of a rule with these keys make, one after the other.
fn texts(more: &str, rule: &str, lines: usize) -> Vec<String> {
    let receiver = Receiver::start();
    let folder = Folder::new();
    let rules = format!(
        "webhooks: {{ ops: {{ url: '{}', rate: 1000/s }} }}\ninputs: {{ app: {{ stdin: true }} }}\n\
         rules: [{{ name: r, match: 'ERROR', dedup: off, {rule} }}]\n{more}\n",
        receiver.url(HOOK)
    );
    let file = folder.write("rules.yaml", rules);
    let mut agent = Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()]).start();
    for n in 0..lines {
        agent.write(format!("ERROR {n}\n"));
        receiver.wait_for_messages(n + 1, PATIENCE);
    }
    agent.close_stdin();
    assert_eq!(agent.wait().code(), 0);
    receiver.messages().into_iter().map(|message| message.text).collect()
}

#[test]
fn the_budget_of_mentions_is_kept_and_told() {
    let told = texts("mentions: { budget: 2/d }", "mention: here", 4);
    let held = |text: &String| text.contains("mention held: budget") && !text.contains("<!");
    assert!(told[..2].iter().all(|text| text.starts_with("<!here> ") && !text.contains("held")), "{told:?}");
    assert!(told[2..].iter().all(held), "{told:?}");
    let critical = texts("mentions: { budget: 1/d }", "mention: channel, severity: critical", 3);
    assert!(critical.iter().all(|text| text.starts_with("<!channel> ")), "{critical:?}");
}

#[test]
fn in_quiet_hours_only_what_is_critical_calls() {
    let always = "mentions: { quiet_hours: always }\nschedules: { always: { hours: '00:00-24:00' } }";
    let told = texts(always, "mention: [here, U0123456]", 1);
    assert!(told[0].contains("mention held: quiet hours") && !told[0].contains("<"), "{told:?}");
    let critical = texts(always, "mention: here, severity: critical", 1);
    assert!(critical[0].starts_with("<!here> "), "{critical:?}");
}
