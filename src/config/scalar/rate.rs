//! A rate: `10/m`, also `/s`, `/h`, `/d`.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Scalar;

/// How many in what time.
pub(in crate::config) fn rate(at: At<'_, Scalar>, report: &mut Report) -> Option<(NonZeroU32, Duration)> {
    let parsed = parse(&at.raw.text);
    if parsed.is_none() {
        let label = at.raw.number.then(|| format!("did you mean `{}/m`?", at.raw.text));
        let diagnostic = report.error(&at.place.value_span(), "not a rate");
        match label {
            Some(label) => diagnostic.label(label),
            None => diagnostic.help("write it as `10/m`; also `/s`, `/h`, `/d`"),
        };
    }
    parsed
}

fn parse(text: &str) -> Option<(NonZeroU32, Duration)> {
    let (number, unit) = text.trim().split_once('/')?;
    let secs = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some((number.trim().parse().ok()?, Duration::from_secs(secs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_a_number_and_a_unit() {
        for (text, rate) in [
            ("10/m", Some((10, 60))),
            ("1/s", Some((1, 1))),
            ("3/h", Some((3, 3_600))),
            ("2/d", Some((2, 86_400))),
        ] {
            let rate =
                rate.map(|(number, secs)| (NonZeroU32::new(number).unwrap(), Duration::from_secs(secs)));
            assert_eq!(parse(text), rate, "{text}");
        }
        for text in ["10", "0/m", "-1/m", "10/min", "1.5/s", "/s", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
