//! `/tasks`: accepting and returning tasks.

pub mod large_checks;
pub mod post;
pub mod read;

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;
use crate::store::StoreError;

/// The largest request body, in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// The longest idempotency key, in bytes.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// Whether a text is a valid idempotency key: 1 to 255 printable ASCII characters.
#[must_use]
pub fn is_idempotency_key(text: &str) -> bool {
    (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&text.len())
        && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// 9999-12-31T23:59:59.999Z in milliseconds since 1970: RFC 3339 has four digits for the year.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// Formats milliseconds since 1970-01-01T00:00:00Z as RFC 3339 in UTC, with milliseconds. A time that
/// the format cannot express becomes the closest one that it can.
fn rfc_3339(milliseconds: i64) -> String {
    let since = std::time::Duration::from_millis(
        u64::try_from(milliseconds)
            .unwrap_or_default()
            .min(LAST_MILLISECOND),
    );
    std::time::UNIX_EPOCH
        .checked_add(since)
        .map_or_else(String::new, |time| {
            humantime::format_rfc3339_millis(time).to_string()
        })
}

/// A JSON response that must not be cached.
pub(crate) fn json_response(json: String) -> Response {
    (
        [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        json,
    )
        .into_response()
}

/// Logs the cause of a store error and returns the problem for the sender, which does not name it.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    tracing::error!(code = error.code(), error = %error, "the task store is not available");
    if error.may_be_stored() {
        Problem::NotConfirmed
    } else {
        Problem::StoreUnavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_as_rfc_3339_in_utc() {
        assert_eq!(rfc_3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc_3339(1_790_000_000_123), "2026-09-21T14:13:20.123Z");
    }

    #[test]
    fn times_that_rfc_3339_cannot_express_become_the_closest_one() {
        for time in [253_402_300_799_999, 253_402_300_800_000, i64::MAX] {
            assert_eq!(rfc_3339(time), "9999-12-31T23:59:59.999Z");
        }
        assert_eq!(rfc_3339(-1), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn idempotency_keys_are_1_to_255_printable_ascii_characters() {
        for (key, accepted) in [
            ("a", true),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", true),
            ("\"quoted, as in the IETF draft\"", true),
            ("", false),
            ("tab\t", false),
            ("schlüssel", false),
        ] {
            assert_eq!(is_idempotency_key(key), accepted, "{key}");
        }
        assert!(is_idempotency_key(&"k".repeat(255)));
        assert!(!is_idempotency_key(&"k".repeat(256)));
    }
}
