//! Slack's mrkdwn, read as far as messages use it: emphasis, code, links, mentions, entities.
//!
//! Not read: quotes, lists, emoji names and bare URLs; they stay as they are written. The rules are those of
//! <https://docs.slack.dev/messaging/formatting-message-text>.

/// A word joiner after a formatting character takes its meaning away.
const WORD_JOINER: char = '\u{2060}';

/// One stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words, with entities resolved.
    Text(String),
    /// Words with emphasis.
    Marked(Mark, Vec<Piece>),
    /// `` `code` ``: words, links and mentions.
    Code(Vec<Piece>),
    /// A fenced block, on lines of its own: words, links and mentions.
    Block(Vec<Piece>),
    /// A link.
    Link {
        /// Where it leads, unescaped.
        url: String,
        /// What is shown.
        label: String,
    },
    /// What notifies somebody, as it is shown: `@here`.
    Mention(String),
}

/// An emphasis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `*bold*`
    Bold,
    /// `_italic_`
    Italic,
    /// `~strike~`
    Strike,
}

/// What a sequence in angle brackets means, in the order in which Slack looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control<'a> {
    /// `<#C…|name>`: the name or the id.
    Channel(&'a str),
    /// `<@U…>`, `<!subteam^S…>`, `<!here>` and all others that begin so: the name or the id, without `@`.
    Mention(&'a str),
    /// `<!date^…|fallback>`: the fallback.
    Date(&'a str),
    /// Anything else: address and label.
    Link(&'a str, &'a str),
}

/// Every control sequence of `text`, with its brackets.
pub fn controls(text: &str) -> Vec<(&str, Control<'_>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        match control(rest) {
            Some((control, len)) => {
                found.push((&rest[..len], control));
                rest = &rest[len..];
            }
            None => rest = &rest[1..],
        }
    }
    found
}

/// Reads `text` with all its formatting.
pub fn parse(text: &str) -> Vec<Piece> {
    let mut out = Pieces::default();
    let mut rest = text;
    while let Some((before, block, after)) = fence(rest) {
        out.inline(before.strip_suffix('\n').unwrap_or(before), &[]);
        out.push(Piece::Block(plain(block)));
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    out.inline(rest, &[]);
    out.finish()
}

/// Reads `text` where Slack does not format: only entities, links and mentions mean something.
pub fn plain(text: &str) -> Vec<Piece> {
    let mut out = Pieces::default();
    let mut rest = text;
    while !rest.is_empty() {
        let len = out.control(rest).unwrap_or_else(|| out.character(rest));
        rest = &rest[len..];
    }
    out.finish()
}

/// `text` with Slack's three entities resolved.
pub fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The first fenced block: what is before it, in it, and after it.
fn fence(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("```")?;
    let (block, after) = rest.split_once("```")?;
    let block = block.strip_prefix('\n').unwrap_or(block);
    Some((before, block.strip_suffix('\n').unwrap_or(block), after))
}

/// The control sequence that `text` begins with, and its length.
fn control(text: &str) -> Option<(Control<'_>, usize)> {
    let rest = text.strip_prefix('<')?;
    let end = rest.find(['<', '>'])?;
    if rest.as_bytes()[end] == b'<' || end == 0 {
        return None;
    }
    Some((classify(&rest[..end]), end + 2))
}

fn classify(inner: &str) -> Control<'_> {
    let (head, label) = inner.split_once('|').map_or((inner, None), |(head, label)| (head, Some(label)));
    if head.starts_with("#C") || head.starts_with("#G") {
        Control::Channel(label.unwrap_or(&head[1..]))
    } else if head.starts_with("!date^") {
        Control::Date(label.unwrap_or(head))
    } else if let Some(id) = head.strip_prefix("!subteam^").or_else(|| head.strip_prefix(['@', '!'])) {
        let name = label.filter(|label| !label.is_empty()).unwrap_or(id);
        Control::Mention(name.strip_prefix('@').unwrap_or(name))
    } else {
        Control::Link(head, label.filter(|label| !label.is_empty()).unwrap_or(head))
    }
}

fn is_address(url: &str) -> bool {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(&*scheme, "http" | "https" | "mailto" | "tel" | "ftp" | "slack"))
}

/// Pieces under construction: neighbouring text becomes one piece.
#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    text: String,
    /// For each of [`MARKS`], up to where it is known not to be closed, so that a hostile text costs linear time.
    barren: [usize; MARKS.len()],
}

const MARKS: [char; 4] = ['*', '_', '~', '`'];

impl Pieces {
    fn push(&mut self, piece: Piece) {
        if !self.text.is_empty() {
            self.done.push(Piece::Text(std::mem::take(&mut self.text)));
        }
        self.done.push(piece);
    }

    fn finish(mut self) -> Vec<Piece> {
        if !self.text.is_empty() {
            self.done.push(Piece::Text(self.text));
        }
        self.done
    }

    /// Reads all of `text`; marks in `open` surround it and can't open again, so nesting ends at three.
    fn inline(&mut self, text: &str, open: &[char]) {
        self.barren = [0; MARKS.len()];
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            at += self
                .control(rest)
                .or_else(|| self.code(text, at))
                .or_else(|| self.marked(text, at, open))
                .unwrap_or_else(|| self.character(rest));
        }
    }

    /// One character, or one entity, or a formatting character with the joiner that makes it literal.
    fn character(&mut self, rest: &str) -> usize {
        for (entity, c) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')] {
            if rest.starts_with(entity) {
                self.text.push(c);
                return entity.len();
            }
        }
        let c = rest.chars().next().unwrap_or_default();
        self.text.push(c);
        c.len_utf8()
    }

    fn control(&mut self, rest: &str) -> Option<usize> {
        let (control, len) = control(rest)?;
        match control {
            Control::Channel(name) => self.text.push_str(&format!("#{}", unescape(name))),
            Control::Mention(name) => self.push(Piece::Mention(format!("@{}", unescape(name)))),
            Control::Date(fallback) => self.text.push_str(&unescape(fallback)),
            // `<b>` is no address; Slack may still take it for a link, so `controls` has it.
            Control::Link(url, _) if !is_address(url) => self.text.push_str(&unescape(&rest[..len])),
            Control::Link(url, label) => {
                self.push(Piece::Link { url: unescape(url), label: unescape(label) });
            }
        }
        Some(len)
    }

    fn code(&mut self, text: &str, at: usize) -> Option<usize> {
        let end = self.closing(text, at, '`')?;
        self.push(Piece::Code(plain(&text[at + 1..end])));
        Some(end + 1 - at)
    }

    fn marked(&mut self, text: &str, at: usize, open: &[char]) -> Option<usize> {
        let c = text[at..].chars().next()?;
        let mark = match c {
            '*' => Mark::Bold,
            '_' => Mark::Italic,
            '~' => Mark::Strike,
            _ => return None,
        };
        let before = text[..at].chars().next_back();
        if open.contains(&c) || before.is_some_and(|before| before.is_alphanumeric() || before == c) {
            return None;
        }
        let end = self.closing(text, at, c)?;
        let mut inner = Self::default();
        inner.inline(&text[at + 1..end], &[open, &[c]].concat());
        self.push(Piece::Marked(mark, inner.finish()));
        Some(end + 1 - at)
    }

    /// Where the `mark` at `at` is closed on the same line; `None`: it is just a character.
    fn closing(&mut self, text: &str, at: usize, mark: char) -> Option<usize> {
        let inner = text[at..].strip_prefix(mark)?;
        let literal = |c: char| c.is_whitespace() || c == WORD_JOINER || c == mark;
        let barren = self.barren.get_mut(MARKS.iter().position(|each| *each == mark)?)?;
        if at < *barren || inner.chars().next().is_none_or(literal) {
            return None;
        }
        let mut before = mark;
        for (offset, c) in inner.char_indices().take_while(|(_, c)| *c != '\n') {
            let after = inner[offset + c.len_utf8()..].chars().next();
            let ends = |after: char| !after.is_alphanumeric() && after != WORD_JOINER && after != mark;
            if c == mark && !before.is_whitespace() && after.is_none_or(ends) {
                return Some(at + 1 + offset);
            }
            before = c;
        }
        // What closes a later mark would have closed this one, so there is nothing on this line.
        *barren = at + 1 + inner.find('\n').unwrap_or(inner.len());
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn marked(mark: Mark, inner: &str) -> Piece {
        Piece::Marked(mark, vec![text(inner)])
    }

    #[test]
    fn emphasis_stands_at_word_boundaries() {
        assert_eq!(
            parse("*bold* _it_ ~gone~"),
            [
                marked(Mark::Bold, "bold"),
                text(" "),
                marked(Mark::Italic, "it"),
                text(" "),
                marked(Mark::Strike, "gone")
            ]
        );
        for literal in ["2*3*4", "snake_case_name", "* not bold *", "*", "**", "a * b", "*open\nend*"] {
            assert_eq!(parse(literal), [text(literal)], "{literal}");
        }
    }

    #[test]
    fn emphasis_nests_once_each() {
        assert_eq!(
            parse("*a _b_ c*"),
            [Piece::Marked(Mark::Bold, vec![text("a "), marked(Mark::Italic, "b"), text(" c")])]
        );
    }

    #[test]
    fn a_word_joiner_makes_a_mark_literal() {
        for literal in ["*\u{2060}bold*\u{2060}", "`\u{2060}code`\u{2060}", "_\u{2060}x_\u{2060}"] {
            assert_eq!(parse(literal), [text(literal)], "{literal:?}");
        }
        assert_eq!(parse("*a*\u{2060}b*"), [marked(Mark::Bold, "a*\u{2060}b")]);
    }

    #[test]
    fn code_keeps_marks_and_resolves_entities() {
        assert_eq!(parse("`*a* &lt;b&gt;`"), [Piece::Code(vec![text("*a* <b>")])]);
        assert_eq!(
            parse("see\n```\n*a*\n&amp;lt;\n```\nend"),
            [text("see"), Piece::Block(vec![text("*a*\n&lt;")]), text("end")]
        );
        assert_eq!(parse("``` never closed"), [text("``` never closed")]);
    }

    #[test]
    fn a_mention_is_live_everywhere_even_in_code() {
        assert_eq!(parse("```<!channel>```"), [Piece::Block(vec![Piece::Mention("@channel".into())])]);
        assert_eq!(plain("<!here>"), [Piece::Mention("@here".into())]);
        assert_eq!(parse("&lt;!here&gt;"), [text("<!here>")]);
        assert_eq!(plain("<b>x</b> <javascript:alert(1)|x>"), [text("<b>x</b> <javascript:alert(1)|x>")]);
    }

    #[test]
    fn control_sequences_by_their_first_character() {
        for (sequence, control) in [
            ("<!here>", Control::Mention("here")),
            ("<!here|here>", Control::Mention("here")),
            ("<@U123>", Control::Mention("U123")),
            ("<@U123|bob>", Control::Mention("bob")),
            ("<!subteam^S1|@ops>", Control::Mention("ops")),
            ("<!subteam^S1>", Control::Mention("S1")),
            ("<#C1|general>", Control::Channel("general")),
            ("<!date^1^{date}|then>", Control::Date("then")),
            ("<https://x.example|label>", Control::Link("https://x.example", "label")),
            ("<https://x.example>", Control::Link("https://x.example", "https://x.example")),
        ] {
            assert_eq!(controls(&format!("a < b {sequence} c > d")), [(sequence, control)]);
        }
        assert_eq!(controls("<> &lt;!here&gt; <unclosed"), []);
    }

    #[test]
    fn a_hostile_text_costs_linear_time() {
        for unit in ["*a", "<", "`a", "*_~", "_ *x ", "```", "<!a|"] {
            let long = unit.repeat(200_000 / unit.len());
            let begin = std::time::Instant::now();
            let _ = parse(&long);
            assert!(begin.elapsed().as_secs() < 5, "{unit}: {:?}", begin.elapsed());
        }
    }
}
