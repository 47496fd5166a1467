//! Errors that keep the gateway from being set up.

use tokio_rustls::rustls;

use crate::named_secrets::SecretPlace;

/// Why there is no gateway.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GatewayError {
    /// No place names the key of the model endpoint.
    #[error("--model-endpoint needs a key, and OPENAI_API_KEY is not set")]
    NoKey,
    /// The key is set, but empty, probably because the injection of a secret failed.
    #[error("OPENAI_API_KEY is set in {}, but empty", .0.label())]
    EmptyKey(SecretPlace),
    /// The key cannot be sent in a header field (RFC 9110, section 5.5).
    #[error("OPENAI_API_KEY contains a character that is not allowed in an HTTP header")]
    KeyNotSendable,
    /// No agent token has the scope `model`, so nobody could use the gateway.
    #[error("--model-endpoint is set, and no agent token has the scope \"model\"")]
    NoToken,
    /// TLS for requests to the endpoint cannot be set up.
    #[error("TLS for requests cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl GatewayError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "no_model_key",
            Self::EmptyKey(_) => "empty_model_key",
            Self::KeyNotSendable => "model_key_not_sendable",
            Self::NoToken => "no_model_token",
            Self::Tls(_) => "outbound_tls",
        }
    }

    /// How the operator can resolve the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoKey | Self::EmptyKey(_) => {
                "Set OPENAI_API_KEY in the environment, in the --config file or in Vault, or add --model-needs-no-key for an endpoint without keys, such as Ollama."
            }
            Self::KeyNotSendable => {
                "Check OPENAI_API_KEY for line breaks and other invisible characters."
            }
            Self::NoToken => {
                "Set AGENT_MODEL_TOKEN to a secret of your own. It may repeat a token of AGENT_API_TOKEN."
            }
            Self::Tls(_) => "This is a fault of the program; report it.",
        }
    }
}
