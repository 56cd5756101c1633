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
