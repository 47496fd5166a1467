//! A pasted JSON Schema.

use serde_json::Value;

use super::notice::{Notices, PasteNotice};
use super::openapi::{MAX_NODES_OF_DOCUMENT, Translator};

/// A pasted JSON Schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedSchema {
    /// The schema as JSON text: as pasted, or converted from YAML.
    pub text: String,
    /// The schema in JSON Schema 2020-12, if it has keywords of OpenAPI 3.0 such as `nullable`, which
    /// JSON Schema ignores.
    pub translated: Option<String>,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
}

impl PastedSchema {
    /// Reads a schema.
    pub(super) fn read(text: String, value: &Value) -> PastedSchema {
        let mut notices = Notices::default();
        let mut budget = MAX_NODES_OF_DOCUMENT;
        let mut translator = Translator::new(value, &mut budget);
        let schema = translator.body(value);
        let translated = translator.has_dialect().then(|| super::pretty(&schema));
        if translated.is_some() {
            notices.recognized(
                "The schema has keywords of OpenAPI, which JSON Schema ignores. A translation is offered.",
            );
            translator.report(&mut notices);
        }
        if text.contains("#/components/schemas/") {
            notices.missing(
                "The schema refers to other schemas of an OpenAPI document. Paste the whole document.",
            );
        }
        PastedSchema {
            text,
            translated,
            notices: notices.into_vec(),
        }
    }
}
