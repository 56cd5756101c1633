//! What our servers of pages have in common: who may ask, and what a browser is told with each answer.

use std::net::Ipv4Addr;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName};

/// The style that all our pages begin with, and that of the bar above a live one.
pub(crate) const BASE: &str = include_str!("web/base.css");
pub(crate) const BAR: &str = include_str!("web/bar.css");

/// Nothing but what the server itself gives: no inline script or style, nothing from elsewhere. A hostile text could do
/// nothing even if it got past the escaping.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What goes with each answer.
pub(crate) const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// Whether a request was made by a name that can't be made to point at this machine by somebody else.
///
/// Where a server listens on loopback, only such requests are answered: a web page whose name leads here could read the
/// answers else.
pub(crate) fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    address || matches!(name, "localhost" | "[::1]")
}

/// `template` with each `{{name}}` replaced once, in order of appearance; what is put in is never looked at again.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        out.push_str(before);
        let value = values.iter().find(|(known, _)| *known == name);
        out.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    out + rest
}
