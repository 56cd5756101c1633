//! `schedules.NAME` as it is written.

use serde::Deserialize;

use super::{OneOrMany, Text};

/// Hours of some days of the week.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawHours {
    /// `mon-fri`, `sat,sun`; without it, every day.
    pub(in crate::config) days: Option<OneOrMany<Text>>,
    /// `09:00-18:00`; those past midnight belong to the day on which they begin; without it, the whole day.
    pub(in crate::config) hours: Option<Text>,
    /// `Europe/Berlin`; without it, the machine's.
    pub(in crate::config) tz: Option<Text>,
}
