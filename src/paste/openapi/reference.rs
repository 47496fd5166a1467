//! References inside a document (`$ref`). Other documents are never fetched.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// References in a row that are followed.
const MAX_STEPS: usize = 16;

/// The JSON Pointer of a reference into the same document, such as `#/components/schemas/Task`.
pub(super) fn pointer(reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    let decoded = percent_decode_str(fragment).decode_utf8_lossy();
    (decoded.is_empty() || decoded.starts_with('/')).then(|| decoded.into_owned())
}

/// Where the reference of a value leads, and what is there. `None` if it has no reference, or the
/// reference leads nowhere.
pub(super) fn target<'d>(document: &'d Value, value: &Value) -> Option<(String, &'d Value)> {
    let mut found: Option<(String, &'d Value)> = None;
    for _ in 0..MAX_STEPS {
        let current = found.as_ref().map_or(value, |(_, current)| current);
        let reference = current.get("$ref").and_then(Value::as_str);
        let next = reference
            .and_then(pointer)
            .and_then(|pointer| Some((pointer.clone(), document.pointer(&pointer)?)));
        match next {
            Some(next) => found = Some(next),
            None => break,
        }
    }
    found
}

/// The value itself, or what its reference leads to. What leads nowhere is returned as it is.
pub(super) fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    target(document, value).map_or(value, |(_, target)| target)
}
