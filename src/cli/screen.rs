//! What standard output is: a terminal with a width and colours, or not.

use std::io::{IsTerminal, stdout};

use anstream::{AutoStream, ColorChoice};

use crate::message::draw::Style;

/// Wider, a message is harder to read.
const WIDTH_MAX: usize = 100;
/// Where the width can't be known.
const WIDTH_USUAL: usize = 80;

/// How to draw on standard output as it is now: colours only on a terminal, and where `NO_COLOR` does not forbid them.
pub fn style() -> Style {
    let color = !matches!(AutoStream::choice(&stdout()), ColorChoice::Never);
    let size = stdout().is_terminal().then(|| rustix::termios::tcgetwinsize(stdout()).ok()).flatten();
    let width = size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
    Style { color, width: width.unwrap_or(WIDTH_USUAL).min(WIDTH_MAX) }
}
