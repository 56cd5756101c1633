//! The shape while it is put together.

/// The longest shape, in bytes: what follows in a longer message tells no statements apart.
pub(super) const SHAPE_BYTES_MAX: usize = 512;

/// So many bytes of a text are put at once, whether all of them are meant or not: few words are longer.
const AT_ONCE: usize = 16;

/// What quoted text becomes.
const QUOTE: &[u8] = "\"…\"".as_bytes();

/// Where a shape is put together: a last quotation may go beyond the longest one.
pub(super) type Buffer = [u8; SHAPE_BYTES_MAX + AT_ONCE];

/// One in which nothing is.
pub(super) const EMPTY: Buffer = [0; SHAPE_BYTES_MAX + AT_ONCE];

/// The masked text so far. A word with a `#` that is the one before it again is taken back. Whoever puts something has
/// asked whether there is room.
pub(super) struct Masked<'a> {
    /// Not in here, so that the numbers below can be in registers.
    buffer: &'a mut Buffer,
    len: usize,
    /// So long it may get: what was taken back counts as well.
    len_max: usize,
    /// Where the last word begins, and the one before it.
    word: usize,
    before: usize,
    /// Whether the last word has a `#`.
    has_mask: bool,
}

impl<'a> Masked<'a> {
    pub(super) const fn new(buffer: &'a mut Buffer) -> Self {
        Self { buffer, len: 0, len_max: SHAPE_BYTES_MAX, word: 0, before: 0, has_mask: false }
    }

    pub(super) const fn has_room(&self) -> bool {
        self.len < self.len_max
    }

    /// Puts a byte that is no space.
    pub(super) const fn put(&mut self, byte: u8) {
        self.has_mask |= byte == b'#';
        self.buffer[self.len] = byte;
        self.len += 1;
    }

    /// Puts a quotation, which is never cut.
    pub(super) fn put_quote(&mut self) {
        self.buffer[self.len..][..QUOTE.len()].copy_from_slice(QUOTE);
        self.len += QUOTE.len();
    }

    /// Puts the first `len` bytes of a text, which are letters, or as many as there is room for.
    pub(super) fn put_letters(&mut self, len: usize, text: &[u8]) {
        let len = len.min(self.len_max - self.len);
        match text.first_chunk::<AT_ONCE>() {
            Some(bytes) if len <= AT_ONCE => self.buffer[self.len..][..AT_ONCE].copy_from_slice(bytes),
            _ => self.buffer[self.len..][..len].copy_from_slice(&text[..len]),
        }
        self.len += len;
    }

    /// Puts a space, which ends a word.
    pub(super) fn put_space(&mut self) {
        self.end_word();
        self.put(b' ');
        self.before = std::mem::replace(&mut self.word, self.len);
    }

    /// Lists of things that are masked are as long as they happen to be.
    fn end_word(&mut self) {
        if std::mem::take(&mut self.has_mask) && self.is_repeat() {
            // The space before it goes with it.
            let end = self.word - 1;
            self.len_max = self.len_max.saturating_sub(self.len - end);
            (self.len, self.word) = (end, self.before);
        }
    }

    /// Whether the last word is the one before it.
    fn is_repeat(&self) -> bool {
        let before = self.word.checked_sub(1).map(|end| &self.buffer[self.before..end]);
        before == Some(&self.buffer[self.word..self.len])
    }

    /// The message has ended.
    pub(super) fn into_shape(mut self) -> String {
        self.end_word();
        let masked = &self.buffer[..self.len];
        std::str::from_utf8(masked).map_or_else(|_| lossy(masked), str::to_owned)
    }
}

/// The shape of what is no UTF-8: words may be alike only now.
fn lossy(masked: &[u8]) -> String {
    let text = String::from_utf8_lossy(masked);
    let mut words: Vec<&str> = text.split(' ').collect();
    words.dedup_by(|word, before| word == before && word.contains('#'));
    words.join(" ")
}
