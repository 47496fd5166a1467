//! How much of the schema an endpoint is asked to enforce.

use serde::{Deserialize, Serialize};

/// The JSON guarantee that an endpoint is asked for. Each format asks for less than the one before
/// it. The response is checked against the task schema in every case.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// A document that follows the schema strictly (`json_schema`).
    #[default]
    JsonSchema,
    /// Any JSON object (`json_object`).
    JsonObject,
    /// No guarantee: only the prompt asks for JSON.
    #[serde(alias = "instructions")]
    PromptOnly,
}

impl ResponseFormat {
    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseFormat::JsonSchema => "json_schema",
            ResponseFormat::JsonObject => "json_object",
            ResponseFormat::PromptOnly => "prompt_only",
        }
    }

    /// The format to fall back to when the endpoint refuses this one; `None` for the last.
    #[must_use]
    pub fn fallback(self) -> Option<ResponseFormat> {
        match self {
            ResponseFormat::JsonSchema => Some(ResponseFormat::JsonObject),
            ResponseFormat::JsonObject => Some(ResponseFormat::PromptOnly),
            ResponseFormat::PromptOnly => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_former_name_of_prompt_only_can_be_read() {
        for (name, format) in [
            ("json_schema", ResponseFormat::JsonSchema),
            ("json_object", ResponseFormat::JsonObject),
            ("prompt_only", ResponseFormat::PromptOnly),
        ] {
            assert_eq!(serde_json::to_value(format).unwrap(), name);
        }
        let former: ResponseFormat = serde_json::from_value("instructions".into()).unwrap();
        assert_eq!(former, ResponseFormat::PromptOnly);
    }
}
