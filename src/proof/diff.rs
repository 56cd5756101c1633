//! What a test expected and what came, as one list with the differences marked.

use super::case::Part;
use super::shown::Shown;
use super::trial::{Row, Trial};

/// Which of the two lists a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Both.
    Both,
    /// What was expected.
    Expected,
    /// What came.
    Got,
}

impl Side {
    /// The mark at the line's beginning.
    pub const fn mark(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Expected => '-',
            Self::Got => '+',
        }
    }
}

/// What of a message that nobody expected is shown.
const PARTS_SHOWN: [Part; 5] = [Part::Kind, Part::Title, Part::Severity, Part::Mention, Part::Count];

/// The messages of `trial` in the words of a test file, the lines that differ with their side.
pub fn unified(trial: &Trial<'_>) -> Vec<(Side, String)> {
    let mut out = Lines::default();
    for row in &trial.rows {
        out.begin();
        match row {
            Row::Both(expected, _, differences) => {
                for (part, value) in &trial.case.expect[*expected].parts {
                    match differences.iter().find(|(differs, _)| differs == part) {
                        None => out.put(Side::Both, part, Some(value)),
                        Some((_, came)) => {
                            out.put(Side::Expected, part, Some(value));
                            out.again();
                            out.put(Side::Got, part, came.as_deref());
                        }
                    }
                }
            }
            Row::Missing(expected) => {
                let parts = &trial.case.expect[*expected].parts;
                parts.iter().for_each(|(part, value)| out.put(Side::Expected, part, Some(value)));
            }
            Row::Extra(got) => extra(&trial.got[*got], &mut out),
        }
    }
    out.lines
}

fn extra(got: &Shown, out: &mut Lines) {
    for part in &PARTS_SHOWN {
        out.put(Side::Got, part, got.part(part).as_deref());
    }
    for (name, value) in &got.alert.key {
        out.put(Side::Got, &Part::Key(name.clone()), Some(value));
    }
}

/// Lines under construction: the first of a message begins with a dash.
#[derive(Default)]
struct Lines {
    lines: Vec<(Side, String)>,
    first: bool,
    last_first: bool,
}

impl Lines {
    fn begin(&mut self) {
        self.first = true;
    }

    /// The next line stands for the same part as the last one.
    fn again(&mut self) {
        self.first = self.last_first;
    }

    fn put(&mut self, side: Side, part: &Part, value: Option<&str>) {
        self.last_first = std::mem::take(&mut self.first);
        let dash = if self.last_first { "- " } else { "  " };
        match value {
            None => self.lines.push((side, format!("{dash}{part}: (none)"))),
            Some(value) if value.contains('\n') => {
                self.lines.push((side, format!("{dash}{part}: |")));
                self.lines.extend(value.lines().map(|line| (side, format!("    {line}"))));
            }
            Some(value) => self.lines.push((side, format!("{dash}{part}: {value}"))),
        }
    }
}
