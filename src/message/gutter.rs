//! A line with those around it: it is marked in a gutter, and what is near it is the last to be left out.

use super::escape::{Mrkdwn, largest};
use super::thousands::Thousands;
use crate::engine::{Context, Snapshot};

/// The gutter beside the line itself, and beside the others.
const MARKED: &str = "> ";
const PLAIN: &str = "  ";

/// Of each of the lines around.
const NEIGHBOUR_CHARS_MAX: usize = 300;

/// The lines around have at most so much of the room where the line wants all of it.
const SHARE: usize = 3;

/// All of it, for whoever has room for it; where there is nothing around, the line.
pub(super) fn whole(event: &Snapshot) -> String {
    if event.context.is_empty() {
        return event.line.clone();
    }
    let Context { before, after } = &event.context;
    let line = beside(MARKED, &event.line);
    let around = |lines: &[String]| lines.iter().map(|line| beside(PLAIN, line)).collect::<Vec<_>>();
    [around(before), vec![line], around(after)].concat().join("\n")
}

/// A code block of at most `max` characters.
pub(super) fn code(event: &Snapshot, max: usize) -> Mrkdwn {
    let Context { before, after } = &event.context;
    let room = Mrkdwn::room_in_code(max);
    let neighbours = |lines: &[String]| {
        let clean = lines.iter().map(|line| Mrkdwn::in_code(&shortened(&beside(PLAIN, line)), room, 0));
        clean.collect::<Vec<_>>()
    };
    let (before, after) = (neighbours(before), neighbours(after));
    let wanted: usize = before.iter().chain(&after).map(|line| line.chars() + 1).sum();
    let of_line = room - wanted.min(room / SHARE);
    let line = Mrkdwn::in_code(&beside(MARKED, &event.line), of_line, event.left_out);
    let with = |nearest: usize| {
        let (far_before, near_before) = before.split_at(before.len().saturating_sub(nearest));
        let (near_after, far_after) = after.split_at(after.len().min(nearest));
        let note = |far: &[Mrkdwn]| (!far.is_empty()).then(|| left_out(far.len()));
        let parts = note(far_before).into_iter().chain(near_before.iter().cloned()).chain([line.clone()]);
        let parts: Vec<Mrkdwn> = parts.chain(near_after.iter().cloned()).chain(note(far_after)).collect();
        Mrkdwn::join(&parts, "\n")
    };
    let nearest = largest(before.len().max(after.len()), |nearest| with(nearest).chars() <= room);
    let inner = with(nearest);
    if inner.chars() > room || event.context.is_empty() {
        return Mrkdwn::code(&event.line, max, event.left_out);
    }
    inner.in_block()
}

/// Each line of a text behind the gutter.
fn beside(gutter: &str, text: &str) -> String {
    format!("{gutter}{}", text.replace('\n', &format!("\n{gutter}")))
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(NEIGHBOUR_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn left_out(lines: usize) -> Mrkdwn {
    let (number, s) = (Thousands(lines as u64), if lines == 1 { "" } else { "s" });
    Mrkdwn::line(&format!("… {number} line{s} left out …"))
}
