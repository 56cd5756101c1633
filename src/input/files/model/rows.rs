//! Cases that need a file system of their own: another device, sizes and times that are wrong, reads that fail.

use std::path::Path;

use crate::line::LineSpec;

use super::super::lanes::Lanes;
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

/// Rotation makes the copy just when it is looked at: first it is empty, then it is there.
#[test]
fn row_19_a_copy_that_is_being_made_is_known() {
    for threads in [1, 2] {
        let mut bench = bench();
        (bench.manner.threads, bench.input) = (threads, None);
        let read = "a line that is long enough\n".repeat(50);
        bench.append(read.as_bytes());
        bench.after(0);
        bench.given.clear();
        {
            let mut world = bench.world.borrow_mut();
            let copy = world.create("/l/b.log", 2);
            world.growing.insert(copy, read.clone().into_bytes());
        }
        bench.after(SECOND);
        assert!(bench.world.borrow().growing.is_empty());
        bench.assert_given(&[]);
        let original = bench.world.borrow().inode(Path::new(PATH)).expect("it is there");
        bench.world.borrow_mut().change(original, Vec::clear);
        bench.append(b"after it was truncated\n");
        bench.after(SECOND);
        bench.after(2 * SECOND);
        bench.assert_given(&["after it was truncated"]);
        assert!(bench.notices.is_empty(), "{:?}", bench.notices);
    }
}

/// It was truncated while nothing ran, its copy was read to the end, and then that ended too.
#[test]
fn row_19_what_was_read_on_in_a_copy_is_not_told_as_a_gap() {
    let mut bench = bench();
    let read = "a line that is long enough\n".repeat(50);
    bench.append(read.as_bytes());
    bench.after(0);
    bench.given.clear();
    let original = bench.world.borrow().inode(Path::new(PATH)).expect("it is there");
    bench.take(Step::Crash);
    {
        let mut world = bench.world.borrow_mut();
        let copy = world.create("/l/b.log", 2);
        world.change(copy, |content| content.extend_from_slice(format!("{read}the rest\n").as_bytes()));
        world.change(original, Vec::clear);
    }
    bench.after(SECOND);
    bench.assert_given(&["the rest"]);
    bench.take(Step::Crash);
    bench.append(format!("{}\n", "x".repeat(2000)).as_bytes());
    bench.after(SECOND);
    bench.after(SECOND);
    bench.assert_given(&["the rest", &"x".repeat(2000)]);
    assert!(bench.notices.is_empty(), "{:?}", bench.notices);
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

#[test]
fn as_many_threads_read_as_there_are_to_be_and_files_that_have_grown() {
    for (threads, files, readers) in [(1, 3, 1), (2, 3, 2), (3, 3, 3), (3, 2, 2), (3, 1, 1)] {
        let mut bench = bench();
        (bench.manner.threads, bench.input) = (threads, None);
        let others = ["/l/b.log", "/l/c.log"].map(|path| bench.world.borrow_mut().create(path, 2));
        bench.append(b"one\n");
        for other in &others[..files - 1] {
            bench.world.borrow_mut().change(*other, |content| content.extend_from_slice(b"one\n"));
        }
        bench.after(SECOND);
        assert_eq!(bench.world.borrow().readers.len(), readers, "{threads} threads, {files} files");
        assert_eq!(bench.given.len(), files);
    }
}

#[test]
fn where_no_thread_can_be_made_one_reads_all() {
    let mut bench = bench();
    bench.take(Step::Poll);
    let (input, _) = bench.input.as_mut().expect("it was polled");
    input.lanes = Lanes::new(3).for_shares_of(1).without_threads();
    for path in [PATH, "/l/b.log", "/l/c.log"] {
        set(&bench, path, "one\ntwo\n");
    }
    bench.after(SECOND);
    bench.given.sort();
    bench.assert_given(&["one", "one", "one", "two", "two", "two"]);
    assert_eq!(bench.world.borrow().readers.len(), 1);
}

/// Gives a file this content.
fn set(bench: &Bench, path: &str, text: &str) {
    let mut world = bench.world.borrow_mut();
    world.now += SECOND / 10;
    let inode = world.inode(path.as_ref()).unwrap_or_else(|| world.create(path, 2));
    world.change(inode, |content| *content = text.as_bytes().to_vec());
}

/// A copy that is there from the first, a rotation by copying with lines that only its copy has, or by truncating alone, and
/// other files that fill batches meanwhile: after whichever batch it is killed, each line is handed on once.
#[test]
fn a_kill_within_a_round_repeats_nothing() {
    let lines = |file: char, some: std::ops::Range<usize>| -> String {
        some.map(|n| format!("{file} {n:04} {}\n", "x".repeat(1_500))).collect()
    };
    for threads in [1, 2, 3] {
        for (killed, copied) in [(1, true), (2, true), (2, false)] {
            let only_copied = if copied { lines('a', 20..25) } else { String::new() };
            let all =
                [lines('a', 0..20), only_copied, lines('a', 25..27), lines('c', 0..30), lines('e', 0..30)];
            let all = all.concat();
            let mut batches = 0;
            let mut goes_on = true;
            while goes_on {
                let mut bench = bench();
                (bench.manner.threads, bench.manner.batch_lines, bench.input) = (threads, 1, None);
                let mut poll = |bench: &mut Bench, number| {
                    bench.poll();
                    if number == killed {
                        goes_on = bench.crash_after(batches);
                    }
                    bench.after(2 * SECOND);
                };
                set(&bench, PATH, &lines('a', 0..20));
                set(&bench, "/l/b.log", &lines('a', 0..20));
                set(&bench, "/l/c.log", &lines('c', 0..5));
                poll(&mut bench, 1);
                if copied {
                    set(&bench, "/l/d.log", &lines('a', 0..25));
                }
                set(&bench, PATH, &lines('a', 25..27));
                set(&bench, "/l/c.log", &lines('c', 0..30));
                set(&bench, "/l/e.log", &lines('e', 0..30));
                poll(&mut bench, 2);
                poll(&mut bench, 3);
                let mut given: Vec<_> =
                    bench.given.iter().map(|line| String::from_utf8_lossy(line)).collect();
                given.sort();
                let what = format!("{threads} threads, killed after {batches} batches of poll {killed}");
                assert_eq!(given, all.lines().collect::<Vec<_>>(), "{what}");
                batches += 1;
            }
        }
    }
}
