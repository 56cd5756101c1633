//! Two rule files on the same logs: which messages come, go and change.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::proof::case::Part;
use crate::proof::shown::Shown;
use crate::rule::Severity;
use crate::time::Time;

/// So many messages of each file are compared, the earliest: each is kept until the end.
pub const MESSAGES_MAX: usize = 20_000;

/// What is compared of two messages of one problem at one time.
const COMPARED: [Part; 9] = [
    Part::Title,
    Part::Text,
    Part::Pretext,
    Part::Link,
    Part::Mention,
    Part::Severity,
    Part::Webhook,
    Part::Count,
    Part::Suppressed,
];

/// A message, as far as it is compared.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When it was decided.
    pub time: Time,
    /// Its rule.
    pub rule: Arc<str>,
    /// What sort of message it is.
    pub kind: &'static str,
    /// The values of its key.
    key: String,
    /// Its severity.
    pub severity: Severity,
    /// What each of the compared parts says.
    says: Vec<Option<String>>,
    /// What a program is told of it, where one is told.
    pub object: Option<String>,
}

impl Sent {
    /// What is kept of `shown`.
    pub fn new(shown: &Shown, object: Option<String>) -> Self {
        let key: Vec<String> =
            shown.alert.key.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Self {
            time: shown.alert.decided,
            rule: shown.alert.rule.clone(),
            kind: shown.alert.kind.name(),
            key: key.join(", "),
            severity: shown.alert.severity,
            says: COMPARED.iter().map(|part| shown.part(part)).collect(),
            object,
        }
    }

    /// The headline.
    pub fn title(&self) -> &str {
        self.says.first().and_then(Option::as_deref).unwrap_or_default()
    }

    fn place(&self) -> (Time, &str, &'static str, &str) {
        (self.time, &self.rule, self.kind, &self.key)
    }
}

/// What another rule file makes of a message.
#[derive(Debug)]
pub enum Change<'a> {
    /// Only the new one sends it.
    Comes(&'a Sent),
    /// Only the old one sends it.
    Goes(&'a Sent),
    /// Both do, with these parts different: as they were, and as they are.
    Changes(&'a Sent, Vec<(&'static Part, Option<&'a str>, Option<&'a str>)>),
    /// Both do.
    Stays(&'a Sent),
}

/// The messages of both files, in the order of time. Two are one if rule, kind, time and key are the same.
pub fn compare<'a>(old: &'a [Sent], new: &'a [Sent]) -> Vec<Change<'a>> {
    let mut places: BTreeMap<_, (VecDeque<&Sent>, VecDeque<&Sent>)> = BTreeMap::new();
    old.iter().for_each(|sent| places.entry(sent.place()).or_default().0.push_back(sent));
    new.iter().for_each(|sent| places.entry(sent.place()).or_default().1.push_back(sent));
    let mut changes = Vec::new();
    for (mut old, mut new) in places.into_values() {
        while let (Some(before), Some(after)) = (old.front(), new.front()) {
            changes.push(change(before, after));
            old.pop_front();
            new.pop_front();
        }
        changes.extend(old.into_iter().map(Change::Goes));
        changes.extend(new.into_iter().map(Change::Comes));
    }
    changes
}

fn change<'a>(before: &'a Sent, after: &'a Sent) -> Change<'a> {
    let says = before.says.iter().zip(&after.says);
    let differs: Vec<_> = COMPARED
        .iter()
        .zip(says)
        .filter(|(_, (before, after))| before != after)
        .map(|(part, (before, after))| (part, before.as_deref(), after.as_deref()))
        .collect();
    if differs.is_empty() { Change::Stays(after) } else { Change::Changes(after, differs) }
}
