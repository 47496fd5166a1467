//! Where the task schema of a connection was read from.

use serde::{Deserialize, Serialize};

use super::Address;
use crate::digest::sha256_hex;
use crate::document::Document;

/// The parts of an OpenAPI document (3.0 and 3.1) that a task schema and its request come from. The
/// others, such as `info` and extensions, may hold a build number or a time that differs with every
/// response.
const DESCRIBING: [&str; 4] = ["servers", "paths", "components", "security"];

/// A document that a task schema was read from: an OpenAPI document, or the schema itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaSource {
    /// Its URL.
    pub url: Address,
    /// The SHA-256 of what it said about tasks then, in hexadecimal.
    pub digest: String,
}

impl SchemaSource {
    /// The document at `url` with this text.
    #[must_use]
    pub fn new(url: Address, text: &str) -> SchemaSource {
        SchemaSource {
            url,
            digest: digest(text),
        }
    }

    /// Whether the document, which has this text now, says something else about tasks.
    #[must_use]
    pub fn is_changed_by(&self, text: &str) -> bool {
        digest(text) != self.digest
    }
}

/// The digest of the describing parts of an OpenAPI document in JSON, or else of the whole text.
fn digest(text: &str) -> String {
    let document = Document::parse(text).ok();
    let root = document.as_ref().map(Document::root);
    match root.filter(|root| root.get("openapi").is_some()) {
        Some(root) => {
            let parts = DESCRIBING.map(|name| root.get(name).map_or("", |part| part.text()));
            sha256_hex(parts.join("\n").as_bytes())
        }
        None => sha256_hex(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_describes_tasks_counts_as_a_change_of_an_openapi_document() {
        let document = |time: u32, kind: &str| {
            format!(
                r#"{{"openapi": "3.1.0", "info": {{"x-time": {time}}}, "paths": {{"/tasks": {{"type": "{kind}"}}}}}}"#
            )
        };
        let url = Address::parse("https://tasks.example.com/openapi.json").unwrap();
        let source = SchemaSource::new(url.clone(), &document(1, "object"));
        assert!(!source.is_changed_by(&document(2, "object")));
        assert!(source.is_changed_by(&document(1, "array")));
        let schema = SchemaSource::new(url, r#"{"type": "object", "info": 1}"#);
        assert!(schema.is_changed_by(r#"{"type": "object", "info": 2}"#));
    }
}
