//! A file that holds a webhook's URL.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::secret::SecretUrl;

/// A file that is longer than this holds something else than a URL.
const BYTES_MAX: u64 = 64 * 1024;

/// Where a webhook's URL is read from, once at the start and again when the receiver no longer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlFile {
    path: PathBuf,
    allow_http: bool,
}

impl UrlFile {
    /// The file at `path`; `allow_http` as in the configuration.
    pub fn new(path: PathBuf, allow_http: bool) -> Self {
        Self { path, allow_http }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, and what the system says of it.
    ///
    /// # Errors
    /// It can't be read, or is no regular file of some length: a FIFO would keep its reader waiting.
    pub fn read(&self) -> io::Result<(Metadata, String)> {
        let about = std::fs::metadata(&self.path)?;
        if !about.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        if about.len() > BYTES_MAX {
            return Err(io::Error::other("the file is too large for a URL"));
        }
        std::fs::read_to_string(&self.path).map(|text| (about, text))
    }

    /// The URL that it holds now.
    ///
    /// # Errors
    /// Why there is none, in words that hold nothing of it.
    pub fn url(&self) -> Result<SecretUrl, String> {
        let (_, text) = self.read().map_err(|error| error.to_string())?;
        SecretUrl::parse(&text, self.allow_http).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_anew_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        let file = UrlFile::new(path.clone(), false);
        assert!(file.url().unwrap_err().contains("No such file"));
        for (content, expected) in [
            ("https://hooks.slack.com/services/T0/B0/ONE\n", Ok("https://hooks.slack.com/services/T…/…")),
            ("http://127.0.0.1:9/services/T0/B0/TWO", Ok("http://127.0.0.1:9/services/T…/…")),
            ("http://example.com/SECRET", Err("the webhook's URL, its password, would be sent unencrypted")),
            ("SECRET", Err("not a URL")),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(
                file.url().map(|url| url.to_string()),
                expected.map(str::to_owned).map_err(str::to_owned)
            );
        }
        std::fs::write(&path, "x".repeat(100_000)).unwrap();
        assert!(file.url().is_err());
        assert!(UrlFile::new("/dev/zero".into(), false).url().is_err());
    }
}
