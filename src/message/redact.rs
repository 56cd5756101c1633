//! Takes out of a text what looks like a secret, before it is stored or posted.
//!
//! What is found is found in the text as it came; all that is found is then replaced at once, so that no pattern sees
//! what another one left. Patterns are linear in a text's length, and a text is cut to 8 KiB before they see it.

use std::borrow::Cow;
use std::ops::Range;

use super::thousands::Thousands;
use crate::excerpt;

mod builtin;

/// What stands in a secret's place.
pub(super) const REDACTED: &str = "[redacted]";

/// What to take out.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    builtin: bool,
    patterns: Vec<regex::Regex>,
}

impl Redactor {
    /// The built-in set where `builtin`, and `patterns`. Of a pattern with groups only what the groups caught is
    /// taken out, else the whole match.
    pub fn new(builtin: bool, patterns: Vec<regex::Regex>) -> Self {
        Self { builtin, patterns }
    }

    /// The same with more patterns: a rule's beside the file's.
    #[must_use]
    pub fn extend(&self, patterns: impl IntoIterator<Item = regex::Regex>) -> Self {
        let patterns = self.patterns.iter().cloned().chain(patterns).collect();
        Self { builtin: self.builtin, patterns }
    }

    /// `text` with `[redacted]` in the place of each secret. Of a text over 8 KiB the middle is left out, and said so.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.windowed(text);
        let secrets = self.secrets(&text);
        if secrets.is_empty() {
            return text;
        }
        Cow::Owned(without(&text, &secrets))
    }

    /// As much of a text as the patterns are shown: a search may take time in the square of it.
    pub(super) fn windowed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.builtin && self.patterns.is_empty() {
            return Cow::Borrowed(text);
        }
        let Some((head, tail)) = excerpt::ends(text) else { return Cow::Borrowed(text) };
        let left_out = text.len() - head.len() - tail.len();
        Cow::Owned(format!("{head}…[{}_bytes_left_out]…{tail}", Thousands(left_out as u64)))
    }

    /// Where the secrets are: in order, apart from each other, none of them empty.
    pub(super) fn secrets(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.builtin {
            builtin::find(text, &mut found);
        }
        for pattern in &self.patterns {
            for caught in pattern.captures_iter(text) {
                let groups = || caught.iter().skip(1).flatten().map(|group| group.range());
                match groups().next() {
                    Some(_) => found.extend(groups()),
                    None => found.extend(caught.get(0).map(|whole| whole.range())),
                }
            }
        }
        merged(found)
    }

    /// Whether the built-in set holds.
    pub(super) const fn has_builtin(&self) -> bool {
        self.builtin
    }

    /// Whether a value is a secret because of its name: `password` is one whatever its text.
    pub(super) fn is_secret_of(&self, name: &str, value: &str) -> bool {
        self.builtin && !value.is_empty() && {
            let pair = format!("{name}: {value}");
            self.secrets(&pair)
                .iter()
                .any(|secret| secret.start <= name.len() + 2 && secret.end == pair.len())
        }
    }
}

pub(super) fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.retain(|range| !range.is_empty());
    found.sort_unstable_by_key(|range| range.start);
    found.dedup_by(|next, last| {
        let overlap = next.start < last.end;
        if overlap {
            last.end = last.end.max(next.end);
        }
        overlap
    });
    found
}

pub(super) fn without(text: &str, secrets: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        out.push_str(&text[at..secret.start]);
        out.push_str(REDACTED);
        at = secret.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW_BYTES: usize = excerpt::HEAD_BYTES + excerpt::TAIL_BYTES;

    #[test]
    fn patterns_take_out_their_groups_or_all() {
        let patterns = ["user=(\\w+)", "\\d{3}-\\d{4}"].map(|pattern| regex::Regex::new(pattern).unwrap());
        let redactor = Redactor::new(false, vec![patterns[0].clone()]).extend([patterns[1].clone()]);
        assert_eq!(redactor.redact("user=bob 555-1234 password=x"), "user=[redacted] [redacted] password=x");
        assert!(matches!(Redactor::default().redact("password=x"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_overlaps_is_taken_out_once() {
        let redactor = Redactor::new(true, vec![regex::Regex::new("a token=[a-z]+").unwrap()]);
        assert_eq!(redactor.redact("is a token=abc123 b"), "is [redacted] b");
    }

    #[test]
    fn a_long_text_is_cut_before_it_is_searched() {
        let text = format!("{} password=hunter2 {}", "a".repeat(20_000), "z".repeat(3_000));
        let clean = Redactor::new(true, vec![]).redact(&text).into_owned();
        assert!(clean.len() < WINDOW_BYTES + 64 && !clean.contains("hunter2"));
        assert!(clean.contains("a…[14,826_bytes_left_out]…z"));
    }

    proptest! {
        #[test]
        fn redaction_never_fails(text in "\\PC*|[password=:\"'/@ 0-9-]{0,60}") {
            let redactor = Redactor::new(true, vec![]);
            let once = redactor.redact(&text).into_owned();
            prop_assert!(once.len() <= WINDOW_BYTES * 6);
        }
    }
}
