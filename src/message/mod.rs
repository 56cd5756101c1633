//! Alerts to payloads, and the one renderer that draws a payload. No I/O, no clock.

pub mod draw;
pub mod payload;
pub mod redact;
pub mod template;
pub mod clean {
    #![allow(missing_docs)]
    pub fn one_line(s: &str, _n: usize) -> String {
        s.to_owned()
    }
}
pub mod render {
    #![allow(missing_docs)]
    use crate::{engine::Alert, message::payload::Message, rule::Rule};
    pub fn message<'r>(_a: &[&Alert], _r: &dyn Fn(&str) -> Option<&'r Rule>, _h: &str) -> Message {
        unimplemented!()
    }
}
pub mod thousands {
    #![allow(missing_docs)]
    pub struct Thousands(pub u64);
    impl std::fmt::Display for Thousands {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0)
        }
    }
}
