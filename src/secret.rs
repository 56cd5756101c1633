//! A webhook's URL, which is also its password: whoever has it can post. Masked by type everywhere.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// A URL that nothing prints: `Debug` and `Display` mask all that could authorise a post.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

/// A shorter part of a path is a word that stands anywhere.
const PART_MIN: usize = 8;

/// Why a text is no URL of a webhook. Nothing that it says holds any of the text: it is the password, too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is none at all.
    #[error("not a URL")]
    NotUrl,
    /// A scheme that nothing is posted by.
    #[error("a webhook can't be reached by `{0}`")]
    Scheme(String),
    /// Slack's other kinds of webhook; the kind, in Slack's words: <https://docs.slack.dev/workflows>.
    #[error("the URL of a Slack {0}, which takes variables of its own and no attachments")]
    Workflow(&'static str),
    /// `http` over a network.
    #[error("the webhook's URL, its password, would be sent unencrypted")]
    Unencrypted,
}

impl SecretUrl {
    /// Wraps a checked URL.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// Checks the URL of a webhook. `http` is for loopback, or where it is allowed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, UrlError> {
        let url = Url::parse(text.trim()).ok().filter(Url::has_host).ok_or(UrlError::NotUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        if let Some(kind) = workflow(&url) {
            return Err(UrlError::Workflow(kind));
        }
        if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
            return Err(UrlError::Unencrypted);
        }
        Ok(Self(url))
    }

    /// `text` without this URL, where a receiver repeats it: its path, and each long part of it.
    pub fn hidden_in(&self, text: &str) -> String {
        let parts = self.0.path_segments().into_iter().flatten().filter(|part| part.len() >= PART_MIN);
        let query = self.0.query().into_iter();
        let whole = std::iter::once(self.0.path()).filter(|path| path.len() >= PART_MIN);
        whole.chain(query).chain(parts).fold(text.to_owned(), |text, part| text.replace(part, "…"))
    }

    /// The URL itself, for the request and for nothing else.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

fn workflow(url: &Url) -> Option<&'static str> {
    if !url.host_str().is_some_and(|host| host == "hooks.slack.com" || host == "hooks.slack-gov.com") {
        return None;
    }
    match url.path_segments()?.next()? {
        "triggers" => Some("workflow trigger"),
        "workflows" => Some("workflow"),
        _ => None,
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
    fn a_receiver_that_repeats_it_tells_nobody() {
        let secret = SecretUrl::new("https://example.com/services/T1/B2/XXXXSECRET?key=abc".parse().unwrap());
        let said = "404 The URL /services/T1/B2/XXXXSECRET?key=abc is unknown: XXXXSECRET, ok";
        assert_eq!(secret.hidden_in(said), "404 The URL …?… is unknown: …, ok");
    }

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
