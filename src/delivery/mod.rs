//! Delivery without I/O: the approved bytes and their key (`body`), topological order (`plan`),
//! requests (`request`) and the CORS rule they need (`cors`), the meaning of responses (`response`),
//! retries (`retry`), look-ups of unconfirmed tasks (`look_up`), and the state of a delivery
//! (`receipt`).

pub mod body;
pub mod cors;
pub mod look_up;
pub mod plan;
pub mod receipt;
pub mod request;
pub mod response;
pub mod retry;

pub use receipt::{
    Attempt, Delivery, DeliveryOutcome, DeliveryStage, LookUp, Reason, ResendRisk, UnconfirmedCause,
};
