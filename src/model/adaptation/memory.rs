//! Remembers the adaptations that endpoints need, so that later runs begin with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Adaptations;
use crate::settings::{Api, ModelEndpoint};

/// Maximum number of entries. The first in key order are dropped to make room.
const MAX_ENTRIES: usize = 64;

/// The adaptations of each endpoint and model. Contains no secret: the key of an entry is made of base
/// URL, API and model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdaptationMemory {
    entries: BTreeMap<String, Adaptations>,
}

impl AdaptationMemory {
    /// Reads a stored memory. Returns an empty one if `text` cannot be read.
    #[must_use]
    pub fn read(text: &str) -> AdaptationMemory {
        let mut memory: AdaptationMemory = serde_json::from_str(text).unwrap_or_default();
        memory.evict();
        memory
    }

    /// The text to store.
    #[must_use]
    pub fn text(&self) -> String {
        // A map of strings always serializes.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The adaptations to begin with for this endpoint.
    #[must_use]
    pub fn of(&self, endpoint: &ModelEndpoint) -> Adaptations {
        self.entries
            .get(&key(endpoint))
            .cloned()
            .unwrap_or_default()
    }

    /// Remembers that this endpoint needs these adaptations, besides those already known.
    pub fn remember(&mut self, endpoint: &ModelEndpoint, adaptations: &Adaptations) {
        let merged = self.of(endpoint).merged(adaptations);
        if !merged.is_empty() {
            self.entries.insert(key(endpoint), merged);
            self.evict();
        }
    }

    /// Forgets this endpoint and model, so that it is asked for everything again.
    pub fn forget(&mut self, endpoint: &ModelEndpoint) {
        self.entries.remove(&key(endpoint));
    }

    fn evict(&mut self) {
        while self.entries.len() > MAX_ENTRIES {
            self.entries.pop_first();
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
    use crate::model::adaptation::Adaptation;
    use crate::settings::Address;

    fn endpoint(base: &str, model: &str) -> ModelEndpoint {
        ModelEndpoint::at(Address::parse(base).unwrap(), model)
    }

    #[test]
    fn adaptations_are_remembered_for_that_endpoint_and_model_only() {
        let (small, large) = (
            endpoint("https://a.example/v1", "small"),
            endpoint("https://a.example/v1", "large"),
        );
        let mut memory = AdaptationMemory::default();
        for one in [Adaptation::NoStreaming, Adaptation::OmitStore] {
            memory.remember(&small, &Adaptations::from_iter([one]));
        }
        let mut memory = AdaptationMemory::read(&memory.text());
        assert_eq!(memory.of(&small).iter().count(), 2);
        for other in [
            large,
            endpoint("https://b.example/v1", "small"),
            ModelEndpoint {
                api: Api::Responses,
                ..small.clone()
            },
        ] {
            assert!(memory.of(&other).is_empty());
        }
        memory.forget(&small);
        assert!(memory.of(&small).is_empty());
    }

    #[test]
    fn malformed_and_large_memories_are_harmless() {
        for text in [
            "",
            "[]",
            "{\"a\":\"moon\"}",
            "{\"a\":[{\"change\":\"moon\"}]}",
            "null",
        ] {
            assert_eq!(
                AdaptationMemory::read(text),
                AdaptationMemory::default(),
                "{text}"
            );
        }
        let mut memory = AdaptationMemory::default();
        for number in 0..1000 {
            memory.remember(
                &endpoint("https://a.example", &format!("m{number}")),
                &Adaptations::from_iter([Adaptation::OmitStore]),
            );
        }
        assert_eq!(memory.entries.len(), MAX_ENTRIES);
    }
}
