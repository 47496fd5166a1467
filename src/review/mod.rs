//! Drafts: what was proposed, what was made of it, and what the operator decided.
//!
//! Nothing is posted that was not approved, and what is approved is a text: its bytes, their
//! SHA-256 and the key that stands for them are fixed at that moment. An edit takes it back.

pub mod diff;
mod draft;
pub mod import;
pub mod layout;

pub use draft::{
    Approval, Content, Draft, DraftId, DraftState, Origin, Review, RunId, SuggestedEdit,
    SuggestedEditKind,
};
