//! URLs: a webhook's, which is a secret, and a page's.

use reqwest::Url;

use crate::config::diagnostic::Report;
use crate::config::source::Span;
use crate::secret::{SecretUrl, UrlError};

/// Checks the URL of a webhook. Nothing that is reported holds any of it: it is the password, too.
pub(in crate::config) fn webhook_url(
    text: &str,
    at: &Span<'_>,
    allow_http: bool,
    report: &mut Report,
) -> Option<SecretUrl> {
    let error = match SecretUrl::parse(text, allow_http) {
        Ok(url) => return Some(url),
        Err(error) => error,
    };
    let diagnostic = report.error(at, error.to_string());
    match error {
        UrlError::NotUrl if !text.is_ascii() => {
            diagnostic.help("letters beyond ASCII are written as browsers send them: the host as `xn--…`")
        }
        UrlError::NotUrl => {
            diagnostic.help("a webhook's URL begins with `https://`, as `https://hooks.slack.com/services/…`")
        }
        UrlError::Scheme(_) => diagnostic.label("write `https://…`"),
        UrlError::Workflow(_) => {
            diagnostic.help("make an incoming webhook: api.slack.com/apps, your app, \"Incoming Webhooks\"")
        }
        UrlError::Unencrypted => {
            diagnostic.help("write `https://`; or `allow_http: true`, if the network between is yours")
        }
    };
    None
}

/// Checks the URL of a proxy, which may hold a password.
pub(in crate::config) fn proxy_url(text: &str, at: &Span<'_>, report: &mut Report) -> Option<SecretUrl> {
    let url = Url::parse(text.trim()).ok().filter(Url::has_host);
    let url = url.filter(|url| matches!(url.scheme(), "https" | "http"));
    if url.is_none() {
        report.error(at, "not a proxy's URL").help("write it as `http://proxy.example.com:3128`");
    }
    url.map(SecretUrl::new)
}

/// Checks the URL of a page that only who knows it may fetch.
pub(in crate::config) fn secret_page_url(
    text: &str,
    at: &Span<'_>,
    report: &mut Report,
) -> Option<SecretUrl> {
    let page = page_url(text, at, report)?;
    Url::parse(&page).ok().map(SecretUrl::new)
}

/// Checks the URL of a page.
pub(in crate::config) fn page_url(text: &str, at: &Span<'_>, report: &mut Report) -> Option<String> {
    match Url::parse(text.trim()) {
        Ok(url) if url.has_host() && matches!(url.scheme(), "https" | "http") => Some(text.trim().to_owned()),
        _ => {
            report.error(at, "not a URL").help("write the whole of it, from `https://` on");
            None
        }
    }
}
