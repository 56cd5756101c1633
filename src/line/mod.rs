//! Bytes to lines. No I/O, no clock.

pub mod ansi;
pub mod split;
pub mod stamp;

/// How bytes become lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSpec {
    /// A longer line is cut here, in bytes, and its rest skipped.
    pub line_bytes_max: usize,
    /// What is done with terminal colour codes before matching.
    pub ansi: Ansi,
}

impl LineSpec {
    /// The default of `max_line`.
    pub const LINE_BYTES_MAX: usize = 256 * 1024;
}

/// What is done with terminal colour codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ansi {
    /// They are taken out.
    Strip,
    /// They stay.
    Keep,
}
