//! The last lines that a program wrote, on both its streams, in the order in which they came. No I/O.

use std::collections::VecDeque;

use crate::event::Stream;
use crate::line::ansi;
use crate::line::encoding::Encoding;

/// What is kept of both streams together.
const BYTES_MAX: usize = 32 * 1024;

/// What is shown of a line.
const LINE_CHARS_MAX: usize = 400;

/// What is shown of all lines: so much has room in a message.
const SHOWN_BYTES_MAX: usize = 2_400;

/// The end of what was written, in pieces as they came.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pieces: VecDeque<(Stream, Box<[u8]>)>,
    bytes: usize,
    /// Something before the pieces was dropped: of each stream the first line may be cut.
    cut: bool,
    /// So many bytes of each stream lie before its pieces.
    dropped: [usize; 2],
}

impl Tail {
    /// `bytes` were written to `stream`.
    pub(super) fn add(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(BYTES_MAX)..];
        if kept.len() < bytes.len() {
            self.cut = true;
            self.dropped[stream as usize] += bytes.len() - kept.len();
        }
        self.bytes += kept.len();
        self.pieces.push_back((stream, kept.into()));
        while self.bytes > BYTES_MAX
            && let Some((from, dropped)) = self.pieces.pop_front()
        {
            self.bytes -= dropped.len();
            self.dropped[from as usize] += dropped.len();
            self.cut = true;
        }
    }

    /// The last `max` lines, each where its end was written; without terminal codes and cut to what a message shows.
    pub(super) fn lines(&self, max: usize, encoding: Encoding) -> Vec<String> {
        let shown = |line: &[u8]| shown(line, encoding);
        let mut lines = Vec::new();
        let unit = encoding.unit_bytes();
        let mut open: [(Vec<u8>, bool); 2] = [(Vec::new(), self.cut), (Vec::new(), self.cut)];
        // The rest of a character that begins before what is kept.
        let mut rests = self.dropped.map(|dropped| dropped.next_multiple_of(unit) - dropped);
        for (stream, bytes) in &self.pieces {
            let (line, is_cut) = &mut open[*stream as usize];
            let rest = &mut rests[*stream as usize];
            let passed = (*rest).min(bytes.len());
            *rest -= passed;
            let mut searched = encoding.whole(line.len());
            line.extend_from_slice(&bytes[passed..]);
            while let Some(end) = encoding.line_end(&line[searched..]) {
                let after = line.split_off(searched + end + unit);
                let whole = std::mem::replace(line, after);
                lines.extend((!std::mem::take(is_cut)).then(|| shown(&whole)));
                searched = 0;
            }
        }
        let unfinished = open.iter().filter(|(line, _)| !line.is_empty());
        lines.extend(unfinished.map(|(line, _)| shown(line)));
        let mut room = SHOWN_BYTES_MAX;
        let fits = |line: &&String| {
            let fits = line.len() < room;
            room = room.saturating_sub(line.len() + 1);
            fits
        };
        let count = lines.iter().rev().take(max).take_while(fits).count();
        lines.split_off(lines.len() - count)
    }
}

fn shown(line: &[u8], encoding: Encoding) -> String {
    let line = encoding.decode(line);
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = ansi::strip(line.strip_suffix(b"\r").unwrap_or(line));
    let text = String::from_utf8_lossy(&line);
    match text.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stream::{Stderr, Stdout};

    fn lines(pieces: &[(Stream, &str)], max: usize) -> Vec<String> {
        let mut tail = Tail::default();
        pieces.iter().for_each(|(stream, text)| tail.add(*stream, text.as_bytes()));
        tail.lines(max, Encoding::Utf8)
    }

    #[test]
    fn the_last_lines_of_both_streams_in_the_order_of_their_ends() {
        let pieces =
            [(Stdout, "one\ntw"), (Stderr, "oops\r\n"), (Stdout, "o\n\x1b[31mthr"), (Stderr, "at x")];
        assert_eq!(lines(&pieces, 20), ["one", "oops", "two", "thr", "at x"]);
        assert_eq!(lines(&pieces, 2), ["thr", "at x"]);
        assert_eq!(lines(&[], 20), [""; 0]);
    }

    #[test]
    fn they_are_decoded() {
        let mut tail = Tail::default();
        tail.add(Stdout, b"gr\xfc\xdfe\n");
        assert_eq!(tail.lines(1, Encoding::Latin1), ["grüße"]);
        let text = "eins\r\n\u{a0a} zwei\n😀 drei";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for length in [1, 3, 4, 100] {
            let mut tail = Tail::default();
            utf16.chunks(length).for_each(|piece| tail.add(Stderr, piece));
            assert_eq!(tail.lines(9, Encoding::Utf16Be), ["eins", "\u{a0a} zwei", "😀 drei"]);
        }
        // Wherever what is kept begins.
        let line: Vec<u8> = "drei\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let many = line.repeat(BYTES_MAX / line.len() + 9);
        for first in 0..4 {
            let mut tail = Tail::default();
            tail.add(Stdout, &many[..first]);
            tail.add(Stdout, &many[first..]);
            assert_eq!(tail.lines(2, Encoding::Utf16Be), ["drei", "drei"]);
        }
    }

    #[test]
    fn what_is_kept_and_what_is_shown_is_bounded() {
        let mut tail = Tail::default();
        for n in 0..10_000 {
            tail.add(Stdout, format!("line {n}\n").as_bytes());
            assert!(tail.bytes <= BYTES_MAX);
        }
        let last = tail.lines(3, Encoding::Utf8);
        assert_eq!(last, ["line 9997", "line 9998", "line 9999"]);
        tail.add(Stderr, &vec![b'x'; 3 * BYTES_MAX]);
        assert!(tail.bytes <= BYTES_MAX);
        let long = tail.lines(20, Encoding::Utf8);
        assert_eq!((long.len(), long[0].chars().count()), (1, LINE_CHARS_MAX + 1));
        tail.add(Stderr, b"\nthe end\n");
        assert_eq!(
            tail.lines(20, Encoding::Utf8),
            ["the end"],
            "a line whose beginning is gone is not shown as one"
        );
        for _ in 0..20 {
            tail.add(Stdout, format!("{}\n", "é".repeat(300)).as_bytes());
        }
        let shown: usize = tail.lines(20, Encoding::Utf8).iter().map(|line| line.len() + 1).sum();
        assert!((SHOWN_BYTES_MAX - 700..=SHOWN_BYTES_MAX).contains(&shown), "{shown}");
    }
}
