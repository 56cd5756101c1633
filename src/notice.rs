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
    /// The agent started or stopped.
    Lifecycle,
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
