//! The conversation with the model, without a socket.
//!
//! ```text
//! brief, prompt → request ─→ (the world) ─→ bytes
//!                                             │ sse        events of the stream
//!                                             │ chunk      pieces of a Chat Completions event
//!                                             │ responses  pieces of a Responses event
//!                                             │ answer     the text, how it ended
//!                                             │ envelope   the tasks in the text
//!                                             ↓
//!                         task_stream: StreamEvent…, Outcome
//! ```
//!
//! [`TaskStream`] reads the body of a 200; [`http::failure`] reads every other status;
//! [`request`] says what is sent and [`models`] reads the endpoint's list. Each byte is looked at
//! once, nothing is repaired, and only an answer that the endpoint called finished and whose JSON
//! closed is [`GenerationOutcome::Complete`].
//!
//! Invariant: nothing here does I/O, reads a clock or sees a secret's value.

mod assembler;
mod chunk;
mod envelope;
mod error_body;
mod event;
mod failure;
mod format_memory;
pub mod http;
pub mod models;
mod notice;
mod outcome;
mod piece;
pub mod request;
mod response_format;
mod responses;
pub mod retry;
pub mod spending;
pub mod sse;
mod task_stream;
mod usage;

pub use assembler::MAX_ANSWER_BYTES;
pub use envelope::{MAX_TASK_BYTES, MAX_TASK_DEPTH, MAX_TASKS};
pub use event::StreamEvent;
pub use failure::{Failure, FailureKind};
pub use format_memory::FormatMemory;
pub use notice::{Notice, NoticeCode};
pub use outcome::GenerationOutcome;
pub use request::{HeaderValue, ModelRequest};
pub use response_format::ResponseFormat;
pub use task_stream::{End, MAX_DOCUMENT_BYTES, TaskStream};
pub use usage::Usage;

/// The longest message of an endpoint that is repeated: 2,000 bytes.
pub const MAX_MESSAGE_BYTES: usize = 2000;

/// The longest excerpt of a response body that is kept for display: 4 KiB.
pub const MAX_EXCERPT_BYTES: usize = 4096;
