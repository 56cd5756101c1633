//! Cases that need a file system of their own: another device, sizes and times that are wrong, reads that fail.

use std::path::Path;

use crate::line::LineSpec;

use super::bench::{Bench, PATH, SECOND, Step};

const DAY: i64 = 24 * 3600 * SECOND;

fn bench() -> Bench {
    Bench::new(LineSpec::default())
}

impl Bench {
    /// Polls at the end of that time, and commits.
    fn after(&mut self, nanos: i64) {
        self.world.borrow_mut().now += nanos;
        self.poll();
        self.commit();
    }

    #[track_caller]
    fn assert_given(&self, lines: &[&str]) {
        let given: Vec<_> = self.given.iter().map(|line| String::from_utf8_lossy(line)).collect();
        assert_eq!(given, lines);
    }
}

#[test]
fn row_12_a_file_of_few_bytes_is_read_at_once() {
    for length in [1, 2, 15, 16, 17, 255, 1000] {
        let mut bench = bench();
        let line = "x".repeat(length - 1);
        bench.append(format!("{line}\n").as_bytes());
        bench.after(0);
        bench.assert_given(&[&line]);
    }
}

#[test]
fn row_19_of_a_copy_only_what_was_not_read_is_read() {
    let mut bench = bench();
    let read = "a line that is long enough\n".repeat(50);
    bench.append(read.as_bytes());
    bench.after(0);
    bench.given.clear();
    let copy = bench.world.borrow_mut().create("/l/b.log", 2);
    bench.world.borrow_mut().change(copy, |content| content.extend_from_slice(read.as_bytes()));
    bench.after(SECOND);
    bench.world.borrow_mut().change(copy, |content| content.extend_from_slice(b"more\n"));
    bench.after(SECOND);
    bench.assert_given(&["more"]);
}

#[test]
fn row_20_another_device_number_changes_nothing() {
    let mut bench = bench();
    bench.append(b"one\ntwo\n");
    bench.after(0);
    bench.take(Step::Crash);
    bench.world.borrow_mut().device += 1;
    bench.append(b"three\n");
    bench.after(SECOND);
    bench.assert_given(&["one", "two", "three"]);
}

#[test]
fn row_22_a_file_that_returns_within_seven_days_is_read_on() {
    for (days, again) in [(6, false), (8, true)] {
        let mut bench = bench();
        bench.append(b"one\n");
        bench.after(0);
        let away = Path::new("/elsewhere/a.log");
        bench.world.borrow_mut().rename(PATH.as_ref(), away);
        bench.world.borrow_mut().create(PATH, 2);
        (0..9).for_each(|_| bench.after(10 * SECOND));
        bench.take(Step::Crash);
        (0..days).for_each(|_| bench.after(DAY));
        bench.world.borrow_mut().rename(away, "/l/b.log".as_ref());
        bench.after(SECOND);
        bench.assert_given(if again { &["one", "one"] } else { &["one"] });
    }
}

#[test]
fn row_28_a_size_that_is_wrong_for_a_moment_is_waited_for() {
    let mut bench = bench();
    bench.append(b"one\ntwo\n");
    bench.after(0);
    for lie in [1, 4, 7, 8] {
        bench.world.borrow_mut().lie = lie;
        (0..4).for_each(|_| bench.after(SECOND / 5));
        bench.world.borrow_mut().lie = 0;
        bench.after(SECOND / 5);
        bench.after(SECOND);
    }
    bench.append(b"three\n");
    bench.after(SECOND);
    bench.assert_given(&["one", "two", "three"]);
    // What stays shorter was truncated.
    bench.world.borrow_mut().lie = 10;
    (0..3).for_each(|_| bench.after(SECOND));
    bench.assert_given(&["one", "two", "three", "one"]);
}

#[test]
fn row_33_a_last_line_without_an_end_is_told_when_its_file_is_closed() {
    let mut bench = bench();
    bench.append(b"one\nthe last");
    bench.after(0);
    bench.assert_given(&["one"]);
    bench.world.borrow_mut().rename(PATH.as_ref(), "/elsewhere/a.log".as_ref());
    bench.world.borrow_mut().create(PATH, 2);
    (0..5).for_each(|_| bench.after(10 * SECOND));
    bench.assert_given(&["one", "the last"]);
}

#[test]
fn row_53_to_55_without_any_event_looking_is_enough() {
    let mut bench = bench();
    let mut lines = Vec::new();
    for n in 0..5 {
        bench.append(format!("{n}\n").as_bytes());
        lines.push(n.to_string());
        let path = format!("/l/{}.log", ["b", "c", "d", "e", "f"][n]);
        let other = bench.world.borrow_mut().create(&path, 2 + n as u64);
        bench.world.borrow_mut().change(other, |content| content.extend_from_slice(b"other\n"));
        lines.push("other".to_owned());
        bench.after(SECOND);
    }
    bench.assert_given(&lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn row_61_a_file_that_fails_to_be_read_is_tried_again_and_known_by_its_content() {
    let mut bench = bench();
    bench.append(b"one\n");
    bench.after(0);
    bench.append(b"two\n");
    bench.world.borrow_mut().failing = 3;
    bench.after(SECOND);
    bench.assert_given(&["one"]);
    (0..5).for_each(|_| bench.after(10 * SECOND));
    bench.assert_given(&["one", "two"]);
    // What has taken its name meanwhile is another file.
    bench.append(b"three\n");
    bench.world.borrow_mut().failing = 1;
    bench.after(SECOND);
    bench.world.borrow_mut().unlink(PATH.as_ref());
    bench.world.borrow_mut().create(PATH, 2);
    bench.append(b"new\n");
    (0..5).for_each(|_| bench.after(10 * SECOND));
    bench.assert_given(&["one", "two", "new"]);
    let told: Vec<&str> = bench.notices.iter().map(|notice| &*notice.text).collect();
    assert!(matches!(told[..], [told] if told.contains("went away unobserved")), "{told:?}");
}

#[test]
fn row_77_a_files_time_decides_nothing() {
    for changed in [0, i64::MAX / 2] {
        let mut bench = bench();
        for line in ["one\n", "two\n"] {
            bench.append(line.as_bytes());
            let mut world = bench.world.borrow_mut();
            let inode = world.inode(PATH.as_ref()).expect("it is there");
            world.files.get_mut(&inode).expect("it is there").changed = changed;
            drop(world);
            bench.after(SECOND);
        }
        bench.assert_given(&["one", "two"]);
    }
}
