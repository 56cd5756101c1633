//! A mistake in the configuration, with its place and what to write instead.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};
use serde::Serialize;

use super::mask::mask;
use super::source::{Source, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The configuration can't be used.
    Error,
    /// It can, but it probably isn't what was meant.
    Warning,
}

/// One thing that is wrong with a configuration. Its JSON form is what `check --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// What is wrong, in lower case, with names in backticks.
    pub message: String,
    /// The file; none where no file could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The offending text, in bytes of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range<usize>>,
    /// What stands under the offending text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What to write instead, where it takes more than a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Another place that belongs to it: the first of two things of one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Other>,
    #[serde(skip)]
    source: usize,
}

/// The other place of a mistake that takes two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In bytes of the file.
    pub range: Range<usize>,
    /// What stands under it.
    pub label: String,
    #[serde(skip)]
    source: usize,
}

impl Diagnostic {
    fn new(level: Level, at: &Span<'_>, message: String) -> Self {
        let (line, column) = at.line_and_column();
        Self {
            level,
            message: mask(&message),
            file: Some(at.source.name.clone()),
            line: Some(line),
            column: Some(column),
            range: Some(at.range.clone()),
            label: None,
            help: None,
            other: None,
            source: at.source.id,
        }
    }

    /// A mistake that has no place: a file that can't be read.
    pub(super) fn without_place(message: String) -> Self {
        Self {
            level: Level::Error,
            message,
            file: None,
            line: None,
            column: None,
            range: None,
            label: None,
            help: None,
            other: None,
            source: 0,
        }
    }

    /// Puts words under the offending text.
    pub(super) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(mask(&label.into()));
        self
    }

    /// Says what to write instead.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to write instead, where that is known.
    pub(super) fn help_of(&mut self, help: Option<String>) -> &mut Self {
        self.help = help;
        self
    }

    /// Shows another place.
    pub(super) fn other(&mut self, at: &Span<'_>, label: impl Into<String>) -> &mut Self {
        let (line, column) = at.line_and_column();
        self.other = Some(Other {
            file: at.source.name.clone(),
            line,
            column,
            range: at.range.clone(),
            label: label.into(),
            source: at.source.id,
        });
        self
    }

    /// As rustc would print it, with a line's end; `color` brings terminal codes in.
    ///
    /// `sources` are those of the same [`super::Loaded`]. Webhook URLs in the lines that are shown are masked.
    pub fn render(&self, sources: &[Source], color: bool) -> String {
        let title = match self.level {
            Level::Error => Title::ERROR,
            Level::Warning => Title::WARNING,
        };
        let shown = [Some(self.source), self.other.as_ref().map(|other| other.source)];
        let masked: Vec<String> = sources
            .iter()
            .map(|source| if shown.contains(&Some(source.id)) { mask(&source.text) } else { String::new() })
            .collect();
        let mut group = Group::with_title(title.primary_title(self.message.as_str()));
        for snippet in self.snippets(sources, &masked) {
            group = group.element(snippet);
        }
        if let Some(help) = &self.help {
            group = group.element(Title::HELP.message(help.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
        text.push('\n');
        text
    }

    fn snippets<'a>(
        &'a self,
        sources: &'a [Source],
        masked: &'a [String],
    ) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let open = |source: usize| {
            Some(Snippet::source(masked.get(source)?.as_str()).path(sources.get(source)?.name.as_str()))
        };
        let (Some(snippet), Some(range)) = (open(self.source), &self.range) else { return Vec::new() };
        let primary = AnnotationKind::Primary.span(range.clone()).label(self.label.as_deref());
        let snippet = snippet.annotation(primary);
        let Some(other) = &self.other else { return vec![snippet] };
        let context = AnnotationKind::Context.span(other.range.clone()).label(other.label.as_str());
        if other.source == self.source {
            return vec![snippet.annotation(context)];
        }
        let second = open(other.source).map(|second| second.annotation(context));
        std::iter::once(snippet).chain(second).collect()
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(super) fn error(&mut self, at: &Span<'_>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Diagnostic::new(Level::Error, at, message.into()))
    }

    pub(super) fn warning(&mut self, at: &Span<'_>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Diagnostic::new(Level::Warning, at, message.into()))
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.diagnostics.push(diagnostic);
        self.diagnostics.last_mut().expect("one was just pushed")
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error)
    }

    /// In the order of the files; what is said twice about one place is said once.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|found| (found.source, found.line, found.column, found.level));
        self.diagnostics
            .dedup_by(|a, b| a.range == b.range && a.source == b.source && a.message == b.message);
        self.diagnostics
    }
}
