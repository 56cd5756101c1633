//! A webhook's URL, which is also its password: whoever has it can post. Masked by type everywhere.

use std::fmt;

/// A URL that nothing prints: `Debug` and `Display` mask all that could authorise a post.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(reqwest::Url);

impl SecretUrl {
    /// Wraps a checked URL.
    pub fn new(url: reqwest::Url) -> Self {
        Self(url)
    }

    /// The URL itself, for the request and for nothing else.
    pub fn expose(&self) -> &reqwest::Url {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    /// Scheme, host and port; of the path the first folder and the first letter of each further one:
    /// `https://hooks.slack.com/services/T…/…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or("…"))?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        let mut parts = self.0.path_segments().into_iter().flatten();
        match parts.next() {
            // A known first folder says what kind of webhook it is; any other could be the token.
            Some(known @ ("services" | "hooks" | "api")) => {
                write!(f, "/{known}")?;
                match parts.next().and_then(|team| team.chars().next()) {
                    Some(first) if known == "services" => write!(f, "/{first}…/…"),
                    Some(_) => f.write_str("/…"),
                    None => Ok(()),
                }
            }
            Some("") | None => Ok(()),
            Some(_) => f.write_str("/…"),
        }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_masked() {
        for (url, shown) in [
            (
                "https://hooks.slack.com/services/T0001/B0002/XXXXSECRET",
                "https://hooks.slack.com/services/T…/…",
            ),
            ("https://hooks.slack.com/T0001/B0002/XXXXSECRET", "https://hooks.slack.com/…"),
            ("http://user:pass@127.0.0.1:8080/hooks/SECRET?token=SECRET", "http://127.0.0.1:8080/hooks/…"),
            ("https://example.com/", "https://example.com"),
        ] {
            let secret = SecretUrl::new(url.parse().unwrap());
            assert_eq!(secret.to_string(), shown);
            assert!(!format!("{secret:?}").contains("SECRET"));
        }
    }
}
