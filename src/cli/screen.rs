//! What standard output and standard error are: a terminal with a width and colours, or not.

use std::io::{stderr, stdout};
use std::os::fd::AsFd;

use anstream::{AutoStream, ColorChoice, stream::RawStream};

use crate::message::draw::Style;

/// Wider, a message is harder to read.
const WIDTH_MAX: usize = 100;
/// Where the width can't be known.
const WIDTH_USUAL: usize = 80;

/// How to draw on standard output as it is now: colours only on a terminal, and where `NO_COLOR` does not forbid them.
pub(super) fn stdout_style() -> Style {
    style_of(&stdout())
}

/// The same of standard error.
pub(super) fn stderr_style() -> Style {
    style_of(&stderr())
}

fn style_of(stream: &(impl RawStream + AsFd)) -> Style {
    let color = !matches!(AutoStream::choice(stream), ColorChoice::Never);
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(stream).ok()).flatten();
    let width = size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
    Style { color, width: width.unwrap_or(WIDTH_USUAL).min(WIDTH_MAX) }
}
