//! Where the task schema of a connection was read from.

use serde::{Deserialize, Serialize};

use super::Address;
use crate::digest::sha256_hex;

/// A document that a task schema was read from: an OpenAPI document, or the schema itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaSource {
    /// Its URL.
    pub url: Address,
    /// The SHA-256 of its text then, in hexadecimal.
    pub digest: String,
}

impl SchemaSource {
    /// The document at `url` with this text.
    #[must_use]
    pub fn new(url: Address, text: &str) -> SchemaSource {
        SchemaSource {
            url,
            digest: sha256_hex(text.as_bytes()),
        }
    }

    /// Whether the document has another text now.
    #[must_use]
    pub fn is_changed_by(&self, text: &str) -> bool {
        sha256_hex(text.as_bytes()) != self.digest
    }
}
