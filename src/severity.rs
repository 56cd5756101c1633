//! How much something matters, and its colour.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much something matters. The order is by weight: `Info` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Something failed.
    Error,
    /// Somebody should get up.
    Critical,
}

impl Severity {
    /// From the least to the most.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }

    /// The severity of a level as programs write it: its usual names and their first letters in any case, syslog's
    /// words, and the numbers of pino and bunyan (10 to 60).
    pub fn from_level(level: &str) -> Option<Self> {
        let level = level.trim().trim_matches(|c| matches!(c, '[' | ']' | '<' | '>' | ':')).trim();
        if let Ok(number) = level.parse::<u32>() {
            return match number {
                0..10 => None,
                10..40 => Some(Self::Info),
                40..50 => Some(Self::Warning),
                50..60 => Some(Self::Error),
                _ => Some(Self::Critical),
            };
        }
        Some(match level.to_ascii_lowercase().as_str() {
            "trace" | "debug" | "dbg" | "verbose" | "fine" | "finer" | "finest" | "config" | "info"
            | "inf" | "information" | "informational" | "notice" | "log" | "t" | "d" | "v" | "i" | "n" => {
                Self::Info
            }
            "warn" | "warning" | "wrn" | "w" => Self::Warning,
            "error" | "err" | "eror" | "severe" | "e" => Self::Error,
            "critical" | "crit" | "fatal" | "ftl" | "panic" | "dpanic" | "emerg" | "emergency" | "alert"
            | "c" | "f" | "p" => Self::Critical,
            _ => return None,
        })
    }

    /// Its colour where nothing else is configured.
    pub const fn color(self) -> Color {
        match self {
            Self::Info => Color([0x43, 0x9f, 0xe0]),
            Self::Warning => Color::WARNING,
            Self::Error => Color::DANGER,
            Self::Critical => Color([0x8b, 0, 0]),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color(pub [u8; 3]);

impl Color {
    /// Slack's `good`, as the hex that its receivers show for the name.
    pub const GOOD: Self = Self([0x2e, 0xb8, 0x86]);
    /// Slack's `warning`, likewise.
    pub const WARNING: Self = Self([0xda, 0xa0, 0x38]);
    /// Slack's `danger`, likewise.
    pub const DANGER: Self = Self([0xa3, 0x02, 0x00]);

    /// Reads `good`, `warning`, `danger` or `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "good" => return Some(Self::GOOD),
            "warning" => return Some(Self::WARNING),
            "danger" => return Some(Self::DANGER),
            _ => {}
        }
        let hex = text
            .strip_prefix('#')
            .filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let rgb = u32::from_str_radix(hex, 16).ok()?;
        let [_, red, green, blue] = rgb.to_be_bytes();
        Some(Self([red, green, blue]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_known_as_programs_write_them() {
        for (severity, levels) in [
            (Severity::Info, &["debug", "TRACE", "Info", "INFORMATION", "notice", "30", "10", "V"][..]),
            (Severity::Warning, &["warn", "WARNING", "[WRN]", "40", "W"]),
            (Severity::Error, &["error", "ERR", "SEVERE", "50", " E "]),
            (Severity::Critical, &["fatal", "CRITICAL", "emerg", "alert", "panic", "60", "F"]),
        ] {
            for level in levels {
                assert_eq!(Severity::from_level(level), Some(severity), "{level}");
            }
        }
        for unknown in ["", "3", "loud", "-1", "4.5"] {
            assert_eq!(Severity::from_level(unknown), None, "{unknown}");
        }
    }
}
