//! Reading the JSON body of a request.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;

use crate::problem::Problem;

/// Accepts `application/json`, alone or with `charset=utf-8`. RFC 8259, section 11, defines no
/// parameter, but clients send this one.
///
/// # Errors
/// [`Problem::UnsupportedMediaType`].
pub fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::UnsupportedMediaType(
            "Send the body without Content-Encoding.",
        ));
    }
    let mut sent = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (sent.next(), sent.next()) else {
        return Err(Problem::UnsupportedMediaType(
            "Send one Content-Type header: application/json.",
        ));
    };
    let mut parts = first.to_str().unwrap_or_default().split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|parameter| {
        parameter.eq_ignore_ascii_case("charset=utf-8")
            || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
    });
    if json && utf8 {
        Ok(())
    } else {
        Err(Problem::UnsupportedMediaType(
            "Send the body with Content-Type: application/json, in UTF-8.",
        ))
    }
}

/// Reads a body of at most `limit` bytes within `timeout`.
///
/// # Errors
/// [`Problem::TooLarge`], [`Problem::Timeout`], [`Problem::BadRequest`].
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    timeout: Duration,
) -> Result<Vec<u8>, Problem> {
    let content_length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if content_length.is_some_and(|length| length > limit) {
        return Err(Problem::TooLarge { limit });
    }
    let collected = collect(body, content_length.unwrap_or_default(), limit);
    tokio::time::timeout(timeout, collected)
        .await
        .map_err(|_| Problem::Timeout)?
}

async fn collect(mut body: Body, expected: usize, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(expected.min(limit));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::BadRequest("the body ended early".into()))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len().saturating_add(data.len()) > limit {
                return Err(Problem::TooLarge { limit });
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_json_in_utf_8_is_accepted() {
        for (sent, accepted) in [
            ("application/json", true),
            ("Application/JSON", true),
            ("application/json; charset=utf-8", true),
            ("application/json;charset=\"UTF-8\"", true),
            ("application/json; charset=latin1", false),
            ("application/json, text/plain", false),
            ("application/problem+json", false),
            ("text/plain", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(sent));
            assert_eq!(require_json(&headers).is_ok(), accepted, "{sent}");
        }
    }
}
