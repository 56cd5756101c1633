//! What must not be lost between deciding and delivering: the outbox. In memory for now, behind the calls that a
//! durable one will answer.

mod outbox;

pub use outbox::{Outbox, Waiting};
