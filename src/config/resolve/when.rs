//! `when`: which matches make an alert.

use std::sync::Arc;
use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Number, RawRule, RawWhen, Text};
use crate::config::scalar::duration::{duration, duration_or_zero};
use crate::config::scalar::number::number;
use crate::config::scalar::regex::pattern;
use crate::rule::{Aggregate, Level, Novelty, On, Side, Surge, When};

use super::fields::{Fields, Sight};

/// The spellings: each by the key that names it, the keys that it needs, and those that it may have beside `by`.
const SPELLINGS: [Spelling; 10] = [
    Spelling { key: "count", needs: &["within"], may: &[], example: "{ count: 5, within: 1m }" },
    Spelling {
        key: "distinct",
        needs: &["count", "within"],
        may: &[],
        example: "{ distinct: user, count: 10, within: 5m }",
    },
    Spelling { key: "absent", needs: &[], may: &[], example: "{ absent: 10m }" },
    Spelling {
        key: "spike",
        needs: &["within", "min"],
        may: &[],
        example: "{ spike: 3, within: 5m, min: 20 }",
    },
    Spelling {
        key: "drop",
        needs: &["within", "min"],
        may: &[],
        example: "{ drop: 3, within: 5m, min: 20 }",
    },
    Spelling {
        key: "above",
        needs: &["of"],
        may: &["agg", "within", "for", "samples"],
        example: "{ above: 500, of: ms, agg: p95, within: 5m }",
    },
    Spelling {
        key: "below",
        needs: &["of"],
        may: &["agg", "within", "for", "samples"],
        example: "{ below: 5, of: free, for: 1m }",
    },
    Spelling {
        key: "not_followed_by",
        needs: &["within"],
        may: &[],
        example: "{ not_followed_by: 'finished', within: 30s }",
    },
    Spelling {
        key: "new",
        needs: &[],
        may: &["remember", "learn"],
        example: "{ new: user, remember: 30d, learn: 1d }",
    },
    Spelling { key: "changed", needs: &[], may: &[], example: "{ changed: version }" },
];

/// For how long a value of `new` is known, and for how long it is only remembered, where nothing else is said.
const REMEMBER: Duration = Duration::from_secs(30 * 86_400);
const LEARN: Duration = Duration::from_secs(86_400);

/// How many times as many are still a surge that somebody means.
const RATIO_MAX: f64 = 1_000_000.0;

/// More samples are in no window.
const SAMPLES_MAX: u64 = 1_000_000_000;

#[derive(Debug)]
struct Spelling {
    key: &'static str,
    needs: &'static [&'static str],
    may: &'static [&'static str],
    example: &'static str,
}

/// What a `when` is resolved with.
struct Scope<'a, 'f> {
    when: Layers<'a, RawWhen>,
    fields: &'a Fields<'f>,
    regex_max: usize,
}

pub(super) fn resolve(
    layers: &Layers<'_, RawRule>,
    fields: &Fields<'_>,
    regex_max: usize,
    report: &mut Report,
) -> When {
    let when = layers.map("when", |raw| &raw.when);
    if when.is_empty() {
        return When::Every;
    }
    let scope = Scope { when, fields, regex_max };
    let by = fields.by(scope.when.get("by", |raw| &raw.by), report);
    let spelling = scope.spelling(report);
    spelling.and_then(|spelling| scope.of(spelling, by, report)).unwrap_or(When::Every)
}

impl<'a> Scope<'a, '_> {
    /// Which of the spellings it is: the most specific layer that names one decides. Keys of more general layers that
    /// belong to another one don't hold.
    fn spelling(&self, report: &mut Report) -> Option<&'static Spelling> {
        let named =
            |at: &At<'a, RawWhen>| SPELLINGS.iter().filter(|spelling| at.place.has(spelling.key)).collect();
        let deciding =
            self.when.iter().map(|at| (at, named(&at))).find(|(_, named): &(_, Vec<_>)| !named.is_empty());
        let Some((at, named)) = deciding else {
            self.report_nothing(report);
            return None;
        };
        // `distinct` has a `count` of its own.
        let mut named: Vec<&Spelling> = named;
        if named.len() > 1 && named[1].key == "distinct" {
            named.remove(0);
        }
        if let [first, second, ..] = named[..] {
            report
                .error(&at.place.key(second.key).key_span(), "`when` is one thing at a time")
                .label(format!("beside `{}`", first.key));
            return None;
        }
        let spelling = *named.first()?;
        let allowed = |key: &str| {
            key == "by" || key == spelling.key || spelling.needs.contains(&key) || spelling.may.contains(&key)
        };
        let known =
            |key: &str| SPELLINGS.iter().any(|other| other.needs.contains(&key) || other.may.contains(&key));
        for key in at.place.keys().into_iter().filter(|key| known(key) && !allowed(key)) {
            let message = format!("`{key}` means nothing with `{}`", spelling.key);
            report
                .error(&at.place.key(key).key_span(), message)
                .help(format!("write `{}`", spelling.example));
        }
        for key in spelling.needs.iter().filter(|key| !self.when.means(key)) {
            report
                .error(&at.place.key(spelling.key).key_span(), format!("`{}` needs `{key}`", spelling.key))
                .help(format!("write `{}`", spelling.example));
        }
        Some(spelling)
    }

    /// No spelling is named; a key that was probably meant for one has been told.
    fn report_nothing(&self, report: &mut Report) {
        if SPELLINGS.iter().any(|spelling| self.when.means(spelling.key)) {
            return;
        }
        let Some(place) = self.when.place() else { return };
        report
            .error(&place.key_span(), "`when` needs `count`")
            .help("write `{ count: 5, within: 1m }`: an alert when 5 matches lie within a minute");
    }

    fn of(&self, spelling: &Spelling, by: Vec<Arc<str>>, report: &mut Report) -> Option<When> {
        let when = &self.when;
        let within = when.get("within", |raw| &raw.within).and_then(|at| duration(at, report));
        Some(match spelling.key {
            "count" => When::Count { count: self.count(report)?, within: within?, by },
            "distinct" => {
                let of = self.field(when.get("distinct", |raw| &raw.distinct), report);
                When::Distinct { of: of?, count: self.count(report)?, within: within?, by }
            }
            "absent" => When::Absent { after: duration(when.get("absent", |raw| &raw.absent)?, report)?, by },
            "spike" => When::Spike(self.surge(when.get("spike", |raw| &raw.spike)?, within, by, report)?),
            "drop" => When::Drop(self.surge(when.get("drop", |raw| &raw.drop)?, within, by, report)?),
            "above" => self.level(Side::Above, when.get("above", |raw| &raw.above)?, within, by, report)?,
            "below" => self.level(Side::Below, when.get("below", |raw| &raw.below)?, within, by, report)?,
            "not_followed_by" => {
                let at = when.get("not_followed_by", |raw| &raw.not_followed_by)?;
                let pattern = pattern(at, On::Message, self.regex_max, report)?;
                self.fields.check_other(&by, &pattern, at.place, report);
                When::NotFollowedBy { pattern, within: within?, by }
            }
            "new" => self.novelty(by, report)?,
            _ => When::Changed { of: self.field(when.get("changed", |raw| &raw.changed), report)?, by },
        })
    }

    fn count(&self, report: &mut Report) -> Option<u32> {
        let bounds = 1..=u64::from(When::COUNT_MAX);
        let count = self.when.get("count", |raw| &raw.count).and_then(|at| number(at, bounds, report));
        count.and_then(|count| u32::try_from(count).ok())
    }

    /// The name of a field that the rule has.
    fn field(&self, at: Option<At<'_, Text>>, report: &mut Report) -> Option<Arc<str>> {
        let at = at?;
        let Text(name) = at.raw;
        self.fields.check(name, Sight::Event, at.place, name, None, report);
        Some(Arc::from(name.as_str()))
    }

    fn surge(
        &self,
        at: At<'_, Number>,
        within: Option<Duration>,
        by: Vec<Arc<str>>,
        report: &mut Report,
    ) -> Option<Surge> {
        let Number(ratio) = *at.raw;
        if !(1.0..=RATIO_MAX).contains(&ratio) {
            report
                .error(&at.place.value_span(), "a number out of bounds")
                .label(format!("how many times as many: from 1 to {RATIO_MAX}"));
            return None;
        }
        let min = self.when.get("min", |raw| &raw.min).and_then(|at| number(at, 1..=SAMPLES_MAX, report));
        Some(Surge { ratio, within: within?, min: min?, by })
    }

    fn level(
        &self,
        side: Side,
        at: At<'_, Number>,
        within: Option<Duration>,
        by: Vec<Arc<str>>,
        report: &mut Report,
    ) -> Option<When> {
        let when = &self.when;
        let Number(threshold) = *at.raw;
        if !threshold.is_finite() {
            report.error(&at.place.value_span(), "a threshold that no number reaches");
        }
        let of = self.field(when.get("of", |raw| &raw.of), report);
        let aggregate = when.get("agg", |raw| &raw.agg);
        let aggregate = match aggregate.map(|at| (at, Aggregate::parse(&at.raw.0))) {
            None => Aggregate::Last,
            Some((at, None)) => {
                report
                    .error(&at.place.value_span(), format!("`{}` is no `agg`", at.raw.0))
                    .help("write `last`, `avg`, `min`, `max`, `sum`, `rate`, or a percentile as `p95`");
                return None;
            }
            Some((at, Some(aggregate))) => {
                if aggregate != Aggregate::Last && !when.means("within") {
                    report
                        .error(&at.place.value_span(), format!("`agg: {aggregate}` needs `within`"))
                        .label("over what time?");
                }
                aggregate
            }
        };
        let lasting = when.get("for", |raw| &raw.lasting).and_then(|at| duration_or_zero(at, report));
        let samples = match when.get("samples", |raw| &raw.samples) {
            Some(at) => number(at, 1..=SAMPLES_MAX, report)?,
            None => 1,
        };
        let lasting = lasting.unwrap_or_default();
        Some(When::Level(Level { side, threshold, of: of?, aggregate, within, lasting, samples, by }))
    }

    fn novelty(&self, by: Vec<Arc<str>>, report: &mut Report) -> Option<When> {
        let when = &self.when;
        let of = self.field(when.get("new", |raw| &raw.new), report);
        let remember = when.get("remember", |raw| &raw.remember).map(|at| duration(at, report));
        let learn = when.get("learn", |raw| &raw.learn).map(|at| duration_or_zero(at, report));
        Some(When::New(Novelty {
            of: of?,
            remember: remember.unwrap_or(Some(REMEMBER))?,
            learn: learn.unwrap_or(Some(LEARN))?,
            by,
        }))
    }
}
