//! What is asked of the model, read as strictly as the public service reads it, so that a client
//! which is careless about a parameter hears of it here.

mod chat;
mod members;
mod responses;

use serde_json::Value;

use super::error::ApiError;

/// The APIs that the endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `POST /v1/chat/completions`.
    ChatCompletions,
    /// `POST /v1/responses`.
    Responses,
}

/// What is asked, in either API.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// The API it came by.
    pub api: Api,
    /// The model's name as it was sent.
    pub model: String,
    /// Role and text of each message, instructions before the others.
    pub messages: Vec<(String, String)>,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// Whether the answer is to carry the usage.
    pub include_usage: bool,
    /// Whether the stream may carry padding.
    pub include_obfuscation: bool,
    /// Whether the endpoint may keep the answer.
    pub store: bool,
    /// The most tokens of the answer.
    pub token_limit: Option<u64>,
    /// The shape the answer must have.
    pub format: Format,
}

/// The shape an answer must have.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// A JSON document of this schema.
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

    /// The parameter that says which shape the answer must have.
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
    /// Reads a request's body.
    ///
    /// # Errors
    /// With the parameter that is missing, unknown or not right.
    pub fn read(api: Api, body: &Value) -> Result<Self, ApiError> {
        match api {
            Api::ChatCompletions => chat::read(body),
            Api::Responses => responses::read(body),
        }
    }
}
