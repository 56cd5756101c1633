//! Why each rule takes a line, or doesn't: the gates of `engine.md` in their order, up to the one at which it ends.

mod json;
mod text;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::captures::Captures;
use crate::event::{Event, Origin, RuleId, Texts};
use crate::fields::Fields;
use crate::line::LineSpec;
use crate::line::split::Line;
use crate::pattern::Text;
use crate::rule::{Matcher, Pattern, Rule};
use crate::shape::shape;
use crate::time::Time;

use super::case::Part;
use super::rehearsal::{Rehearsal, Stations};
use super::shown::Shown;

pub use json::object;
pub use text::words;

/// Looks at line after line; what the engine remembers of one counts for the next.
#[derive(Debug)]
pub struct Explainer<'a> {
    stations: &'a Stations,
    rehearsal: Rehearsal<'a>,
    /// For each rule its input: the one that was asked for, else the rule's first.
    inputs: Vec<(usize, Arc<Origin>)>,
    /// Matches of each rule and value of its `when.by` since its last alert.
    so_far: HashMap<(RuleId, String), u64>,
}

/// What all rules make of a line.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// As its input reads it; of several inputs the first rule's.
    pub line: Vec<u8>,
    /// With what varies masked.
    pub shape: String,
    /// In the order of the configuration.
    pub rules: Vec<View<'a>>,
}

/// What one rule makes of it.
#[derive(Debug)]
pub struct View<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The name of the input that the line was taken to be of.
    pub input: Arc<str>,
    /// The pattern of `match` that matched, with what it caught.
    pub matched: Option<Matched<'a>>,
    /// At which gate the line ended.
    pub end: End<'a>,
}

/// A matcher on a line.
#[derive(Debug)]
pub struct Matched<'a> {
    /// An item of `match` or `ignore`.
    pub matcher: &'a Matcher,
    /// Its patterns, each on its text.
    pub parts: Vec<Caught>,
}

/// A pattern on a text.
#[derive(Debug)]
pub struct Caught {
    /// The line, the message or the field that it looked at.
    pub text: Vec<u8>,
    /// What it matched, in bytes of the text.
    pub range: Range<usize>,
    /// The named groups that took part, with their places in the text.
    pub captures: Vec<(Arc<str>, Range<usize>)>,
}

/// Where a line ended, and why.
#[derive(Debug)]
pub enum End<'a> {
    /// The rule doesn't read the input.
    OtherInput,
    /// No pattern of `match` matches.
    NoMatch,
    /// A pattern of `ignore` matches.
    Ignored(Matched<'a>),
    /// The severity that it says is below the rule's `min`.
    BelowMin,
    /// `where` doesn't hold; the fields that it reads, as far as they are there.
    WhereFails(Vec<(String, Option<String>)>),
    /// `where` can't be told: what CEL says.
    WhereError(String),
    /// `when` isn't met: so many matches so far, of this key.
    BelowWhen(u64, Texts),
    /// A silence or the rule's schedule holds it back; of the schedule, until when.
    Silenced(Option<Option<Time>>),
    /// It joined an open episode.
    Joined,
    /// The throttle held it back.
    Throttled,
    /// Messages.
    Posted(Vec<Shown>),
}

impl End<'_> {
    /// The gate's name.
    pub const fn gate(&self) -> &'static str {
        match self {
            Self::OtherInput => "input",
            Self::NoMatch => "match",
            Self::Ignored(_) => "ignore",
            Self::BelowMin => "severity",
            Self::WhereFails(_) | Self::WhereError(_) => "where",
            Self::BelowWhen(..) => "when",
            Self::Silenced(_) => "silence",
            Self::Joined => "dedup",
            Self::Throttled => "throttle",
            Self::Posted(_) => "posted",
        }
    }

    /// Whether the rule took the line, whatever became of it.
    pub const fn taken(&self) -> bool {
        !matches!(
            self,
            Self::OtherInput
                | Self::NoMatch
                | Self::Ignored(_)
                | Self::BelowMin
                | Self::WhereFails(_)
                | Self::WhereError(_)
        )
    }
}

impl<'a> Explainer<'a> {
    /// Looks at lines at `now`; `input`: as lines of this one, else each rule sees them as its first input's.
    pub fn new(stations: &'a Stations, input: Option<usize>, now: Time) -> Self {
        let place = |rule: &Rule| {
            input.or_else(|| rule.inputs.first().and_then(|name| stations.input(name))).unwrap_or(0)
        };
        let inputs = stations.rules.iter().map(place).map(|input| (input, stations.origin(input))).collect();
        Self { stations, rehearsal: Rehearsal::new(stations, now), inputs, so_far: HashMap::new() }
    }

    /// How the lines that are looked at are read: as of the input that was asked for, else as of the first rule's.
    pub fn line_spec(&self) -> &'a LineSpec {
        let first = self.inputs.first().map_or(0, |(input, _)| *input);
        &self.stations.inputs[first].line
    }

    /// What the rules make of `line`, which may be several that are joined.
    pub fn explain(&mut self, line: &[u8]) -> Explanation<'a> {
        let rules: Vec<View<'a>> =
            (0..self.stations.rules.len()).map(|id| self.view(RuleId(id), line)).collect();
        let first = self.inputs.first().map_or(0, |(input, _)| *input);
        let text = self.stations.text(first, line);
        Explanation { line: text.to_vec(), shape: shape(&text), rules }
    }

    fn view(&mut self, id: RuleId, line: &[u8]) -> View<'a> {
        let rule = &self.stations.rules[id.0];
        let (input, origin) = self.inputs[id.0].clone();
        let spec = &self.stations.inputs[input];
        let cut = Line::cut(line, spec.line.line_bytes_max);
        let text = self.stations.text(input, cut.bytes);
        let (event, _) = spec.line.event(&text, cut.truncated, &origin, self.rehearsal.now());
        let fields = self.fields(rule, &event, Captures::NONE);
        let matched = rule.patterns.iter().find_map(|matcher| matched(matcher, &fields));
        let end = self.not_taken(rule, &event, matched.as_ref()).unwrap_or_else(|| {
            let captures = texts(matched.as_ref());
            self.gates(id, rule, (input, &origin), cut, &event, &captures)
        });
        View { rule, input: spec.name.clone(), matched, end }
    }

    /// The first gate: why the rule doesn't take the line.
    fn not_taken(&self, rule: &'a Rule, event: &Event, matched_by: Option<&Matched<'a>>) -> Option<End<'a>> {
        if !rule.inputs.contains(&event.origin.input) {
            return Some(End::OtherInput);
        }
        if matched_by.is_none() && !rule.patterns.is_empty() {
            return Some(End::NoMatch);
        }
        let fields = self.fields(rule, event, Captures::NONE);
        if let Some(ignored) = rule.ignore.iter().find_map(|matcher| matched(matcher, &fields)) {
            return Some(End::Ignored(ignored));
        }
        let captures = texts(matched_by);
        let Some(severity) = self.fields(rule, event, &captures).level() else { return Some(End::BelowMin) };
        let filter = rule.filter.as_ref()?;
        let fields = Fields { severity, ..self.fields(rule, event, &captures) };
        match filter.holds(&fields) {
            Ok(true) => None,
            Ok(false) => {
                let read = filter.references().into_iter();
                let value = |name: String| {
                    let value = fields.get(&name).map(std::borrow::Cow::into_owned);
                    (name, value)
                };
                Some(End::WhereFails(read.map(value).collect()))
            }
            Err(error) => Some(End::WhereError(error.message)),
        }
    }

    fn fields<'f>(&'f self, rule: &'f Rule, event: &'f Event, captures: &'f Captures) -> Fields<'f> {
        Fields { rule, event, captures, severity: rule.severity, host: &self.stations.host }
    }

    /// The gates of the engine.
    fn gates(
        &mut self,
        id: RuleId,
        rule: &'a Rule,
        (input, origin): (usize, &Arc<Origin>),
        line: Line<'_>,
        event: &Event,
        captures: &Captures,
    ) -> End<'a> {
        let fields = self.fields(rule, event, captures);
        let fields = Fields { severity: fields.level().unwrap_or(rule.severity), ..fields };
        let counted = fields.key(rule.when.by());
        let key = (id, format!("{counted:?}"));
        let before = self.rehearsal.counters_of(id);
        let now = self.rehearsal.now();
        self.rehearsal.line_for(id, input, origin, line, now);
        let after = self.rehearsal.counters_of(id);
        let alerts = self.rehearsal.take_alerts();
        let so_far = self.so_far.entry(key).or_default();
        *so_far += 1;
        if after.below_when == before.below_when {
            *so_far = 0;
        } else if alerts.is_empty() {
            return End::BelowWhen(*so_far, counted);
        }
        if after.silenced > before.silenced {
            let schedule = rule.active_during.as_ref().filter(|schedule| !schedule.is_active(now));
            return End::Silenced(schedule.map(|schedule| schedule.next_change(now)));
        }
        if after.throttled > before.throttled {
            return End::Throttled;
        }
        if alerts.is_empty() {
            return End::Joined;
        }
        End::Posted(
            alerts.into_iter().map(|alert| Shown::new(alert, Some(rule), &self.stations.host)).collect(),
        )
    }
}

fn matched<'a>(matcher: &'a Matcher, fields: &Fields<'_>) -> Option<Matched<'a>> {
    let parts = matcher.parts.iter().map(|part| caught(part, fields)).collect::<Option<_>>()?;
    Some(Matched { matcher, parts })
}

fn caught(pattern: &Pattern, fields: &Fields<'_>) -> Option<Caught> {
    let text = fields.subject(&pattern.on)?.into_owned();
    let caught = pattern.captures(&Text::new(&text))?;
    Some(Caught { range: caught.whole, captures: caught.named, text })
}

/// The captures as a match has them.
fn texts(matched: Option<&Matched<'_>>) -> Captures {
    let parts = matched.iter().flat_map(|matched| &matched.parts);
    let of = |part: &Caught| {
        let text = |range: &Range<usize>| Arc::from(String::from_utf8_lossy(&part.text[range.clone()]));
        let captures = part.captures.iter();
        captures.map(|(name, range)| (name.clone(), text(range))).collect::<Texts>()
    };
    parts.flat_map(of).collect::<Texts>().into()
}

/// A key for people: `ip=10.0.0.1, user=root`.
fn shown_key(key: &Texts) -> String {
    key.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// What a message says in short: `opened: [ERROR] title`.
fn shown_message(shown: &Shown) -> String {
    let title = shown.part(&Part::Title).unwrap_or_default();
    let severity = shown.alert.severity.name().to_uppercase();
    format!("{}: [{severity}] {title}", shown.alert.kind.name())
}
