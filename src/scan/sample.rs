//! What a stream is like: some lines of its beginning.

/// So much is kept: of what comes often enough to matter, some is in it.
const SAMPLE_BYTES: usize = 16 * 1024;

/// Of each block so much, so that the sample is of many.
const BLOCK_BYTES: usize = 2 * 1024;

/// Choosing anew costs as much as scanning about so many bytes for each pattern: a stream that ends before is not
/// worth it.
const PATTERN_BYTES: usize = 64 * 1024;

/// A stream that is shorter is over too soon, however few patterns there are.
const STREAM_BYTES_MIN: usize = 1024 * 1024;

/// Taken from a stream once.
#[derive(Debug)]
pub(super) struct Sample {
    bytes: Vec<u8>,
    /// So much is still to be seen; `None`: the sample was handed out.
    wanted: Option<usize>,
}

impl Sample {
    /// For a filter of so many patterns.
    pub(super) fn new(patterns: usize) -> Self {
        Self::after(patterns.saturating_mul(PATTERN_BYTES).max(STREAM_BYTES_MIN))
    }

    /// After so many bytes.
    pub(super) fn after(wanted: usize) -> Self {
        Self { bytes: Vec::new(), wanted: Some(wanted) }
    }

    /// Of a stream of which none is wanted.
    pub(super) fn none() -> Self {
        Self { bytes: Vec::new(), wanted: None }
    }

    /// Takes some of `block`; returns the sample when enough was seen, once.
    pub(super) fn add(&mut self, block: &[u8]) -> Option<Vec<u8>> {
        let wanted = self.wanted.as_mut()?;
        *wanted = wanted.saturating_sub(block.len());
        let room = BLOCK_BYTES.min(SAMPLE_BYTES - self.bytes.len());
        self.bytes.extend_from_slice(&block[..block.len().min(room)]);
        if *wanted > 0 {
            return None;
        }
        self.wanted = None;
        Some(std::mem::take(&mut self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_handed_out_once_and_bounded() {
        let mut sample = Sample::new(1);
        let block = vec![b'x'; 64 * 1024];
        let handed: Vec<Vec<u8>> = (0..40).filter_map(|_| sample.add(&block)).collect();
        assert_eq!(handed.len(), 1);
        assert_eq!(handed[0].len(), SAMPLE_BYTES);
    }
}
