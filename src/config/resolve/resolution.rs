//! `resolve`: what ends a problem with a message.

use crate::config::diagnostic::Report;
use crate::config::layers::Layers;
use crate::config::raw::RawRule;
use crate::config::scalar::duration::duration;
use crate::config::scalar::regex::pattern;
use crate::rule::{Dedup, On, Resolve, When};

use super::fields::Fields;

pub(super) fn resolve(
    layers: &Layers<'_, RawRule>,
    (dedup, when): (Option<&Dedup>, &When),
    fields: &Fields<'_>,
    regex_max: usize,
    report: &mut Report,
) -> Option<Resolve> {
    let maps = layers.map("resolve", |raw| &raw.resolve);
    let place = maps.place()?;
    if dedup.is_none() {
        report
            .error(&place.key_span(), "`resolve` with `dedup: off`")
            .label("without `dedup` each alert is a problem of its own, and none goes on");
    }
    if when.lasts() {
        report
            .error(&place.key_span(), "`resolve` where `when` resolves by itself")
            .label("`absent`, `above` and `below` are over when what they wait for is");
    }
    if !["after", "match"].iter().any(|key| maps.means(key)) {
        let help = "write `{ after: 10m }`, `{ match: REGEX }`, or both";
        report.error(&place.key_span(), "`resolve` needs `after` or `match`").help(help);
    }
    let after = maps.get("after", |raw| &raw.after).and_then(|at| duration(at, report));
    let matching = maps.get("match", |raw| &raw.matching);
    let pattern = matching.and_then(|at| pattern(at, On::Message, regex_max, report));
    if let Some(pattern) = &pattern {
        let by = dedup.and_then(|dedup| dedup.by.as_deref()).unwrap_or(when.by());
        fields.check_other(
            by,
            pattern,
            maps.get("match", |raw| &raw.matching).map_or(place, |at| at.place),
            report,
        );
    }
    (after.is_some() || pattern.is_some()).then_some(Resolve { after, pattern })
}
