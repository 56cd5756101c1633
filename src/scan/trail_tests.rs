//! The lines around a match against the whole text, split.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::around::{Around, FOLLOW_WAIT};
use crate::config;
use crate::event::{Origin, Texts};

const START: Time = Time::from_secs(1_000);

fn scanner(context: &str) -> Scanner {
    let yaml = format!(
        "webhooks: {{ w: {{ url: \"https://hooks.slack.com/services/T0/B0/x\" }} }}\ninputs: {{ a: {{ stdin: true }} }}\n\
         rules:\n  - {{ name: r, match: error, context: {context} }}\n  - {{ name: none, match: rr }}\n"
    );
    let config = config::from_str(&yaml, "rules", std::path::Path::new("."), &|_| None).config.unwrap();
    Scanner::new("a", config.inputs[0].line.clone(), config.rules.into(), "host".into())
}

fn file(name: &str) -> Arc<Origin> {
    Arc::new(Origin { input: "a".into(), file: Some(name.into()), stream: None, labels: Texts::new() })
}

/// Each match's lines before, itself, and after, as they are in the end.
type Shown = (Vec<String>, String, Vec<String>);

/// Pieces of files, in the order in which they are read.
struct Reading {
    scanner: Scanner,
    search: Search,
    /// Another thread's.
    other: Search,
    files: Vec<Arc<Origin>>,
    taken: Vec<(usize, String, Arc<Around>)>,
}

impl Reading {
    fn new(context: &str, files: usize) -> Self {
        let scanner = scanner(context);
        let (search, other) = (scanner.search(), scanner.search());
        let files = (0..files).map(|n| file(&n.to_string())).collect();
        Self { scanner, search, other, files, taken: Vec::new() }
    }

    /// Lines of a file, as a block or one by one.
    fn read(&mut self, file: usize, lines: &[Vec<u8>], together: bool, now: Time) {
        let Self { scanner, search, files, taken, .. } = self;
        let common = Lines { origin: &files[file], time: || now };
        let mut take = |found: Match| {
            assert_eq!(found.around.is_some(), found.rule.0 == 0, "a rule without `context` has none");
            let line = found.event.text().into_owned();
            taken.extend(found.around.map(|around| (file, line, around)));
        };
        if together {
            let block: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
            scanner.scan_block(&block, Ends::Read, &common, search, &mut take);
        } else {
            for line in lines {
                let text = line.strip_suffix(b"\r").unwrap_or(line);
                scanner.scan(text, false, &common, search, &mut take);
            }
        }
    }

    /// The same, by another thread.
    fn read_elsewhere(&mut self, file: usize, lines: &[Vec<u8>], together: bool, now: Time) {
        let origin = self.files[file].clone();
        self.other.adopt(&origin, &mut self.search);
        std::mem::swap(&mut self.search, &mut self.other);
        self.read(file, lines, together, now);
        std::mem::swap(&mut self.search, &mut self.other);
        self.search.adopt(&origin, &mut self.other);
    }

    /// Of one file, with as many lines as a rule of this reach shows.
    fn shown(&self, file: usize, reach: Reach) -> Vec<Shown> {
        let of = self.taken.iter().filter(|(of, ..)| *of == file);
        of.map(|(_, line, around)| {
            (around.before(reach.before), line.clone(), around.after_lines(reach.after))
        })
        .collect()
    }
}

/// The oracle: all lines of a file at once.
fn whole(lines: &[Vec<u8>], reach: Reach) -> Vec<Shown> {
    let text =
        |line: &Vec<u8>| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
    let all: Vec<String> = lines.iter().map(text).collect();
    let is_match = |at: &usize| lines[*at].windows(5).any(|part| part == b"error");
    (0..all.len())
        .filter(is_match)
        .map(|at| {
            let before = all[at.saturating_sub(reach.before)..at].to_vec();
            let after = all[at + 1..all.len().min(at + 1 + reach.after)].to_vec();
            (before, all[at].clone(), after)
        })
        .collect()
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("a line holds no end", |byte| *byte != b'\n');
    prop_oneof![
        3 => "(error|err|x|)( [a-z]{1,3})?\r?".prop_map(String::into_bytes),
        1 => prop::collection::vec(byte, 0..6),
    ]
}

proptest! {
    #[test]
    fn however_they_are_read_the_lines_around_are_those_of_the_whole_file(
        pieces in prop::collection::vec(
            (0usize..3, prop::collection::vec(line(), 0..7), any::<bool>(), any::<bool>()),
            0..12,
        ),
        reach in (0usize..5, 0usize..5).prop_map(|(before, after)| Reach { before, after }),
    ) {
        let Reach { before, after } = reach;
        prop_assume!(!reach.is_empty());
        let mut reading = Reading::new(&format!("{{ before: {before}, after: {after} }}"), 3);
        let mut files: [Vec<Vec<u8>>; 3] = Default::default();
        for (file, lines, together, elsewhere) in pieces {
            let read = if elsewhere { Reading::read_elsewhere } else { Reading::read };
            read(&mut reading, file, &lines, together && !lines.is_empty(), START);
            files[file].extend(lines);
        }
        for (file, lines) in files.iter().enumerate() {
            prop_assert_eq!(reading.shown(file, reach), whole(lines, reach), "file {}", file);
        }
    }
}

fn lines(text: &str) -> Vec<Vec<u8>> {
    text.split(' ').map(|line| line.as_bytes().to_vec()).collect()
}

const BOTH: Reach = Reach { before: 2, after: 2 };

#[test]
fn what_a_file_held_before_is_not_around_what_it_holds_now() {
    let mut reading = Reading::new("{ before: 2, after: 2 }", 1);
    reading.read(0, &lines("a error"), true, START);
    reading.search.forget(&reading.files[0]);
    reading.read(0, &lines("b error"), true, START);
    let shown = |before: &str, after: Vec<String>| (vec![before.to_owned()], "error".to_owned(), after);
    assert_eq!(reading.shown(0, BOTH), [shown("a", vec![]), shown("b", vec![])]);
    assert!(reading.taken[0].2.is_settled(2, START), "nothing more is waited for");
}

#[test]
fn a_line_that_comes_too_late_is_not_shown() {
    let mut reading = Reading::new("{ after: 2 }", 1);
    reading.read(0, &lines("error in"), true, START);
    reading.read(0, &lines("late"), true, START + FOLLOW_WAIT);
    assert_eq!(reading.shown(0, BOTH)[0].2, ["in"]);
}

#[test]
fn joined_lines_are_lines_to_those_around() {
    let mut reading = Reading::new("{ before: 2, after: 2 }", 1);
    let group = b"error\n at x\n at y".to_vec();
    for text in [b"one".to_vec(), group.clone(), group] {
        reading.read(0, &[text], false, START);
    }
    let shown = reading.shown(0, BOTH);
    assert_eq!(
        (&shown[0].0[..], &shown[0].2[..]),
        (&["one".to_owned()][..], &["error".to_owned(), " at x".into()][..])
    );
    assert_eq!(shown[1].0, [" at x", " at y"]);
}

#[test]
fn no_line_is_shown_next_to_one_that_was_too_long_to_keep() {
    let mut reading = Reading::new("{ before: 50 }", 1);
    let long = |n: u8| vec![b'a' + n; 600];
    reading.read(0, &lines("near"), true, START);
    reading.read(0, &(0..8).map(long).collect::<Vec<_>>(), true, START);
    reading.read(0, &lines("error"), true, START);
    let before = &reading.shown(0, Reach { before: 50, after: 0 })[0].0;
    assert_eq!(before.iter().map(|line| &line[..2]).collect::<Vec<_>>(), ["ff", "gg", "hh"]);
}

#[test]
fn lines_are_kept_of_so_many_files_and_no_more() {
    let mut reading = Reading::new("{ before: 1 }", 3_000);
    for file in 0..3_000 {
        reading.read(file, &lines("a b"), true, START);
    }
    for file in [0, 2_999] {
        reading.read(file, &lines("error"), true, START);
    }
    assert_eq!(reading.shown(0, BOTH)[0].0, [""; 0]);
    assert_eq!(reading.shown(2_999, BOTH)[0].0, ["b"]);
    assert!(reading.search.trails.len() <= 1_024);
}
