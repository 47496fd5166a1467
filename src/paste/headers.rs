//! Which headers of a pasted request a page can and should send.

use super::word::Word;
use crate::settings::secret_like::{is_secret_name, is_secret_value, looks_random};

/// What becomes of a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeaderUse {
    /// It is sent as it is.
    Plain,
    /// It carries a secret.
    Secret,
    /// The type of the body.
    ContentType,
    /// The idempotency key of one request.
    IdempotencyKey,
    /// A cookie, which a page cannot send to another origin's server by itself.
    Cookie,
    /// The browser sets it, or it belongs to one request.
    LeftOut,
}

/// Headers that the browser sets, or that describe one request and not the server.
const LEFT_OUT: [&str; 53] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "alt-used",
    "authority",
    "b3",
    "cache-control",
    "connection",
    "content-length",
    "cookie2",
    "date",
    "dnt",
    "downlink",
    "ect",
    "expect",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "method",
    "newrelic",
    "origin",
    "path",
    "postman-token",
    "pragma",
    "priority",
    "referer",
    "rtt",
    "save-data",
    "scheme",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-b3-traceid",
    "x-correlation-id",
    "x-forwarded-for",
    "x-idempotency-key",
    "x-request-id",
    "x-requested-with",
    "x-trace-id",
];

/// From which length on a random value of a header with a harmless name may be a secret.
const MIN_RANDOM_LENGTH: usize = 20;

/// What the name of a header contains whose value lets others act as the operator, or proves something.
const SECRET_PARTS: [&str; 4] = ["session", "signature", "csrf", "xsrf"];

impl HeaderUse {
    /// Decides about a header by its name and value.
    pub(super) fn of(name: &str, value: &Word) -> HeaderUse {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "content-type" => HeaderUse::ContentType,
            "idempotency-key" => HeaderUse::IdempotencyKey,
            "cookie" | "set-cookie" => HeaderUse::Cookie,
            other if LEFT_OUT.contains(&other) || other.starts_with(':') => HeaderUse::LeftOut,
            other
                if ["sec-", "proxy-"]
                    .iter()
                    .any(|start| other.starts_with(start)) =>
            {
                HeaderUse::LeftOut
            }
            other => {
                let text = value.text();
                let is_secret = is_secret_name(other)
                    || SECRET_PARTS.iter().any(|part| other.contains(part))
                    || is_secret_value(text)
                    || text.split_whitespace().any(may_be_secret);
                if is_secret {
                    HeaderUse::Secret
                } else {
                    HeaderUse::Plain
                }
            }
        }
    }
}

/// Whether a word of a value is as long and random as a secret, and no UUID, which identifies.
fn may_be_secret(word: &str) -> bool {
    word.len() >= MIN_RANDOM_LENGTH
        && looks_random(word)
        && !word.contains('/')
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
        && uuid::Uuid::try_parse(word).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_used_by_its_name_and_value() {
        for (name, value, expected) in [
            ("X-AGENT-TOKEN", "changeme", HeaderUse::Secret),
            ("Authorization", "Bearer abc", HeaderUse::Secret),
            ("X-Api-Key", "abc", HeaderUse::Secret),
            ("X-Custom", "ghp_0123456789abcdef", HeaderUse::Secret),
            ("X-Custom", "4f9Kq0zX81bTn72wQ5mR", HeaderUse::Secret),
            ("X-Session-Id", "abc", HeaderUse::Secret),
            ("X-Hub-Signature", "abc", HeaderUse::Secret),
            ("X-XSRF-TOKEN", "abc", HeaderUse::Secret),
            ("X-TENANT", "blue", HeaderUse::Plain),
            (
                "X-Workspace",
                "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                HeaderUse::Plain,
            ),
            ("X-GitHub-Api-Version", "2022-11-28", HeaderUse::Plain),
            ("Idempotency-Key", "abc", HeaderUse::IdempotencyKey),
            ("X-Idempotency-Key", "abc", HeaderUse::LeftOut),
            ("content-type", "application/json", HeaderUse::ContentType),
            ("Cookie", "a=b", HeaderUse::Cookie),
            ("User-Agent", "curl/8", HeaderUse::LeftOut),
            ("sec-ch-ua", "x", HeaderUse::LeftOut),
            (":authority", "x", HeaderUse::LeftOut),
        ] {
            let found = HeaderUse::of(name, &Word::new(value));
            assert_eq!(found, expected, "{name}: {value}");
        }
    }
}
