//! What a template gave, to [`Mrkdwn`]: the author's own markup lives, what fields brought in is dead text.
//!
//! The author's literal text may hold formatting, code blocks and links (`<https://…|label>`, `<mailto:…>`, `<!date^…>`).
//! Mentions are not among them: they stand in the rule, and in the message's top-level text. What a field brings in is
//! escaped for where it stands: in a code block it can't leave it, in a link's target it is percent-encoded.

use super::clean;
use super::escape::{BREAK, FENCE, JOINER, Mrkdwn, cut_note, entity, largest, push_escaped, push_in_code};
use super::link::push_encoded;

/// A part of what a template gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Literal text of the template; else it was put in by an expression.
    pub author: bool,
    /// As it came out, not cleaned and not escaped.
    pub text: String,
}

/// A character and whether the author wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Char {
    c: char,
    author: bool,
}

/// How an attachment's text, pretext or field is drawn: markup lives. At most `max` characters; where it was cut it
/// says so. `trusted` is a URL of the configuration that may be a link's target although a field brings it in.
pub fn rich(pieces: &[Piece], max: usize, trusted: Option<&str>) -> Mrkdwn {
    let chars = trimmed(flat(pieces, |text| clean::lines(text).into_owned()));
    let draw = |chars: &[Char]| Rich::draw(chars, trusted);
    if chars.len() <= max {
        let whole = draw(&chars);
        if whole.chars().count() <= max {
            return Mrkdwn::checked(whole);
        }
    }
    let build = |kept: usize| {
        let (head, tail) = (kept - kept / 3, chars.len() - kept / 3);
        let note = cut_note(tail - head, 0, 0);
        let note = format!("\n{note}\n");
        let middle = note.chars().map(|c| Char { c, author: true });
        let cut: Vec<Char> =
            chars[..head].iter().copied().chain(middle).chain(chars[tail..].iter().copied()).collect();
        draw(&cut)
    };
    let kept = largest(chars.len().min(max), |kept| build(kept).chars().count() <= max);
    Mrkdwn::checked(build(kept))
}

/// How a title, footer or fallback is drawn: on one line, without links, at most `max` characters.
pub fn plain(pieces: &[Piece], max: usize) -> Mrkdwn {
    let chars = trimmed(flat(pieces, |text| clean::line(text).into_owned()));
    let whole = draw_plain(&chars);
    if whole.chars().count() <= max {
        return Mrkdwn::checked(whole);
    }
    let kept = largest(chars.len().min(max), |kept| draw_plain(&chars[..kept]).chars().count() < max);
    Mrkdwn::checked(draw_plain(&chars[..kept]) + "…")
}

fn flat(pieces: &[Piece], clean: impl Fn(&str) -> String) -> Vec<Char> {
    let mut chars = Vec::new();
    for piece in pieces {
        let author = piece.author;
        match author {
            true => chars.extend(piece.text.chars().map(|c| Char { c, author })),
            false => chars.extend(clean(&piece.text).chars().map(|c| Char { c, author })),
        }
    }
    chars
}

fn trimmed(mut chars: Vec<Char>) -> Vec<Char> {
    let end = chars.iter().rposition(|x| !x.c.is_whitespace()).map_or(0, |at| at + 1);
    chars.truncate(end);
    let start = chars.iter().position(|x| !x.c.is_whitespace()).unwrap_or(0);
    chars.drain(..start);
    chars
}

fn draw_plain(chars: &[Char]) -> String {
    let mut out = String::new();
    for x in chars {
        match (x.author, x.c) {
            (true, c) if c.is_control() => out.push(' '),
            // A code block in a title would swallow what follows it.
            (true, '`') if out.ends_with("``") => out.extend([BREAK, '`']),
            (true, c) => push_author(&mut out, c),
            (false, c) => push_escaped(&mut out, c),
        }
    }
    out
}

/// Writes one character of the author's: his formatting lives.
fn push_author(out: &mut String, c: char) {
    match entity(c) {
        Some(entity) => out.push_str(entity),
        // Whom a message calls stands in the rule.
        None if c == '@' => out.extend([c, BREAK]),
        None => out.push(c),
    }
}

/// Walks along the characters and keeps in mind whether it is in a code block.
struct Rich<'a> {
    chars: &'a [Char],
    at: usize,
    in_code: bool,
    trusted: Option<&'a str>,
    out: String,
}

impl<'a> Rich<'a> {
    fn draw(chars: &'a [Char], trusted: Option<&'a str>) -> String {
        let mut walk = Self { chars, at: 0, in_code: false, trusted, out: String::new() };
        while walk.at < chars.len() {
            walk.step();
        }
        if walk.in_code {
            walk.fence();
        }
        walk.out
    }

    fn step(&mut self) {
        let Char { c, author } = self.chars[self.at];
        match (author, c) {
            (true, '`') if self.fence_here() => {
                self.fence();
                self.at += FENCE.len();
                return;
            }
            (true, '<') if !self.in_code => {
                if let Some(close) = self.close_of_link() {
                    self.link(close);
                    self.at = close + 1;
                    return;
                }
                self.out.push_str("&lt;");
            }
            (true, c) if c.is_control() && !matches!(c, '\n' | '\t') => {}
            // With two backticks of a field before it, the author's single one would make a fence.
            (true, '`') if self.in_code => push_in_code(&mut self.out, c),
            (true, c) => push_author(&mut self.out, c),
            (false, c) if self.in_code => {
                // Nothing may touch the fence that opened the block.
                if c == '`' && self.out.ends_with(FENCE) {
                    self.out.push(BREAK);
                }
                push_in_code(&mut self.out, c);
            }
            (false, c) => push_escaped(&mut self.out, c),
        }
        self.at += 1;
    }

    /// Whether the author wrote a fence here. Three backticks with nothing between them are one, whatever empty field
    /// stood there.
    fn fence_here(&self) -> bool {
        self.chars
            .get(self.at..self.at + FENCE.len())
            .is_some_and(|x| x.iter().all(|x| x.author && x.c == '`'))
    }

    fn fence(&mut self) {
        if self.out.ends_with('`') {
            self.out.push(if self.in_code { BREAK } else { JOINER });
        }
        self.out.push_str(FENCE);
        self.in_code = !self.in_code;
    }

    /// The place of the `>` of a link whose `<` stands here, if it is one that may live.
    fn close_of_link(&self) -> Option<usize> {
        let rest = &self.chars[self.at + 1..];
        let len = rest.iter().position(|x| x.author && matches!(x.c, '<' | '>' | '\n'))?;
        let has_fence = rest[..len].windows(FENCE.len()).any(|x| x.iter().all(|x| x.author && x.c == '`'));
        (rest[len].c == '>' && !has_fence).then_some(())?;
        let written: String = rest[..len].iter().take_while(|x| x.author).map(|x| x.c).collect();
        let written_so =
            ["https://", "http://", "mailto:", "!date^"].iter().any(|start| written.starts_with(start));
        let target: String =
            rest[..len].iter().take_while(|x| !(x.author && x.c == '|')).map(|x| x.c).collect();
        (written_so || self.trusted.is_some_and(|trusted| trusted == target)).then_some(self.at + 1 + len)
    }

    fn link(&mut self, close: usize) {
        let inner = &self.chars[self.at + 1..close];
        let bar = inner.iter().position(|x| x.author && x.c == '|').unwrap_or(inner.len());
        let (target, label) = inner.split_at(bar);
        let whole: String = target.iter().map(|x| x.c).collect();
        let trusted = self.trusted == Some(whole.as_str());
        self.out.push('<');
        // A path may have folders; what follows `?` or `#` is one value.
        let mut in_path = true;
        for x in target {
            match (x.author || trusted, x.c) {
                (true, '|' | '<' | '>' | '`') => push_encoded(&mut self.out, x.c, |_| false),
                (true, '&') => self.out.push_str("&amp;"),
                (true, c) => {
                    in_path &= !matches!(c, '?' | '#' | '^');
                    self.out.push(c);
                }
                (false, c) => push_encoded(&mut self.out, c, |c| c == '/' && in_path),
            }
        }
        for x in label {
            match (x.author, x.c) {
                (true, c) => push_author(&mut self.out, c),
                (false, c) => push_escaped(&mut self.out, c),
            }
        }
        self.out.push('>');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn author(text: &str) -> Piece {
        Piece { author: true, text: text.to_owned() }
    }

    fn field(text: &str) -> Piece {
        Piece { author: false, text: text.to_owned() }
    }

    fn check(pieces: &[Piece], expected: &str) {
        assert_eq!(rich(pieces, 3_000, None).to_string(), expected, "{pieces:?}");
    }

    #[test]
    fn a_field_and_the_authors_single_backtick_make_no_fence() {
        check(&[author("```"), field("x``"), author("` y```")], "```x``\u{200b}` y```");
    }

    #[test]
    fn the_authors_markup_lives_and_a_fields_is_dead() {
        check(
            &[author("*bold* & "), field("*not* <!here>")],
            "*bold* &amp; *\u{2060}not*\u{2060} &lt;!here&gt;",
        );
        check(&[author("user `"), field("a`b"), author("`")], "user `a`\u{2060}b`");
        check(&[author("  "), field(" x "), author("\n")], "x");
        check(&[field("a\x1b[0m\tb\nc")], "a\\x1b[0m\tb\nc");
    }

    #[test]
    fn code_blocks_hold() {
        check(&[author("```"), field("a```b`"), author("```")], "```a``\u{200b}`b`\u{200b}```");
        check(&[author("```"), field("```"), author("```")], "```\u{200b}``\u{200b}`\u{200b}```");
        check(&[author("``` open "), field("x")], "``` open x```");
        check(&[author("``"), field("`"), author("x")], "``\u{2060}`\u{2060}x");
        check(&[author("``"), field("`"), author("``")], "``\u{2060}`\u{2060}``");
        check(&[author("```<https://a|b>```")], "```&lt;https://a|b&gt;```");
    }

    #[test]
    fn links_are_the_authors() {
        check(&[author("<https://a/?x=1&y|b>")], "<https://a/?x=1&amp;y|b>");
        check(
            &[author("<https://a/"), field("../x?<|>&"), author("|"), field("*l*|>"), author(">")],
            "<https://a/../x%3F%3C%7C%3E%26|*\u{2060}l*\u{2060}|&gt;>",
        );
        check(&[author("<https://a/?q="), field("a/b&c"), author(">")], "<https://a/?q=a%2Fb%26c>");
        check(&[author("<"), field("https://evil"), author("|runbook>")], "&lt;https://evil|runbook&gt;");
        check(&[author("<https://a no end")], "&lt;https://a no end");
        let runbook = Some("https://runbooks/ssh?a&b");
        let pieces = [author("<"), field("https://runbooks/ssh?a&b"), author("|runbook>")];
        assert_eq!(rich(&pieces, 3_000, runbook).to_string(), "<https://runbooks/ssh?a&amp;b|runbook>");
    }

    #[test]
    fn mentions_are_not_markup() {
        check(
            &[author("<!here> <@U1> <!subteam^S1>")],
            "&lt;!here&gt; &lt;@\u{200b}U1&gt; &lt;!subteam^S1&gt;",
        );
        check(&[author("<!"), field("channel"), author(">")], "&lt;!channel&gt;");
    }

    #[test]
    fn titles_are_plain() {
        let pieces = [author("a\n<https://x|y> ``` "), field("b\nc")];
        assert_eq!(plain(&pieces, 150).to_string(), "a &lt;https://x|y&gt; ``\u{200b}` b\\nc");
        assert_eq!(plain(&[author("abcdef")], 4).to_string(), "abc…");
    }

    #[test]
    fn a_long_text_is_cut_in_its_middle() {
        let text = rich(&[author("```"), field(&"x".repeat(5_000)), author("``` end")], 500, None);
        let text = text.to_string();
        assert!(text.chars().count() <= 500);
        assert!(text.starts_with("```xxx") && text.ends_with("xxx``` end"), "{text}");
        assert!(text.contains("\n… 4,5"), "{text}");
    }

    fn piece() -> impl Strategy<Value = Piece> {
        let text = prop_oneof!["[`<>|a\n!@*&]{0,12}", "<https://[a|`>&]{0,6}>?", "\\PC{0,20}", "```"];
        (any::<bool>(), text).prop_map(|(author, text)| Piece { author, text })
    }

    proptest! {
        #[test]
        fn no_field_makes_anything_live(pieces in prop::collection::vec(piece(), 0..8), max in 80_usize..400) {
            let text = rich(&pieces, max, None).to_string();
            prop_assert!(text.chars().count() <= max);
            prop_assert_eq!(text.matches(FENCE).count() % 2, 0);
            for (at, _) in text.match_indices('<') {
                prop_assert!(["<https://", "<http://", "<mailto:", "<!date^"].iter().any(|s| text[at..].starts_with(s)));
            }
            let fields: Vec<Piece> = pieces.iter().cloned().map(|p| Piece { author: false, ..p }).collect();
            let text = rich(&fields, 3_000, None).to_string();
            prop_assert!(!text.contains(['<', '>']) && !text.contains(FENCE));
            prop_assert!(!plain(&pieces, max).to_string().contains(['<', '>', '\n']));
            prop_assert!(plain(&pieces, max).chars() <= max);
        }
    }
}
