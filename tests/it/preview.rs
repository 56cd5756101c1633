//! `hooktail preview`, seen from outside.

use serde_json::Value;

use crate::agent::{Ended, Folder, Launch};

const RULES: &str = r#"
webhooks:
  ops: { url: "https://hooks.slack.com/services/T0/B0/XSECRETX" }
  oncall: { url: "https://hooks.slack.com/services/T0/B1/XSECRETX" }
inputs: { auth: { files: /var/log/auth.log } }
host: web-1
rules:
  - name: ssh
    match: 'Failed password for (?P<user>\S+) from (?P<ip>\S+)'
    when: { count: 5, within: 1m, by: ip }
    severity: warning
    webhook: ops
    mention: here
    throttle: { rate: 6/m }
    escalate: [{ count: 500, mention: channel, severity: critical, webhook: oncall }]
    message: { title: "SSH brute force from {{ ip }}" }
    tests:
      - lines: ["an innocent line", "Failed password for eve from 10.0.0.7"]
        expect: []
  - { name: plain, match: 'disk (?P<disk>\S+)', dedup: off, webhook: ops }
  - { name: full, match: full, resolve: { after: 10m }, dedup: { summary: false }, webhook: ops }
"#;

fn preview(args: &[&str]) -> (Folder, Ended) {
    let folder = Folder::new();
    folder.write("hooktail.yaml", RULES);
    let launch = Launch::new(["preview"]).args(args.iter().copied()).folder(&folder.path(""));
    let ended = launch.output("");
    (folder, ended)
}

fn kinds(ended: &Ended) -> Vec<(String, String)> {
    let told: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let messages = told["messages"].as_array().expect("a list");
    messages.iter().map(|each| (text(&each["kind"]), text(&each["message"]["text"]))).collect()
}

#[test]
fn all_messages_of_a_rule_are_drawn() {
    let line = "Failed password for <!channel> from 10.0.0.9";
    let (_, ended) = preview(&["ssh", line, "--json"]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let title = "SSH brute force from 10.0.0.9";
    let expected = [
        ("opened", format!("<!here> *[WARNING]* {title} · web-1")),
        ("summary", format!("*[WARNING]* {title} · 41 more in 10m · web-1")),
        ("escalated", format!("<!channel> *[CRITICAL]* {title} · 500 in 3m · web-1")),
        ("held_back", "*[WARNING]* ssh · 37 held back by the throttle · web-1".to_owned()),
    ];
    assert_eq!(kinds(&ended), expected.map(|(kind, text)| (kind.to_owned(), text)));
    let (_, ended) = preview(&["full", "disk sda1 is full", "--json"]);
    let expected = [
        ("opened", "*[ERROR]* full · web-1"),
        ("resolved", "*[RESOLVED]* full · after 12m, 42 times · web-1"),
        ("reopened", "*[ERROR]* full · again after 3m · web-1"),
    ];
    assert_eq!(kinds(&ended), expected.map(|(kind, text)| (kind.to_owned(), text.to_owned())));
    let (_, ended) = preview(&["ssh", line]);
    let shown = String::from_utf8(ended.stdout).expect("text");
    assert!(shown.starts_with("opened, to ops:\n@here [WARNING] SSH brute force from 10.0.0.9"), "{shown}");
    assert!(shown.contains("\nescalated, to ops and oncall:\n@channel [CRITICAL]"), "{shown}");
    assert!(!shown.contains("XSECRETX") && !ended.stderr.contains("XSECRETX"));
}

#[test]
fn without_a_line_a_test_of_the_rule_gives_one_or_it_is_made_up() {
    let (_, ended) = preview(&["ssh", "--json"]);
    assert!(kinds(&ended)[0].1.contains("brute force from 10.0.0.7"));
    let (_, ended) = preview(&["plain", "--json"]);
    assert_eq!(kinds(&ended), [("opened".to_owned(), "*[ERROR]* plain · web-1".to_owned())]);
    let shown = String::from_utf8(ended.stdout).expect("text");
    assert!(
        shown.contains("(a line that `") && shown.contains(r#""title":"disk","value":"disk""#),
        "{shown}"
    );
}

#[test]
fn the_page_is_whole_and_nothing_in_it_acts() {
    let (folder, ended) =
        preview(&["ssh", "Failed password for <script> from 10.0.0.9", "--html", "out.html"]);
    assert_eq!((ended.code(), ended.stdout.len()), (0, 0), "{}", ended.stderr);
    let page = folder.read("out.html");
    assert!(page.contains("Content-Security-Policy") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("class=\"ht-attachment\"").count(), 4);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
}

#[test]
fn what_the_rule_does_not_take_is_said() {
    let (_, ended) = preview(&["ssh", "it's fine"]);
    assert_eq!(ended.code(), 1);
    assert!(ended.stderr.contains("the rule `ssh` doesn't take this line"), "{}", ended.stderr);
    let (_, ended) = preview(&["shs", "x"]);
    assert_eq!(ended.code(), 2);
    assert!(ended.stderr.contains("there is no rule `shs`"), "{}", ended.stderr);
}
