//! JSON Pointer (RFC 6901).

use std::ops::ControlFlow;

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

/// The location of a value. Its pointer is built only when it is needed: with a long name, pointers
/// take far more memory than the document.
pub(super) enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// The location as a JSON Pointer.
    pub(super) fn pointer(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Member(parent, name) => push_token(&parent.pointer(), name),
            Path::Item(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

/// A list of pointers that takes a bounded amount of memory.
pub(super) struct Pointers {
    found: Vec<String>,
    limit: usize,
    bytes: usize,
}

impl Pointers {
    /// Maximum total length, in bytes. One pointer is kept, whatever its length.
    const MAX_BYTES: usize = 256 << 10;

    /// An empty list for at most `limit` pointers.
    pub(super) fn up_to(limit: usize) -> Pointers {
        Pointers {
            found: Vec::new(),
            limit,
            bytes: 0,
        }
    }

    /// Adds a pointer. Breaks once there is no room for another one.
    pub(super) fn push(&mut self, path: &Path<'_>) -> ControlFlow<()> {
        if self.found.len() < self.limit {
            let pointer = path.pointer();
            self.bytes += pointer.len();
            self.found.push(pointer);
        }
        if self.found.len() >= self.limit || self.bytes >= Self::MAX_BYTES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.found
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
