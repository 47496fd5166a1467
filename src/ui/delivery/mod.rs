//! The foot of the page and the banner with the result of a delivery.

pub mod cors_advice;
pub mod delivery_banner;
pub mod delivery_text;
pub mod exact_request;
pub mod foot;
pub mod foot_paused;
pub mod foot_posting;
