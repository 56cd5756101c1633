//! A size: `64KiB`, `10MB`, or bytes as a number.

use std::ops::RangeInclusive;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Scalar;

/// A number of bytes within `bounds`.
pub(in crate::config) fn size(
    at: At<'_, Scalar>,
    bounds: RangeInclusive<usize>,
    report: &mut Report,
) -> Option<usize> {
    let Some(bytes) = parse(&at.raw.text) else {
        let help = "write it as `64KiB`, `10MB`, or bytes as a number";
        report.error(&at.place.value_span(), "not a size").help(help);
        return None;
    };
    if !bounds.contains(&bytes) {
        let label = format!("must be from {} to {} bytes", bounds.start(), bounds.end());
        report.error(&at.place.value_span(), "a size out of bounds").label(label);
        return None;
    }
    Some(bytes)
}

fn parse(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit: usize = match text[digits..].trim_start() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_or_decimal() {
        for (text, bytes) in [
            ("64KiB", 65_536),
            ("10MB", 10_000_000),
            ("1 MiB", 1_048_576),
            ("512", 512),
            ("7B", 7),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["64K", "1.5MB", "-1", "", "MB", "99999999999GiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
