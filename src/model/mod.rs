//! The protocol of model endpoints, without the network.
//!
//! ```text
//! brief, prompt → request ─→ (network) ─→ bytes
//!                                           │ sse        events of the stream
//!                                           │ chunk      pieces of a Chat Completions event
//!                                           │ responses  pieces of a Responses event
//!                                           │ assembler  the text and how it ended
//!                                           │ envelope   the tasks in the text
//!                                           ↓
//!                     task_stream: StreamEvent…, GenerationOutcome
//! ```
//!
//! [`request`] builds the request and [`models`] reads the endpoint's list of models. For the
//! response, [`TaskStream`] reads the body of a 200 and [`http::failure`] reads any other status.
//! What an endpoint refuses is changed by [`adaptation`].
//! Each byte is examined once and nothing is repaired. A response is
//! [`GenerationOutcome::Complete`] only if the endpoint said that it finished and its JSON closed.
//!
//! Invariant: nothing here does I/O, reads a clock or sees the value of a secret.

pub mod adaptation;
mod assembler;
mod chunk;
mod envelope;
mod error_body;
mod event;
mod failure;
mod finish;
pub mod http;
pub mod models;
mod notice;
mod outcome;
mod piece;
mod reasoning;
mod repetition;
pub mod request;
mod response_format;
mod responses;
pub mod retry;
pub mod spending;
pub mod sse;
mod task_stream;
mod usage;

pub use adaptation::{Adaptation, AdaptationMemory, Adaptations};
pub use assembler::MAX_RESPONSE_BYTES;
pub use envelope::{MAX_TASK_BYTES, MAX_TASK_DEPTH, MAX_TASKS};
pub use event::StreamEvent;
pub use failure::{Failure, FailureKind};
pub use notice::{Notice, NoticeCode};
pub use outcome::{GenerationOutcome, Stall};
pub use response_format::ResponseFormat;
pub use task_stream::{End, MAX_DOCUMENT_BYTES, TaskStream};
pub use usage::Usage;

/// Longest message from an endpoint that is shown, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 2000;

/// Longest excerpt of a response body that is kept for display: 4 KiB.
pub const MAX_EXCERPT_BYTES: usize = 4096;
