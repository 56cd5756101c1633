//! Bytes in any pieces, against a plain split of the whole.

use super::*;
use proptest::prelude::*;

fn split(pieces: &[&[u8]], line_bytes_max: usize) -> Vec<(Vec<u8>, bool)> {
    split_as(None, pieces, line_bytes_max)
}

fn split_as(encoding: Option<Encoding>, pieces: &[&[u8]], line_bytes_max: usize) -> Vec<(Vec<u8>, bool)> {
    let spec = LineSpec { line_bytes_max, encoding, ..LineSpec::default() };
    let one_by_one = feed(pieces, &spec, |splitter, lines| {
        while let Some(line) = splitter.next_line() {
            lines.push((line.bytes.to_vec(), line.truncated));
        }
    });
    let together = feed(pieces, &spec, |splitter, lines| {
        while let Some(piece) = splitter.next_piece() {
            match piece {
                Piece::Lines(block) => {
                    assert_eq!(block.last(), Some(&b'\n'));
                    // A bound is one of bytes as they are read.
                    lines.extend(whole(block, usize::MAX));
                }
                Piece::One(line) => lines.push((line.bytes.to_vec(), line.truncated)),
            }
        }
    });
    assert_eq!(one_by_one, together);
    together
}

fn feed(
    pieces: &[&[u8]],
    spec: &LineSpec,
    take: impl Fn(&mut Splitter, &mut Vec<(Vec<u8>, bool)>),
) -> Vec<(Vec<u8>, bool)> {
    let mut splitter = Splitter::of_stream(spec);
    let mut lines = Vec::new();
    for mut piece in pieces.iter().copied() {
        while !piece.is_empty() {
            let room = splitter.room();
            let taken = piece.len().min(room.len());
            room[..taken].copy_from_slice(&piece[..taken]);
            splitter.filled(taken);
            piece = &piece[taken..];
            take(&mut splitter, &mut lines);
        }
    }
    while let Some(line) = splitter.finish() {
        lines.push((line.bytes.to_vec(), line.truncated));
    }
    lines
}

/// The oracle: the whole text at once.
fn whole(text: &[u8], line_bytes_max: usize) -> Vec<(Vec<u8>, bool)> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last() == Some(&&b""[..]) {
        lines.pop();
    }
    lines
        .into_iter()
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .map(|line| (line[..line.len().min(line_bytes_max)].to_vec(), line.len() > line_bytes_max))
        .collect()
}

/// The oracle of UTF-16: all code units at once, and the bytes of the last one if they are not whole.
fn whole_utf16(units: &[u16], half: bool, line_bytes_max: usize) -> Vec<(Vec<u8>, bool)> {
    let mut lines: Vec<&[u16]> = units.split(|unit| *unit == 0x0a).collect();
    if lines.last().is_some_and(|last| last.is_empty()) && !half {
        lines.pop();
    }
    let last = lines.len().saturating_sub(1);
    let line = |(number, line): (usize, &&[u16])| {
        let half = half && number == last;
        let line = if half { line } else { line.strip_suffix(&[0x0d]).unwrap_or(line) };
        let truncated = line.len() * 2 + usize::from(half) > line_bytes_max;
        let mut kept = &line[..line.len().min(line_bytes_max / 2)];
        if truncated && kept.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            kept = &kept[..kept.len() - 1];
        }
        let mut text = String::from_utf16_lossy(kept);
        if half && !truncated {
            text.push('\u{fffd}');
        }
        (text.into_bytes(), truncated)
    };
    lines.iter().enumerate().map(line).collect()
}

#[test]
fn ends_of_lines() {
    let lines = split(&[b"a\nb\r\n\nc\rd\r\r\nlast"], 100);
    let texts: Vec<&[u8]> = lines.iter().map(|(line, _)| &line[..]).collect();
    assert_eq!(texts, [&b"a"[..], b"b", b"", b"c\rd\r", b"last"]);
}

#[test]
fn a_long_line_is_cut_and_the_next_one_is_whole() {
    assert_eq!(
        split(&[b"0123456789", b"0123456789\nnext\n"], 4),
        [(b"0123".to_vec(), true), (b"next".to_vec(), false)]
    );
}

#[test]
fn row_35_and_36_a_line_of_a_gigabyte_takes_constant_memory() {
    for encoding in Encoding::ALL {
        a_gigabyte_as(encoding);
    }
}

fn a_gigabyte_as(encoding: Encoding) {
    let mut splitter = Splitter::new(1024);
    splitter.read_as(encoding);
    let mut lines = 0;
    for _ in 0..(1 << 30) / READ_BYTES / 64 {
        let room = splitter.room();
        let len = room.len();
        room.fill(b'x');
        splitter.filled(len);
        while splitter.next_line().is_some() {
            lines += 1;
        }
    }
    assert_eq!(lines, 1);
    let held = splitter.buffer.len() + splitter.decoded.capacity();
    assert!(held <= 4 * READ_BYTES, "{encoding:?}: {held}");
}

fn cut(text: &[u8], cuts: Vec<usize>) -> Vec<&[u8]> {
    let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(text.len())).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

#[test]
fn a_mark_is_taken_off_at_the_beginning_and_nowhere_else() {
    let bom = "\u{feff}".as_bytes();
    let text = [bom, b"a\n", bom, b"b"].concat();
    let lines = [(b"a".to_vec(), false), ([bom, b"b"].concat(), false)];
    assert_eq!(split(&[&text], 100), lines);
    assert_eq!(split(&text.chunks(1).collect::<Vec<_>>(), 100), lines);
    assert_eq!(split(&[b"\xef"], 100), [(b"\xef".to_vec(), false)], "only the beginning of one");
    assert_eq!(split(&[bom], 100), []);
}

proptest! {
    #[test]
    fn any_pieces_split_as_the_whole_does(
        text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..400),
        cuts in proptest::collection::vec(0usize..400, 0..20),
        line_bytes_max in 1usize..40,
    ) {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        prop_assume!(!matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]));
        prop_assert_eq!(split(&cut(text, cuts), line_bytes_max), whole(text, line_bytes_max));
    }

    #[test]
    fn utf16_splits_as_the_whole_does(
        units in proptest::collection::vec(
            prop_oneof![Just(0x0a), Just(0x0d), 0x61u16..0x64, Just(0x0a0a), Just(0xd83d), Just(0xde00), any::<u16>()],
            0..200,
        ),
        half in any::<bool>(),
        big in any::<bool>(),
        marked in any::<bool>(),
        cuts in proptest::collection::vec(0usize..400, 0..20),
        line_bytes_max in 4usize..40,
    ) {
        prop_assume!(!matches!(units.first(), Some(0xfeff | 0xfffe)));
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let mark = marked.then_some(0xfeff);
        let mut text: Vec<u8> = mark.into_iter().chain(units.iter().copied()).flat_map(bytes).collect();
        text.extend(half.then_some(b'a'));
        let encoding = if big { Encoding::Utf16Be } else { Encoding::Utf16Le };
        let named = (!marked).then_some(encoding);
        prop_assert_eq!(
            split_as(named, &cut(&text, cuts), line_bytes_max),
            whole_utf16(&units, half, line_bytes_max)
        );
    }

    #[test]
    fn latin1_splits_as_the_whole_does(
        text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
        cuts in proptest::collection::vec(0usize..200, 0..20),
    ) {
        let decoded: String = text.iter().map(|byte| char::from(*byte)).collect();
        prop_assert_eq!(
            split_as(Some(Encoding::Latin1), &cut(&text, cuts), 400),
            whole(decoded.as_bytes(), usize::MAX)
        );
    }
}
