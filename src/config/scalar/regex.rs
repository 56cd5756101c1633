//! A regex: its syntax, its size, the names of its groups, and what it matches by mistake.

use regex::bytes::RegexBuilder;
use regex_syntax::hir::Hir;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Text;
use crate::event::RESERVED;
use crate::pattern::Size;
use crate::rule::{On, Pattern};

/// A longer pattern is refused: the parser's time and memory follow its length.
const PATTERN_BYTES_MAX: usize = 4 * 1024;
/// A larger compiled regex is worth a warning.
const COMPILED_BYTES_LARGE: usize = 1024 * 1024;

/// A regex that reads fields: one that has named groups, whatever they are called.
pub(in crate::config) fn parser(
    at: At<'_, Text>,
    size_max: usize,
    report: &mut Report,
) -> Option<regex::bytes::Regex> {
    let regex = compile(at, size_max, report)?;
    if regex.capture_names().flatten().next().is_none() {
        report
            .error(&at.place.value_span(), "the regex reads no field")
            .help("a field is a named group: `(?P<status>\\d+)`");
        return None;
    }
    Some(regex)
}

/// A regex on lines before they are events: nothing of it becomes a field.
pub(in crate::config) fn on_line(
    at: At<'_, Text>,
    size_max: usize,
    report: &mut Report,
) -> Option<regex::bytes::Regex> {
    compile(at, size_max, report)
}

/// A pattern on a text of the event; its named groups become fields.
pub(in crate::config) fn pattern(
    at: At<'_, Text>,
    on: On,
    size_max: usize,
    report: &mut Report,
) -> Option<Pattern> {
    let hir = check(at, size_max, report)?;
    let Text(text) = at.raw;
    let pattern = Pattern::parsed(on, text, &hir);
    let mut good = true;
    for name in pattern.names.iter() {
        if RESERVED.contains(&&**name) {
            let start = text.find(&format!("<{name}>")).map_or(0, |at| at + 1);
            let span = at.place.inner_span(text, start..start + name.len());
            report
                .error(&span, format!("a group can't be called `{name}`"))
                .label("every event has a field of that name");
            good = false;
        }
    }
    good.then_some(pattern)
}

/// A regex on text that is to be redacted.
pub(in crate::config) fn redaction(
    at: At<'_, Text>,
    size_max: usize,
    report: &mut Report,
) -> Option<regex::Regex> {
    check(at, size_max, report)?;
    let Text(text) = at.raw;
    let compiled = regex::RegexBuilder::new(text).size_limit(usize::MAX).build();
    compiled
        .map_err(|_| {
            report
                .error(&at.place.value_span(), "the regex could match a part of a character")
                .help("here texts are matched, not bytes: leave `(?-u)` out");
        })
        .ok()
}

fn compile(at: At<'_, Text>, size_max: usize, report: &mut Report) -> Option<regex::bytes::Regex> {
    check(at, size_max, report)?;
    let Text(text) = at.raw;
    // It was measured; what is left may be a little more than that.
    RegexBuilder::new(text).size_limit(usize::MAX).build().ok()
}

/// Says what is wrong with it; `None`: it can't be used. A rule's pattern is compiled when a line is shown to it.
fn check(at: At<'_, Text>, size_max: usize, report: &mut Report) -> Option<Hir> {
    let Text(text) = at.raw;
    if text.len() > PATTERN_BYTES_MAX {
        let label = format!("{} bytes; at most {PATTERN_BYTES_MAX}", text.len());
        report
            .error(&at.place.value_span(), "the regex is too long")
            .label(label)
            .help("make it a list of several");
        return None;
    }
    let hir = match regex_syntax::ParserBuilder::new().utf8(false).build().parse(text) {
        Ok(hir) => hir,
        Err(error) => {
            report_syntax(at, &error, report);
            return None;
        }
    };
    measure(at, &hir, size_max, report)?;
    if hir.properties().minimum_len() == Some(0) && matches_empty(text) {
        report
            .warning(&at.place.value_span(), "the regex matches an empty text, and so perhaps every line")
            .help("is there a `*` that should be a `+`, or an empty alternative?");
    }
    Some(hir)
}

fn matches_empty(text: &str) -> bool {
    RegexBuilder::new(text).size_limit(usize::MAX).build().is_ok_and(|regex| regex.is_match(b""))
}

fn report_syntax(at: At<'_, Text>, error: &regex_syntax::Error, report: &mut Report) {
    let Text(text) = at.raw;
    let (words, range) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), *error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
        _ => {
            report.error(&at.place.value_span(), "the regex is wrong").label(error.to_string());
            return;
        }
    };
    let start = range.start.offset.min(text.len());
    let end = range.end.offset.clamp(start, text.len());
    let span = at.place.inner_span(text, start..end);
    let look_around = words.starts_with("look-around");
    let diagnostic = report.error(&span, "the regex is wrong");
    diagnostic.label(words);
    if look_around {
        diagnostic.help("leave lines out with `ignore` or `where`");
    }
}

fn measure(at: At<'_, Text>, hir: &Hir, size_max: usize, report: &mut Report) -> Option<()> {
    const UNICODE: &str = r"Unicode makes classes large: write `(?-u:\w)`, `(?-u:\d)` where ASCII will do";
    if Size::fits(hir, size_max.min(COMPILED_BYTES_LARGE)) {
        return Some(());
    }
    if Size::fits(hir, size_max) {
        report.warning(&at.place.value_span(), "the regex takes over 1 MiB of memory").help(UNICODE);
        return Some(());
    }
    let label = format!("over {size_max} bytes when compiled");
    let help = format!("{UNICODE}; the bound is `limits.regex`");
    report.error(&at.place.value_span(), "the regex is too large").label(label).help(help);
    None
}
