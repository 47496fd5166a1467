//! `agent_config.json`: the accepted agent tokens, and where the page finds its secrets.

use std::path::Path;

use serde::{Deserialize, Deserializer};
use taskwright::settings::Address;
use taskwright::settings::config::Vault;

/// The members of the file that the server reads. Agents share the file, so all others are ignored.
#[derive(Clone, Deserialize)]
pub struct AgentConfig {
    /// Accepted agent tokens, comma-separated.
    #[serde(rename = "AGENT_API_TOKEN")]
    pub agent_api_token: Option<String>,
    /// Where the page looks secrets up. The server itself never calls Vault.
    #[serde(default, deserialize_with = "read_vault")]
    pub vault: Option<Vault>,
}

/// Reads `vault` and ignores members meant for other agents. An address that the page cannot call
/// is not an error, because other agents may be able to call it; the page then gets no `vault`.
fn read_vault<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vault>, D::Error> {
    #[derive(Deserialize)]
    struct Section {
        address: String,
        secrets_path: String,
    }

    let Some(section) = Option::<Section>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match Address::parse(&section.address) {
        Ok(address) => Ok(Some(Vault {
            address,
            secrets_path: section.secrets_path,
        })),
        Err(error) => {
            // The error itself may quote the address, so it is not logged.
            tracing::warn!(
                code = error.code(),
                hint = error.hint(),
                "vault is not passed to the page: the page cannot call vault.address"
            );
            Ok(None)
        }
    }
}

/// Why the file cannot be used. Names the position but never the text there, which may be a token.
#[derive(Debug, thiserror::Error)]
pub enum AgentConfigError {
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file is not a JSON object with the expected members.
    #[error("invalid content at line {line}, column {column}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
}

impl AgentConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// [`AgentConfigError`].
    pub fn read(path: &Path) -> Result<Self, AgentConfigError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self, AgentConfigError> {
        // Editors on Windows may write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map_err(|error| AgentConfigError::Malformed {
            line: error.line(),
            column: error.column(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_never_quote_the_file() {
        for text in [
            r#"{"AGENT_API_TOKEN": {"s3cret": 1}}"#,
            r#"{"AGENT_API_TOKEN": "s3cret"#,
            r#"{"vault": "s3cret"}"#,
            r#""s3cret""#,
        ] {
            let error = AgentConfig::parse(text).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn members_for_other_agents_are_ignored() {
        let config = AgentConfig::parse(
            "\u{feff}{\"AGENT_API_TOKEN\":\"a,b\",\"other\":[1],\"vault\":{\"address\":\"https://vault.example.org\",\"secrets_path\":\"secret/agent\",\"x\":1}}",
        )
        .unwrap();
        assert_eq!(config.agent_api_token.as_deref(), Some("a,b"));
        assert_eq!(config.vault.unwrap().secrets_path, "secret/agent");
    }

    #[test]
    fn a_vault_that_only_other_agents_can_call_is_not_an_error() {
        for text in [
            r#"{"vault":{"address":"http://vault.internal:8200","secrets_path":"secret/agent"}}"#,
            r#"{"vault":null}"#,
            "{}",
        ] {
            assert_eq!(AgentConfig::parse(text).unwrap().vault, None, "{text}");
        }
    }
}
