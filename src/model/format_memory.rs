//! What endpoints were found not to take, so that they are not asked for it in every run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ResponseFormat;
use crate::settings::{Api, ModelEndpoint};

/// The most that is remembered; the first in order go when there is no room.
const MOST: usize = 64;

/// The rung that each endpoint is asked for with each model, where that is not the first. Holds no
/// secret: an endpoint stands in it by base address, interface and model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormatMemory {
    held: BTreeMap<String, ResponseFormat>,
}

impl FormatMemory {
    /// Reads what was kept; what cannot be read is nothing.
    #[must_use]
    pub fn read(text: &str) -> FormatMemory {
        let mut memory: FormatMemory = serde_json::from_str(text).unwrap_or_default();
        memory.make_room();
        memory
    }

    /// What there is to keep.
    #[must_use]
    pub fn text(&self) -> String {
        // Strings under strings always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The rung from which this endpoint is asked.
    #[must_use]
    pub fn response_format(&self, endpoint: &ModelEndpoint) -> ResponseFormat {
        self.held.get(&name(endpoint)).copied().unwrap_or_default()
    }

    /// Remembers that this endpoint takes no more than this. It never climbs by itself.
    pub fn remember(&mut self, endpoint: &ModelEndpoint, response_format: ResponseFormat) {
        let lowest = self.response_format(endpoint).max(response_format);
        if lowest != ResponseFormat::default() {
            self.held.insert(name(endpoint), lowest);
            self.make_room();
        }
    }

    /// Forgets this endpoint with this model, so that it is asked for all again. Says whether
    /// there was something to forget.
    pub fn forget(&mut self, endpoint: &ModelEndpoint) -> bool {
        self.held.remove(&name(endpoint)).is_some()
    }

    fn make_room(&mut self) {
        while self.held.len() > MOST {
            self.held.pop_first();
        }
    }
}

fn name(endpoint: &ModelEndpoint) -> String {
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
    fn what_an_endpoint_does_not_take_is_remembered_for_it_and_its_model_alone() {
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
            "it does not climb"
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
    fn what_was_kept_cannot_harm() {
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
        assert_eq!(memory.held.len(), MOST);
    }
}
