//! Which headers the gateway passes on. All others stay on their side.

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName};

use super::key_mask::KeyMask;

/// Headers of a request that reach the endpoint.
const OF_REQUEST: [HeaderName; 2] = [ACCEPT, CONTENT_TYPE];

/// Headers of a response that reach the client. Never among them: `Set-Cookie`, and whatever names
/// the organisation of the key.
const OF_RESPONSE: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_TYPE,
    RETRY_AFTER,
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-should-retry"),
];

/// How the names of the endpoint's rate limit headers begin.
const RATE_LIMIT: &str = "x-ratelimit-";

/// The headers of a client's request for the endpoint.
#[must_use]
pub fn of_request(headers: &HeaderMap) -> HeaderMap {
    only(headers, |name| OF_REQUEST.contains(name))
}

/// The headers of the endpoint's response for the client, without those that contain the key.
#[must_use]
pub fn of_response(headers: &HeaderMap, mask: &KeyMask) -> HeaderMap {
    let mut kept = only(headers, |name| {
        OF_RESPONSE.contains(name) || name.as_str().starts_with(RATE_LIMIT)
    });
    let with_key: Vec<HeaderName> = kept
        .iter()
        .filter(|(_, value)| mask.is_in(value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect();
    for name in with_key {
        kept.remove(name);
    }
    kept
}

fn only(headers: &HeaderMap, is_kept: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| is_kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_text::SecretText;

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_listed_headers_pass() {
        let mut headers = HeaderMap::new();
        for name in [
            "accept",
            "authorization",
            "connection",
            "content-type",
            "cookie",
            "openai-organization",
            "retry-after",
            "set-cookie",
            "transfer-encoding",
            "x-agent-token",
            "x-ratelimit-remaining-tokens",
            "x-request-id",
        ] {
            headers.insert(HeaderName::from_static(name), "1".parse().unwrap());
        }
        assert_eq!(names(&of_request(&headers)), ["accept", "content-type"]);
        let mask = KeyMask::new(None);
        assert_eq!(
            names(&of_response(&headers, &mask)),
            [
                "content-type",
                "retry-after",
                "x-ratelimit-remaining-tokens",
                "x-request-id"
            ]
        );
    }

    #[test]
    fn a_header_that_repeats_the_key_does_not_pass() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "of s3cret-key".parse().unwrap());
        let key = SecretText::new("s3cret-key".to_owned());
        let mask = KeyMask::new(Some(&key));
        assert!(of_response(&headers, &mask).is_empty());
    }
}
