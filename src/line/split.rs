//! Bytes in any pieces to lines, as UTF-8. Its memory is bounded by the longest line that is kept, whatever comes.

use std::ops::Range;

use super::LineSpec;
use super::encoding::{Encoding, Unmarked};

/// How many bytes are read at once. Larger makes nothing faster; smaller costs system calls.
const READ_BYTES: usize = 128 * 1024;

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
    /// The line of `bytes`, which are decoded and hold no `\n`, of at most `line_bytes_max` bytes.
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

/// Cuts a stream of bytes into lines: the same ones however the bytes arrive. Bounds are bytes of the stream; what is
/// handed out is decoded.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// What is not yet handed out: `start..end`. A unit of the encoding begins at `start`.
    start: usize,
    end: usize,
    /// `start..searched` holds no line's end.
    searched: usize,
    /// So many bytes before `start` were handed out, and belong to what is not complete yet.
    held: usize,
    /// How long the line was that was handed out last, with its end.
    last: usize,
    /// The beginning of an over-long line was handed out; its rest is thrown away.
    skipping: bool,
    line_bytes_max: usize,
    encoding: Encoding,
    beginning: Beginning,
    unmarked: Option<Unmarked>,
    /// What was handed out last, where it had to be decoded.
    decoded: Vec<u8>,
}

/// Whether the beginning of a stream was seen, which may say how it is written.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    /// Not yet; what the configuration says, wins.
    Awaited(Option<Encoding>),
    Seen,
}

impl Splitter {
    /// Lines of at most `line_bytes_max` bytes, of a text that is begun by [`Splitter::resume`].
    pub fn new(line_bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            held: 0,
            last: 0,
            skipping: false,
            line_bytes_max,
            encoding: Encoding::default(),
            beginning: Beginning::Seen,
            unmarked: None,
            decoded: Vec::new(),
        }
    }

    /// The lines of a stream from its beginning on, whose byte order mark is taken off.
    pub fn of_stream(spec: &LineSpec) -> Self {
        Self { beginning: Beginning::Awaited(spec.encoding), ..Self::new(spec.line_bytes_max) }
    }

    /// Room for the next bytes. What was read there is told by [`Splitter::filled`].
    pub fn room(&mut self) -> &mut [u8] {
        let unneeded = self.start.saturating_sub(self.held + KEPT_BYTES);
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
    pub fn resume(&mut self, skipping: bool, encoding: Encoding) {
        self.clear();
        (self.skipping, self.encoding) = (skipping, encoding);
    }

    /// How what follows is written.
    pub const fn read_as(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// What the stream looks like, where nothing says that it is; told once, before its first line is handed out.
    pub fn unmarked(&mut self) -> Option<Unmarked> {
        self.has_begun(false);
        self.unmarked.take()
    }

    /// Whether the stream's mark was passed, or has none; not while it may still come.
    fn has_begun(&mut self, ended: bool) -> bool {
        let Beginning::Awaited(named) = self.beginning else { return true };
        let head = self.waiting();
        if !ended && !Encoding::tells(head) {
            return false;
        }
        self.unmarked = Encoding::unmarked(head).filter(|_| named.is_none());
        let (encoding, mark) = Encoding::of(named, self.waiting()).unwrap_or_default();
        (self.encoding, self.beginning) = (encoding, Beginning::Seen);
        self.pass(mark);
        true
    }

    /// Whether the rest of an over-long line is being thrown away.
    pub const fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// What was handed out or passed last, up to [`KEPT_BYTES`].
    pub fn before(&self) -> &[u8] {
        &self.buffer[self.start.saturating_sub(KEPT_BYTES)..self.start]
    }

    /// What lies before that which is held, where all of that is here.
    pub fn before_held(&self) -> &[u8] {
        let end = self.start.saturating_sub(self.held);
        &self.buffer[end.saturating_sub(KEPT_BYTES)..end]
    }

    /// Of what was handed out, the line that was last and `lines` in all are not complete yet.
    pub const fn hold(&mut self, lines: usize) {
        self.held = match lines {
            0 => 0,
            1 => self.last,
            _ => self.held + self.last,
        };
    }

    /// So many bytes that are not here any more are not complete either.
    pub const fn hold_before(&mut self, bytes: usize) {
        self.held = bytes;
    }

    /// How many bytes are held so.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// What was read and not handed out.
    pub fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// How many bytes of what waits were never written, before anything else.
    pub fn leading_nuls(&self) -> usize {
        self.encoding.leading_nuls(self.waiting())
    }

    /// The next line whose end has been read, or the beginning of one that is too long.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        if !self.has_begun(false) {
            return None;
        }
        let (line, truncated) = self.next_range()?;
        Some(Line { bytes: self.text(line), truncated })
    }

    fn next_range(&mut self) -> Option<(Range<usize>, bool)> {
        let unit = self.encoding.unit_bytes();
        loop {
            let newline = self.encoding.line_end(&self.buffer[self.searched..self.end]);
            let newline = newline.map(|at| self.searched + at);
            let whole = self.start + self.encoding.whole(self.end - self.start);
            match (newline, self.skipping) {
                (Some(newline), true) => {
                    self.skipping = false;
                    self.consume(newline + unit);
                }
                (None, true) => {
                    self.consume(whole);
                    return None;
                }
                (Some(newline), false) => {
                    let start = self.start;
                    self.last = newline + unit - start;
                    self.consume(newline + unit);
                    return Some(self.cut(start..newline));
                }
                // One unit more than the bound may be the `\r` of a line's end.
                (None, false) if whole - self.start > self.line_bytes_max + unit => {
                    let start = self.start;
                    self.skipping = true;
                    self.consume(whole);
                    return Some(self.cut(start..whole));
                }
                (None, false) => {
                    self.searched = whole;
                    return None;
                }
            }
        }
    }

    /// A line without its end, as far as the bound goes, and whether it goes on.
    fn cut(&self, line: Range<usize>) -> (Range<usize>, bool) {
        let start = line.start;
        let line = self.encoding.without_return(&self.buffer[line]);
        let truncated = line.len() > self.line_bytes_max;
        let kept = if truncated { self.encoding.beginning(line, self.line_bytes_max) } else { line };
        (start..start + kept.len(), truncated)
    }

    fn text(&mut self, range: Range<usize>) -> &[u8] {
        match self.encoding.decode(&self.buffer[range]) {
            std::borrow::Cow::Borrowed(text) => text,
            std::borrow::Cow::Owned(text) => {
                self.decoded = text;
                &self.decoded
            }
        }
    }

    /// The next lines whose ends have been read, as many as there are, or the beginning of one that is too long. What
    /// [`Splitter::next_line`] would hand out one by one is here together.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        if !self.has_begun(false) {
            return None;
        }
        let unit = self.encoding.unit_bytes();
        let whole = match self.skipping {
            true => 0,
            false => self
                .encoding
                .last_line_end(&self.buffer[self.searched..self.end])
                .map_or(0, |newline| self.searched + newline + unit - self.start),
        };
        let whole = match whole > PIECE_BYTES {
            true => self
                .encoding
                .last_line_end(&self.buffer[self.start..self.start + PIECE_BYTES])
                .map_or(whole, |newline| newline + unit),
            false => whole,
        };
        let lines = &self.buffer[self.start..self.start + whole];
        let short = short_lines(lines, self.line_bytes_max, self.encoding);
        if short == 0 {
            return self.next_line().map(Piece::One);
        }
        let start = self.start;
        self.consume(start + short);
        Some(Piece::Lines(self.text(start..start + short)))
    }

    /// The last line as far as it goes, where it has no end yet.
    pub fn unfinished(&mut self) -> Option<Line<'_>> {
        if self.start == self.end || self.skipping {
            return None;
        }
        let (line, truncated) = self.cut(self.start..self.end);
        Some(Line { bytes: self.text(line), truncated })
    }

    /// What is left, line by line, where the stream has ended; the last one perhaps without a line's end.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.has_begun(true);
        let (line, truncated) = match self.next_range() {
            Some(next) => next,
            None => {
                let (last, skipping) = (self.start..self.end, self.skipping);
                self.clear();
                if last.is_empty() || skipping {
                    return None;
                }
                self.cut(last)
            }
        };
        Some(Line { bytes: self.text(line), truncated })
    }

    /// Forgets what was not handed out; returns how many bytes that were.
    pub fn clear(&mut self) -> usize {
        let dropped = self.pending();
        (self.start, self.end, self.searched, self.held, self.skipping) = (0, 0, 0, 0, false);
        dropped
    }

    /// Bytes that wait for their line's end.
    pub fn pending(&self) -> usize {
        self.end - self.start
    }

    /// Gives back the memory of a stream that is quiet, if nothing waits in it.
    pub fn release(&mut self) {
        if self.pending() + self.held == 0 {
            (self.start, self.end, self.searched) = (0, 0, 0);
            (self.buffer, self.decoded) = (Vec::new(), Vec::new());
        }
    }

    fn consume(&mut self, to: usize) {
        self.start = to;
        self.searched = to;
    }
}

/// How many bytes of `lines`, which are whole, lie before the first that is longer than the bound.
fn short_lines(lines: &[u8], line_bytes_max: usize, encoding: Encoding) -> usize {
    let unit = encoding.unit_bytes();
    let mut at = 0;
    while at < lines.len() {
        // One unit more than the bound may be the `\r` of a line's end, one more its `\n`.
        let reach = &lines[at..lines.len().min(at + line_bytes_max + 2 * unit)];
        let Some(end) = encoding.last_line_end(reach) else { return at };
        let line = &reach[..end];
        let long = encoding.without_return(line).len() > line_bytes_max;
        if long && encoding.line_end(line).is_none() {
            return at;
        }
        at += end + unit;
    }
    at
}

#[cfg(test)]
mod tests;
