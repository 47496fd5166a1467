//! The header, and the bands and messages below it.

pub mod app_header;
pub mod mode_band;
pub mod notices;
pub mod read_only_band;
pub mod toasts;
