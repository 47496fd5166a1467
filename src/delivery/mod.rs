//! From an approved text to a receipt, without a socket: the bytes and the key that stand for
//! them (`body`), the order they go in (`plan`), the request and what its answer means (`rest`),
//! when a task is tried again (`retry`), how a task of unknown fate is looked up (`look_up`), and
//! what is known of each attempt (`receipt`).

pub mod body;
pub mod look_up;
pub mod plan;
pub mod receipt;
pub mod rest;
pub mod retry;

pub use receipt::{Attempt, Delivery, DeliveryOutcome, LookUp, Reason, Unsafe};
