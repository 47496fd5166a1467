//! How the generation is going and how it ended.

pub mod outcome_banner;
pub mod outcome_text;
pub mod requests;
pub mod stream_line;
