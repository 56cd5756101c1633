//! A rule's settings over the file's `defaults` over the main file's: the most specific first.
//!
//! Nothing is copied together, so that each value keeps the place where it is written.

use super::source::Place;

/// A raw value with its place.
#[derive(Debug)]
pub(super) struct At<'a, T> {
    pub(super) raw: &'a T,
    pub(super) place: Place<'a>,
}

impl<T> Clone for At<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for At<'_, T> {}

impl<'a, T> At<'a, T> {
    pub(super) fn new(raw: &'a T, place: Place<'a>) -> Self {
        Self { raw, place }
    }

    /// What stands under `key`, whose field is `field`.
    pub(super) fn get<U>(self, key: &str, field: impl Fn(&'a T) -> &'a Option<U>) -> Option<At<'a, U>> {
        field(self.raw).as_ref().map(|raw| At::new(raw, self.place.key(key)))
    }
}

/// Raw values of one kind, of which the first that has a setting gives it.
#[derive(Debug)]
pub(super) struct Layers<'a, T>(Vec<At<'a, T>>);

impl<'a, T> Layers<'a, T> {
    /// From the most specific to the most general.
    pub(super) fn new(layers: Vec<At<'a, T>>) -> Self {
        Self(layers)
    }

    /// The scalar or list under `key`: the most specific one.
    pub(super) fn get<U>(&self, key: &str, field: impl Fn(&'a T) -> &'a Option<U>) -> Option<At<'a, U>> {
        self.0.iter().find_map(|layer| layer.get(key, &field))
    }

    /// The maps under `key`, to be merged key by key.
    pub(super) fn map<U>(&self, key: &str, field: impl Fn(&'a T) -> &'a Option<U>) -> Layers<'a, U> {
        Layers(self.0.iter().filter_map(|layer| layer.get(key, &field)).collect())
    }

    /// Whether `key` is written in any layer, even if what stands there was refused.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|layer| layer.place.has(key))
    }

    /// Whether `key` is written, or a key that was probably meant for it.
    pub(super) fn means(&self, key: &str) -> bool {
        self.0.iter().any(|layer| layer.place.means(key))
    }

    /// Whether there is no layer.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From the most specific to the most general.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = At<'a, T>> {
        self.0.iter().copied()
    }

    /// The place of the most specific layer.
    pub(super) fn place(&self) -> Option<Place<'a>> {
        self.0.first().map(|layer| layer.place)
    }
}
