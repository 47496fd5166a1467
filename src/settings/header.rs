//! The headers that a page can send.

use super::secret_like::{is_secret_name, is_secret_value};

/// Longest value of a header, in bytes.
const MAX_VALUE_BYTES: usize = 2048;

/// Why a page cannot send a header.
pub(super) struct HeaderProblem {
    /// Why not.
    pub(super) reason: &'static str,
}

/// Why a page cannot send a header of this name; `None` if it can.
pub(super) fn header_problem(name: &str) -> Option<HeaderProblem> {
    /// Headers that requests already have.
    const USED: [&str; 3] = ["content-type", "idempotency-key", "accept"];
    /// Forbidden request-headers (Fetch standard, 2.2.2): browsers drop them without an error.
    const FORBIDDEN: [&str; 22] = [
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "access-control-request-private-network",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    /// All names with these beginnings are forbidden too.
    const FORBIDDEN_PREFIXES: [&str; 2] = ["proxy-", "sec-"];
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let lower = name.to_ascii_lowercase();
    let reason = if name.is_empty() || name.len() > 64 || !name.bytes().all(is_plain) {
        "it is not a header name of at most 64 letters, digits and hyphens"
    } else if USED.contains(&lower.as_str()) {
        "requests use it for something else"
    } else if FORBIDDEN.contains(&lower.as_str())
        || FORBIDDEN_PREFIXES.iter().any(|it| lower.starts_with(it))
    {
        "browsers do not let a page set it"
    } else {
        return None;
    };
    Some(HeaderProblem { reason })
}

/// Why a header of this name and value cannot be stored in the settings and sent; `None` if it can.
pub(super) fn plain_header_problem(name: &str, value: &str) -> Option<HeaderProblem> {
    if let Some(problem) = header_problem(name) {
        return Some(problem);
    }
    let is_sendable = value.len() <= MAX_VALUE_BYTES
        && value
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    let reason = if !is_sendable {
        "its value is too long or has characters that a header cannot have"
    } else if is_secret_name(name) || is_secret_value(value) {
        "it looks like a secret, which is not stored in settings"
    } else {
        return None;
    };
    Some(HeaderProblem { reason })
}

/// The name of a header as given, without what follows it: its value may have been entered with it.
pub(super) fn name_only(name: &str) -> String {
    super::before(name, &[':', '=', ' '])
}
