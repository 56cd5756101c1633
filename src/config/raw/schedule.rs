//! `schedules.NAME` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{OneOrMany, Text, kind};

/// Hours of some days of the week.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawHours {
    /// Days of the week; without it, every day.
    #[schemars(with = "OneOrMany<kind::Days>", extend("examples" = ["mon-fri", "sat,sun"]))]
    pub(in crate::config) days: Option<OneOrMany<Text>>,
    /// Hours; those past midnight belong to the day on which they begin; without it, the whole day.
    #[schemars(with = "kind::Hours", extend("examples" = ["09:00-18:00", "22:00-06:00"]))]
    pub(in crate::config) hours: Option<Text>,
    /// The time zone; without it, the machine's.
    #[schemars(with = "kind::Zone", extend("examples" = ["Europe/Berlin"]))]
    pub(in crate::config) tz: Option<Text>,
}
