//! Recognises what was pasted into the wrong field.

use super::Recognized;

/// What was pasted into a field for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PastedInstead {
    /// An address.
    #[error("this is an address")]
    Address,
    /// A `curl`, PowerShell or `fetch` call.
    #[error("this is a call that makes a request")]
    Request,
    /// An OpenAPI document.
    #[error("this is an OpenAPI document")]
    OpenApi,
    /// A Swagger 2.0 document.
    #[error("this is a Swagger 2.0 document")]
    Swagger,
    /// A JSON Schema.
    #[error("this is a JSON Schema")]
    Schema,
    /// Examples of a task.
    #[error("this is an example of a task")]
    Example,
    /// An `agent_config.json`.
    #[error("this is an agent_config.json")]
    AgentConfig,
    /// A `config.json` of this page.
    #[error("this is a config.json of this page")]
    Config,
}

impl PastedInstead {
    /// A stable name for the kind of text.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            PastedInstead::Address => "pasted_address",
            PastedInstead::Request => "pasted_request",
            PastedInstead::OpenApi => "pasted_openapi",
            PastedInstead::Swagger => "pasted_swagger",
            PastedInstead::Schema => "pasted_schema",
            PastedInstead::Example => "pasted_example",
            PastedInstead::AgentConfig => "pasted_agent_config",
            PastedInstead::Config => "pasted_config",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            PastedInstead::Address => "Enter it as the address of the task server.",
            PastedInstead::Request => {
                "Address, path, headers and an example of a task can be taken over from it."
            }
            PastedInstead::OpenApi => {
                "Choose the operation that takes tasks. Address, path, headers and schema are taken over from it."
            }
            PastedInstead::Swagger => {
                "Convert it to OpenAPI 3 first, for example with editor.swagger.io."
            }
            PastedInstead::Schema => "Enter it as the task schema.",
            PastedInstead::Example => "A schema can be guessed from it.",
            PastedInstead::AgentConfig | PastedInstead::Config => {
                "The settings of the task server can be taken over from it."
            }
        }
    }

    fn of(recognized: &Recognized) -> Option<PastedInstead> {
        Some(match recognized {
            Recognized::Address(_) => PastedInstead::Address,
            Recognized::Request(_) => PastedInstead::Request,
            Recognized::OpenApi(_) => PastedInstead::OpenApi,
            Recognized::Schema(_) => PastedInstead::Schema,
            Recognized::Examples(_) => PastedInstead::Example,
            Recognized::AgentConfig(_) => PastedInstead::AgentConfig,
            Recognized::Config(_) => PastedInstead::Config,
            Recognized::Unknown(super::NotRecognized::Swagger) => PastedInstead::Swagger,
            Recognized::Unknown(_) => return None,
        })
    }
}

/// What a text for a task schema is, if it is recognised as something else. `None` also for a text
/// that is nothing that is known.
#[must_use]
pub fn what_is_pasted_as_schema(text: &str) -> Option<PastedInstead> {
    let found = PastedInstead::of(&super::recognize(text));
    found.filter(|found| *found != PastedInstead::Schema)
}

/// What a text for an address is, if it is recognised as something else. `None` also for a text that
/// is nothing that is known.
#[must_use]
pub fn what_is_pasted_as_address(text: &str) -> Option<PastedInstead> {
    let found = PastedInstead::of(&super::recognize(text));
    found.filter(|found| *found != PastedInstead::Address)
}
