//! The foot and the banner of a delivery.

pub mod delivery_banner;
pub mod delivery_text;
pub mod foot;
pub mod foot_paused;
pub mod foot_posting;
