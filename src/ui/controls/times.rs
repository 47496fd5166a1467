//! Times in the operator's time zone.

use js_sys::Date;
use wasm_bindgen::JsValue;

fn date(milliseconds: u64) -> Date {
    // Times are far below 2^53, so they are exact as doubles.
    #[allow(clippy::cast_precision_loss)]
    let milliseconds = milliseconds as f64;
    Date::new(&JsValue::from_f64(milliseconds))
}

/// The time now, in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    // `as` saturates, and times are far below 2^53.
    Date::now() as u64
}

/// The time of day, `14:33`. Takes milliseconds since 1970.
#[must_use]
pub fn time_of_day(milliseconds: u64) -> String {
    clock(milliseconds).chars().take(5).collect()
}

/// Day and time of day, `2026-11-30 14:33`. Takes milliseconds since 1970.
#[must_use]
pub fn date_and_time(milliseconds: u64) -> String {
    // The Swedish format is ISO 8601 in the operator's time zone.
    let day = date(milliseconds).to_locale_date_string("sv-SE", &JsValue::UNDEFINED);
    format!("{} {}", String::from(day), time_of_day(milliseconds))
}

/// The time of day to the second, `14:33:08`. Takes milliseconds since 1970.
#[must_use]
pub fn clock(milliseconds: u64) -> String {
    date(milliseconds).to_locale_time_string("en-GB").into()
}

/// The time of day to the millisecond, `14:33:08.120`. Takes milliseconds since 1970.
#[must_use]
pub fn exact_clock(milliseconds: u64) -> String {
    format!("{}.{:03}", clock(milliseconds), milliseconds % 1_000)
}

/// The time in ISO 8601, UTC, for `datetime` attributes. Takes milliseconds since 1970. Empty if it is
/// out of range for a date.
#[must_use]
pub fn machine_time(milliseconds: u64) -> String {
    let date = date(milliseconds);
    if date.get_time().is_nan() {
        return String::new();
    }
    date.to_iso_string().into()
}
