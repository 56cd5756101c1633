//! What standard output and standard error are: a terminal with a width and colours, or not.

use std::io::{stderr, stdout};
use std::os::fd::AsFd;

use anstream::{AutoStream, ColorChoice, stream::RawStream};

use crate::message::draw::Style;

/// Wider, a message is harder to read.
const WIDTH_MAX: usize = 100;
/// Where the width can't be known.
const WIDTH_USUAL: usize = 80;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen;

impl Screen {
    /// As standard output wants it now: colours only on a terminal and where `NO_COLOR` does not forbid them.
    pub fn style() -> Style {
        style_of(&stdout())
    }

    /// As standard error wants it now.
    pub fn style_of_stderr() -> Style {
        style_of(&stderr())
    }
}

fn style_of(stream: &(impl RawStream + AsFd)) -> Style {
    let color = !matches!(AutoStream::choice(stream), ColorChoice::Never);
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(stream).ok()).flatten();
    let width = size.map_or(WIDTH_USUAL, |size| usize::from(size.ws_col));
    Style { color, width: if width == 0 { WIDTH_USUAL } else { width.min(WIDTH_MAX) } }
}
