//! What is sent, to the letter, and what must hold for every message.

mod hostile;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::body;
use super::escape;
use super::frame::Frame;
use super::payload::{Attachment, Message};
use super::redact::Redactor;
use super::redact_alert::redact_alert;
use super::render::{attachment, message};
use super::template::Template;
use crate::engine::{Alert, AlertId, Common, Context, EpisodeId, Folded, HeldBack, Kind, Snapshot, Still};
use crate::event::{Parsed, Stream, Texts};
use crate::flavor::Flavor;
use crate::mention::Held;
use crate::notice::{Notice, Sort};
use crate::rule::{FieldSpec, Look, Mention, MessageSpec, Rule, Severity, When};
use crate::time::Time;

pub(super) fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect()
}

const START: Time = Time::from_secs(1_795_470_000);
const LINE: &str = "Failed password for root from 203.0.113.7 port 52190 ssh2";

/// An opening with one line.
pub(super) fn alert(line: &str) -> Alert {
    Alert {
        id: AlertId(0x7f3a_9c00 << 96),
        episode: EpisodeId(1),
        rule: "ssh-bruteforce".into(),
        severity: Severity::Warning,
        decided: START + Duration::from_secs(1),
        key: texts(&[("ip", "203.0.113.7")]),
        event: Some(Snapshot {
            line: line.to_owned(),
            left_out: 0,
            truncated: false,
            message: None,
            shape: line.to_owned(),
            time: START,
            input: "auth".into(),
            file: Some("/var/log/auth.log".into()),
            context: Context::default(),
            stream: None,
            labels: vec![],
            fields: Parsed::new(),
            captures: texts(&[("ip", "203.0.113.7")]),
        }),
        count: 5,
        first_seen: START,
        last_seen: START,
        ..crate::engine::tests_support::alert("", 1)
    }
}

fn template(source: &str) -> Option<Template> {
    Some(Template::parse(source).unwrap())
}

fn rule(message: MessageSpec) -> Rule {
    Rule {
        name: "ssh-bruteforce".into(),
        inputs: vec!["auth".into()],
        patterns: vec![],
        ignore: vec![],
        filter: None,
        when: When::Every,
        severity: Severity::Warning,
        severity_from: None,
        looks: Severity::ALL.map(|severity| Look { color: severity.color(), mention: vec![] }),
        active_during: None,
        resolve: None,
        late: crate::rule::LATE,
        webhooks: vec!["ops".into()],
        dedup: None,
        throttle: None,
        escalate: vec![],
        message,
        context: crate::around::Reach::default(),
        runbook: Some("https://runbooks.example.com/ssh".into()),
        labels: vec![],
        redact: Arc::default(),
    }
}

fn ssh_rule() -> Rule {
    rule(MessageSpec { title: template("SSH brute force from {{ ip }}"), ..MessageSpec::default() })
}

fn sent(alert: &Alert, rule: &Rule) -> Value {
    serde_json::to_value(message(&[alert], &Frame::slack(&|_| Some(rule), "web-1"))).unwrap()
}

fn text_of(alert: &Alert, rule: &Rule) -> String {
    attachment(alert, &Frame::slack(&|_| Some(rule), "web-1")).text.unwrap_or_default()
}

#[test]
fn an_opening_is_sent_as_the_documentation_says() {
    let alert = Alert { mention: vec![Mention::Here], ..alert(LINE) };
    let expected = json!({
        "text": "<!here> *[WARNING]* SSH brute force from 203.0.113.7 · web-1",
        "unfurl_links": false, "unfurl_media": false,
        "attachments": [{
            "color": "#daa038",
            "fallback": "[WARNING] SSH brute force from 203.0.113.7",
            "title": "SSH brute force from 203.0.113.7",
            "title_link": "https://runbooks.example.com/ssh",
            "text": "```Failed password for root from 203.0.113.7 port 52190 ssh2```",
            "mrkdwn_in": ["text"],
            "fields": [{ "title": "ip", "value": "203.0.113.7", "short": true }],
            "footer": "ssh-bruteforce · web-1:/var/log/auth.log · 7f3a9c",
            "ts": 1_795_470_000
        }]
    });
    assert_eq!(sent(&alert, &ssh_rule()), expected);
}

/// As `alert`, with these lines before and after.
fn alert_among(before: &[&str], line: &str, after: &[&str]) -> Alert {
    let texts = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let mut alert = alert(line);
    alert.event.as_mut().unwrap().context = Context { before: texts(before), after: texts(after) };
    alert
}

#[test]
fn the_lines_around_are_shown_with_the_line_marked() {
    let text = |before: &[&str], line: &str, after: &[&str]| {
        text_of(&alert_among(before, line, after), &rule(MessageSpec::default()))
    };
    assert_eq!(text(&["a", "<b>"], "x", &["c"]), "```\n  a\n  &lt;b&gt;\n&gt; x\n  c\n```");
    assert_eq!(text(&[], "x\n at y", &["c"]), "```\n&gt; x\n&gt;  at y\n  c\n```");
    assert_eq!(text(&["a"], "", &[]), "```\n  a\n&gt; \n```");
    let hostile = "\t``` @here\u{202e}\r";
    assert_eq!(text(&[hostile], "x", &[]), "```\n  \t``\u{200b}` @here\\u{202e}\\r\n&gt; x\n```");
    let own = rule(MessageSpec { text: template("see\n```{{ context }}```"), ..MessageSpec::default() });
    assert_eq!(text_of(&alert_among(&["a"], "x", &["b"]), &own), "see\n```  a\n&gt; x\n  b```");
    assert_eq!(text_of(&alert_among(&[], "x", &[]), &own), "see\n```x```");
}

#[test]
fn what_is_near_the_line_is_the_last_to_be_left_out() {
    let lines: Vec<String> = (0..20).map(|n| format!("{n:02} {}", "<".repeat(100))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let text = text_of(&alert_among(&lines, "the line", &lines[..2]), &rule(MessageSpec::default()));
    assert!(text.chars().count() <= 3_000 && text.chars().count() > 2_500);
    assert!(text.starts_with("```\n… 15 lines left out …\n  15 &lt;"), "{text}");
    assert!(text.contains("\n&gt; the line\n  00 &lt;"), "{text}");
    let long = "x".repeat(5_000);
    let text = text_of(&alert_among(&lines, &long, &lines), &rule(MessageSpec::default()));
    assert!(text.chars().count() <= 3_000);
    for part in [
        "… 19 lines left out …\n  19 ",
        "&gt; xxx",
        " characters left out …",
        "xxx\n  00 ",
        "\n… 19 lines left out …\n```",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let wide = "y".repeat(2_000);
    let text = text_of(&alert_among(&[&wide], "x", &[]), &rule(MessageSpec::default()));
    assert_eq!(text, format!("```\n  {}…\n&gt; x\n```", "y".repeat(298)));
}

#[test]
fn an_attachments_text_keeps_to_any_room() {
    let values = vec![("z".repeat(90), 3); 5];
    let common = vec![Common { capture: "c".repeat(90).into(), values: values.clone() }; 2];
    for kind in [Kind::Notice, Kind::Opened, Kind::Summary] {
        let alert = Alert {
            kind,
            suppressed: 7,
            folded: Some(Folded { samples: vec!["y".repeat(300); 3], common: common.clone() }),
            held_back: Some(HeldBack { count: 3, keys: values.clone(), ..HeldBack::default() }),
            ..alert_among(&["b"; 9], &"<".repeat(2_000), &["a"; 9])
        };
        for max in (200..3_000).step_by(100) {
            let text = body::text(&alert, None, None, &body::Troubles::default(), max);
            assert!(text.chars() <= max, "{kind:?} {max}: {text}");
        }
    }
}

#[test]
fn a_secret_of_the_lines_around_is_taken_out() {
    let mut alert = alert_among(&["token=abcd1234"], "used password=hunter2", &["hunter2 failed"]);
    redact_alert(&mut alert, &Redactor::new(true, vec![]));
    let Context { before, after } = alert.event.unwrap().context;
    assert_eq!([before, after].concat(), ["token=[redacted]", "[redacted] failed"]);
}

#[test]
fn a_summary_tells_what_was_folded() {
    let alert = Alert {
        kind: Kind::Summary,
        suppressed: 41,
        count: 1_042,
        since_last: Duration::from_secs(600),
        last_seen: START + Duration::from_secs(600),
        folded: Some(Folded {
            samples: vec!["Invalid user `admin`".into(), "Connection closed\nby peer".into()],
            common: vec![
                Common { capture: "user".into(), values: vec![("root".into(), 31), ("svc_app".into(), 8)] },
                Common { capture: "port".into(), values: vec![(String::new(), 1_000)] },
            ],
        }),
        ..alert(LINE)
    };
    let sent = sent(&alert, &ssh_rule());
    assert_eq!(sent["text"], "*[WARNING]* SSH brute force from 203.0.113.7 · 41 more in 10m · web-1");
    assert_eq!(sent["attachments"][0]["title"], "SSH brute force from 203.0.113.7 · 41 more in 10m");
    let [first, last] = [alert.first_seen, alert.last_seen].map(|time| time.to_time_of_day(alert.decided));
    let expected = [
        "```Failed password for root from 203.0.113.7 port 52190 ssh2```",
        "Also:",
        "```Invalid user `admin`\u{200b}```",
        "```\nConnection closed\nby peer\n```",
        &format!("1,042 in all, from {first} to {last}."),
        "user: root ×31, svc_\u{2060}app ×8",
        "port: (none) ×1,000",
    ];
    assert_eq!(sent["attachments"][0]["text"], expected.join("\n"));
}

#[test]
fn an_escalation_calls_and_counts() {
    let alert = Alert {
        kind: Kind::Escalated,
        severity: Severity::Critical,
        mention: vec![Mention::Channel, Mention::User("U012AB".into()), Mention::Here],
        count: 500,
        suppressed: 17,
        last_seen: START + Duration::from_secs(180),
        ..alert(LINE)
    };
    let sent = sent(&alert, &ssh_rule());
    assert_eq!(
        sent["text"],
        "<!channel> <@U012AB> *[CRITICAL]* SSH brute force from 203.0.113.7 · 500 in 3m · web-1"
    );
    assert_eq!(sent["attachments"][0]["fallback"], "[CRITICAL] SSH brute force from 203.0.113.7 · 500 in 3m");
    assert_eq!(sent["attachments"][0]["color"], "#8b0000");
    let [first, last] = [alert.first_seen, alert.last_seen].map(|time| time.to_time_of_day(alert.decided));
    assert_eq!(
        text_of(&alert, &ssh_rule()),
        format!("```{LINE}```\n500 in all, from {first} to {last}, 17 of them since the last message.")
    );
}

#[test]
fn values_of_which_none_is_common_are_left_out() {
    let common = |capture: &str, values: &[(&str, u64)]| Common {
        capture: capture.into(),
        values: values.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect(),
    };
    let common = vec![common("ms", &[("1753", 1), ("1873", 1)]), common("user", &[("root", 2), ("git", 1)])];
    let folded = Some(Folded { samples: vec![], common });
    let alert = Alert { kind: Kind::Summary, suppressed: 3, folded, ..alert(LINE) };
    let at = alert.last_seen.to_time_of_day(alert.decided);
    assert_eq!(
        text_of(&alert, &ssh_rule()),
        format!("```{LINE}```\n5 in all, at {at}.\nuser: root ×2, git ×1")
    );
}

#[test]
fn what_the_throttle_held_back_is_a_message_of_its_own() {
    let keys = [("10.0.0.1", 20), ("10.0.0.2", 9), ("a*b", 1)];
    let keys = keys.map(|(key, count)| (key.to_owned(), count)).to_vec();
    let alert = Alert {
        kind: Kind::HeldBack,
        count: 37,
        event: None,
        held_back: Some(HeldBack { count: 37, keys, ..HeldBack::default() }),
        ..alert("")
    };
    let expected = json!({
        "text": "*[WARNING]* ssh-bruteforce · 37 held back by the throttle · web-1",
        "unfurl_links": false, "unfurl_media": false,
        "attachments": [{
            "color": "#daa038",
            "fallback": "[WARNING] ssh-bruteforce · 37 held back by the throttle",
            "title": "ssh-bruteforce · 37 held back by the throttle",
            "title_link": "https://runbooks.example.com/ssh",
            "text": "Most of them: 10.0.0.1 ×20, 10.0.0.2 ×9, a*\u{2060}b ×1",
            "mrkdwn_in": ["text"],
            "footer": "ssh-bruteforce · web-1 · 7f3a9c",
            "ts": 1_795_470_001
        }]
    });
    assert_eq!(sent(&alert, &ssh_rule()), expected);
}

#[test]
fn what_a_person_would_want_to_know_is_told_below() {
    let mut alert = alert("short");
    alert.suppressed = 3;
    alert.held_back =
        Some(HeldBack { count: 2_037, keys: vec![("10.0.0.1".into(), 20)], ..HeldBack::default() });
    let event = alert.event.as_mut().unwrap();
    (event.truncated, event.left_out) = (true, 4_096);
    assert_eq!(
        text_of(&alert, &ssh_rule()),
        "```short … 4,096 bytes left out …```\nThe line was cut at the input's `max_line`.\n\
         3 more were folded since the last message.\n2,037 held back by the throttle: 10.0.0.1 ×20"
    );
}

fn notice(text: &str, danger: bool) -> Alert {
    let notice = Notice { sort: Sort::Gap, danger, text: text.to_owned() };
    Alert::notice(AlertId(0x7f3a_9c00 << 96), &notice, "ops".into(), START)
}

#[test]
fn a_notice_speaks_of_hooktail_itself() {
    let alert = notice("lines of `/var/log/<!channel>.log` may be lost", true);
    let expected = json!({
        "text": "*[HOOKTAIL]* lines of `\u{2060}/var/log/&lt;!channel&gt;.log`\u{2060} may be lost · web-1",
        "unfurl_links": false, "unfurl_media": false,
        "attachments": [{
            "color": "#a30200",
            "fallback": "[HOOKTAIL] lines of `\u{2060}/var/log/&lt;!channel&gt;.log`\u{2060} may be lost",
            "title": "lines of `\u{2060}/var/log/&lt;!channel&gt;.log`\u{2060} may be lost",
            "footer": "hooktail itself · web-1 · 7f3a9c",
            "ts": 1_795_470_000
        }]
    });
    assert_eq!(
        serde_json::to_value(message(&[&alert], &Frame::slack(&|_| None, "web-1"))).unwrap(),
        expected
    );
}

#[test]
fn a_notice_says_all_of_its_words_and_what_was_held_back() {
    let words = format!("the webhook is broken: {}", "x".repeat(200));
    let alert = Alert { suppressed: 1_200, since_last: Duration::from_secs(3_660), ..notice(&words, false) };
    let attachment = attachment(&alert, &Frame::slack(&|_| None, "web-1"));
    assert_eq!(attachment.color, "#439fe0");
    assert_eq!(attachment.title.unwrap().chars().count(), 150);
    let told = "1,200 more of this sort since the last such message, 1h 1m ago.";
    assert_eq!(attachment.text, Some(format!("{words}\n{told}")));
}

#[test]
fn a_digest_says_how_many_and_shows_one() {
    let mut alert = Alert { kind: Kind::Digest, count: 48_000, ..alert(LINE) };
    alert.last_seen = alert.first_seen + Duration::from_secs(23 * 3600);
    alert.mention = vec![Mention::Here];
    let [from, to] = [alert.first_seen, alert.last_seen].map(|time| time.to_time_of_day(alert.decided));
    let sent = sent(&alert, &ssh_rule());
    assert_eq!(sent["text"], "<!here> *[WARNING]* ssh-bruteforce · 48,000 alerts in 23h · web-1");
    assert_eq!(sent["attachments"][0]["title"], "ssh-bruteforce · 48,000 alerts in 23h");
    assert_eq!(
        sent["attachments"][0]["text"],
        format!(
            "```{LINE}```\nThe first of 48,000 alerts, from {from} to {to}: too many waited to be told one by one."
        )
    );
}

#[test]
fn an_author_draws_what_he_likes() {
    let value = Template::parse("`{{ ip }}` {{ none }}").unwrap();
    let empty = Template::parse("{{ labels.team }}").unwrap();
    let rule = rule(MessageSpec {
        title: template("{{ ip }}\n*x*"),
        text: template("*{{ count }}* in {{ elapsed }} from {{ key }}: <{{ runbook }}|read> {{ line }}"),
        pretext: template("see {{ input }}"),
        footer: template("{{ file }}"),
        link: template("https://logs/?ip={{ ip }}&q={{ line }}"),
        fields: Some(vec![
            FieldSpec { title: "IP & more".into(), value, short: false },
            FieldSpec { title: "team".into(), value: empty, short: false },
        ]),
    });
    let sent = sent(&alert("a <!here> *b*"), &rule);
    let expected = json!({
        "color": "#daa038",
        "fallback": "[WARNING] 203.0.113.7 *x*",
        "pretext": "see auth",
        "title": "203.0.113.7 *x*",
        "title_link": "https://logs/?ip=203.0.113.7&q=a%20%3C%21here%3E%20%2Ab%2A",
        "text": "*5* in 0s from 203.0.113.7: <https://runbooks.example.com/ssh|read> \
                 a &lt;!here&gt; *\u{2060}b*\u{2060}\nMissing for the template: labels.team",
        "mrkdwn_in": ["text", "pretext", "fields"],
        "fields": [{ "title": "IP &amp; more", "value": "`203.0.113.7`", "short": false }],
        "footer": "/var/log/auth.log · 7f3a9c",
        "ts": 1_795_470_000
    });
    assert_eq!(sent["attachments"][0], expected);
}

#[test]
fn a_template_that_fails_loses_nothing() {
    let rule = rule(MessageSpec {
        title: template("{{ ip|int }}"),
        text: template("{{ ip + 1 }}"),
        link: template("{{ ip|epoch }}"),
        ..MessageSpec::default()
    });
    let attachment = attachment(&alert(LINE), &Frame::slack(&|_| Some(&rule), "web-1"));
    assert_eq!(attachment.title.as_deref(), Some("ssh-bruteforce"));
    assert_eq!(attachment.title_link.as_deref(), Some("https://runbooks.example.com/ssh"));
    let text = attachment.text.unwrap();
    assert!(
        text.starts_with(&format!("```{LINE}```\ntemplate failed: title: invalid operation: ")),
        "{text}"
    );
    assert!(text.contains("; text: ") && text.contains("; link: "), "{text}");
}

#[test]
fn a_rule_that_is_gone_is_drawn_with_the_defaults() {
    let drawn = attachment(&alert(""), &Frame::slack(&|_| None, "web-1"));
    assert_eq!(drawn.title.as_deref(), Some("ssh-bruteforce"));
    assert_eq!(drawn.color, "#daa038");
    assert_eq!(drawn.text.as_deref(), Some("(an empty line)"));
}

#[test]
fn several_alerts_are_one_message() {
    let first = Alert { mention: vec![Mention::Here, Mention::User("U1".into())], ..alert(LINE) };
    let second = Alert {
        severity: Severity::Critical,
        mention: vec![Mention::Channel, Mention::User("U1".into()), Mention::Group("S1".into())],
        rule: "disk".into(),
        ..alert("disk full")
    };
    let third = Alert { severity: Severity::Critical, rule: "later".into(), ..alert("x") };
    let message = message(&[&first, &second, &third], &Frame::slack(&|_| None, "web-1"));
    assert_eq!(message.text, "<!channel> <@U1> <!subteam^S1> *[CRITICAL]* disk · and 2 more · web-1");
    assert_eq!(message.attachments.len(), 3);
}

#[test]
fn a_held_mention_is_told() {
    let error = Alert { mention: vec![Mention::Here, Mention::User("U1".into())], ..alert(LINE) };
    let critical = Alert { severity: Severity::Critical, mention: vec![Mention::Here], ..alert("x") };
    let text = |alerts: &[&Alert], held| {
        message(alerts, &Frame { held: Some(held), ..Frame::slack(&|_| None, "web-1") }).text
    };
    assert_eq!(
        text(&[&error], Held::Budget),
        "<@U1> *[WARNING]* ssh-bruteforce · mention held: budget · web-1"
    );
    assert_eq!(
        text(&[&error], Held::QuietHours),
        "*[WARNING]* ssh-bruteforce · mention held: quiet hours · web-1"
    );
    assert_eq!(
        text(&[&error, &critical], Held::QuietHours),
        "<!here> *[CRITICAL]* ssh-bruteforce · and 1 more · mention held: quiet hours · web-1"
    );
}

#[test]
fn each_receiver_gets_what_it_understands() {
    let rule =
        rule(MessageSpec { text: template("<https://a/x|look> at {{ line }}"), ..MessageSpec::default() });
    let alert = Alert { mention: vec![Mention::Channel], ..alert("@all <b>") };
    let sent = |flavor| {
        let message = message(&[&alert], &Frame { flavor, ..Frame::slack(&|_| Some(&rule), "web-1") });
        (message.text, message.attachments[0].text.clone().unwrap(), message.attachments[0].mrkdwn_in.len())
    };
    let headline = "ssh-bruteforce · web-1";
    let slack =
        (format!("<!channel> *[WARNING]* {headline}"), "<https://a/x|look> at @all &lt;b&gt;".to_owned(), 1);
    assert_eq!(sent(Flavor::Slack), slack);
    assert_eq!(sent(Flavor::SlackLegacy), slack);
    let mattermost = "<https://a/x|look> at @\u{200b}all &lt;b&gt;".to_owned();
    assert_eq!(sent(Flavor::Mattermost), (format!("@channel **[WARNING]** {headline}"), mattermost, 1));
    let markdown = "[look](https://a/x) at @\u{200b}all &lt;b&gt;".to_owned();
    assert_eq!(sent(Flavor::RocketChat), (format!("@all *[WARNING]* {headline}"), markdown.clone(), 1));
    assert_eq!(sent(Flavor::Discord), (format!("@everyone **[WARNING]** {headline}"), markdown, 0));
}

#[test]
fn a_message_holds_twenty_attachments() {
    let one = alert(LINE);
    let message = message(&[&one; 30], &Frame::slack(&|_| None, "web-1"));
    assert_eq!(message.text, "*[WARNING]* ssh-bruteforce · and 29 more · web-1");
    assert_eq!(message.attachments.len(), 20);
}

#[test]
fn a_long_title_keeps_what_its_kind_adds() {
    let rule = rule(MessageSpec { title: template("{{ line }}"), ..MessageSpec::default() });
    let alert = Alert { kind: Kind::Summary, suppressed: 2, ..alert(&"x".repeat(500)) };
    let title = attachment(&alert, &Frame::slack(&|_| Some(&rule), "web-1")).title.unwrap();
    assert_eq!(title, format!("{}… · 2 more", "x".repeat(140)));
}

#[test]
fn a_mention_whose_id_is_none_calls_nobody() {
    let mention = vec![Mention::User("U1> <!channel".into()), Mention::Group(String::new())];
    let message = message(&[&Alert { mention, ..alert(LINE) }], &Frame::slack(&|_| None, ""));
    assert_eq!(message.text, "*[WARNING]* ssh-bruteforce");
}
