//! What a rule's state needs of the engine while it acts: the time, and where alerts and timers go.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use crate::event::{Match, RuleId, Texts};
use crate::fields::Fields;
use crate::rule::{Rule, When};
use crate::time::Time;

use super::alert::{Alert, AlertId};
use super::key::{Key, NONE};
use super::silence::Silence;
use super::timers::{Due, Timer, Timers};

/// One rule's way to the engine.
#[derive(Debug)]
pub(super) struct Outlet<'a> {
    pub(super) id: RuleId,
    pub(super) rule: &'a Rule,
    pub(super) host: &'a str,
    pub(super) now: Time,
    pub(super) timers: &'a mut Timers,
    pub(super) alerts: &'a mut Vec<Alert>,
    pub(super) decided: &'a mut u64,
    pub(super) silences: &'a [Silence],
}

impl<'a> Outlet<'a> {
    /// A number that no other alert of this rule and time has, the same each time the same things happen.
    pub(super) fn next_id(&mut self, key: &Texts) -> u128 {
        *self.decided += 1;
        let mut seed = format!("{}\0{}\0{}", self.rule.name, self.now.as_nanos(), self.decided);
        key.iter().for_each(|(_, value)| seed.extend(["\0", value]));
        xxh3_128(seed.as_bytes())
    }

    /// Hands an alert on, with an id of its own.
    pub(super) fn post(&mut self, alert: Alert) {
        let id = AlertId(self.next_id(&alert.key));
        self.alerts.push(Alert { id, ..alert });
    }

    pub(super) fn timer(&mut self, at: Time, due: Due, key: &Key) {
        self.timers.set(Timer { at, due, rule: self.id, key: key.clone() });
    }

    pub(super) fn fields<'m>(&'m self, found: &'m Match) -> Fields<'m> {
        fields(self.rule, self.host, found)
    }
}

/// The fields of a match.
pub(super) fn fields<'m>(rule: &'m Rule, host: &'m str, found: &'m Match) -> Fields<'m> {
    Fields::of(rule, found, host)
}

/// The fields that tell a rule's episodes apart; `None`: the message's shape does.
pub(super) fn fingerprint_fields(rule: &Rule) -> Option<&[Arc<str>]> {
    match (rule.dedup.as_ref().and_then(|dedup| dedup.by.as_deref()), &rule.when) {
        (Some(by), _) => Some(by),
        (None, When::Every) => None,
        (None, when) => Some(when.by()),
    }
}

/// What tells the episode of an event from others.
pub(super) fn fingerprint(rule: &Rule, fields: &Fields<'_>) -> Key {
    let severity = rule.severity_from.as_ref().map(|_| fields.severity.name());
    match (severity, fingerprint_fields(rule)) {
        (None, Some([])) => NONE.clone(),
        (None, Some(by)) => Key::of(by, fields),
        (None, None) => Key::new(fields.get("shape").as_deref().into_iter()),
        (Some(severity), _) => {
            let texts = fingerprint_texts(rule, fields);
            Key::new([severity].into_iter().chain(texts.iter().map(|(_, value)| &**value)))
        }
    }
}

/// The fields of the fingerprint with their values.
pub(super) fn fingerprint_texts(rule: &Rule, fields: &Fields<'_>) -> Texts {
    match fingerprint_fields(rule) {
        Some(by) => fields.key(by),
        None => fields.key(&[Arc::from("shape")]),
    }
}
