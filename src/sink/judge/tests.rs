use super::*;

const HOOK: &str = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

fn post(body: &Value) -> Verdict {
    judge("POST", HOOK, Some("application/json"), body.to_string().as_bytes())
}

fn attachment(attachment: Value) -> Verdict {
    post(&json!({"text": "x", "attachments": [attachment]}))
}

#[track_caller]
fn check_refused(verdict: &Verdict, status: u16, body: &str, why: &str) {
    assert_eq!((verdict.status, verdict.body.as_str()), (status, body), "{verdict:?}");
    assert_eq!(verdict.errors, [why]);
    assert_eq!(verdict.message, None);
}

#[test]
fn a_message_is_taken_and_comes_back_typed() {
    let sent = Message {
        text: "<!here> *[ERROR]* x".into(),
        unfurl_links: false,
        unfurl_media: false,
        attachments: vec![crate::message::payload::Attachment {
            color: "#a30200".into(),
            fallback: "x".into(),
            title: Some("t".into()),
            text: Some("```x```".into()),
            mrkdwn_in: vec!["text".into()],
            fields: vec![crate::message::payload::Field {
                title: "a".into(),
                value: "b".into(),
                short: true,
            }],
            footer: Some("f".into()),
            ts: Some(1_795_470_000),
            ..Default::default()
        }],
        ..Message::default()
    };
    let verdict = post(&serde_json::to_value(&sent).unwrap());
    assert_eq!((verdict.status, verdict.body.as_str()), (200, "ok"));
    assert_eq!(verdict.lint, [""; 0]);
    assert_eq!(verdict.mentions().collect::<Vec<_>>(), [("text", "<!here>")]);
    assert_eq!(verdict.message, Some(sent));
}

#[test]
fn paths() {
    let no_hook = "the path is not /services/T…/B…/X…";
    let no_team = "the path's first part is no team, as T00000000";
    let no_service = "the path's second part is no service, as B00000000";
    let no_token = "the path's third part is no token, as XXXXXXXXXXXXXXXXXXXXXXXX";
    for (path, status, word, why) in [
        ("/", 404, "no_service", no_hook),
        ("/servicesT0/B0/X", 404, "no_service", no_hook),
        ("/services/T00/B00/XXXX/more", 404, "no_service", no_hook),
        ("/services", 404, "no_team", no_team),
        ("/services/t00/B00/XXXX", 404, "no_team", no_team),
        ("/services/T00", 404, "no_service_id", no_service),
        ("/services/T00/X00/XXXX", 404, "no_service_id", no_service),
        ("/services/T00/B00", 403, "invalid_token", no_token),
        ("/services/T00/B00/XX-X", 403, "invalid_token", no_token),
    ] {
        check_refused(&judge("POST", path, None, b""), status, word, why);
    }
    for path in ["/services/T00/B00/XXXX", "/services/T00/B00/XXXX/", "/services/E00/B00/abcd"] {
        assert_eq!(misdirected("POST", path, 0), None, "{path}");
    }
}

#[test]
fn requests_that_are_no_posts_of_a_message() {
    check_refused(&judge("GET", HOOK, None, b""), 405, "method_not_allowed", "GET instead of POST");
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let verdict = judge("POST", HOOK, Some("application/json"), &large);
    check_refused(&verdict, 413, "Request Entity Too Large", "the body is larger than 4194304 bytes");
    for path in ["/triggers/T0/1/a", "/workflows/T0/1/a"] {
        let verdict = judge("POST", path, Some("application/json"), br#"{"a":"b"}"#);
        check_refused(
            &verdict,
            400,
            r#"{"ok":false,"error":"invalid_webhook_format"}"#,
            "a Workflow Builder webhook takes a flat map of variables, no messages",
        );
        assert_eq!(verdict.content_type(), "application/json");
    }
}

#[test]
fn content_types() {
    let body = br#"{"text":"x"}"#;
    for content_type in
        ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
    {
        assert_eq!(judge("POST", HOOK, Some(content_type), body).status, 200, "{content_type}");
    }
    for (content_type, why) in [
        (None, "content type: application/json is wanted, not none"),
        (
            Some("application/x-www-form-urlencoded"),
            "content type: application/json is wanted, not application/x-www-form-urlencoded",
        ),
        (Some("application/json; charset=latin1"), "content type: the charset is not UTF-8"),
    ] {
        check_refused(&judge("POST", HOOK, content_type, body), 400, "invalid_payload", why);
    }
}

#[test]
fn bodies_that_are_no_payload() {
    for (body, why) in [
        ("[]", "the body is JSON, but no object"),
        ("{", "the body is no JSON: EOF while parsing an object at line 1 column 1"),
        (
            r#"{"text":"a","text":"b"}"#,
            "the body is no JSON: the key `text` stands twice at line 1 column 23",
        ),
        (r#"{"text":1}"#, "text: not a string"),
        (r#"{"text":"x","mrkdwn":"yes"}"#, "mrkdwn: not a boolean"),
        (r#"{"text":"x","link_names":2}"#, "link_names: not a boolean"),
        (r#"{"text":"x","thread_ts":"12"}"#, "thread_ts: not as 1234567890.123456"),
        (r#"{"text":"x","metadata":{}}"#, "metadata: event_type and event_payload are wanted"),
        (r#"{"text":"x","attachments":{}}"#, "attachments: not a list"),
        (r#"{"text":"x","response_type":"x"}"#, "response_type: neither in_channel nor ephemeral"),
    ] {
        let verdict = judge("POST", HOOK, Some("application/json"), body.as_bytes());
        check_refused(&verdict, 400, "invalid_payload", why);
    }
}

#[test]
fn a_message_says_something() {
    let missing = "missing_text_or_fallback_or_attachments";
    check_refused(&post(&json!({})), 400, missing, "neither text nor attachments");
    check_refused(&post(&json!({"attachments": []})), 400, missing, "neither text nor attachments");
    check_refused(&post(&json!({"text": ""})), 400, "no_text", "neither text nor attachments");
    check_refused(&post(&json!({"text": null})), 400, "no_text", "neither text nor attachments");
    let verdict = attachment(json!({"title": "t"}));
    check_refused(&verdict, 400, missing, "attachments[0]: one of fallback and text is wanted");
}

#[test]
fn too_many() {
    let many = |count: usize| post(&json!({"text": "x", "attachments": vec![json!({"text": "y"}); count]}));
    check_refused(&many(101), 400, "too_many_attachments", "attachments: more than 100 of them");
    assert_eq!(many(21).lint, ["attachments: more than the 20 that Slack advises"]);
    assert_eq!(many(20).lint, [""; 0]);
    let verdict = post(&json!({"text": "x", "blocks": vec![json!({}); 51]}));
    check_refused(&verdict, 400, "invalid_blocks", "blocks: more than 50 of them");
    let verdict = post(&json!({"text": "x", "blocks": {}}));
    check_refused(&verdict, 400, "invalid_blocks_format", "blocks: not a list");
}

#[test]
fn attachments_of_wrong_types() {
    for (value, why) in [
        (json!("x"), "attachments[0]: not an object"),
        (json!({"text": 1}), "attachments[0].text: not a string"),
        (json!({"text": "x", "color": 7}), "attachments[0].color: not a string"),
        (json!({"text": "x", "ts": true}), "attachments[0].ts: not a Unix timestamp"),
        (json!({"text": "x", "ts": "now"}), "attachments[0].ts: not a Unix timestamp"),
        (json!({"text": "x", "mrkdwn_in": "text"}), "mrkdwn_in: not a list"),
        (json!({"text": "x", "mrkdwn_in": [1]}), "attachments[0].mrkdwn_in: not a list of strings"),
        (json!({"text": "x", "fields": [1]}), "attachments[0].fields[0]: not an object"),
        (json!({"text": "x", "fields": [{"value": 1}]}), "attachments[0].fields[0].value: not a string"),
        (json!({"text": "x", "fields": [{"short": 1}]}), "attachments[0].fields[0].short: not a boolean"),
        (json!({"text": "x", "blocks": [{}]}), "attachments[0]: beside blocks stands text"),
    ] {
        check_refused(&attachment(value), 400, "invalid_attachments", why);
    }
}

#[test]
fn remarks_on_what_slack_cuts_ignores_or_shows_badly() {
    let tall = "\n".repeat(5);
    for (value, remark) in [
        (
            json!({"text": "x", "color": "red"}),
            "attachments[0].color: neither good, warning, danger nor #RRGGBB",
        ),
        (json!({"text": "x", "colour": "red"}), "attachments[0].colour: a key that Slack does not document"),
        (json!({"text": "x", "title_link": "https://e.example"}), "attachments[0].title_link: needs title"),
        (json!({"text": "x", "image_url": "ftp://e"}), "attachments[0].image_url: not an http(s) URL"),
        (json!({"text": "x", "ts": "1.5"}), "attachments[0].ts: documented as a whole number"),
        (json!({"text": "x", "ts": 1_795_470_000_000_i64}), "attachments[0].ts: looks like milliseconds"),
        (json!({"text": tall}), "attachments[0].text: long, Slack folds it behind \"Show more\""),
        (json!({"text": "x", "footer": "x".repeat(301)}), "attachments[0].footer: over 300 characters"),
        (json!({"text": "a < b"}), "attachments[0].text: an unescaped `<`, `>` or `&`"),
        (json!({"fallback": "x", "blocks": [{}]}), "attachments[0].blocks: not checked and not drawn here"),
    ] {
        let verdict = attachment(value);
        assert_eq!((verdict.status, verdict.lint), (200, vec![remark.to_owned()]));
    }
    for (value, remark) in [
        (
            json!({"text": "x", "channel": "#a"}),
            "channel: an app's webhook ignores it, only a legacy one obeys",
        ),
        (json!({"text": "x", "txt": ""}), "txt: a key that Slack does not document"),
        (json!({"text": "x".repeat(4_001)}), "text: over the 4,000 characters that Slack advises"),
        (json!({"text": "x".repeat(40_001)}), "text: over 40,000 characters, Slack cuts it"),
        (
            json!({"attachments": [{"text": "x"}]}),
            "text: none, so a notification and a screen reader have nothing to say",
        ),
        (json!({"text": "x", "blocks": [{}]}), "blocks: not checked and not drawn here"),
    ] {
        let verdict = post(&value);
        assert_eq!((verdict.status, verdict.lint), (200, vec![remark.to_owned()]));
    }
}

#[test]
fn mentions_are_found_in_what_is_refused_too() {
    let verdict = attachment(json!({"text": "<!channel>", "ts": true}));
    assert_eq!(verdict.status, 400);
    assert_eq!(verdict.mentions().collect::<Vec<_>>(), [("attachments[0].text", "<!channel>")]);
}

#[test]
fn over_the_rate() {
    let verdict = post(&json!({"text": "x"}));
    for (millis, secs) in [(1, 1), (1_000, 1), (1_001, 2), (30_000, 30)] {
        let (limited, wait) = rate_limited(&verdict, Duration::from_millis(millis));
        assert_eq!((limited.status, wait), (429, secs));
        assert_eq!(limited.body, format!(r#"{{"retry_after":{secs},"ok":false,"error":"rate_limited"}}"#));
        assert_eq!(limited.content_type(), "application/json");
        assert_eq!(limited.message, None);
    }
}

#[test]
fn remarks_are_bounded() {
    let keys = (0..1_000).map(|at| (format!("{at}{}", "k".repeat(1_000)), json!(1)));
    let mut payload: Map<String, Value> = keys.collect();
    payload.insert("text".into(), "x".into());
    let lint = post(&Value::Object(payload)).lint;
    assert_eq!((lint.len(), lint[20].as_str()), (21, "and 980 more"));
    assert!(lint.iter().all(|remark| remark.chars().count() <= 201));
}
