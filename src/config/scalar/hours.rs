//! Hours of the day: `09:00-18:00`, `22:00-06:00`.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Text;
use crate::schedule::Hours;

/// From and to, in minutes from midnight.
pub(in crate::config) fn hours(at: At<'_, Text>, report: &mut Report) -> Option<(u16, u16)> {
    let Text(text) = at.raw;
    let span = at.place.value_span();
    let Some((from, to)) = parse(text) else {
        let help = "write them as \"09:00-18:00\"; \"22:00-06:00\" ends on the day after";
        report.error(&span, "these are no hours").help(help);
        return None;
    };
    if from == to {
        report.error(&span, "hours that end when they begin").help("leave `hours` out for the whole day");
        return None;
    }
    Some((from, to))
}

fn parse(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (clock(from)?, clock(to)?);
    // Midnight ends the day on which the hours begin.
    let to = if to == 0 && from > 0 { Hours::DAY } else { to };
    (from < Hours::DAY).then_some((from, to))
}

fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str, most: u16| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number <= most)
    };
    let minutes: u16 = number(minutes, 59).filter(|_| minutes.len() == 2)?;
    let hours: u16 = number(hours, 24)?;
    Some(hours * 60 + minutes).filter(|sum| *sum <= Hours::DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_times_of_day() {
        for (text, hours) in [
            ("09:00-18:00", Some((540, 1_080))),
            ("9:05 - 18:30", Some((545, 1_110))),
            ("22:00-06:00", Some((1_320, 360))),
            ("00:00-24:00", Some((0, 1_440))),
            ("18:00-00:00", Some((1_080, 1_440))),
            ("00:00-00:00", Some((0, 0))),
            ("24:00-06:00", None),
            ("09:00-25:00", None),
            ("09:00-24:01", None),
            ("09:60-18:00", None),
            ("9-18", None),
            ("09:0-18:00", None),
            ("+9:00-18:00", None),
            ("09:00", None),
        ] {
            assert_eq!(parse(text), hours, "{text}");
        }
    }
}
