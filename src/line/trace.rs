//! The stack traces of languages: which line of them follows which. A trace is joined to the line before it if that tells
//! of an error, as logging libraries write it; never to another one.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// A language whose stack traces are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Java and what else runs on its machine.
    Java,
    /// Python, exception groups too.
    Python,
    /// Go: panics, fatal errors and dumps of goroutines.
    Go,
    /// Rust: panics, and errors with their causes.
    Rust,
    /// Ruby.
    Ruby,
    /// Node.js.
    Node,
}

/// What the last line of a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// No trace.
    #[default]
    Line,
    /// None either, but it tells of an error: a trace may follow.
    Trouble,
    /// Of a trace, what comes before its frames.
    Head,
    /// A frame, or what belongs to one.
    Frames,
    /// What the trace is about, behind its frames.
    Raised,
    /// An empty line, after which the trace may go on.
    Gap,
}

use At::{Frames, Gap, Head, Line, Raised, Trouble};

impl Preset {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Java, Self::Python, Self::Go, Self::Rust, Self::Ruby, Self::Node];

    /// As the configuration calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Python => "python",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Ruby => "ruby",
            Self::Node => "node",
        }
    }

    /// What a line is that begins a group.
    pub(super) fn begin(self, line: &[u8]) -> At {
        let steps = &self.steps().first;
        let known = steps.iter().find(|(pattern, _)| pattern.is_match(line)).map(|(_, at)| *at);
        known.unwrap_or_else(|| if TROUBLE.is_match(line) { Trouble } else { Line })
    }

    /// What a line is after one that was `at`; `None`: it begins a group.
    pub(super) fn next(self, at: At, line: &[u8]) -> Option<At> {
        let steps = self.steps().next.iter();
        let mut possible = steps.filter(|(from, ..)| from.contains(&at));
        possible.find(|(_, pattern, _)| pattern.is_match(line)).map(|(_, _, at)| *at)
    }

    fn steps(self) -> &'static Steps {
        &STEPS[self as usize]
    }
}

/// A line that tells of trouble, by a word of it.
static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i-u)\b(?:warn|warning|err|error|fatal|severe|crit|critical|emerg|alert|failed|failure|panic|panicked)\b|(?-u:Error|Exception)\b",
    )
});

/// What lines of a language's traces are: the first of a group, and those that follow it.
struct Steps {
    first: Vec<(Regex, At)>,
    next: Vec<(&'static [At], Regex, At)>,
}

type First = &'static [(&'static str, At)];
type Next = &'static [(&'static [At], &'static str, At)];

static STEPS: LazyLock<[Steps; 6]> = LazyLock::new(|| Preset::ALL.map(|preset| compiled(preset.written())));

fn compiled((first, next): (First, Next)) -> Steps {
    Steps {
        first: first.iter().map(|(pattern, at)| (regex(pattern), *at)).collect(),
        next: next.iter().map(|(from, pattern, at)| (*from, regex(pattern), *at)).collect(),
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a good pattern, as the tests show")
}

const ANY: &[At] = &[Line, Trouble, Head, Frames, Raised, Gap];

impl Preset {
    const fn written(self) -> (First, Next) {
        match self {
            Self::Java => (JAVA_FIRST, JAVA_NEXT),
            Self::Python => (PYTHON_FIRST, PYTHON_NEXT),
            Self::Go => (GO_FIRST, GO_NEXT),
            Self::Rust => (RUST_FIRST, RUST_NEXT),
            Self::Ruby => (RUBY_FIRST, RUBY_NEXT),
            Self::Node => (NODE_FIRST, NODE_NEXT),
        }
    }
}

/// `com.example.PaymentException: card declined`, `Exception in thread "main" java.lang.Error`.
const JAVA_FIRST: First =
    &[(r#"^(?:Exception in thread ".*" )?(?-u:(?:[A-Za-z_$][\w$]*[./])+[A-Z_$][\w$]*)(?:: |:?$)"#, Head)];
const JAVA_NEXT: Next = &[
    (
        &[Trouble],
        r#"^(?:Exception in thread ".*" )?(?-u:(?:[A-Za-z_$][\w$]*[./])+[A-Z_$][\w$]*)(?:: |:?$)"#,
        Head,
    ),
    (ANY, r"^[ \t]+at [^ ]", Frames),
    (ANY, r"^[ \t]+\.\.\. [0-9]+ (?:more|common frames omitted)", Frames),
    (&[Head, Frames], r"^[ \t]*(?:Caused by|Suppressed|Wrapped by): ", Frames),
    (&[Head, Frames], r"^[ \t]*\[CIRCULAR REFERENCE", Frames),
    (&[Head, Frames], r"^[ \t]+- (?:locked|waiting|parking|eliminated) ", Frames),
];

/// A trace tells what it is about at its end, and others may follow with a sentence about it between.
const PYTHON_FIRST: First =
    &[(r"Traceback \(most recent call last\):[ \t]*$", Frames), (r#"^[ \t]+File ".*", line [0-9]+"#, Frames)];
const PYTHON_NEXT: Next = &[
    (&[Trouble, Gap], r"^[ \t+|]*(?:Exception Group )?Traceback \(most recent call last\):", Frames),
    (&[Trouble], r#"^[ \t]+File ".*", line [0-9]+"#, Frames),
    (&[Frames], r"^[ \t]+[^ \t]", Frames),
    (&[Raised], r"^[ \t]+[^ \t]", Raised),
    (&[Frames], r"^(?-u:[A-Za-z_][\w.]*)(?:: |:?$)", Raised),
    (&[Frames, Raised, Gap], r"^[ \t]*$", Gap),
    (
        &[Gap],
        r"^(?:During handling of the above exception, another|The above exception was the direct cause of the following) exception",
        Gap,
    ),
];

/// `panic: …`, then its goroutines, with an empty line before each.
const GO_FIRST: First = &[
    (r"^(?:panic|fatal error|runtime): |\bpanic serving |^unexpected fault address |^SIG[A-Z]+: ", Head),
    (r"^goroutine [0-9]+ ", Frames),
];
const GO_NEXT: Next = &[
    (&[Trouble, Head, Frames, Gap], r"^goroutine [0-9]+ ", Frames),
    (&[Head], r"^[ \t]*(?:panic|fatal error): |^\[signal |^PC=|^[ \t]+[^ \t]", Head),
    (&[Head], r"^$", Gap),
    (&[Frames], r"^[ \t]+[^ \t]|^created by |^\.\.\.[0-9a-z]", Frames),
    (&[Frames], r"^[^ \t]+\(.*\)$", Frames),
    (&[Frames], r"^$", Gap),
    (&[Gap], r"^[a-z0-9]+ +0x[0-9a-f]+$", Gap),
    (&[Gap, Frames], r"^exit status [0-9]+$", Frames),
];

/// `thread 'main' panicked at src/main.rs:4:5:`, and what it says in the line after it; `Error: …`, and its causes.
const RUST_FIRST: First = &[
    (r"\bthread '.*'.* panicked at .*:[0-9]+:[0-9]+:$", Head),
    (r"\bthread '.*'.* panicked at ", Frames),
    (r"^Error: ", Raised),
];
const RUST_NEXT: Next = &[
    (&[Head], r"", Frames),
    (&[Frames, Raised], r"^[ \t]+[^ \t]|^note: |^[sS]tack backtrace:$", Frames),
    (&[Raised, Frames, Gap], r"^(?:Caused by|Location|Stack backtrace):$", Frames),
    (&[Raised], r"^$", Gap),
    (&[Trouble], r"^(?:Caused by|[sS]tack backtrace):$|^[ \t]+[0-9]+: ", Frames),
    (&[Frames], r"^[ \t]*$", Gap),
];

/// `app.rb:3:in 'foo': bad (ArgumentError)`, or what it is about alone, and frames of that form without what follows.
const RUBY_FIRST: First = &[
    (r":[0-9]+:in [`'][^']*': ", Head),
    (r"\((?-u:[A-Z]\w*(?:::[A-Z]\w*)*)\)$|\b(?-u:[A-Z]\w*(?:::[A-Z]\w*)*) \(.*\):$", Head),
];
const RUBY_NEXT: Next = &[
    (&[Trouble, Head, Frames, Gap], r"^[ \t]*(?:[0-9]+: )?(?:from )?[^ \t:][^:]*:[0-9]+:in [`'].*'$", Frames),
    (&[Head, Frames], r"^[ \t]*(?:from )?[^ \t:]+\.rb:[0-9]+$", Frames),
    (&[Head, Gap], r"^[ \t]+[^ \t]|^Did you mean\?", Head),
    (&[Frames], r"^[ \t]+(?:\.\.\. [0-9]+ levels|[^ \t])", Frames),
    (&[Head], r"^[ \t]*$", Gap),
];

/// `TypeError: …` and its frames; of an error that nobody caught, the source before it and the version after it.
const NODE_FIRST: First = &[
    (r"^(?:/|file://|node:|[A-Za-z]:\\)[^ ]*:[0-9]+$", Head),
    (r"^(?:Uncaught )?(?-u:[A-Z][\w$.]*Error)(?: \[[A-Z_0-9]+\])?(?:: |$)|^Error(?:: |$)", Frames),
];
const NODE_NEXT: Next = &[
    (ANY, r"^[ \t]+at [^ ]", Frames),
    (&[Trouble, Raised], r"^(?:Uncaught )?(?-u:(?:[A-Z][\w$.]*)?Error)(?: \[[A-Z_0-9]+\])?(?:: |$)", Frames),
    // The source, a mark below it, an empty line.
    (&[Head], r"", Raised),
    (&[Raised], r"^[ \t]*\^|^$", Raised),
    (&[Frames], r"^[ \t]+[^ \t]|^\}$", Frames),
    (&[Frames], r"^$", Gap),
    (&[Gap], r"^Node\.js v[0-9]", Frames),
];

#[cfg(test)]
mod tests;
