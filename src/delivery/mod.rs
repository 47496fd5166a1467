//! From an approved text to a receipt, without a socket: the bytes and their idempotency key
//! (`body`), the topological order (`plan`), the request (`request`) and what its response means
//! (`response`), when a task is tried again (`retry`), how an unconfirmed task is looked up
//! (`look_up`), and what is known of each attempt (`receipt`).

pub mod body;
pub mod look_up;
pub mod plan;
pub mod receipt;
pub mod request;
pub mod response;
pub mod retry;

pub use receipt::{Attempt, Delivery, DeliveryOutcome, LookUp, Reason, Unsafe};
