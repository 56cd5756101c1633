//! Inputs of files, seen from outside: which files are read, from where on, and what becomes of their lines.

use serde_json::Value;

use crate::scene::{Posted, Scene, wait_until_read};

#[test]
fn an_appended_line_arrives() {
    let scene = Scene::new();
    scene.folder.write("a.log", "old\n");
    let agent = scene.run("logs: { files: a.log }");
    wait_until_read(&agent, "a.log");
    scene.folder.append("a.log", "new\n");
    assert_eq!(scene.wait_for(1), ["new"]);
    assert_eq!(agent.stop().code(), 0);
    assert_eq!(scene.texts(), ["new"]);
}

#[test]
fn several_globs_and_files_of_one_input() {
    let scene = Scene::new();
    scene.folder.make("sub/deep");
    for name in ["a.log", "b.txt", "sub/c.log", "sub/deep/d.log", "e.md"] {
        scene.folder.write(name, format!("{name}\n"));
    }
    scene.read("logs: { files: ['*.{log,txt}', 'sub/**/*.log'] }");
    let mut texts = scene.texts();
    texts.sort();
    assert_eq!(texts, ["a.log", "b.txt", "sub/c.log", "sub/deep/d.log"]);
}

#[test]
fn of_a_copy_nothing_is_read_at_the_end_of_the_files() {
    let scene = Scene::new();
    let lines: Vec<String> =
        (0..40).map(|n| format!("{n} of a file that is long enough to be known")).collect();
    for name in ["a.log", "b.log"] {
        scene.folder.write(name, lines.join("\n") + "\n");
    }
    scene.read("logs: { files: '*.log' }");
    assert_eq!(scene.texts(), lines);
}

#[test]
fn a_file_that_appears_later_is_read_from_its_beginning() {
    let scene = Scene::new();
    scene.folder.write("a.log", "old\n");
    let agent = scene.run("logs: { files: '*.log' }");
    wait_until_read(&agent, "a.log");
    scene.folder.write("b.log", "first\nsecond\n");
    assert_eq!(scene.wait_for(2), ["first", "second"]);
    scene.folder.append("b.log", "third\n");
    assert_eq!(scene.wait_for(3), ["first", "second", "third"]);
    drop(agent);
}

#[test]
fn a_folder_that_appears_later() {
    let scene = Scene::new();
    let agent = scene.run("logs: { files: 'late/*/x.log', poll: 20ms }");
    agent.wait_for_stderr("names no file yet");
    scene.folder.make("late/one");
    scene.folder.write("late/one/x.log", "one\n");
    assert_eq!(scene.wait_for(1), ["one"]);
    // The folder `late` is there now, and watched.
    scene.folder.make("late/two");
    scene.folder.write("late/two/x.log", "two\n");
    assert_eq!(scene.wait_for(2), ["one", "two"]);
    scene.folder.append("late/two/x.log", "more\n");
    assert_eq!(scene.wait_for(3), ["one", "two", "more"]);
    let ended = agent.stop();
    assert_eq!(ended.said(&["names no file yet"]), 1, "{}", ended.stderr);
}

#[test]
fn many_folders_that_appear_at_once() {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/ready.log", "");
    let agent = scene.run("logs: { files: ['logs/**/*.log'] }");
    wait_until_read(&agent, "ready.log");
    let begin = std::time::Instant::now();
    for n in 0..40 {
        scene.folder.make(&format!("logs/{n}/in"));
        scene.folder.write(&format!("logs/{n}/in/x.log"), format!("{n}\n"));
    }
    scene.wait_for(40);
    // A folder in which a file was made before it was watched must not wait for the next look.
    assert!(begin.elapsed().as_secs() < 8, "{:?}", begin.elapsed());
    drop(agent);
}

#[test]
fn start_says_where_to_begin() {
    for (start, expected) in [("end", vec!["new"]), ("beginning", vec!["old", "new"])] {
        let scene = Scene::new();
        scene.folder.write("a.log", "old\n");
        let agent = scene.run(&format!("logs: {{ files: a.log, start: {start} }}"));
        wait_until_read(&agent, "a.log");
        scene.folder.append("a.log", "new\n");
        scene.wait_for(expected.len());
        agent.stop();
        assert_eq!(scene.texts(), expected, "start: {start}");
    }
}

#[test]
fn a_line_that_was_being_written_at_the_start_is_read_whole() {
    let scene = Scene::new();
    scene.folder.write("a.log", "old\nunfini");
    scene.folder.write("b.log", "only");
    let agent = scene.run("logs: { files: '*.log' }");
    wait_until_read(&agent, "a.log");
    wait_until_read(&agent, "b.log");
    scene.folder.append("a.log", "shed\n");
    assert_eq!(scene.wait_for(1), ["unfinished"]);
    scene.folder.append("b.log", " one\n");
    assert_eq!(scene.wait_for(2), ["unfinished", "only one"]);
    agent.stop();
    assert_eq!(scene.texts(), ["unfinished", "only one"]);
}

#[test]
fn row_31_a_line_in_many_pieces_is_one() {
    let scene = Scene::new();
    let agent = scene.run("logs: { files: '*.log', poll: 20ms }");
    agent.wait_for_stderr("names no file yet");
    for piece in ["one ", "line ", "in ", "pieces\r", "\nne", "xt\n"] {
        scene.folder.append("a.log", piece);
    }
    assert_eq!(scene.wait_for(2), ["one line in pieces", "next"]);
    drop(agent);
}

#[test]
fn row_14_two_globs_of_an_input_name_a_file_once_and_two_inputs_twice() {
    let scene = Scene::new();
    scene.folder.write("a.log", "old\n");
    let agent = scene.run("one: { files: ['*.log', a.log, 'a.*'] }, two: { files: a.log }");
    agent.wait_for_stderr("reading input=one");
    agent.wait_for_stderr("reading input=two");
    scene.folder.append("a.log", "new\n");
    scene.wait_for(2);
    agent.stop();
    let mut posted = scene.posted();
    posted.sort();
    let expected = ["one", "two"].map(|input| Posted {
        input: input.to_owned(),
        file: "a.log".to_owned(),
        text: "new".to_owned(),
    });
    assert_eq!(posted, expected);
}

#[test]
fn row_14_a_hard_link_is_read_once_whatever_name_it_is_written_by() {
    let scene = Scene::new();
    scene.folder.write("a.log", "old\n");
    std::fs::hard_link(scene.folder.path("a.log"), scene.folder.path("b.log")).unwrap();
    let agent = scene.run("logs: { files: '*.log' }");
    wait_until_read(&agent, "a.log");
    let begin = std::time::Instant::now();
    for (n, name) in (1..).zip(["a.log", "b.log", "a.log", "b.log"]) {
        scene.folder.append(name, format!("{n}\n"));
        scene.wait_for(n);
    }
    assert!(begin.elapsed().as_secs() < 8, "the events of both names lead to it: {:?}", begin.elapsed());
    agent.stop();
    assert_eq!(scene.texts(), ["1", "2", "3", "4"]);
}

#[test]
fn what_is_excluded_is_left_out() {
    let scene = Scene::new();
    scene.folder.make("old");
    for name in ["a.log", "b.log", "a.debug.log", "old/c.log"] {
        scene.folder.write(name, format!("{name}\n"));
    }
    scene.read("logs: { files: ['**/*.log', b.log], exclude: ['*.debug.log', old/*, b.log] }");
    assert_eq!(scene.texts(), ["a.log"]);
}

#[test]
fn compressed_rotations_are_not_read_unless_asked_for() {
    let scene = Scene::new();
    for name in ["a.log", "a.log.1", "a.log.2.gz", "a.log.3.xz", "a.log.4.zst", "a.log.5.bz2"] {
        scene.folder.write(name, format!("{name}\n"));
    }
    scene.read("logs: { files: '*.log*' }");
    assert_eq!(scene.texts(), ["a.log", "a.log.1"]);
    let scene = Scene::new();
    scene.folder.write("a.gz", "not compressed\n");
    scene.read("logs: { files: '*', exclude: '*.yaml' }");
    assert_eq!(scene.texts(), ["not compressed"]);
}

#[test]
fn until_eof_reads_all_of_it_and_reports() {
    let scene = Scene::new();
    scene.folder.write("a.log", "one\r\ntwo\n\nlast");
    scene.folder.write("b.log", "");
    let ended = scene
        .launch("logs: { files: '*.log' }, none: { files: missing.log }")
        .args(["--until-eof", "--report", "report.json"])
        .output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scene.texts(), ["one", "two", "(an empty line)", "last"]);
    assert_eq!(ended.said(&["hooktail: 4 lines (14 bytes), 4 matches, 4 alerts posted in"]), 1);
    let report: Value = serde_json::from_str(&scene.folder.read("report.json")).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&report), ["lines", "bytes", "seconds", "inputs", "rules", "webhooks"]);
    assert_eq!((&report["lines"], &report["bytes"]), (&4.into(), &14.into()));
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(keys(&report["inputs"]), ["logs", "none"]);
    assert_eq!(report["inputs"]["logs"]["lines"], 4);
    assert_eq!(report["inputs"]["none"]["lines"], 0);
    let rule = &report["rules"]["all"];
    for key in ["matches", "below_when", "silenced", "joined", "throttled", "posted", "timed"] {
        let expected = if matches!(key, "matches" | "posted") { 4 } else { 0 };
        assert_eq!(rule[key], expected, "{key}");
    }
    let hook = &report["webhooks"]["hook"];
    assert_eq!((&hook["attachments"], &hook["retries"], &hook["dead"]), (&4.into(), &0.into(), &0.into()));
    assert!(hook["messages"].as_u64().is_some_and(|messages| (1..=4).contains(&messages)));
}

#[test]
fn until_eof_does_not_wait_for_what_is_missing() {
    let scene = Scene::new();
    let ended = scene.read("logs: { files: [missing.log, 'none/*.log'] }");
    assert_eq!(ended.said(&["missing.log", "names no file"]), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["none/*.log", "names no file"]), 1, "{}", ended.stderr);
    assert_eq!(ended.said(&["waiting"]), 0, "nothing is waited for: {}", ended.stderr);
}

#[test]
fn bytes_that_are_no_text_are_shown_and_lose_nothing() {
    let scene = Scene::new();
    scene.folder.write("a.log", b"a\xff\xfeb\nc\rd\n\xe2\x82\n");
    scene.read("logs: { files: a.log }");
    assert_eq!(scene.texts(), ["a\u{fffd}\u{fffd}b", "c\\rd", "\u{fffd}"]);
}

#[test]
fn a_long_line_is_cut_and_said_to_be() {
    let scene = Scene::new();
    let exact = "e".repeat(100);
    let long = format!("{}{}", "l".repeat(100), "x".repeat(300_000));
    scene.folder.write("a.log", format!("{exact}\r\n{long}\nnext\n{long}"));
    let ended = scene.launch("logs: { files: a.log, max_line: 100 }");
    let ended = ended.args(["--until-eof", "--report", "report.json"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let texts = scene.texts();
    assert_eq!(texts.len(), 4, "{texts:?}");
    let cut = "The line was cut at the input's `max_line`.";
    assert_eq!(texts[0], exact);
    assert_eq!(texts[1], format!("{}\n{cut}", "l".repeat(100)));
    assert_eq!(texts[2], "next");
    assert_eq!(texts[3], texts[1]);
    let report: Value = serde_json::from_str(&scene.folder.read("report.json")).unwrap();
    assert_eq!(report["inputs"]["logs"]["truncated"], 2);
    assert_eq!(report["bytes"], scene.folder.read("a.log").len());
}

#[test]
fn colours_are_stripped_or_kept() {
    for (ansi, expected) in [
        ("", "ERROR: disk"),
        (", ansi: strip", "ERROR: disk"),
        (", ansi: keep", "\\x1b[31mERROR\\x1b[0m: disk"),
    ] {
        let scene = Scene::new();
        scene.folder.write("a.log", "\x1b[31mERROR\x1b[0m: disk\n");
        scene.read(&format!("logs: {{ files: a.log{ansi} }}"));
        assert_eq!(scene.texts(), [expected], "{ansi}");
    }
}

#[test]
fn labels_are_fields_of_the_message() {
    let scene = Scene::new();
    scene.folder.write("a.log", "x\n");
    scene.folder.write(
        "labels.yaml",
        format!(
            "webhooks: {{ hook: {{ url: \"{}\" }} }}\n\
             inputs: {{ logs: {{ files: a.log, labels: {{ service: checkout, team: '7' }} }} }}\n\
             rules: [{{ name: r, match: x, where: 'labels.service == \"checkout\" && team == 7',\n\
             message: {{ title: \"{{{{ service }}}} of {{{{ labels.team }}}}\" }} }}]\n",
            scene.receiver.url(crate::receiver::HOOK)
        ),
    );
    let ended = crate::agent::Launch::new(["run", "-c", "labels.yaml", "--until-eof"])
        .folder(&scene.folder.path(""))
        .output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let messages = scene.receiver.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].attachments[0].title.as_deref(), Some("checkout of 7"));
}

#[test]
fn five_hundred_files_at_once() {
    let scene = Scene::new();
    scene.folder.make("logs");
    let name = |n: usize| format!("logs/{n:03}.log");
    for n in 0..500 {
        scene.folder.write(&name(n), "old\n");
    }
    let agent = scene.run("logs: { files: 'logs/*.log' }");
    wait_until_read(&agent, "499.log");
    for n in 0..500 {
        scene.folder.append(&name(n), format!("{n}\n"));
    }
    scene.wait_for(500);
    let ended = agent.stop();
    let mut numbers: Vec<usize> = scene.texts().iter().map(|text| text.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>(), "{}", ended.stderr);
}

#[test]
fn the_order_within_a_file_is_kept() {
    let scene = Scene::new();
    let all = |file: &str| (0..300).map(|n| format!("{file}{n}\n")).collect::<String>();
    for file in ["a", "b"] {
        scene.folder.write(&format!("{file}.log"), all(file));
    }
    scene.read("logs: { files: '*.log' }");
    let posted = scene.posted();
    assert_eq!(posted.len(), 600);
    for file in ["a", "b"] {
        let own = posted.iter().filter(|posted| posted.file == format!("{file}.log"));
        let own: String = own.map(|posted| format!("{}\n", posted.text)).collect();
        assert_eq!(own, all(file));
    }
}
