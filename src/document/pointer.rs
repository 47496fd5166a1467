//! JSON Pointer (RFC 6901).

/// The decoded reference tokens of a pointer; `None` if it is neither empty nor starts with `/`.
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

/// Parses a token as an array index: digits without a leading zero (RFC 6901, section 4).
pub(super) fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || (!token.starts_with('0') && !token.is_empty());
    if canonical && token.bytes().all(|byte| byte.is_ascii_digit()) {
        token.parse().ok()
    } else {
        None
    }
}

/// Escapes a member name for use as a reference token.
#[must_use]
pub fn escape_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Appends the member `name`, given unescaped, to `pointer`.
#[must_use]
pub fn push_token(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", escape_token(name))
}
