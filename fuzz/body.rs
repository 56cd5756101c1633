// What a log may hold, through the real stations, to messages that are judged as Slack would judge them. Shared by the
// fuzz target and by a test of random bytes.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hooktail::config;
use hooktail::engine::Alert;
use hooktail::event::Origin;
use hooktail::flavor::Flavor;
use hooktail::line::split::Line;
use hooktail::message::frame::Frame;
use hooktail::message::payload::{Attachment, Message};
use hooktail::message::{render, simplest};
use hooktail::proof::rehearsal::{Rehearsal, Stations};
use hooktail::sink::{SAMPLE_PATH, judge};
use hooktail::time::Time;

/// Rules whose templates put what a log holds at every place of a message.
const RULES: &str = r#"
webhooks: { ops: { url: "http://127.0.0.1:9/services/T0/B0/X" } }
inputs: { text: { stdin: true, labels: { team: "<ops> @here" } } }
defaults: { dedup: off, mention: here, context: { before: 2, after: 2 } }
rules:
  - { name: plain, match: '' }
  - { name: words, match: '(?s-u)^(?P<one>\S*)\s*(?P<two>\S*)\s*(?P<rest>.*)' }
  - name: placed
    match: '(?s-u)(?P<what>.*)'
    runbook: https://runbooks.example.com/x
    message:
      title: "{{ what }} in {{ file }}"
      text: "*{{ what }}* `{{ what }}` <https://logs.example.com/?q={{ what }}|{{ what }}> ```{{ context }}``` {{ captures|tojson }}"
      pretext: "{{ line }} {{ labels }} {{ fields }}"
      footer: "{{ file }} {{ host }}"
      link: "https://logs.example.com/{{ what }}"
      fields: [{ title: "<what> @all", value: "```{{ what }}``` {{ key }}" }]
  - { name: counted, match: '(?P<n>\w)', when: { count: 2, within: 1m, by: n }, escalate: [{ count: 5, mention: here }], dedup: { window: 1m } }
"#;

static STATIONS: LazyLock<Stations> = LazyLock::new(|| {
    let loaded = config::from_str(RULES, "fuzz.yaml", Path::new("/"), &|_| None);
    let shown = loaded.render(false);
    Stations::new(loaded.config.unwrap_or_else(|| panic!("{shown}")))
});

/// The first line is a file's name, the second the machine's; the others are read from it. Panics where a message could
/// do harm, or a receiver would refuse it.
pub(crate) fn check(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let file = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let host = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let start = Time::from_secs(1_795_470_000);
    let origin = Origin {
        input: "text".into(),
        file: Some(file.as_ref().into()),
        stream: None,
        labels: STATIONS.inputs[0].labels.clone(),
    };
    let origin = Arc::new(origin);
    let mut rehearsal = Rehearsal::new(&STATIONS, start);
    for line in lines.take(20) {
        let line = Line { bytes: line, truncated: line.len() > 1_000 };
        rehearsal.line(0, &origin, line, start);
    }
    rehearsal.wait(Duration::from_secs(3_600));
    rehearsal.end();
    let alerts = rehearsal.take_alerts();
    for alert in &alerts {
        draw(&[alert], &host);
    }
    for some in alerts.chunks(20) {
        draw(&some.iter().collect::<Vec<_>>(), &host);
    }
}

fn draw(alerts: &[&Alert], host: &str) {
    for (_, flavor) in Flavor::ALL {
        let rule = |name: &str| STATIONS.rule(name);
        let frame = Frame { rules: &rule, host, flavor, held: None };
        for message in [render::message(alerts, &frame), simplest::message(alerts, &frame)] {
            accepted(&message, flavor);
            message.attachments.iter().for_each(|attachment| bounded(attachment, flavor));
        }
    }
}

/// Slack takes it, and nothing in it acts but the configured mention and the author's own links.
fn accepted(message: &Message, flavor: Flavor) {
    let body = serde_json::to_vec(message).expect("text is JSON");
    let verdict = judge("POST", SAMPLE_PATH, Some("application/json"), &body);
    assert!(verdict.accepted(), "{:?} {message:#?}", verdict.errors);
    for live in &verdict.live {
        let mention = live.part == "text" && live.sequence == "<!here>";
        let link = !live.notifies && live.sequence.starts_with("<https://logs.example.com/?q=");
        assert!(mention || link, "{flavor:?} {live:?}");
    }
    assert_eq!(serde_json::from_slice::<Message>(&body).expect("what was written"), *message);
}

fn bounded(attachment: &Attachment, flavor: Flavor) {
    let Attachment { fallback, pretext, title, text, fields, footer, .. } = attachment;
    let parts = [(title, 150), (text, 3_000), (pretext, 1_000), (footer, 300)];
    let parts = parts.into_iter().filter_map(|(part, max)| Some((part.as_deref()?, max)));
    let fields = fields.iter().flat_map(|field| [(&*field.title, 100), (&*field.value, 2_000)]);
    for (part, max) in parts.chain(fields).chain([(&**fallback, 165)]) {
        // A link is longer in Markdown.
        let room = if flavor.is_slack() || flavor == Flavor::Mattermost { max } else { max + max / 10 };
        assert!(part.chars().count() <= room, "{} of {max}: {part}", part.chars().count());
        assert_eq!(part.matches("```").count() % 2, 0, "an open code block: {part}");
        let hidden =
            |c: char| c.is_control() && !matches!(c, '\n' | '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!part.contains(hidden), "something hidden: {part:?}");
        let calls = !flavor.is_slack()
            && part.match_indices('@').any(|(at, _)| !part[at + 1..].starts_with('\u{200b}'));
        assert!(!calls || part.contains("](https://logs.example.com/"), "somebody is called: {part}");
    }
}
