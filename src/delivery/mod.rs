//! From an approved text to a receipt, without a socket: the bytes and the key that stand for
//! them (`body`), the order they go in (`plan`), the request and what its answer means (`rest`),
//! and what is known of each attempt (`receipt`).

pub mod body;
pub mod plan;
pub mod receipt;
pub mod rest;

pub use receipt::{Attempt, Delivery, Outcome, Reason};
