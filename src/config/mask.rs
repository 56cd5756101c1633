//! Keeps webhook URLs out of what a diagnostic says, and shows of a file.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A URL: before its host who asks, after it the path. Which of a file's URLs are secrets is not known while it
/// doesn't parse, so what looks like one is taken for one. It ends with what ends a YAML scalar.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?ix) (?<scheme>https?://|\bhooks\.) (?<user>[^\s"'`/@]+@)? (?<host>[^\s"'`/,}\]]+)
        (?<folder>/(?:services/|hooks/|api/)?) (?<path>[^\s"'`{},\]…]+)?"#,
    )
    .expect("the pattern is a constant")
});

/// A value of `url` that lacks the scheme.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?<key>\burl["']?:[\ \t]*["']?)(?<bare>[^\s"'{}$:&*|>][^\s"'}:]{7,})(?<end>["'}\s]|$)"#)
        .expect("the pattern is a constant")
});

/// `text` with the path of every URL masked byte for byte, so that places stay what they are.
pub(super) fn mask(text: &str) -> String {
    let masked = URL.replace_all(text, |found: &Captures<'_>| {
        let stars = |name| "*".repeat(found.name(name).map_or(0, |part| part.len()));
        let (user, path) = (stars("user"), stars("path"));
        format!("{}{user}{}{}{path}", &found["scheme"], &found["host"], &found["folder"])
    });
    let masked = BARE.replace_all(&masked, |found: &Captures<'_>| {
        format!("{}{}{}", &found["key"], "*".repeat(found["bare"].len()), &found["end"])
    });
    masked.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_host_and_its_length() {
        for (text, shown) in [
            (
                "url: https://hooks.slack.com/services/T0/B0/XX",
                "url: https://hooks.slack.com/services/********",
            ),
            ("{ url: \"http://127.0.0.1:80/x/y\" }", "{ url: \"http://127.0.0.1:80/***\" }"),
            ("url: http://me:pw@host/x, a: b", "url: http://******host/*, a: b"),
            ("url: example.com/services/T0/B0/XX\n", "url: *****************************\n"),
            ("webhook: hooks.slack.com/services/T0/B0/XX\n", "webhook: hooks.slack.com/services/********\n"),
            ("as `https://hooks.slack.com/services/…`", "as `https://hooks.slack.com/services/…`"),
            ("url: ${SLACK}", "url: ${SLACK}"),
        ] {
            assert_eq!(mask(text), shown);
            assert_eq!(mask(text).len(), text.len());
        }
    }
}
