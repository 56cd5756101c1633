//! A map by key that is bounded and knows what changed in it: the part of a rule's state that grows with its events.

use lru::LruCache;

use super::key::Key;

/// At most so many values by key; past that, the key that was seen longest ago is forgotten.
#[derive(Debug)]
pub(super) struct Keyed<V> {
    entries: LruCache<Key, Entry<V>>,
    keys_max: usize,
    changes: Changes,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// It is noted in `changes` already.
    noted: bool,
}

/// Which keys changed since they were last asked for.
#[derive(Debug)]
enum Changes {
    /// Nobody asks.
    Untold,
    /// A key may stand here twice.
    Noted(Vec<Key>),
}

impl Changes {
    fn note(&mut self, key: &Key) {
        if let Self::Noted(keys) = self {
            keys.push(key.clone());
        }
    }
}

impl<V> Keyed<V> {
    /// An empty map. `tracked`: what changes is noted until [`Keyed::take_changes`].
    pub(super) fn new(keys_max: usize, tracked: bool) -> Self {
        let changes = if tracked { Changes::Noted(Vec::new()) } else { Changes::Untold };
        Self { entries: LruCache::unbounded(), keys_max: keys_max.max(1), changes }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn peek(&self, key: &Key) -> Option<&V> {
        self.entries.peek(key).map(|entry| &entry.value)
    }

    /// The value of a key that is seen now.
    pub(super) fn see(&mut self, key: &Key) -> Option<&mut V> {
        let entry = self.entries.get_mut(key)?;
        if !entry.noted {
            entry.noted = true;
            self.changes.note(key);
        }
        Some(&mut entry.value)
    }

    /// The value of a key that is not seen, but changed.
    pub(super) fn change(&mut self, key: &Key) -> Option<&mut V> {
        let entry = self.entries.peek_mut(key)?;
        if !entry.noted {
            entry.noted = true;
            self.changes.note(key);
        }
        Some(&mut entry.value)
    }

    /// A new value for a key that is seen now. Returns how many others were forgotten for it.
    pub(super) fn put(&mut self, key: Key, value: V) -> u64 {
        self.changes.note(&key);
        self.entries.put(key, Entry { value, noted: true });
        let over = self.entries.len().saturating_sub(self.keys_max);
        for _ in 0..over {
            if let Some((key, _)) = self.entries.pop_lru() {
                self.changes.note(&key);
            }
        }
        over as u64
    }

    /// A value that was stored before: no change.
    pub(super) fn restore(&mut self, key: Key, value: V) {
        self.entries.put(key, Entry { value, noted: false });
        while self.entries.len() > self.keys_max {
            if let Some((key, _)) = self.entries.pop_lru() {
                self.changes.note(&key);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<V> {
        let entry = self.entries.pop(key)?;
        self.changes.note(key);
        Some(entry.value)
    }

    /// Forgets all keys.
    pub(super) fn clear(&mut self) {
        while let Some((key, _)) = self.entries.pop_lru() {
            self.changes.note(&key);
        }
    }

    /// At most so many keys from now on.
    pub(super) fn limit(&mut self, keys_max: usize) {
        self.keys_max = keys_max.max(1);
        while self.entries.len() > self.keys_max {
            if let Some((key, _)) = self.entries.pop_lru() {
                self.changes.note(&key);
            }
        }
    }

    /// Nobody will ask what changes.
    pub(super) fn untrack(&mut self) {
        self.changes = Changes::Untold;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// Hands each key that changed since the last call to `told`, with its value; `None`: it has none any more.
    pub(super) fn take_changes(&mut self, mut told: impl FnMut(&Key, Option<&V>)) {
        let Changes::Noted(keys) = &mut self.changes else { return };
        let mut keys = std::mem::take(keys);
        keys.sort_unstable();
        keys.dedup();
        for key in &keys {
            match self.entries.peek_mut(key) {
                Some(entry) => {
                    entry.noted = false;
                    told(key, Some(&entry.value));
                }
                None => told(key, None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::stored(name)
    }

    fn changes(map: &mut Keyed<u32>) -> Vec<(String, Option<u32>)> {
        let mut told = Vec::new();
        map.take_changes(|key, value| told.push((key.as_str().to_owned(), value.copied())));
        told
    }

    #[test]
    fn what_changed_is_told_once_with_what_it_is_now() {
        let mut map = Keyed::new(2, true);
        assert_eq!(map.put(key("a"), 1), 0);
        *map.see(&key("a")).unwrap() += 1;
        assert_eq!(map.put(key("b"), 1), 0);
        map.remove(&key("b"));
        assert_eq!(changes(&mut map), [("a".to_owned(), Some(2)), ("b".to_owned(), None)]);
        assert_eq!(changes(&mut map), []);
        assert_eq!(map.peek(&key("a")), Some(&2));
        assert_eq!(changes(&mut map), [], "looking changes nothing");
        map.restore(key("c"), 3);
        assert_eq!(changes(&mut map), []);
        *map.change(&key("c")).unwrap() = 4;
        assert_eq!(map.put(key("d"), 1), 1, "the one that was seen longest ago is forgotten");
        let told = [("a".to_owned(), None), ("c".to_owned(), Some(4)), ("d".to_owned(), Some(1))];
        assert_eq!(changes(&mut map), told);
    }

    #[test]
    fn where_nobody_asks_nothing_is_noted() {
        let mut map = Keyed::new(10, false);
        map.put(key("a"), 1);
        assert_eq!(changes(&mut map), []);
        assert_eq!(map.len(), 1);
    }
}
