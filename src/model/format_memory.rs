//! Remembers the response formats that endpoints refused, so that later runs do not ask for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ResponseFormat;
use crate::settings::{Api, ModelEndpoint};

/// Maximum number of entries. The first in key order are dropped to make room.
const MAX_ENTRIES: usize = 64;

/// The response format to ask each endpoint and model for, if that is not the default. Contains no
/// secret: the key of an entry is made of base URL, API and model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormatMemory {
    formats: BTreeMap<String, ResponseFormat>,
}

impl FormatMemory {
    /// Reads a stored memory. Returns an empty one if `text` cannot be read.
    #[must_use]
    pub fn read(text: &str) -> FormatMemory {
        let mut memory: FormatMemory = serde_json::from_str(text).unwrap_or_default();
        memory.evict();
        memory
    }

    /// The text to store.
    #[must_use]
    pub fn text(&self) -> String {
        // A map of strings always serializes.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The response format to start with for this endpoint.
    #[must_use]
    pub fn response_format(&self, endpoint: &ModelEndpoint) -> ResponseFormat {
        self.formats
            .get(&key(endpoint))
            .copied()
            .unwrap_or_default()
    }

    /// Remembers that this endpoint accepts no format before this one. Never goes back to an earlier
    /// format.
    pub fn remember(&mut self, endpoint: &ModelEndpoint, response_format: ResponseFormat) {
        let lowest = self.response_format(endpoint).max(response_format);
        if lowest != ResponseFormat::default() {
            self.formats.insert(key(endpoint), lowest);
            self.evict();
        }
    }

    /// Forgets this endpoint and model, so that it is asked for the default format again. Returns
    /// whether there was an entry.
    pub fn forget(&mut self, endpoint: &ModelEndpoint) -> bool {
        self.formats.remove(&key(endpoint)).is_some()
    }

    fn evict(&mut self) {
        while self.formats.len() > MAX_ENTRIES {
            self.formats.pop_first();
        }
    }
}

fn key(endpoint: &ModelEndpoint) -> String {
    let api = match endpoint.api {
        Api::ChatCompletions => "chat",
        Api::Responses => "responses",
    };
    format!("{} {api} {}", endpoint.base_url, endpoint.model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;

    fn endpoint(base: &str, model: &str) -> ModelEndpoint {
        ModelEndpoint::at(Address::parse(base).unwrap(), model)
    }

    #[test]
    fn a_refused_format_is_remembered_for_that_endpoint_and_model_only() {
        let (small, large) = (
            endpoint("https://a.example/v1", "small"),
            endpoint("https://a.example/v1", "large"),
        );
        let mut memory = FormatMemory::default();
        memory.remember(&small, ResponseFormat::PromptOnly);
        memory.remember(&small, ResponseFormat::JsonObject);
        let mut memory = FormatMemory::read(&memory.text());
        assert_eq!(
            memory.response_format(&small),
            ResponseFormat::PromptOnly,
            "it does not go back to an earlier format"
        );
        for other in [
            large,
            endpoint("https://b.example/v1", "small"),
            ModelEndpoint {
                api: Api::Responses,
                ..small.clone()
            },
        ] {
            assert_eq!(memory.response_format(&other), ResponseFormat::JsonSchema);
        }
        assert!(memory.forget(&small) && !memory.forget(&small));
        assert_eq!(memory.response_format(&small), ResponseFormat::JsonSchema);
    }

    #[test]
    fn malformed_and_large_memories_are_harmless() {
        for text in ["", "[]", "{\"a\":\"moon\"}", "null"] {
            assert_eq!(FormatMemory::read(text), FormatMemory::default(), "{text}");
        }
        let mut memory = FormatMemory::default();
        for number in 0..1000 {
            memory.remember(
                &endpoint("https://a.example", &format!("m{number}")),
                ResponseFormat::JsonObject,
            );
        }
        assert_eq!(memory.formats.len(), MAX_ENTRIES);
    }
}
