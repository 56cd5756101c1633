//! Takes out of a text what looks like a secret, before it is stored or posted.
//!
//! What is found is found in the text as it came; all that is found is then replaced at once, so that no pattern sees
//! what another one left. Patterns are linear in a text's length, and a text is cut to 8 KiB before they see it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::thousands::Thousands;
use crate::engine::{Alert, Folded, HeldBack, Snapshot};
use crate::event::Texts;

mod builtin;

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";

/// More of a text than this no pattern is shown: a search may take time in the square of it.
const WINDOW_BYTES: usize = Snapshot::HEAD_BYTES + Snapshot::TAIL_BYTES;

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

    /// As much of a text as the patterns are shown.
    fn windowed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let idle = !self.builtin && self.patterns.is_empty();
        if idle || text.len() <= WINDOW_BYTES {
            return Cow::Borrowed(text);
        }
        let whole = |at: &usize| text.is_char_boundary(*at);
        let head = &text[..(0..=Snapshot::HEAD_BYTES).rev().find(whole).unwrap_or(0)];
        let tail = &text[(text.len() - Snapshot::TAIL_BYTES..).find(whole).unwrap_or(text.len())..];
        let left_out = text.len() - head.len() - tail.len();
        Cow::Owned(format!("{head}…[{}_bytes_left_out]…{tail}", Thousands(left_out as u64)))
    }

    /// Where the secrets are: in order, apart from each other, none of them empty.
    fn secrets(&self, text: &str) -> Vec<Range<usize>> {
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

    /// Whether a value is a secret because of its name: `password` is one whatever its text.
    fn is_secret_of(&self, name: &str, value: &str) -> bool {
        self.builtin && !value.is_empty() && {
            let pair = format!("{name}: {value}");
            self.secrets(&pair)
                .iter()
                .any(|secret| secret.start <= name.len() + 2 && secret.end == pair.len())
        }
    }
}

fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
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

fn without(text: &str, secrets: &[Range<usize>]) -> String {
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

/// Takes the secrets out of all texts of `alert`.
///
/// A value that was read from the line is taken out too where it shows what was taken out of the line: a secret alone,
/// without the `password=` before it, doesn't look like one. Values that tell episodes apart become
/// `[redacted #1a2b3c]`, so that two of them can still be told apart.
pub fn redact_alert(alert: &mut Alert, redactor: &Redactor) {
    let mut taken = Taken { redactor, secrets: Vec::new(), names: Vec::new() };
    if let Some(event) = &mut alert.event {
        taken.snapshot(event);
    }
    taken.key(&mut alert.key);
    if let Some(folded) = &mut alert.folded {
        taken.folded(folded);
    }
    if let Some(held_back) = &mut alert.held_back {
        taken.held_back(held_back);
    }
}

/// What was taken out of an alert so far.
struct Taken<'a> {
    redactor: &'a Redactor,
    /// The secrets of the line.
    secrets: Vec<String>,
    /// The captures, labels and fields of the key that hold a secret.
    names: Vec<Arc<str>>,
}

impl Taken<'_> {
    fn snapshot(&mut self, event: &mut Snapshot) {
        let line = self.redactor.windowed(&event.line);
        let secrets = self.redactor.secrets(&line);
        self.secrets = secrets.iter().map(|secret| line[secret.clone()].to_owned()).collect();
        event.line = without(&line, &secrets);
        replace(&mut event.shape, self.redactor);
        if let Some(file) = &mut event.file {
            replace_arc(file, self.redactor);
        }
        let line = event.line.clone();
        for (name, value) in event.captures.iter_mut().chain(&mut event.labels) {
            if let Some(clean) = self.value(name, value, Some(&line)) {
                *value = clean.into();
                self.names.push(Arc::clone(name));
            }
        }
    }

    /// The value without its secrets, if it has any. `line`: the redacted line that it was read from.
    fn value(&self, name: &str, value: &str, line: Option<&str>) -> Option<String> {
        if self.redactor.is_secret_of(name, value) {
            return Some(REDACTED.to_owned());
        }
        let mut clean = self.redactor.redact(value).into_owned();
        for secret in &self.secrets {
            let is_part = secret.contains(&*clean) && line.is_some_and(|line| !line.contains(&*clean));
            if is_part && !clean.is_empty() {
                return Some(REDACTED.to_owned());
            }
            clean = clean.replace(secret, REDACTED);
        }
        (clean != value).then_some(clean)
    }

    fn key(&mut self, key: &mut Texts) {
        for (name, value) in key {
            if self.names.contains(name) || self.value(name, value, None).is_some() {
                *value = hashed(value).into();
                self.names.push(Arc::clone(name));
            }
        }
    }

    fn folded(&self, folded: &mut Folded) {
        for sample in &mut folded.samples {
            replace(sample, self.redactor);
        }
        for common in &mut folded.common {
            let named = self.names.contains(&common.capture);
            for (value, _) in &mut common.values {
                if named {
                    *value = hashed(value);
                } else if let Some(clean) = self.value(&common.capture, value, None) {
                    *value = clean;
                }
            }
        }
    }

    fn held_back(&self, held_back: &mut HeldBack) {
        for (key, _) in &mut held_back.keys {
            // Of a key of several fields nobody knows here which of them is the secret one.
            if !self.names.is_empty() || matches!(self.redactor.redact(key), Cow::Owned(_)) {
                *key = hashed(key);
            }
        }
    }
}

fn replace(text: &mut String, redactor: &Redactor) {
    if let Cow::Owned(clean) = redactor.redact(text) {
        *text = clean;
    }
}

fn replace_arc(text: &mut Arc<str>, redactor: &Redactor) {
    if let Cow::Owned(clean) = redactor.redact(text) {
        *text = clean.into();
    }
}

/// A key that must not be shown, told from others by 24 bits.
fn hashed(key: &str) -> String {
    format!("[redacted #{:06x}]", xxh3_64(key.as_bytes()) >> 40)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::tests::{alert, texts};

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

    #[test]
    fn an_alert_shows_its_secret_nowhere() {
        let mut alert = alert("login bob password=hunter2 from 1.2.3.4");
        let event = alert.event.as_mut().unwrap();
        event.captures =
            texts(&[("user", "bob"), ("pw", "hunter2"), ("all", "password=hunter2"), ("half", "hunt")]);
        event.labels = texts(&[("api_key", "k"), ("api_token", "abcd1234"), ("team", "ops")]);
        event.file = Some("/var/log/token=abc".into());
        alert.key = texts(&[("pw", "hunter2"), ("user", "bob")]);
        alert.folded = Some(Folded {
            samples: vec!["login eve password=hunter3 from 1.2.3.4".into()],
            common: vec![
                crate::engine::Common { capture: "pw".into(), values: vec![("hunter3".into(), 2)] },
                crate::engine::Common { capture: "user".into(), values: vec![("eve".into(), 2)] },
            ],
        });
        alert.held_back = Some(HeldBack { count: 3, keys: vec![("hunter3, eve".into(), 3)] });
        redact_alert(&mut alert, &Redactor::new(true, vec![]));

        let shown = format!("{alert:?}");
        assert!(!shown.contains("hunt") && !shown.contains("abc"), "{shown}");
        let event = alert.event.unwrap();
        assert_eq!(event.line, "login bob password=[redacted] from 1.2.3.4");
        assert_eq!(event.captures[0].1.as_ref(), "bob");
        assert_eq!(event.captures[2].1.as_ref(), "password=[redacted]");
        assert_eq!(event.labels[2].1.as_ref(), "ops");
        assert_eq!(alert.key[1].1.as_ref(), "bob");
        assert!(alert.key[0].1.starts_with("[redacted #") && alert.key[0].1.len() == 18, "{:?}", alert.key);
        assert_eq!(alert.folded.unwrap().common[1].values[0].0, "eve");
        assert!(alert.held_back.unwrap().keys[0].0.starts_with("[redacted #"));
    }

    #[test]
    fn an_alert_without_a_secret_stays_as_it_is() {
        let mut before = alert("Failed password for root from 203.0.113.7 port 52190 ssh2");
        before.key = texts(&[("ip", "203.0.113.7")]);
        before.held_back = Some(HeldBack { count: 3, keys: vec![("10.0.0.1".into(), 3)] });
        let mut after = before.clone();
        redact_alert(&mut after, &Redactor::new(true, vec![]));
        assert_eq!(after, before);
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
