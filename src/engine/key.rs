//! The values that tell one state of a rule from another.

/// The values of a key's fields, in order. Kept whole: a hash of log content could be made to collide, and a
/// collision would silence an alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(Box<str>);

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
