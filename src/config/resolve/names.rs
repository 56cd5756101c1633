//! The names of the webhooks or of the inputs, of all files: also of those whose settings are wrong, so that one
//! mistake is not told as several.

use crate::config::diagnostic::Report;
use crate::config::scalar::name::name;
use crate::config::source::Place;

use super::File;

/// Names with the places of what they name.
pub(super) struct Names<'a>(Vec<(&'a str, Place<'a>)>);

impl<'a> Names<'a> {
    /// The names in `section`; one that stands in two files is reported.
    pub(super) fn collect(files: &[File<'a>], section: &str, report: &mut Report) -> Self {
        let mut names = Self(Vec::new());
        for file in files.iter().filter(|file| file.place.has(section)) {
            let place = file.place.key(section);
            for key in place.keys() {
                names.add(key, place.key(key), section, report);
            }
        }
        names
    }

    fn add(&mut self, key: &'a str, place: Place<'a>, section: &str, report: &mut Report) {
        let span = place.key_span();
        name(key, &span, report);
        if let Some((_, first)) = self.0.iter().find(|(taken, _)| *taken == key) {
            report
                .error(&span, format!("`{key}` is named twice under `{section}`"))
                .label("a second time here")
                .other(&first.key_span(), "first here");
            return;
        }
        self.0.push((key, place));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the files.
    pub(super) fn list(&self) -> Vec<&'a str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, Place<'a>)> {
        self.0.iter().copied()
    }
}
