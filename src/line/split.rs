//! Bytes in any pieces to lines. Its memory is bounded by the longest line that is kept, whatever comes.

/// How many bytes are read at once. Larger makes nothing faster; smaller costs system calls.
const READ_BYTES: usize = 64 * 1024;

/// So many lines are handed out together: enough to be fast, and few enough that what they cause is not much at once.
const PIECE_BYTES: usize = 16 * 1024;

/// How much of what was handed out is still there: enough to know the text again that is read on from.
pub const KEPT_BYTES: usize = 1024;

/// A line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without `\n`, and without one `\r` before it.
    pub bytes: &'a [u8],
    /// It went on past the bound: this is its beginning.
    pub truncated: bool,
}

impl<'a> Line<'a> {
    /// The line of `bytes`, which hold no `\n`, of at most `line_bytes_max` bytes.
    pub fn cut(bytes: &'a [u8], line_bytes_max: usize) -> Self {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Self { bytes: &bytes[..bytes.len().min(line_bytes_max)], truncated: bytes.len() > line_bytes_max }
    }
}

/// What a stream is cut into where whole lines are welcome together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Whole lines, each with its end, and none longer than the bound.
    Lines(&'a [u8]),
    /// A line by itself: the beginning of one that is longer, or one after it.
    One(Line<'a>),
}

/// Cuts a stream of bytes into lines: the same ones however the bytes arrive.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// What is not yet handed out: `start..end`.
    start: usize,
    end: usize,
    /// `start..searched` holds no line's end.
    searched: usize,
    /// The beginning of an over-long line was handed out; its rest is thrown away.
    skipping: bool,
    line_bytes_max: usize,
}

impl Splitter {
    /// Lines of at most `line_bytes_max` bytes.
    pub fn new(line_bytes_max: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, searched: 0, skipping: false, line_bytes_max }
    }

    /// Room for the next bytes. What was read there is told by [`Splitter::filled`].
    pub fn room(&mut self) -> &mut [u8] {
        let unneeded = self.start.saturating_sub(KEPT_BYTES);
        if self.start == self.end || self.buffer.len() - self.end < READ_BYTES {
            self.buffer.copy_within(unneeded..self.end, 0);
            self.start -= unneeded;
            self.searched -= unneeded;
            self.end -= unneeded;
        }
        if self.buffer.len() < self.end + READ_BYTES {
            self.buffer.resize(self.end + READ_BYTES, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// The last `bytes` that were read, and room after them: what is read on from is read once more with what follows.
    pub fn room_after(&mut self, bytes: usize) -> &mut [u8] {
        self.room();
        &mut self.buffer[self.end - bytes.min(self.end)..]
    }

    /// How much of what was read last is still there.
    pub fn kept(&self) -> usize {
        self.end
    }

    /// `bytes` of the room were filled.
    pub fn filled(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// The first `bytes` of what was not handed out belong to no line.
    pub fn pass(&mut self, bytes: usize) {
        self.consume(self.start + bytes);
    }

    /// Begins anew, or within an over-long line whose beginning was handed out.
    pub fn resume(&mut self, skipping: bool) {
        self.clear();
        self.skipping = skipping;
    }

    /// Whether the rest of an over-long line is being thrown away.
    pub const fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// What was handed out or passed last, up to [`KEPT_BYTES`].
    pub fn before(&self) -> &[u8] {
        &self.buffer[self.start.saturating_sub(KEPT_BYTES)..self.start]
    }

    /// What was read and not handed out.
    pub fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The next line whose end has been read, or the beginning of one that is too long.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        loop {
            let newline =
                memchr::memchr(b'\n', &self.buffer[self.searched..self.end]).map(|at| self.searched + at);
            match (newline, self.skipping) {
                (Some(newline), true) => {
                    self.skipping = false;
                    self.consume(newline + 1);
                }
                (None, true) => {
                    self.consume(self.end);
                    return None;
                }
                (Some(newline), false) => {
                    let start = self.start;
                    self.consume(newline + 1);
                    return Some(Line::cut(&self.buffer[start..newline], self.line_bytes_max));
                }
                // One byte more than the bound may be the `\r` of a line's end.
                (None, false) if self.end - self.start > self.line_bytes_max + 1 => {
                    let start = self.start;
                    self.skipping = true;
                    self.consume(self.end);
                    return Some(Line {
                        bytes: &self.buffer[start..start + self.line_bytes_max],
                        truncated: true,
                    });
                }
                (None, false) => {
                    self.searched = self.end;
                    return None;
                }
            }
        }
    }

    /// The next lines whose ends have been read, as many as there are, or the beginning of one that is too long. What
    /// [`Splitter::next_line`] would hand out one by one is here together.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        let whole = match self.skipping {
            true => 0,
            false => memchr::memrchr(b'\n', &self.buffer[self.searched..self.end])
                .map_or(0, |newline| self.searched + newline + 1 - self.start),
        };
        let whole = match whole > PIECE_BYTES {
            true => memchr::memrchr(b'\n', &self.buffer[self.start..self.start + PIECE_BYTES])
                .map_or(whole, |newline| newline + 1),
            false => whole,
        };
        let short = short_lines(&self.buffer[self.start..self.start + whole], self.line_bytes_max);
        if short == 0 {
            return self.next_line().map(Piece::One);
        }
        let start = self.start;
        self.consume(start + short);
        Some(Piece::Lines(&self.buffer[start..start + short]))
    }

    /// The last line, where the stream ended without a line's end; the splitter is empty after it.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        let (start, end, skipping) = (self.start, self.end, self.skipping);
        self.clear();
        (start < end && !skipping).then(|| Line::cut(&self.buffer[start..end], self.line_bytes_max))
    }

    /// Forgets what was not handed out; returns how many bytes that were.
    pub fn clear(&mut self) -> usize {
        let dropped = self.pending();
        (self.start, self.end, self.searched, self.skipping) = (0, 0, 0, false);
        dropped
    }

    /// Bytes that wait for their line's end.
    pub fn pending(&self) -> usize {
        self.end - self.start
    }

    /// Gives back the memory of a stream that is quiet, if nothing waits in it.
    pub fn release(&mut self) {
        if self.pending() == 0 {
            (self.start, self.end, self.searched) = (0, 0, 0);
            self.buffer = Vec::new();
        }
    }

    fn consume(&mut self, to: usize) {
        self.start = to;
        self.searched = to;
    }
}

/// How many bytes of `lines`, which are whole, lie before the first that is longer than the bound.
fn short_lines(lines: &[u8], line_bytes_max: usize) -> usize {
    let mut at = 0;
    while at < lines.len() {
        // One byte more than the bound may be the `\r` of a line's end, one more its `\n`.
        let reach = &lines[at..lines.len().min(at + line_bytes_max + 2)];
        let Some(end) = memchr::memrchr(b'\n', reach) else { return at };
        let line = &reach[..end];
        if end > line_bytes_max && line.last() != Some(&b'\r') && memchr::memchr(b'\n', line).is_none() {
            return at;
        }
        at += end + 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(pieces: &[&[u8]], line_bytes_max: usize) -> Vec<(Vec<u8>, bool)> {
        let one_by_one = feed(pieces, line_bytes_max, |splitter, lines| {
            while let Some(line) = splitter.next_line() {
                lines.push((line.bytes.to_vec(), line.truncated));
            }
        });
        let together = feed(pieces, line_bytes_max, |splitter, lines| {
            while let Some(piece) = splitter.next_piece() {
                match piece {
                    Piece::Lines(block) => {
                        assert_eq!(block.last(), Some(&b'\n'));
                        let block = whole(block, line_bytes_max);
                        assert!(block.iter().all(|(_, truncated)| !truncated));
                        lines.extend(block);
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
        line_bytes_max: usize,
        take: impl Fn(&mut Splitter, &mut Vec<(Vec<u8>, bool)>),
    ) -> Vec<(Vec<u8>, bool)> {
        let mut splitter = Splitter::new(line_bytes_max);
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
        lines.extend(splitter.finish().map(|line| (line.bytes.to_vec(), line.truncated)));
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
    fn a_line_of_a_gigabyte_takes_constant_memory() {
        let mut splitter = Splitter::new(1024);
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
        assert!(splitter.buffer.len() <= 4 * READ_BYTES, "{}", splitter.buffer.len());
    }

    proptest! {
        #[test]
        fn any_pieces_split_as_the_whole_does(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..400),
            cuts in proptest::collection::vec(0usize..400, 0..20),
            line_bytes_max in 1usize..40,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(split(&pieces, line_bytes_max), whole(&text, line_bytes_max));
        }
    }
}
