//! Drafts: what was proposed, what was made of it, and what the operator decided.
//!
//! Nothing is posted that was not approved, and what is approved is a text: its bytes, their
//! SHA-256 and the key that stands for them are fixed at that moment. An edit takes it back.

pub mod bring;
pub mod diff;
mod draft;
pub mod layout;
pub mod words;

pub use draft::{
    Approval, Content, Draft, DraftId, DraftState, Origin, Proposal, ProposalKind, Review, RunId,
};
