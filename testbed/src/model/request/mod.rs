//! Requests to the model endpoint, parsed as strictly as by the public service, so that a wrong
//! parameter is an error here too.

mod chat;
mod members;
mod responses;

use serde_json::Value;

use super::error::ApiError;

/// The APIs of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `POST /v1/chat/completions`.
    ChatCompletions,
    /// `POST /v1/responses`.
    Responses,
}

/// A request of either API.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// The API.
    pub api: Api,
    /// The model name.
    pub model: String,
    /// The role and the text of each message, instructions first.
    pub messages: Vec<(String, String)>,
    /// Whether a stream is requested.
    pub stream: bool,
    /// Whether the response should include the usage.
    pub include_usage: bool,
    /// Whether the stream may contain padding.
    pub include_obfuscation: bool,
    /// Whether the endpoint may store the response.
    pub store: bool,
    /// Maximum number of output tokens.
    pub token_limit: Option<u64>,
    /// The response format.
    pub format: Format,
}

/// A response format.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// A JSON document that is valid by this schema.
    JsonSchema(Value),
}

impl Api {
    /// The parameter that holds the messages.
    #[must_use]
    pub fn messages_parameter(self) -> &'static str {
        match self {
            Self::ChatCompletions => "messages",
            Self::Responses => "input",
        }
    }

    /// The parameter that holds the response format.
    #[must_use]
    pub fn format_parameter(self) -> &'static str {
        match self {
            Self::ChatCompletions => "response_format",
            Self::Responses => "text.format",
        }
    }

    /// The parameter that holds the schema.
    #[must_use]
    pub fn schema_parameter(self) -> &'static str {
        match self {
            Self::ChatCompletions => "response_format.json_schema.schema",
            Self::Responses => "text.format.schema",
        }
    }
}

impl ModelRequest {
    /// Parses a request body.
    ///
    /// # Errors
    /// A parameter is missing, unknown or invalid.
    pub fn read(api: Api, body: &Value) -> Result<Self, ApiError> {
        match api {
            Api::ChatCompletions => chat::read(body),
            Api::Responses => responses::read(body),
        }
    }
}
