//! A message in a terminal: lines of styled characters, wrapped to a width.

use anstyle::{AnsiColor, Color, Effects, RgbColor, Style as Ansi};
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthChar;

use super::mrkdwn::{self, Mark, Piece};
use super::{Style, clock, color, pieces, visible};
use crate::message::payload::{Attachment, Field, Message};

const WIDTH_MIN: usize = 20;

/// Two short fields stand side by side only where each has this many columns.
const COLUMN_MIN: usize = 16;
/// Further apart, a pair is no longer seen as one row.
const COLUMN_MAX: usize = 36;

/// A row of characters, each with its look.
type Row = Vec<(char, Ansi)>;

pub(super) fn draw(message: &Message, style: &Style, zone: &TimeZone) -> String {
    let width = style.width.max(WIDTH_MIN);
    let mut rows = Vec::new();
    if !message.text.is_empty() {
        rows.extend(flow(&mrkdwn::parse(&message.text), width, Ansi::new()));
    }
    for (at, part) in message.attachments.iter().enumerate() {
        if at > 0 {
            rows.push(Row::new());
        }
        attachment(&mut rows, part, width, zone);
    }
    rows.iter().map(|row| line(row, style.color)).collect()
}

/// One row as text, with escape sequences where the look changes, ending plain.
fn line(row: &Row, colored: bool) -> String {
    let end = row.iter().rposition(|(c, _)| *c != ' ').map_or(0, |last| last + 1);
    let mut out = String::new();
    let mut now = Ansi::new();
    for (c, look) in &row[..end] {
        if colored && *look != now {
            out.push_str(&format!("{}{}", now.render_reset(), look.render()));
            now = *look;
        }
        // Wrapping is over: what was copied from here is to hold usual spaces.
        out.push(if *c == '\u{a0}' { ' ' } else { *c });
    }
    if colored {
        out.push_str(&now.render_reset().to_string());
    }
    out.push('\n');
    out
}

fn attachment(rows: &mut Vec<Row>, part: &Attachment, width: usize, zone: &TimeZone) {
    if let Some(pretext) = &part.pretext {
        rows.extend(flow(&pieces(part, "pretext", pretext), width, Ansi::new()));
    }
    let (red, green, blue) = color(&part.color);
    let bar = Ansi::new().fg_color(Some(Color::Rgb(RgbColor(red, green, blue))));
    for body in body(part, width - 2, zone) {
        let mut row = vec![('▌', bar), (' ', Ansi::new())];
        row.extend(body);
        rows.push(row);
    }
}

fn body(part: &Attachment, width: usize, zone: &TimeZone) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(title) = &part.title {
        rows.extend(flow(&mrkdwn::plain(title), width, Ansi::new().bold()));
    }
    if let Some(url) = &part.title_link {
        rows.extend(words(&mrkdwn::unescape(url), width, dim().underline()));
    }
    if let Some(text) = &part.text {
        rows.extend(flow(&pieces(part, "text", text), width, Ansi::new()));
    } else if part.title.is_none() {
        rows.extend(words(&part.fallback, width, Ansi::new()));
    }
    rows.extend(fields(part, width));
    // A day and its hour stay together.
    let time = part.ts.and_then(|secs| clock(secs, zone)).map(|time| time.replace(' ', "\u{a0}"));
    let footer = part.footer.as_deref().map(mrkdwn::unescape);
    let parts: Vec<String> = footer.into_iter().chain(time).collect();
    if !parts.is_empty() {
        rows.extend(words(&parts.join(" · "), width, dim()));
    }
    rows
}

/// The fields in order: two neighbouring short ones share a row.
fn fields(part: &Attachment, width: usize) -> Vec<Row> {
    let column = (width.saturating_sub(2) / 2).min(COLUMN_MAX);
    let mut rows = Vec::new();
    let mut rest = part.fields.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let second = others.first().filter(|second| first.short && second.short && column >= COLUMN_MIN);
        if let Some(second) = second {
            rows.extend(beside(field(part, first, column), field(part, second, column), column + 2));
            rest = &others[1..];
        } else {
            rows.extend(field(part, first, width));
            rest = others;
        }
    }
    rows
}

fn field(part: &Attachment, field: &Field, width: usize) -> Vec<Row> {
    let mut row = Row::new();
    spell(&mut row, &format!("{}: ", mrkdwn::unescape(&field.title)), dim());
    flow_after(row, &pieces(part, "fields", &field.value), width, Ansi::new())
}

/// `right` beside `left`, beginning at column `at`.
fn beside(left: Vec<Row>, right: Vec<Row>, at: usize) -> Vec<Row> {
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut rows = Vec::new();
    loop {
        let (mut row, more) = match (left.next(), right.next()) {
            (None, None) => return rows,
            (row, more) => (row.unwrap_or_default(), more.unwrap_or_default()),
        };
        if !more.is_empty() {
            let used: usize = row.iter().map(|(c, _)| columns(*c)).sum();
            row.extend(std::iter::repeat_n((' ', Ansi::new()), at.saturating_sub(used)));
            row.extend(more);
        }
        rows.push(row);
    }
}

/// Text and blocks, one below the other.
fn flow(pieces: &[Piece], width: usize, look: Ansi) -> Vec<Row> {
    flow_after(Row::new(), pieces, width, look)
}

/// The same, its first line begun with `text`.
fn flow_after(mut text: Row, pieces: &[Piece], width: usize, look: Ansi) -> Vec<Row> {
    let mut rows = Vec::new();
    for piece in pieces {
        if let Piece::Block(inner) = piece {
            if !text.is_empty() {
                rows.extend(wrap(&std::mem::take(&mut text), width, Break::Words));
            }
            rows.extend(block(inner, width));
        } else {
            style(&mut text, piece, look);
        }
    }
    if !text.is_empty() {
        rows.extend(wrap(&text, width, Break::Words));
    }
    rows
}

/// Code has a rule at its left, which is dotted beside the rest of a line that is wider than the row.
fn block(pieces: &[Piece], width: usize) -> Vec<Row> {
    let mut text = Row::new();
    pieces.iter().for_each(|piece| style(&mut text, piece, Ansi::new()));
    let margin = |rule| [(rule, dim()), (' ', Ansi::new())];
    let lines = text.split(|(c, _)| *c == '\n').map(|line| wrap_line(line, width - 2, Break::Code));
    let beside = |(at, row)| margin(if at == 0 { '│' } else { '┆' }).into_iter().chain(row).collect();
    lines.flat_map(|rows| rows.into_iter().enumerate().map(beside)).collect()
}

fn words(text: &str, width: usize, look: Ansi) -> Vec<Row> {
    let mut row = Row::new();
    spell(&mut row, text, look);
    wrap(&row, width, Break::Words)
}

fn style(row: &mut Row, piece: &Piece, look: Ansi) {
    match piece {
        Piece::Text(text) => spell(row, text, look),
        Piece::Marked(mark, inner) => {
            let effect = match mark {
                Mark::Bold => Effects::BOLD,
                Mark::Italic => Effects::ITALIC,
                Mark::Strike => Effects::STRIKETHROUGH,
            };
            inner.iter().for_each(|piece| style(row, piece, look | effect));
        }
        Piece::Code(inner) | Piece::Block(inner) => {
            let look = look.fg_color(Some(AnsiColor::Cyan.into()));
            inner.iter().for_each(|piece| style(row, piece, look));
        }
        Piece::Mention(name) => {
            spell(row, name, Ansi::new().fg_color(Some(AnsiColor::Yellow.into())).bold().invert());
        }
        Piece::Link { url, label } => {
            spell(row, label, look.underline());
            if label != url {
                spell(row, &format!(" ({url})"), look | Effects::DIMMED);
            }
        }
    }
}

/// Only here do texts become rows, so that nothing reaches a terminal that is not visible.
fn spell(row: &mut Row, text: &str, look: Ansi) {
    row.extend(visible::all(text).chars().map(|c| (c, look)));
}

fn dim() -> Ansi {
    Ansi::new().dimmed()
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Break {
    /// At the last space; within a word only where it is longer than a row.
    Words,
    /// At a space only where one is near the row's end: what was logged may have no spaces, or mean them.
    Code,
}

impl Break {
    /// The first place in a row of `fits` characters at which a space is taken for its end.
    fn earliest(self, fits: usize) -> usize {
        match self {
            Self::Words => 1,
            Self::Code => fits - fits / 3,
        }
    }
}

/// `text` in rows of at most `width` columns, one at least for each of its lines.
fn wrap(text: &[(char, Ansi)], width: usize, breaks: Break) -> Vec<Row> {
    text.split(|(c, _)| *c == '\n').flat_map(|line| wrap_line(line, width, breaks)).collect()
}

fn wrap_line(mut line: &[(char, Ansi)], width: usize, breaks: Break) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let fits = fitting(line, width);
        if fits == line.len() {
            rows.push(line.to_vec());
            return rows;
        }
        // A space just after the row is a break too, and costs no column.
        let space = line[..=fits].iter().rposition(|(c, _)| *c == ' ');
        let (end, next) = match space {
            Some(at) if at >= breaks.earliest(fits) => (at, at + 1),
            _ => (fits, fits),
        };
        rows.push(line[..end].to_vec());
        line = &line[next..];
    }
}

/// How many characters fit; at least one, so that wrapping ends.
fn fitting(line: &[(char, Ansi)], width: usize) -> usize {
    let mut used = 0;
    let over = line.iter().position(|(c, _)| {
        used += columns(*c);
        used > width
    });
    over.map_or(line.len(), |at| at.max(1))
}
