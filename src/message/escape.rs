//! [`Mrkdwn`]: text that Slack may be given. Log text becomes it by being escaped, and in no other way.
//!
//! Everything is cleaned first (see [`clean`]). Exactly `&`, `<` and `>` are escaped. Outside a code
//! block each `*`, `_`, `~` and backtick is followed by a word joiner, so that none of them opens or closes
//! formatting; in a code block, runs of backticks are broken, so that nothing leaves it.

use std::borrow::Cow;
use std::fmt;

use super::clean;
use super::thousands::Thousands;
use crate::excerpt;
use crate::mention::Mention;

/// Follows a formatting character of a log: as wide as nothing, and no character that formatting begins or ends at.
pub const JOINER: char = '\u{2060}';

/// Breaks a run of backticks in a code block, and keeps an `@` from calling anybody.
pub const BREAK: char = '\u{200b}';

/// What begins and ends a code block.
pub(super) const FENCE: &str = "```";

/// Text in Slack's mrkdwn, safe to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mrkdwn(String);

impl Mrkdwn {
    /// Log text on several lines, outside a code block.
    pub fn text(log: &str) -> Self {
        Self(escaped(&clean::lines(log)))
    }

    /// Log text on one line, outside a code block.
    pub fn line(log: &str) -> Self {
        Self(escaped(&clean::line(log)))
    }

    /// The same in at most `max` characters, the last of them `…` where it was cut.
    pub fn line_within(log: &str, max: usize) -> Self {
        let clean = clean::line(log);
        let whole = escaped(&clean);
        if whole.chars().count() <= max {
            return Self(whole);
        }
        let end = |n| clean.char_indices().nth(n).map_or(clean.len(), |(at, _)| at);
        let fits = |n: usize| escaped(&clean[..end(n)]).chars().count() < max;
        Self(escaped(&clean[..end(largest(max, fits))]) + if max > 0 { "…" } else { "" })
    }

    /// Log text in a code block of at most `max` characters, its head and its end kept. `left_out`: bytes that were
    /// left out of the middle of `log` before.
    pub fn code(log: &str, max: usize, left_out: u64) -> Self {
        Self::in_code(log, Self::room_in_code(max), left_out).in_block()
    }

    /// What has room in a code block of `max` characters.
    pub(super) const fn room_in_code(max: usize) -> usize {
        max.saturating_sub(2 * (FENCE.len() + 1))
    }

    /// Log text for a code block, without the block.
    pub(super) fn in_code(log: &str, max: usize, left_out: u64) -> Self {
        Self(within(&clean::lines(log), max, left_out, in_code))
    }

    /// What was made for a code block, in one.
    pub(super) fn in_block(self) -> Self {
        // Markdown receivers take the rest of an opening fence's line for the name of a language.
        let pad = if self.0.contains('\n') { "\n" } else { "" };
        Self(format!("{FENCE}{pad}{}{pad}{FENCE}", self.0))
    }

    /// Our own words, markup included.
    pub fn ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// A number.
    pub fn number(number: u64) -> Self {
        Self(Thousands(number).to_string())
    }

    /// A configured mention: the only live control sequence. Nothing where its id is not one of Slack's.
    pub fn mention(mention: &Mention) -> Self {
        match mention {
            Mention::User(id) | Mention::Group(id)
                if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                Self::default()
            }
            _ => Self(mention.to_slack()),
        }
    }

    /// For `markup` alone, which has escaped what the fields of a template brought in.
    pub(super) fn checked(text: String) -> Self {
        Self(text)
    }

    /// Adds `more` at the end.
    #[must_use]
    pub fn then(mut self, more: &Self) -> Self {
        self.0.push_str(&more.0);
        self
    }

    /// How long it is, as Slack counts.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of `parts` with `between` them.
    pub fn join(parts: &[Self], between: &'static str) -> Self {
        let texts: Vec<&str> = parts.iter().map(|part| part.0.as_str()).collect();
        Self(texts.join(between))
    }
}

impl fmt::Display for Mrkdwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Mrkdwn> for String {
    fn from(text: Mrkdwn) -> Self {
        text.0
    }
}

/// What stands for `c` where only control sequences matter.
pub(super) fn entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// Writes one character of a log outside a code block.
pub(super) fn push_escaped(out: &mut String, c: char) {
    match (c, entity(c)) {
        (_, Some(entity)) => out.push_str(entity),
        ('@', _) => out.extend([c, BREAK]),
        // Two backticks of the author's before this one would make a fence with it.
        ('`', _) if out.ends_with('`') => out.extend([JOINER, c, JOINER]),
        ('*' | '_' | '~' | '`', _) => out.extend([c, JOINER]),
        _ => out.push(c),
    }
}

fn escaped(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len() + clean.len() / 8);
    clean.chars().for_each(|c| push_escaped(&mut out, c));
    out
}

/// Writes one character of a log in a code block.
pub(super) fn push_in_code(out: &mut String, c: char) {
    match (c, entity(c)) {
        (_, Some(entity)) => out.push_str(entity),
        ('@', _) => out.extend([c, BREAK]),
        ('`', _) if out.ends_with("``") => out.extend([BREAK, c]),
        _ => out.push(c),
    }
}

fn in_code(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len() + 16);
    // The fence is not in `out`: what touches it must not be a backtick.
    if clean.starts_with('`') {
        out.push(BREAK);
    }
    clean.chars().for_each(|c| push_in_code(&mut out, c));
    if out.ends_with('`') {
        out.push(BREAK);
    }
    out
}

/// What tells a cut; `bytes` where some of it was cut before it came here, and only its bytes are known.
pub(super) fn cut_note(chars: usize, bytes: usize, left_out: u64) -> String {
    match left_out {
        0 => format!("… {} characters left out …", Thousands(chars as u64)),
        _ => format!("… {} bytes left out …", Thousands(bytes as u64 + left_out)),
    }
}

/// `clean`, escaped, within `max` characters. The budget is applied before escaping: never inside an entity.
fn within(clean: &str, max: usize, left_out: u64, escape: impl Fn(&str) -> String) -> String {
    let whole = escape(clean);
    if left_out == 0 && whole.chars().count() <= max {
        return whole;
    }
    let starts: Vec<usize> = clean.char_indices().map(|(at, _)| at).chain([clean.len()]).collect();
    let chars = starts.len() - 1;
    let join = if clean.contains('\n') { "\n" } else { " " };
    let build = |kept: usize| {
        let (head, tail) = head_and_tail(&starts, kept, left_out);
        let note = cut_note(tail - head, starts[tail] - starts[head], left_out);
        let parts = [escape(&clean[..starts[head]]), note, escape(&clean[starts[tail]..])];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(join)
    };
    let fits = |kept: usize| build(kept).chars().count() <= max;
    build(largest(chars.min(max), fits))
}

/// Where the head of `kept` characters ends and the tail begins, two thirds to one, as places in `starts`.
fn head_and_tail(starts: &[usize], kept: usize, left_out: u64) -> (usize, usize) {
    let chars = starts.len() - 1;
    let head = kept - kept / 3;
    let tail = chars - kept / 3;
    let len = starts[chars];
    if left_out == 0 {
        return (head, tail);
    }
    if len <= HEAD_SURE + TAIL_SURE {
        // Redaction has taken so much that nobody knows where the seam was: the note stands at the end.
        return (kept, chars);
    }
    // The text is a head and a tail already, and redaction may have moved the seam: keep well away from it.
    let head_max = starts.partition_point(|at| *at <= HEAD_SURE) - 1;
    let tail_min = starts.partition_point(|at| *at < len - TAIL_SURE);
    (head.min(head_max), tail.max(tail_min))
}

/// How much of a snapshot's beginning surely lies before its seam.
const HEAD_SURE: usize = excerpt::HEAD_BYTES * 3 / 4;
/// How much of its end surely lies after it.
const TAIL_SURE: usize = excerpt::TAIL_BYTES * 3 / 4;

/// The largest number up to `max` that fits, by halving; 0 where none does.
pub(super) fn largest(max: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, max);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// What a reader sees of an escaped text: entities resolved, joiners and breaks gone.
pub fn unescape(mrkdwn: &str) -> Cow<'_, str> {
    if !mrkdwn.contains(['&', JOINER, BREAK]) {
        return Cow::Borrowed(mrkdwn);
    }
    let bare = mrkdwn.replace([JOINER, BREAK], "");
    Cow::Owned(bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_of_a_log_is_dead() {
        for (log, expected) in [
            ("<!channel> & <https://evil|login>", "&lt;!channel&gt; &amp; &lt;https://evil|login&gt;"),
            (
                "*a* _b_ ~c~ `d`",
                "*\u{2060}a*\u{2060} _\u{2060}b_\u{2060} ~\u{2060}c~\u{2060} `\u{2060}d`\u{2060}",
            ),
            ("```", "`\u{2060}`\u{2060}`\u{2060}"),
            ("&lt;", "&amp;lt;"),
        ] {
            assert_eq!(Mrkdwn::text(log).to_string(), expected);
        }
    }

    #[test]
    fn nothing_leaves_a_code_block() {
        for (log, expected) in [
            ("plain <b>", "```plain &lt;b&gt;```"),
            ("a```b", "```a``\u{200b}`b```"),
            ("`x`", "```\u{200b}`x`\u{200b}```"),
            ("`````", "```\u{200b}``\u{200b}``\u{200b}`\u{200b}```"),
            ("one\ntwo", "```\none\ntwo\n```"),
            ("", "``````"),
        ] {
            assert_eq!(Mrkdwn::code(log, 3_000, 0).to_string(), expected);
        }
    }

    #[test]
    fn a_cut_keeps_head_and_end_and_is_told() {
        let log = "a".repeat(2_000) + &"z".repeat(2_000);
        let code = Mrkdwn::code(&log, 1_000, 0).to_string();
        assert_eq!(code.chars().count(), 998, "two are for the line ends that it did not need");
        assert!(code.starts_with("```aaa") && code.ends_with("zzz```"), "{code}");
        assert!(code.contains("a … 3,039 characters left out … z"), "{code}");
        assert_eq!(Mrkdwn::line_within("abcdef", 4).to_string(), "abc…");
        assert_eq!(Mrkdwn::line_within("a<<<", 8).to_string(), "a&lt;…");
    }

    #[test]
    fn what_was_cut_before_is_told_in_bytes() {
        let log = "a".repeat(6_144) + &"z".repeat(2_048);
        let code = Mrkdwn::code(&log, 3_000, 100_000).to_string();
        assert!(code.contains("a … 105,"), "{code}");
        assert!(code.contains("bytes left out … z"), "{code}");
        let short = Mrkdwn::code("[redacted]", 3_000, 4_096).to_string();
        assert_eq!(short, "```[redacted] … 4,096 bytes left out …```");
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing(log in any::<String>()) {
            let text = Mrkdwn::text(&log).to_string();
            prop_assert_eq!(unescape(&text), clean::lines(&log));
            prop_assert!(!text.contains(['<', '>']));
            let line = Mrkdwn::line(&log).to_string();
            prop_assert_eq!(unescape(&line), clean::line(&log));
        }

        #[test]
        fn code_loses_nothing_and_keeps_its_fences(log in "[`a\n<&*]{0,40}|\\PC*") {
            let code = Mrkdwn::code(&log, 100_000, 0).to_string();
            prop_assert_eq!(code.matches(FENCE).count(), 2);
            let inner = &code[FENCE.len()..code.len() - FENCE.len()];
            prop_assert!(!inner.starts_with('`') && !inner.ends_with('`'));
            let expected = clean::lines(&log);
            let inner = if expected.contains('\n') { &inner[1..inner.len() - 1] } else { inner };
            prop_assert_eq!(unescape(inner), expected);
        }

        #[test]
        fn budgets_hold(log in "[`a\n<&*é🔥]{0,400}", max in 60_usize..300, left_out in 0_u64..3) {
            prop_assert!(Mrkdwn::code(&log, max, left_out * 5_000).chars() <= max);
            prop_assert!(Mrkdwn::line_within(&log, max).chars() <= max);
        }
    }
}
