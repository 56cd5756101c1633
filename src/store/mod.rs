//! What must not be lost between deciding and delivering: the outbox. In memory for now, behind the calls that a
//! durable one will answer.

mod outbox;
mod record;

pub use outbox::{Outbox, Waiting};
pub use record::{Record, Space};
