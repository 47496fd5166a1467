//! `agent_config.json`: the tokens, and where the page finds its secrets.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file's contents. Other members are left to the agents that share the file.
#[derive(Clone, Deserialize)]
pub struct AgentConfig {
    /// Accepted tokens, comma-separated.
    #[serde(rename = "AGENT_API_TOKEN")]
    pub agent_api_token: Option<String>,
    /// Where the page looks secrets up. The server itself never calls Vault.
    pub vault: Option<VaultEntry>,
}

/// Where a Vault keeps the secrets; holds none itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct VaultEntry {
    /// Base address of the Vault.
    pub address: String,
    /// Path of the secrets in it.
    pub secrets_path: String,
}

/// Why the file cannot be used. Says where, never what stands there: it holds a token.
#[derive(Debug, thiserror::Error)]
pub enum AgentConfigError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file is not the JSON object described in the help.
    #[error("line {line}, column {column} is not what belongs there")]
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
    /// See [`AgentConfigError`].
    pub fn read(path: &Path) -> Result<Self, AgentConfigError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self, AgentConfigError> {
        // Editors on Windows begin such files with a byte order mark.
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
    fn an_error_never_shows_what_the_file_holds() {
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
    fn members_for_others_are_left_alone() {
        let config = AgentConfig::parse(
            "\u{feff}{\"AGENT_API_TOKEN\":\"a,b\",\"other\":[1],\"vault\":{\"address\":\"https://vault.example.org\",\"secrets_path\":\"secret/agent\",\"x\":1}}",
        )
        .unwrap();
        assert_eq!(config.agent_api_token.as_deref(), Some("a,b"));
        assert_eq!(config.vault.unwrap().secrets_path, "secret/agent");
    }
}
