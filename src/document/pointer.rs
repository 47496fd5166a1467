//! JSON Pointer (RFC 6901).

/// The reference tokens of a pointer, decoded; `None` where it does not begin with `/`.
pub(super) fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let rest = pointer.strip_prefix('/')?;
    Some(
        rest.split('/')
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect(),
    )
}

/// The array index a token names: digits without a leading zero (RFC 6901, section 4).
pub(super) fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || (!token.starts_with('0') && !token.is_empty());
    if canonical && token.bytes().all(|byte| byte.is_ascii_digit()) {
        token.parse().ok()
    } else {
        None
    }
}

/// A member name as one reference token.
#[must_use]
pub fn escape_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// `pointer` with one more token, given undecoded.
#[must_use]
pub fn push_token(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", escape_token(name))
}
