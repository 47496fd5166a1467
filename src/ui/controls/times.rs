//! Times as the operator's browser writes them.

use js_sys::Date;
use wasm_bindgen::JsValue;

fn date(milliseconds: u64) -> Date {
    // A time is far below 2^53, so it is exact as a double.
    #[allow(clippy::cast_precision_loss)]
    let milliseconds = milliseconds as f64;
    Date::new(&JsValue::from_f64(milliseconds))
}

/// The time now, in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    // `as` saturates; a time is far below 2^53.
    Date::now() as u64
}

/// The time of day, `14:33`, of a time in milliseconds since 1970.
#[must_use]
pub fn time_of_day(milliseconds: u64) -> String {
    clock(milliseconds).chars().take(5).collect()
}

/// The time of day to the second, `14:33:08`, in the operator's time zone.
#[must_use]
pub fn clock(milliseconds: u64) -> String {
    date(milliseconds).to_locale_time_string("en-GB").into()
}

/// The same to the millisecond, `14:33:08.120`.
#[must_use]
pub fn exact_clock(milliseconds: u64) -> String {
    format!("{}.{:03}", clock(milliseconds), milliseconds % 1_000)
}

/// The same for machines: ISO 8601, UTC. Empty for a time that no date is.
#[must_use]
pub fn machine_time(milliseconds: u64) -> String {
    let date = date(milliseconds);
    if date.get_time().is_nan() {
        return String::new();
    }
    date.to_iso_string().into()
}
