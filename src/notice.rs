//! What hooktail has to tell about itself: where data may be lost, or somebody must mend something.

/// What a notice is about: each sort is told at most once an hour, and repeats are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// Lines may have gone unread.
    Gap,
    /// A file can't be read.
    Unreadable,
    /// A file was cut short.
    Truncation,
    /// Something of the store was damaged and set aside.
    Damage,
    /// The store can't be written.
    StoreFull,
    /// A webhook takes nothing until somebody mends it.
    Webhook,
    /// A changed configuration was refused.
    Configuration,
    /// The agent started.
    Started,
    /// A changed configuration was taken.
    Reloaded,
    /// The agent stopped, or its inputs ended.
    Stopped,
}

impl Sort {
    /// Whether it is told only where `notices.lifecycle` asks for it.
    pub const fn is_lifecycle(self) -> bool {
        matches!(self, Self::Started | Self::Reloaded | Self::Stopped)
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub sort: Sort,
    /// Data may be lost, or alerts wait.
    pub danger: bool,
    /// One sentence; what comes from outside in it (a path, an answer) is escaped when it is rendered.
    pub text: String,
}

impl Notice {
    /// A line in our own log.
    pub fn log(&self) {
        let Self { sort, danger, text } = self;
        match (danger, sort.is_lifecycle()) {
            (true, _) => tracing::error!(about = ?sort, "{text}"),
            (false, true) => tracing::info!(about = ?sort, "{text}"),
            (false, false) => tracing::warn!(about = ?sort, "{text}"),
        }
    }
}
