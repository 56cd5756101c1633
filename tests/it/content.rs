//! What stands in a line: its end, its bytes, its fields and its time.

use crate::scene::Scene;

#[test]
fn row_37_ends_of_lines_and_empty_lines() {
    let scene = Scene::new();
    scene.folder.write("a.log", "unix\ndos\r\n\nmac\rold\r\r\n");
    scene.read("logs: { files: a.log }");
    // One carriage return belongs to the line's end; others are the line's own, and shown.
    assert_eq!(scene.texts(), ["unix", "dos", "(an empty line)", "mac\\rold\\r"]);
}

#[test]
fn row_38_a_byte_order_mark_is_dropped_at_the_files_beginning_only() {
    let scene = Scene::new();
    scene.folder.write("a.log", "\u{feff}first\nthen \u{feff}\n");
    scene.read("logs: { files: a.log }");
    assert_eq!(scene.texts(), ["first", "then \\u{feff}"]);
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn row_39_utf_16_is_decoded_where_its_mark_or_the_configuration_says_so() {
    for (mark, input) in
        [("\u{feff}", ""), ("", ", encoding: utf-16le"), ("\u{feff}", ", encoding: utf-16le")]
    {
        let scene = Scene::new();
        scene.folder.write("a.log", utf16(&format!("{mark}größer\r\n\u{1f600} 漢字\n")));
        scene.read(&format!("logs: {{ files: a.log{input} }}"));
        assert_eq!(scene.texts(), ["größer", "\u{1f600} 漢字"]);
    }
}

#[test]
fn row_39_utf_16_without_a_mark_is_refused_with_a_notice_that_names_the_key() {
    let scene = Scene::new();
    scene.folder.write("a.log", utf16("one\ntwo\n"));
    scene.folder.write("b.log", "three\n");
    let ended = scene.read("logs: { files: '*.log' }");
    let words = ["a.log`", "is not read", "encoding: utf-16le"];
    assert_eq!(ended.said(&words), 1, "{}", ended.stderr);
    let posted = scene.fallbacks();
    assert!(posted.iter().any(|said| words.iter().all(|word| said.contains(word))), "{posted:?}");
    assert_eq!(scene.texts().into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>(), ["three"]);
}

#[test]
fn latin1_is_decoded() {
    let scene = Scene::new();
    scene.folder.write("a.log", b"gr\xfc\xdfe\n");
    let rule = r#"{ name: one, match: '^grüße$', message: { title: "{{ input }}:{{ file }}", text: "{{ line }}" } }"#;
    let input = "logs: { files: a.log, encoding: latin1 }";
    let ended = scene.launch_with(input, rule).args(["--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scene.texts(), ["grüße"]);
}

#[test]
fn a_stream_is_decoded_as_a_file_is() {
    for (text, said) in [("\u{feff}größer\n", 0), ("only the half of it\n", 1)] {
        let scene = Scene::new();
        let ended = scene.launch("logs: { stdin: true }").output(utf16(text));
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert_eq!(ended.said(&["`encoding: utf-16le`"]), said, "{}", ended.stderr);
        assert_eq!(scene.texts()[0].starts_with("größer"), said == 0, "{:?}", scene.texts());
    }
}

#[test]
fn row_40_invalid_utf_8_is_matched_as_bytes_and_nothing_is_dropped() {
    let scene = Scene::new();
    scene.folder.write("a.log", b"before \xff\xfe after\ncut \xe2\x82\n");
    let rules = r#"{ name: bytes, match: '(?-u:\xff\xfe) (?P<rest>.*)', dedup: off, message: { title: "{{ input }}:{{ file }}", text: "{{ line }} {{ rest }}" } },
                   { name: cut, match: '^cut ', dedup: off, message: { title: "{{ input }}:{{ file }}", text: "{{ line }}" } }"#;
    let ended = scene.launch_with("logs: { files: a.log }", rules).args(["--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scene.texts(), ["before \u{fffd}\u{fffd} after after", "cut \u{fffd}"]);
}

#[test]
fn row_41_what_is_invisible_is_matched_raw_and_shown_escaped() {
    let scene = Scene::new();
    scene.folder.write("a.log", "nul \0 esc \x1b bell \x07 rtl \u{202e} zero \u{200b} end\n");
    let rules = r#"{ name: raw, match: 'nul \x00 esc \x1b .* end$', dedup: off, message: { title: "{{ input }}:{{ file }}", text: "{{ line }}" } }"#;
    let ended =
        scene.launch_with("logs: { files: a.log, ansi: keep }", rules).args(["--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let [text] = &scene.texts()[..] else { panic!("one message: {:?}", scene.texts()) };
    assert!(text.contains("nul \\x00 esc \\x1b bell \\x07 rtl \\u{202e} zero \\u{200b} end"), "{text}");
}

#[test]
fn row_45_a_packed_rotation_is_not_read() {
    let scene = Scene::new();
    scene.folder.write("a.log", "new\n");
    for ending in ["gz", "xz", "zst", "bz2"] {
        scene.folder.write(&format!("a.log.1.{ending}"), b"\x1f\x8b packed\n");
    }
    scene.read("logs: { files: 'a.log*' }");
    assert_eq!(scene.texts(), ["new"]);
}

#[test]
fn a_backlog_raises_no_false_window() {
    let rule = "{ name: many, match: failed, when: { count: 3, within: 1m }, dedup: off, message: { title: \"{{ input }}:{{ file }}\" } }";
    let log = |gap: u32| -> String {
        (0..6).map(|n| format!("2026-01-05T10:{:02}:{:02}Z failed\n", n * gap / 60, n * gap % 60)).collect()
    };
    for (gap, time, alerts) in [(50, "auto", 0), (20, "auto", 2), (50, "read", 2)] {
        let scene = Scene::new();
        scene.folder.write("a.log", log(gap));
        let input = format!("logs: {{ files: a.log, time: {time} }}");
        let ended = scene.launch_with(&input, rule).args(["--until-eof"]).output("");
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert_eq!(scene.texts().len(), alerts, "each {gap} s, time: {time}");
    }
}

#[test]
fn one_rule_forwards_all_that_matters_in_its_own_colour() {
    let scene = Scene::new();
    scene.folder.write(
        "a.log",
        "{\"level\":30,\"msg\":\"fine\"}\n{\"level\":40,\"msg\":\"slow\"}\n{\"level\":\"fatal\",\"msg\":\"down\",\"db\":{\"name\":\"main\"}}\n",
    );
    let rule = r#"{ name: all, where: has(fields.level), severity: { from: level, min: warning },
                   message: { title: "{{ message }} {{ db.name|default('') }}", text: "{{ severity }}" } }"#;
    let ended =
        scene.launch_with("logs: { files: a.log, parse: json }", rule).args(["--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let mut fallbacks = scene.fallbacks();
    fallbacks.sort();
    assert_eq!(fallbacks, ["[CRITICAL] down main", "[WARNING] slow"]);
}

#[test]
fn lines_of_a_stream_are_one_event_until_its_end_or_a_pause() {
    let rule = r#"{ name: one, match: 'declined(?s:.*)at (?P<where>\S+)$', dedup: off,
                   message: { title: "{{ input }}:{{ file }}", text: "{{ where }}" } }"#;
    let trace = "ERROR charge failed\ncom.example.PaymentException: declined\n\tat Pay.charge\n";
    let input =
        |timeout| format!("logs: {{ stdin: true, multiline: {{ preset: java, timeout: {timeout} }} }}");
    let scene = Scene::new();
    let mut agent = scene.launch_with(&input("50ms"), rule).start();
    agent.write(trace);
    assert!(scene.wait_for(1)[0].starts_with("Pay.charge"), "after a pause");
    let scene = Scene::new();
    let ended = scene.launch_with(&input("10m"), rule).output(format!("{trace}\tat Last.line"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(scene.texts()[0].starts_with("Last.line"), "at the end: {:?}", scene.texts());
}
