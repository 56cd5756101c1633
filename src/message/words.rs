//! Finds the names of filters, tests and functions in a template that parses.
//!
//! minijinja looks them up when it comes to them, which for a rare branch is in the night of the incident. This reads
//! the template's tags and names each, with its place, so that a wrong one is a mistake of the configuration.

use std::ops::Range;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// `x|name`, `{% filter name %}`.
    Filter,
    /// `x is name`.
    Test,
    /// `name(…)`.
    Function,
    /// `x.name(…)`.
    Method,
}

/// A name and its place in the template's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) used_as: Use,
    pub(super) place: Range<usize>,
}

/// All names of `source` that are used as a filter, test, function or method.
pub(super) fn words(source: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = source[at..].find('{').map(|i| at + i) {
        let end =
            |close: &str| source[open + 2..].find(close).map_or(source.len(), |i| open + 2 + i + close.len());
        at = match source.as_bytes().get(open + 1) {
            Some(b'#') => end("#}"),
            Some(sign @ (b'{' | b'%')) => {
                let (tokens, close) = tokens(source, open + 2);
                let first = tokens.iter().find_map(Token::ident);
                let is_raw = *sign == b'%' && first.is_some_and(|name| &source[name] == "raw");
                read_tag(source, &tokens, &mut found);
                if is_raw { end_of_raw(source, close) } else { close }
            }
            _ => open + 1,
        };
    }
    found
}

fn end_of_raw(source: &str, from: usize) -> usize {
    source[from..].find("endraw").map_or(source.len(), |i| from + i + "endraw".len())
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Ident(Range<usize>),
    Sign(u8),
    Other,
}

impl Token {
    fn ident(&self) -> Option<Range<usize>> {
        match self {
            Self::Ident(place) => Some(place.clone()),
            _ => None,
        }
    }
}

/// The tokens of the tag whose inside begins at `from`, and where it ends. Texts are one token, so that nothing in
/// them is taken for a name or for the tag's end.
fn tokens(source: &str, from: usize) -> (Vec<Token>, usize) {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut braces = 0_usize;
    let mut at = from;
    while at < bytes.len() {
        let start = at;
        let is_end = braces == 0 && matches!(bytes[at], b'}' | b'%') && bytes.get(at + 1) == Some(&b'}');
        match bytes[at] {
            _ if is_end => return (tokens, at + 2),
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at += 1;
                tokens.push(Token::Other);
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' => {
                let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
                at += bytes[at..].iter().take_while(|b| is_word(b)).count();
                let is_number = bytes[start].is_ascii_digit();
                tokens.push(if is_number { Token::Other } else { Token::Ident(start..at) });
            }
            sign => {
                at += 1;
                braces = match sign {
                    b'{' => braces + 1,
                    b'}' => braces.saturating_sub(1),
                    _ => braces,
                };
                if !sign.is_ascii_whitespace() {
                    tokens.push(Token::Sign(sign));
                }
            }
        }
    }
    (tokens, source.len())
}

/// Words of the language that may stand before a parenthesis without being called.
const KEYWORDS: &[&str] =
    &["if", "elif", "else", "in", "not", "and", "or", "is", "set", "for", "with", "filter", "do"];

fn read_tag(source: &str, tokens: &[Token], found: &mut Vec<Word>) {
    let text = |i: usize| tokens.get(i).and_then(Token::ident).map(|place| &source[place]);
    for (i, token) in tokens.iter().enumerate() {
        let Token::Ident(place) = token else { continue };
        let before = i.checked_sub(1).and_then(|i| tokens.get(i));
        let word_before = i.checked_sub(1).and_then(text);
        let called = tokens.get(i + 1) == Some(&Token::Sign(b'('));
        let name = &source[place.clone()];
        let is_test = word_before == Some("is") && name != "not"
            || word_before == Some("not") && i.checked_sub(2).and_then(text) == Some("is");
        let used_as = if before == Some(&Token::Sign(b'|')) || word_before == Some("filter") {
            Use::Filter
        } else if is_test {
            Use::Test
        } else if before == Some(&Token::Sign(b'.')) && called {
            if i.checked_sub(2).and_then(text) == Some("loop") {
                continue;
            }
            Use::Method
        } else if called && before != Some(&Token::Sign(b'.')) && !KEYWORDS.contains(&name) {
            Use::Function
        } else {
            continue;
        };
        found.push(Word { used_as, place: place.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(Use, &str)]) {
        let found: Vec<(Use, &str)> =
            words(source).into_iter().map(|word| (word.used_as, &source[word.place])).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn names_are_found_where_they_are_used() {
        use Use::{Filter, Function, Method, Test};
        check("{{ a|upper | default('x|y') }} |no {# x|no #}", &[(Filter, "upper"), (Filter, "default")]);
        check("{%- filter lower -%}{{ f(1) }}{% endfilter %}", &[(Filter, "lower"), (Function, "f")]);
        check("{% if a is defined and b is not odd %}", &[(Test, "defined"), (Test, "odd")]);
        check("{% if (a) and not (b) %}{% elif (c) %}", &[]);
        check("{{ a.upper() }}{{ loop.cycle(1) }}{{ a.b }}", &[(Method, "upper")]);
        check("{% raw %}{{ x|no }}{% endraw %}{{ x|yes }}", &[(Filter, "yes")]);
        check("{{ {'}}': 1}|items }}", &[(Filter, "items")]);
        check("{{ 1.5|round }} { {{", &[(Filter, "round")]);
        check("{{ a|", &[]);
    }
}
