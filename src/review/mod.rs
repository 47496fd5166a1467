//! Drafts: the proposed text, its edits and the operator's decision.
//!
//! Only approved tasks are posted. An approval fixes the exact bytes, their SHA-256 and their
//! idempotency key; editing the task withdraws it.

pub mod batch_findings;
pub mod delivered_titles;
pub mod diff;
mod draft;
pub mod duplicate;
pub mod export;
pub mod field_change;
pub mod hidden;
pub mod history;
pub mod import;
pub mod json_lines;
pub mod layout;
pub mod list;
pub mod reading_order;
mod row_facts;
pub mod sheet;

pub use draft::{
    Approval, Content, Draft, DraftId, DraftState, Origin, Review, RunId, SuggestedEdit,
    SuggestedEditKind,
};
pub use row_facts::RowFacts;
