//! A title's link: an `http` or `https` URL, with all that a log brought into it percent-encoded.

use super::markup::Piece;

/// Slack and browsers take longer ones; nobody reads them.
const URL_CHARS_MAX: usize = 2_000;

/// The URL that a link's template gave; none where it is no `http` or `https` URL with a plain host.
pub(super) fn url(pieces: &[Piece]) -> Option<String> {
    let mut out = String::new();
    for piece in pieces {
        // A field at the very beginning is a whole URL; elsewhere it is a folder of the path, or one value.
        let as_is = piece.author || out.is_empty();
        let slash = in_path(&out);
        for c in piece.text.trim_matches(char::is_control).chars() {
            push_encoded(&mut out, c, |c| if as_is { is_url_char(c) } else { c == '/' && slash });
        }
    }
    checked(&out)
}

/// A URL of the configuration, if it may be a link.
pub(super) fn checked(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let good = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        // No `user@`: it makes a link look as if it led elsewhere.
        && host.chars().all(plain)
        && host.chars().any(|c| c.is_ascii_alphanumeric())
        && url.chars().count() <= URL_CHARS_MAX;
    let mut out = String::with_capacity(url.len());
    url.chars().for_each(|c| push_encoded(&mut out, c, is_url_char));
    good.then_some(out)
}

/// Writes `c`, percent-encoded unless it is a letter, a digit, one of `-._~`, or `kept`.
pub(super) fn push_encoded(out: &mut String, c: char, kept: impl Fn(char) -> bool) {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || kept(c) {
        return out.push(c);
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
        }
        let at = out.len() - 2;
        out.insert(at, '%');
    }
}

/// What a URL may hold as it is; `|`, `<`, `>`, quotes and white space are not among it.
fn is_url_char(c: char) -> bool {
    matches!(
        c,
        ':' | '/'
            | '?'
            | '#'
            | '['
            | ']'
            | '@'
            | '!'
            | '$'
            | '&'
            | '\''
            | '('
            | ')'
            | '*'
            | '+'
            | ','
            | ';'
            | '='
            | '%'
    )
}

/// Whether what comes next stands in the path: after the host, before `?` and `#`.
fn in_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('/') && !rest.contains(['?', '#']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pieces: &[(bool, &str)], expected: Option<&str>) {
        let pieces: Vec<Piece> =
            pieces.iter().map(|(author, text)| Piece { author: *author, text: (*text).to_owned() }).collect();
        assert_eq!(url(&pieces).as_deref(), expected, "{pieces:?}");
    }

    #[test]
    fn what_a_log_brings_in_is_encoded() {
        check(&[(true, "https://a/ip/"), (false, "1.2.3.4")], Some("https://a/ip/1.2.3.4"));
        check(&[(true, "https://a/logs"), (false, "/x y?z")], Some("https://a/logs/x%20y%3Fz"));
        check(&[(true, "https://a"), (false, "/x")], None);
        check(&[(true, "https://a/logs/"), (false, "x/y#z")], Some("https://a/logs/x/y%23z"));
        check(&[(true, "https://a/?q="), (false, "x/y&r=é")], Some("https://a/?q=x%2Fy%26r%3D%C3%A9"));
        check(&[(false, "https://a/b?c=d&e=<|>")], Some("https://a/b?c=d&e=%3C%7C%3E"));
    }

    #[test]
    fn only_plain_web_links_survive() {
        for bad in
            ["javascript:alert(1)", "ftp://a/b", "https://", "https:///x", "https://slack.com@evil/", "x", ""]
        {
            check(&[(false, bad)], None);
            check(&[(true, bad)], None);
        }
        check(&[(true, "https://"), (false, "evil.com/@"), (true, "/x")], None);
        check(
            &[(true, "HTTPS://runbooks.example.com:8443/ssh")],
            Some("HTTPS://runbooks.example.com:8443/ssh"),
        );
        check(&[(true, "https://a/"), (false, &"x".repeat(3_000))], None);
    }

    proptest! {
        #[test]
        fn a_link_never_ends_early(text in any::<String>(), author in any::<bool>()) {
            let pieces = [(true, "https://a/".to_owned()), (author, text)];
            let pieces = pieces.map(|(author, text)| Piece { author, text });
            if let Some(url) = url(&pieces) {
                prop_assert!(url.bytes().all(|b| b.is_ascii_graphic() && !b"<>|\"".contains(&b)));
            }
        }
    }
}
