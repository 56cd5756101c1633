//! What somebody must show who changes something over the network.

use std::fmt;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;

/// A shorter one could be guessed.
pub const CHARS_MIN: usize = 16;

/// A file that is longer holds something else.
const BYTES_MAX: u64 = 4 * 1024;

/// A secret that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It could be guessed.
    #[error("a token of fewer than {CHARS_MIN} characters could be guessed")]
    Short,
    /// It can't stand in a header.
    #[error("a token is one line of visible ASCII characters")]
    NotVisible,
}

impl Token {
    /// The token that a file holds.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotVisible);
        }
        if text.len() < CHARS_MIN {
            return Err(TokenError::Short);
        }
        Ok(Self(text.to_owned()))
    }

    /// What the file at `path` holds, and who may read it: its mode.
    ///
    /// # Errors
    /// It can't be read, or is no regular file of some length.
    pub fn read(path: &Path) -> io::Result<(std::fs::Metadata, String)> {
        let about = std::fs::metadata(path)?;
        if !about.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut text = String::new();
        std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > BYTES_MAX {
            return Err(io::Error::other("the file is too large for a token"));
        }
        Ok((about, text))
    }

    /// Whether `shown` is the token. How long this takes says nothing but how long both are.
    pub fn is(&self, shown: &str) -> bool {
        let (own, shown) = (self.0.as_bytes(), shown.as_bytes());
        let mut differs = own.len() ^ shown.len();
        for (place, byte) in shown.iter().enumerate() {
            // An empty one can't be made.
            let other = own[place % own.len()];
            differs |= usize::from(black_box(byte ^ other));
        }
        black_box(differs) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0123456789abcdef";

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token::parse(&format!("  {TEXT}\n")).unwrap();
        assert!(token.is(TEXT));
        let twice = format!("{TEXT}{TEXT}");
        for other in ["", "0", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0", &twice] {
            assert!(!token.is(other), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn what_could_be_guessed_or_not_be_sent_is_none() {
        assert_eq!(Token::parse("0123456789abcde"), Err(TokenError::Short));
        assert_eq!(Token::parse(""), Err(TokenError::Short));
        assert_eq!(Token::parse("0123456789 abcdef"), Err(TokenError::NotVisible));
        assert_eq!(Token::parse("0123456789abcdé0"), Err(TokenError::NotVisible));
        assert!(Token::read(Path::new("/dev/zero")).is_err());
    }
}
