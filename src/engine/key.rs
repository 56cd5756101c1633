//! The values that tell one state of a rule from another.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::fields::Fields;
use crate::rule::Rule;

/// The values of a key's fields, in order. Kept whole: a hash of log content could be made to collide, and a
/// collision would silence an alert. Cloning shares the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Key(Arc<str>);

/// Of what there is only one of in a rule.
pub(super) static NONE: LazyLock<Key> = LazyLock::new(|| Key::stored(""));

impl Key {
    /// The key of these values. Each is preceded by its length, so that no two lists look alike.
    pub(super) fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut key = String::new();
        for value in values {
            key.push_str(&value.len().to_string());
            key.push(':');
            key.push_str(value);
        }
        Self(key.into())
    }

    /// The key of the fields `by` of an event; a missing one is empty.
    pub(super) fn of(by: &[Arc<str>], fields: &Fields<'_>) -> Self {
        let values: Vec<_> = by.iter().map(|name| fields.get(name).unwrap_or_default()).collect();
        Self::new(values.iter().map(|value| &**value))
    }

    /// As it may be stored: one that holds a secret becomes another, which no event will have.
    pub(super) fn without_secrets(&self, rule: &Rule) -> Self {
        match rule.redact.redact(&self.0) {
            Cow::Borrowed(_) => self.clone(),
            Cow::Owned(clean) => Self(format!("{clean}#{:016x}", xxh3_64(self.0.as_bytes())).into()),
        }
    }

    /// What [`Key::as_str`] gave before.
    pub(super) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// As text that no other key has.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_values_look_alike() {
        let key = |values: &[&str]| Key::new(values.iter().copied());
        assert_ne!(key(&["a", "b"]), key(&["ab", ""]));
        assert_ne!(key(&["1:a"]), key(&["1", "a"]));
        assert_ne!(key(&[]), key(&[""]));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }
}
