//! The result of recognising a text.

use super::address::PastedAddress;
use super::agent_config::PastedAgentConfig;
use super::examples::PastedExamples;
use super::openapi::ApiDocument;
use super::pasted_schema::PastedSchema;
use super::request::PastedRequest;
use super::{MAX_PASTE_BYTES, PasteNotice};
use crate::settings::config::{Config, ConfigError};

/// What a pasted text is.
#[derive(Debug)]
pub enum Recognized {
    /// An address.
    Address(Box<PastedAddress>),
    /// A `curl`, PowerShell or `fetch` call.
    Request(Box<PastedRequest>),
    /// An OpenAPI document.
    OpenApi(Box<ApiDocument>),
    /// A JSON Schema.
    Schema(PastedSchema),
    /// Examples of a task.
    Examples(PastedExamples),
    /// The configuration of the original script.
    AgentConfig(Box<PastedAgentConfig>),
    /// The page's own `config.json`, or why it cannot be used.
    Config(Box<Result<Config, ConfigError>>),
    /// Nothing that is known.
    Unknown(NotRecognized),
}

impl Recognized {
    /// What was recognised, changed, left out or is missing.
    #[must_use]
    pub fn notices(&self) -> &[PasteNotice] {
        match self {
            Recognized::Address(it) => &it.notices,
            Recognized::Request(it) => &it.notices,
            Recognized::OpenApi(it) => &it.notices,
            Recognized::Schema(it) => &it.notices,
            Recognized::Examples(it) => &it.notices,
            Recognized::AgentConfig(it) => &it.notices,
            Recognized::Config(_) | Recognized::Unknown(_) => &[],
        }
    }
}

/// Why a text is not recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRecognized {
    /// The text is empty.
    #[error("there is no text")]
    Empty,
    /// The text is too long.
    #[error("the text is longer than {MAX_PASTE_BYTES} bytes")]
    TooLong,
    /// The text is a document of a version before OpenAPI 3.
    #[error("Swagger 2.0 describes bodies in another way than OpenAPI 3, and is not read")]
    Swagger,
    /// The text begins like JSON, but is not.
    #[error("the text is not JSON: {reason}")]
    NotJson {
        /// What is wrong, and where. Never repeats a value.
        reason: String,
    },
    /// The text is a JSON value without an object that could be a task.
    #[error("the text is JSON, but has no object that could be a task")]
    NoObject,
    /// The text is nothing that is known.
    #[error("the text is nothing that the page knows")]
    Other,
}

impl NotRecognized {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotRecognized::Empty => "paste_empty",
            NotRecognized::TooLong => "paste_too_long",
            NotRecognized::Swagger => "paste_swagger",
            NotRecognized::NotJson { .. } => "paste_not_json",
            NotRecognized::NoObject => "paste_no_object",
            NotRecognized::Other => "paste_unknown",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            NotRecognized::TooLong => {
                "Paste only the part about tasks: the operation, and the schemas it refers to."
            }
            NotRecognized::Swagger => {
                "Convert it to OpenAPI 3, for example with editor.swagger.io, or paste a curl command or an example task."
            }
            NotRecognized::NotJson { .. } => {
                "Paste the complete text, without comments or trailing commas."
            }
            NotRecognized::Empty | NotRecognized::NoObject | NotRecognized::Other => {
                "Paste an address, a curl, Invoke-RestMethod or fetch call, an OpenAPI document, a JSON Schema, an example task, or an agent_config.json."
            }
        }
    }
}
