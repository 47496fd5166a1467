//! The progress and the outcome of a generation.

pub mod outcome_banner;
pub mod outcome_text;
pub mod requests;
pub mod stream_line;
