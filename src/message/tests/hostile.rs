//! No message speaks for a log, whatever stands in its lines and its fields.

use super::*;

/// Text with all that could do harm, and any other.
fn hostile() -> impl Strategy<Value = String> {
    let nasty = "(@here|@all|<!channel>|<@U1>|<https://evil\\|x>|```|`|\\*|&|>|\n|\t|\x1b|\u{202e}|\u{2060}|password=|[a-zé🔥 ]){0,60}";
    prop_oneof![
        nasty,
        "\\PC{0,80}",
        any::<String>(),
        "[a<&`\n]{2500,4000}",
        prop::collection::vec(any::<u8>(), 0..200)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    ]
}

fn hostile_texts() -> impl Strategy<Value = Texts> {
    let pair = (prop_oneof!["ip|user|host|labels", hostile()], hostile());
    let pairs = prop::collection::vec(pair, 0..12);
    pairs.prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
}

fn hostile_snapshot() -> impl Strategy<Value = Snapshot> {
    let bits = (0_u64..3, any::<bool>(), prop::option::of(hostile()), any::<bool>());
    let around = || prop::collection::vec(hostile(), 0..5);
    let context = (around(), around()).prop_map(|(before, after)| Context { before, after });
    (hostile(), hostile_texts(), hostile_texts(), hostile(), bits, context).prop_map(
        |(line, labels, captures, input, (left_out, truncated, file, out), context)| Snapshot {
            context,
            shape: line.clone(),
            message: out.then(|| line.clone()),
            fields: captures.iter().map(|(name, value)| (name.to_string(), (&**value).into())).collect(),
            line,
            left_out: left_out * 10_000,
            truncated,
            time: START,
            input: input.into(),
            file: file.map(Into::into),
            stream: out.then_some(Stream::Stderr),
            labels,
            captures,
        },
    )
}

fn hostile_alert() -> impl Strategy<Value = Alert> {
    let kind = prop::sample::select(vec![
        Kind::Opened,
        Kind::Summary,
        Kind::Escalated,
        Kind::HeldBack,
        Kind::Notice,
        Kind::Reopened,
        Kind::Resolved,
    ]);
    let counted = || prop::collection::vec((hostile(), any::<u64>()), 0..6);
    let folded = prop::option::of((prop::collection::vec(hostile(), 0..4), hostile(), counted()));
    let held_back = prop::option::of((any::<u64>(), counted()));
    let numbers = (any::<u64>(), any::<u64>(), any::<u32>());
    let parts = (kind, prop::option::of(hostile_snapshot()), hostile_texts(), folded, held_back, numbers);
    parts.prop_map(|(kind, event, key, folded, held_back, (count, suppressed, secs))| Alert {
        kind,
        event,
        key,
        count,
        suppressed,
        mention: vec![Mention::Here],
        since_last: Duration::from_secs(secs.into()),
        last_seen: START + Duration::from_secs(secs.into()),
        folded: folded.map(|(samples, capture, values)| {
            let common = Common { capture: capture.into(), values };
            Folded { samples, common: vec![common.clone(), common] }
        }),
        late: secs.is_multiple_of(3).then(|| Duration::from_secs(secs.into())),
        lasted: Duration::from_secs(secs.into()),
        still: secs.is_multiple_of(5).then(|| Still::Above("x".repeat(secs as usize % 90))),
        value: secs.is_multiple_of(2).then(|| "<!here>*".to_owned()),
        reopened: count,
        more_resolved: suppressed,
        input_ended: secs.is_multiple_of(7),
        held_back: held_back.map(|(count, keys)| HeldBack { count, keys, ..HeldBack::default() }),
        ..alert("")
    })
}

/// Rules whose templates put fields at every place that could go wrong.
fn rules() -> Vec<Option<Rule>> {
    let all = |source: &str| MessageSpec {
        title: template(source),
        text: template(source),
        pretext: template(source),
        footer: template(source),
        link: template(source),
        fields: Some(
            (0..12)
                .map(|_| FieldSpec { title: "x".into(), value: template(source).unwrap(), short: true })
                .collect(),
        ),
    };
    let rules = [
        MessageSpec::default(),
        all("{{ line }} {{ ip }} {{ labels }} {{ key }} ```{{ context }}```"),
        all("```{{ line }}``` <https://x/{{ ip }}|{{ line }}> `{{ ip }}`"),
        all("https://x/{{ line }}?{{ file }}"),
        all("<{{ line }}>|``{{ line }}`{% set x %}<!{{ key }}>{% endset %}{{ x }}{{ line|tojson }}"),
    ];
    rules.into_iter().map(rule).map(Some).chain([None]).collect()
}

/// What holds for every message that was drawn for an alert which mentions `here`.
fn audit(message: &Message, own_links: bool) -> Result<(), TestCaseError> {
    let json = serde_json::to_string(message).unwrap();
    let back: Message = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(&back, message);
    let text = message.text.strip_prefix("<!here> ");
    prop_assert!(text.is_some_and(|text| !text.contains(['<', '>', '\n'])), "{}", message.text);
    prop_assert!(message.text.chars().count() <= 4_000);
    prop_assert!(message.attachments.len() <= 20);
    message.attachments.iter().try_for_each(|attachment| audit_attachment(attachment, own_links))
}

fn audit_attachment(attachment: &Attachment, own_links: bool) -> Result<(), TestCaseError> {
    let Attachment { fallback, pretext, title, title_link, text, fields, footer, .. } = attachment;
    let one_line =
        [("title", title, 150), ("footer", footer, 300), ("fallback", &Some(fallback.clone()), 165)];
    for (part, shown, max) in one_line {
        let shown = shown.as_deref().unwrap_or("-");
        prop_assert!(!shown.is_empty() && shown.chars().count() <= max, "{}: {}", part, shown);
        prop_assert!(!shown.contains(['<', '>', '\n']), "{}: {}", part, shown);
    }
    prop_assert!(footer.as_deref().is_some_and(|footer| footer.ends_with(" · 7f3a9c")));
    let link = title_link.as_deref().unwrap_or("https://x");
    prop_assert!(link.starts_with("https://x") || link.starts_with("https://runbooks"), "{}", link);
    prop_assert!(link.bytes().all(|b| b.is_ascii_graphic() && !b"<>|\"`".contains(&b)), "{}", link);
    prop_assert!(fields.len() <= 10);
    let values = fields.iter().map(|field| (&field.value, 2_000));
    prop_assert!(fields.iter().all(|field| !field.value.is_empty()));
    let titles = fields.iter().map(|field| (&field.title, 100));
    let texts = text.iter().map(|text| (text, 3_000)).chain(pretext.iter().map(|text| (text, 1_000)));
    for (shown, max) in texts.chain(values).chain(titles) {
        prop_assert!(shown.chars().count() <= max, "{}", shown);
        prop_assert_eq!(shown.matches("```").count() % 2, 0, "{}", shown);
        let hidden =
            |c: char| c.is_control() && !matches!(c, '\n' | '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!shown.contains(hidden), "{:?}", shown);
        for (at, _) in shown.match_indices('<') {
            prop_assert!(own_links && shown[at..].starts_with("<https://x/"), "{}", shown);
        }
    }
    Ok(())
}

/// Whether an `@` could call somebody: a bare one that no zero-width space follows.
fn calls(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| !text[at + 1..].starts_with(escape::BREAK))
}

/// All texts of an attachment, links apart.
fn texts_of(attachment: &Attachment) -> Vec<&str> {
    let Attachment { fallback, pretext, title, text, fields, footer, .. } = attachment;
    let fields = fields.iter().flat_map(|field| [&*field.title, &*field.value]);
    let parts = [pretext, title, text, footer].into_iter().filter_map(Option::as_deref);
    parts.chain([&**fallback]).chain(fields).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_receiver_is_called_by_a_log(alert in hostile_alert(), host in hostile(), rule in 0..5_usize) {
        let rule = |_: &str| RULES[rule].as_ref();
        for flavor in [Flavor::Mattermost, Flavor::RocketChat, Flavor::Discord] {
            let message = message(&[&alert, &alert], &Frame { flavor, ..Frame::slack(&rule, &host) });
            let text = message.text.strip_prefix("@here ");
            prop_assert!(text.is_some_and(|text| !calls(text)), "{:?} {}", flavor, message.text);
            for attachment in &message.attachments {
                let texts = texts_of(attachment);
                prop_assert!(!texts.iter().any(|text| calls(text)), "{:?} {:?}", flavor, texts);
                let chars: usize = texts.iter().map(|text| text.chars().count()).sum();
                let fallback = attachment.fallback.chars().count();
                prop_assert!(flavor != Flavor::Discord || chars - fallback <= 2_000, "{} {:?}", chars, texts);
            }
        }
    }

    #[test]
    fn a_log_line_cant_speak_for_us(alert in hostile_alert(), host in hostile()) {
        for (at, rule) in RULES.iter().enumerate() {
            let message = message(&[&alert], &Frame::slack(&|_| rule.as_ref(), &host));
            audit(&message, at == 2)?;
        }
    }

    #[test]
    fn redaction_breaks_no_message(mut alert in hostile_alert(), host in hostile()) {
        redact_alert(&mut alert, &Redactor::new(true, vec![]));
        audit(&message(&[&alert, &alert], &Frame::slack(&|_| RULES[1].as_ref(), &host)), false)?;
    }
}

static RULES: std::sync::LazyLock<Vec<Option<Rule>>> = std::sync::LazyLock::new(rules);
