//! A log as it lies there, or packed by gzip or zstd, as one stream of bytes. What it is, its first bytes tell.
//!
//! A file that grows beyond all measure when it is unpacked is no log: it would keep a replay busy for days.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError::SkipFrame};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How much is read from a file at once.
const READ_BYTES: usize = 128 * 1024;

/// The memory that a zstd frame may ask for; what `zstd` makes without `--ultra` or `--long` asks for 8 MiB at most.
const WINDOW_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How much an archive may grow when it is unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// To so many times its size; the lines of a log seldom shrink to less than a hundredth.
    pub ratio: u64,
    /// So many bytes are no matter, whatever the ratio.
    pub free_bytes: u64,
    /// To so many bytes.
    pub bytes: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { ratio: 500, free_bytes: 64 << 20, bytes: 1 << 40 }
    }
}

/// Why an archive is not read further.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error(
        "it grows to more than {0} times its size when it is unpacked, as no log does: unpack it yourself if it is one"
    )]
    Ratio(u64),
    #[error("it holds more than {0} bytes when it is unpacked")]
    Bytes(u64),
    #[error("it is packed by {0}, which is not read: unpack it first")]
    Unknown(&'static str),
    #[error("its zstd frame is broken: {0}")]
    Zstd(String),
}

/// A log's bytes, unpacked.
pub(super) struct Archive<'a> {
    source: Source<'a>,
    caps: Caps,
    grown: u64,
}

enum Source<'a> {
    Plain(Raw<'a>),
    Gzip(Box<MultiGzDecoder<Raw<'a>>>),
    Zstd(Box<Frames<'a>>),
}

type Raw<'a> = BufReader<Counted<'a>>;

impl<'a> Archive<'a> {
    /// Opens the file at `path`; `-` is standard input. `read` hears how many bytes of it are read.
    pub(super) fn open(path: &Path, caps: Caps, read: &'a (dyn Fn(u64) + Sync)) -> io::Result<Self> {
        let file: Box<dyn Read + Send> =
            if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        Self::new(file, caps, read)
    }

    /// The bytes of `file`, unpacked.
    pub(super) fn new(
        mut file: Box<dyn Read + Send + 'a>,
        caps: Caps,
        read: &'a (dyn Fn(u64) + Sync),
    ) -> io::Result<Self> {
        let mut head = Vec::new();
        file.by_ref().take(6).read_to_end(&mut head)?;
        // What was looked at stands in front of the rest again.
        let whole = Cursor::new(head.clone()).chain(file);
        let raw = BufReader::with_capacity(READ_BYTES, Counted { file: Box::new(whole), read, bytes: 0 });
        let source = match head[..] {
            [0x1f, 0x8b, ..] => Source::Gzip(Box::new(MultiGzDecoder::new(raw))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Source::Zstd(Box::new(Frames::new(raw)?)),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => return Err(io::Error::other(ArchiveError::Unknown("xz"))),
            [b'B', b'Z', b'h', ..] => return Err(io::Error::other(ArchiveError::Unknown("bzip2"))),
            _ => Source::Plain(raw),
        };
        Ok(Self { source, caps, grown: 0 })
    }

    /// Of an archive how many of its bytes were read.
    fn packed_bytes(&self) -> Option<u64> {
        match &self.source {
            Source::Plain(_) => None,
            Source::Gzip(decoder) => Some(decoder.get_ref().get_ref().bytes),
            Source::Zstd(frames) => Some(frames.raw.get_ref().bytes),
        }
    }
}

impl Read for Archive<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = match &mut self.source {
            Source::Plain(raw) => raw.read(into)?,
            Source::Gzip(decoder) => decoder.read(into)?,
            Source::Zstd(frames) => frames.read(into)?,
        };
        self.grown += len as u64;
        let Caps { ratio, free_bytes, bytes } = self.caps;
        if let Some(packed) = self.packed_bytes() {
            if self.grown > free_bytes && self.grown / ratio > packed {
                return Err(io::Error::other(ArchiveError::Ratio(ratio)));
            }
            if self.grown > bytes {
                return Err(io::Error::other(ArchiveError::Bytes(bytes)));
            }
        }
        Ok(len)
    }
}

/// A file whose bytes are counted as they are read.
struct Counted<'a> {
    file: Box<dyn Read + Send + 'a>,
    read: &'a (dyn Fn(u64) + Sync),
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(into)?;
        self.bytes += len as u64;
        (self.read)(len as u64);
        Ok(len)
    }
}

/// The frames of a zstd file, one after the other.
struct Frames<'a> {
    raw: Raw<'a>,
    decoder: FrameDecoder,
}

impl<'a> Frames<'a> {
    fn new(raw: Raw<'a>) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_BYTES_MAX);
        let mut frames = Self { raw, decoder };
        frames.next_frame()?;
        Ok(frames)
    }

    /// Begins the next frame that has content; whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.raw.fill_buf()?.is_empty() {
            let skipped = match self.decoder.reset(&mut self.raw) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(SkipFrame { length, .. })) => u64::from(length),
                Err(error) => return Err(broken(&error)),
            };
            io::copy(&mut self.raw.by_ref().take(skipped), &mut io::sink())?;
        }
        Ok(false)
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.decoder.read(into)?;
            if len > 0 || into.is_empty() {
                return Ok(len);
            }
            if !self.decoder.is_finished() {
                let some = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.raw, some).map_err(|error| broken(&error))?;
            } else if !self.next_frame()? {
                return Ok(0);
            }
        }
    }
}

fn broken(error: &FrameDecoderError) -> io::Error {
    io::Error::other(ArchiveError::Zstd(error.to_string()))
}
