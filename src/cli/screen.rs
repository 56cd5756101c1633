//! What standard output is: a terminal with a width and colours, or not.

use std::io::{IsTerminal, stdout};

use anstream::{AutoStream, ColorChoice};

use crate::message::draw::Style;

/// Wider, a message is harder to read.
const WIDTH_MAX: usize = 100;
/// Where the width can't be known.
const WIDTH_USUAL: usize = 80;

/// How to draw on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen;

impl Screen {
    /// As standard output wants it now: colours only on a terminal and where `NO_COLOR` does not forbid them.
    pub fn style() -> Style {
        let color = !matches!(AutoStream::choice(&stdout()), ColorChoice::Never);
        let size = stdout().is_terminal().then(|| rustix::termios::tcgetwinsize(stdout()).ok()).flatten();
        let width = size.map_or(WIDTH_USUAL, |size| usize::from(size.ws_col));
        Style { color, width: if width == 0 { WIDTH_USUAL } else { width.min(WIDTH_MAX) } }
    }
}
