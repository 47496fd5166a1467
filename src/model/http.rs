//! Reads HTTP responses other than 200.

use serde_json::Value;

use super::MAX_EXCERPT_BYTES;
use super::error_body::ErrorBody;
use super::failure::{Failure, FailureKind};
use crate::retry_after::retry_after;
use crate::text::truncate_lossy;
use crate::web_page::is_markup;

/// How much of the body needs to be read: 64 KiB.
pub const MAX_ERROR_BODY_BYTES: usize = 64 << 10;

/// Longest wait that an endpoint may ask for, in milliseconds. A longer one is ignored.
pub const MAX_RETRY_AFTER_MILLISECONDS: u64 = 60_000;

/// Turns status, headers and body into a failure.
///
/// `header` returns the value of a header by its lower-case name, if the page may read it. At most
/// [`MAX_ERROR_BODY_BYTES`] of `body` are examined; it may be truncated, plain text, HTML or empty.
/// `now` is when the response arrived, in milliseconds since 1970.
#[must_use]
pub fn failure(
    status: u16,
    header: impl Fn(&str) -> Option<String>,
    body: &[u8],
    now: u64,
) -> Failure {
    let body = body.get(..MAX_ERROR_BODY_BYTES).unwrap_or(body);
    let error = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|value| ErrorBody::find(&value));
    let has_error = error.is_some();
    let mut failure = Failure::of_error(Some(status), error.unwrap_or_default());
    if !has_error && !body.trim_ascii().is_empty() {
        failure.body = Some(truncate_lossy(body, MAX_EXCERPT_BYTES));
        // A web page adds nothing to a 401 or a 500, but with a 404 the base URL is wrong.
        let is_uninformative = matches!(
            failure.kind,
            FailureKind::AddressNotFound
                | FailureKind::RequestRefused
                | FailureKind::UnexpectedStatus
        );
        if is_markup(header("content-type").as_deref(), body) && is_uninformative {
            failure.kind = FailureKind::WebPage;
        }
    }
    failure.should_retry = match header("x-should-retry").as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    failure.retry_after = requested_wait(&header, now);
    failure
}

/// The wait that the endpoint asks for, in milliseconds: `retry-after-ms`, else `retry-after` in
/// seconds or as a date (RFC 9110, section 10.2.3), if it is at most
/// [`MAX_RETRY_AFTER_MILLISECONDS`].
fn requested_wait(header: &impl Fn(&str) -> Option<String>, now: u64) -> Option<u64> {
    let milliseconds = header("retry-after-ms")
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|value| value.is_finite() && *value >= 0.0)
        // `as` saturates; the bound below drops long waits.
        .map(|value| value.ceil() as u64);
    milliseconds
        .or_else(|| retry_after(&header("retry-after")?, now))
        .filter(|wait| *wait <= MAX_RETRY_AFTER_MILLISECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_header(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_failure_has_the_endpoints_code_and_message() {
        let body = br#"{"error":{"message":"No such model","type":"x","param":null,"code":"model_not_found"}}"#;
        let failure = failure(404, no_header, body, 0);
        assert_eq!(failure.status, Some(404));
        assert_eq!(failure.code(), "model_not_found");
        assert_eq!(failure.endpoint_code.as_deref(), Some("model_not_found"));
        assert_eq!(failure.message, "No such model");
        assert_eq!(failure.body, None);
    }

    #[test]
    fn a_body_without_an_error_object_is_kept_as_an_excerpt() {
        let long = "x".repeat(MAX_ERROR_BODY_BYTES * 2);
        let table: [(u16, &[u8], &str, Option<usize>); 6] = [
            (502, b"Bad Gateway", "server_error", Some(11)),
            (404, b"<!DOCTYPE html><html>", "web_page", Some(21)),
            (401, b"<html>", "key_refused", Some(6)),
            (
                400,
                long.as_bytes(),
                "request_refused",
                Some(MAX_EXCERPT_BYTES + 3),
            ),
            (500, b"", "server_error", None),
            (500, b"\xFF\xFE", "server_error", Some(6)),
        ];
        for (status, body, code, shown) in table {
            let failure = failure(status, no_header, body, 0);
            assert_eq!(failure.code(), code);
            assert_eq!(failure.body.map(|body| body.len()), shown, "{status}");
        }
    }

    #[test]
    fn a_wait_of_up_to_a_minute_is_read() {
        let table = [
            (Some("250"), Some("7"), Some(250)),
            (None, Some("7"), Some(7000)),
            (None, Some("0.5"), Some(500)),
            (None, Some("60"), Some(60_000)),
            (None, Some("61"), None),
            (None, Some("-1"), None),
            (None, Some("NaN"), None),
            (None, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Some(1500)),
            (None, Some("Wed, 21 Oct 2026 07:30:00 GMT"), None),
            (Some("soon"), Some("3"), Some(3000)),
            (None, None, None),
        ];
        for (ms, seconds, expected) in table {
            let header = |name: &str| match name {
                "retry-after-ms" => ms.map(str::to_owned),
                "retry-after" => seconds.map(str::to_owned),
                _ => None,
            };
            assert_eq!(
                failure(429, header, b"", 1_792_567_678_500).retry_after,
                expected,
                "{seconds:?}"
            );
        }
    }

    #[test]
    fn the_endpoint_can_forbid_or_ask_for_a_retry() {
        for (value, expected) in [("true", true), ("false", false), ("perhaps", true)] {
            let header = |name: &str| (name == "x-should-retry").then(|| value.to_owned());
            assert_eq!(failure(500, header, b"", 0).retry(), expected);
        }
    }
}
