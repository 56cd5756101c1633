//! URLs: a webhook's, which is a secret, and a page's.

use std::net::IpAddr;

use reqwest::Url;

use crate::config::diagnostic::Report;
use crate::config::source::Span;
use crate::secret::SecretUrl;

/// Checks the URL of a webhook. Nothing that is reported holds any of it: it is the password, too.
pub(in crate::config) fn webhook_url(
    text: &str,
    at: &Span<'_>,
    allow_http: bool,
    report: &mut Report,
) -> Option<SecretUrl> {
    let url = match Url::parse(text.trim()) {
        Ok(url) if url.has_host() => url,
        _ => {
            let help = "a webhook's URL begins with `https://`, as `https://hooks.slack.com/services/…`";
            report.error(at, "not a URL").help(help);
            return None;
        }
    };
    if !matches!(url.scheme(), "https" | "http") {
        report
            .error(at, format!("a webhook can't be reached by `{}`", url.scheme()))
            .label("write `https://…`");
        return None;
    }
    if let Some(kind) = workflow(&url) {
        let message =
            format!("the URL of a Slack {kind}, which takes variables of its own and no attachments");
        let help = "make an incoming webhook: api.slack.com/apps, your app, \"Incoming Webhooks\"";
        report.error(at, message).help(help);
        return None;
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        let help = "write `https://`; or `allow_http: true`, if the network between is yours";
        report.error(at, "the webhook's URL, its password, would be sent unencrypted").help(help);
        return None;
    }
    Some(SecretUrl::new(url))
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

/// Slack's own words for what is no incoming webhook: <https://docs.slack.dev/workflows>.
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
