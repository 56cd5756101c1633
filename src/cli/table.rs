//! Rows of text, each column as wide as its widest cell.

use crate::message::clean;

/// Rows under construction.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    /// One more row; what is invisible in it is shown.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.0.push(cells.into_iter().map(|cell| clean::line(cell.as_ref()).into_owned()).collect());
    }

    /// The rows, each with `indent` before it.
    pub(super) fn draw(&self, indent: &str) -> String {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|cell| unicode_width::UnicodeWidthStr::width(cell.as_str())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.0 {
            let mut line = String::from(indent);
            for (cell, width) in row.iter().zip(&widths) {
                let pad = width.saturating_sub(unicode_width::UnicodeWidthStr::width(cell.as_str()));
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', pad + 2));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::default();
        table.row(["a", "long one", "x"]);
        table.row(["日本", "b\x1b[2J"]);
        assert_eq!(table.draw("  "), "  a     long one  x\n  日本  b\\x1b[2J\n");
    }
}
