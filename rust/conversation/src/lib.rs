//! One conversation over a WebSocket without its socket: frames, messages, deflate, pings, the close, the messages that nobody has
//! asked for yet, and what an operation waits for. Bytes and times come in, bytes and results go out.
//!
//! No I/O, no clock, no thread: whoever has the socket (a thread that blocks, a reactor) reads into [`Conversation::space`], writes
//! what [`Conversation::unsent`] gives, and says what time it is. Dialling, TLS and the upgrade are the crate `websocket`.

mod answers;
mod conversation;
mod deflate;
mod frame;
mod inbox;
mod message;
mod outbox;
mod spread;
mod told;
mod violation;

pub mod awaited;
pub mod liveness;
pub mod matcher;
pub mod queue;
pub mod talk;

pub use answers::{Answers, Reply};
pub use conversation::{Agreement, Conversation, End};
pub use deflate::Agreed;
pub use frame::MAX_CONTROL;
pub use inbox::Budget;
pub use message::{Closed, MessageKind, Outgoing, Received};
pub use outbox::{MaskKey, Sending};
pub use violation::Violation;
