//! One file against an oracle that has the whole of it: however it is written, cut by polls, and read again after
//! crashes, what is handed on is what the whole file says.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::line::encoding::Encoding;
use crate::line::join::{Joins, Multiline};
use crate::line::{Ansi, LineSpec};

use super::bench::{Bench, PATH, SECOND, Step};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => Just(Step::Poll), 2 => Just(Step::Commit), 1 => Just(Step::Crash)]
}

fn spec(encoding: Option<Encoding>, line_bytes_max: usize) -> LineSpec {
    LineSpec { encoding, line_bytes_max, ansi: Ansi::Keep, ..LineSpec::default() }
}

fn encoded(text: &[u16], encoding: Encoding) -> Vec<u8> {
    let bytes = |unit: &u16| match encoding {
        Encoding::Utf16Le => unit.to_le_bytes(),
        _ => unit.to_be_bytes(),
    };
    text.iter().flat_map(bytes).collect()
}

/// Lines of characters of one unit and of two, and of halves.
fn units() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        2 => Just(vec![0x0a]),
        1 => Just(vec![0x0d, 0x0a]),
        4 => (0x61u16..0x64).prop_map(|unit| vec![unit]),
        1 => Just(vec![0x0a0a]),
        1 => Just(vec![0xd83d, 0xde00]),
        1 => Just(vec![0xd83d]),
        1 => Just(vec![0xde00]),
        1 => (1u16..).prop_map(|unit| vec![unit]),
    ];
    proptest::collection::vec(unit, 0..120).prop_map(|units| units.concat())
}

/// Each line of the whole file, as `max_line` cuts it.
fn lines(units: &[u16], line_bytes_max: usize) -> Vec<Vec<u8>> {
    let line = |line: &[u16]| {
        let line = line.strip_suffix(&[0x0d]).unwrap_or(line);
        let mut kept = &line[..line.len().min(line_bytes_max / 2)];
        if kept.len() < line.len() && kept.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            kept = &kept[..kept.len() - 1];
        }
        String::from_utf16_lossy(kept).into_bytes()
    };
    let mut lines: Vec<_> = units.split(|unit| *unit == 0x0a).map(line).collect();
    lines.pop();
    lines
}

/// The groups of whole lines, by brute force.
fn groups(lines: &[Vec<u8>], breaks: &BTreeSet<usize>, lines_max: usize, bytes_max: usize) -> Vec<Vec<u8>> {
    let mut groups: Vec<Vec<&[u8]>> = Vec::new();
    let mut complete = true;
    for (number, line) in lines.iter().enumerate() {
        let kept = &line[..line.len().min(bytes_max)];
        let bytes = |group: &Vec<&[u8]>| group.iter().map(|line| line.len() + 1).sum::<usize>();
        match groups.last_mut() {
            Some(group)
                if !complete
                    && !breaks.contains(&number)
                    && kept.first() != Some(&b'[')
                    && bytes(group) + kept.len() < bytes_max =>
            {
                group.push(kept);
            }
            _ => groups.push(vec![kept]),
        }
        complete = line.len() > bytes_max || groups.last().is_some_and(|group| group.len() == lines_max);
    }
    groups.iter().map(|group| group.join(&b'\n')).collect()
}

proptest! {
    #[test]
    fn row_48_lines_are_joined_as_those_of_the_whole_file(
        lines in proptest::collection::vec((any::<bool>(), 0usize..12, 0u8..26), 0..40),
        lines_max in 2usize..5,
        bytes_max in prop_oneof![Just(400usize), 8usize..24],
        pieces in proptest::collection::vec(
            (1usize..30, proptest::collection::vec(
                prop_oneof![3 => Just(Step::Poll), 2 => Just(Step::Commit), 1 => Just(Step::Crash), 1 => Just(Step::Quiet)],
                0..3,
            )),
            1..30,
        ),
    ) {
        let line = |(starts, length, letter): (bool, usize, u8)| {
            let text = vec![b'a' + letter; length];
            [if starts { &b"["[..] } else { b" " }, &text].concat()
        };
        let lines: Vec<Vec<u8>> = lines.into_iter().map(line).collect();
        let by = Joins::Start(regex::bytes::Regex::new(r"^\[").expect("a good regex"));
        let multiline = Multiline { by, timeout: Duration::from_secs(1), lines_max };
        let mut bench = Bench::new(LineSpec { multiline: Some(multiline), ..spec(None, bytes_max) });
        let file: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
        let mut rest = &file[..];
        for (length, steps) in pieces {
            let (piece, more) = rest.split_at(length.min(rest.len()));
            bench.append(piece);
            steps.into_iter().for_each(|step| bench.take(step));
            rest = more;
        }
        bench.append(rest);
        bench.take(Step::Quiet);
        bench.take(Step::Commit);
        let expected = groups(&lines, &bench.breaks, lines_max, bytes_max);
        prop_assert_eq!(
            bench.given.iter().map(|text| String::from_utf8_lossy(text)).collect::<Vec<_>>(),
            expected.iter().map(|text| String::from_utf8_lossy(text)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn row_39_utf16_is_read_as_the_whole_file_says(
        units in units(),
        big in any::<bool>(),
        marked in any::<bool>(),
        line_bytes_max in prop_oneof![Just(400usize), 4usize..12],
        pieces in proptest::collection::vec((1usize..40, step(), step()), 1..30),
    ) {
        prop_assume!(!matches!(units.first(), Some(0xfeff | 0xfffe)));
        let encoding = if big { Encoding::Utf16Be } else { Encoding::Utf16Le };
        let mut bench = Bench::new(spec((!marked).then_some(encoding), line_bytes_max));
        let mark: &[u16] = if marked { &[0xfeff] } else { &[] };
        let file = encoded(&[mark, &units, &[0x0a]].concat(), encoding);
        let mut rest = &file[..];
        for (length, first, second) in pieces {
            let (piece, more) = rest.split_at(length.min(rest.len()));
            bench.append(piece);
            [first, second].into_iter().for_each(|step| bench.take(step));
            rest = more;
        }
        bench.append(rest);
        bench.take(Step::Poll);
        bench.take(Step::Commit);
        prop_assert_eq!(bench.given, lines(&[&units[..], &[0x0a]].concat(), line_bytes_max));
        prop_assert!(bench.notices.is_empty());
    }
}

#[test]
fn row_39_utf16_that_does_not_say_so_is_refused_until_it_is_named() {
    for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
        let units: Vec<u16> = "one\ntwo\n".encode_utf16().collect();
        let mut bench = Bench::new(spec(None, 400));
        bench.append(&encoded(&units, encoding));
        for _ in 0..3 {
            bench.world.borrow_mut().now += 60 * SECOND;
            bench.poll();
            bench.commit();
        }
        let told: Vec<&str> = bench.notices.iter().map(|notice| &*notice.text).collect();
        let named = format!("write `encoding: {}`", encoding.name());
        assert!(matches!(told[..], [told] if told.contains(PATH) && told.contains(&named)), "{told:?}");
        assert_eq!(bench.given, [b""; 0]);
        // With the key, all of it is read.
        (bench.manner.line, bench.input) = (spec(Some(encoding), 400), None);
        bench.poll();
        bench.commit();
        assert_eq!(bench.given, [b"one", b"two"]);
    }
}

#[test]
fn a_writer_of_utf16_goes_on_after_a_truncation_without_a_new_mark() {
    let text = |text: &str| encoded(&text.encode_utf16().collect::<Vec<_>>(), Encoding::Utf16Be);
    let mut bench = Bench::new(spec(None, 400));
    bench.append(&text("\u{feff}one\ntwo\n"));
    bench.poll();
    let inode = bench.world.borrow().inode(PATH.as_ref()).unwrap();
    for hole in [0, 18] {
        bench.world.borrow_mut().change(inode, |content| *content = vec![0; hole]);
        bench.append(&text("three\n"));
        for _ in 0..3 {
            bench.world.borrow_mut().now += 2 * SECOND;
            bench.poll();
        }
    }
    bench.commit();
    assert_eq!(bench.given, [&b"one"[..], b"two", b"three", b"three"]);
    assert!(bench.notices.is_empty(), "{:?}", bench.notices);
}

#[test]
fn row_38_a_mark_is_taken_off_at_the_files_beginning_and_nowhere_else() {
    let mut bench = Bench::new(spec(None, 400));
    for piece in ["\u{feff}", "one\n", "\u{feff}two\n"] {
        bench.append(piece.as_bytes());
        [Step::Poll, Step::Commit, Step::Crash].into_iter().for_each(|step| bench.take(step));
    }
    assert_eq!(bench.given, [b"one".to_vec(), "\u{feff}two".into()]);
}
