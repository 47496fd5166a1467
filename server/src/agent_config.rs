//! `agent_config.json`: the accepted agent tokens, and where the page finds its secrets.

use std::path::Path;

use serde::{Deserialize, Deserializer};
use taskwright::settings::Address;
use taskwright::settings::config::Vault;

use crate::named_secrets::{MODEL_KEY, NamedSecrets, SecretPlace};
use crate::start_error::StartError;
use crate::vault::vault_settings::VaultSection;

/// What the server reads from the file. Agents share the file, so all other members are ignored.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// The secrets that the file names. An explicit `null` counts as an empty text.
    pub secrets: NamedSecrets,
    /// The section about Vault, for the server.
    pub vault_section: Option<VaultSection>,
    /// Where the page looks secrets up, if it can call that address.
    pub vault: Option<Vault>,
}

/// The members as they are written.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "AGENT_API_TOKEN", default, deserialize_with = "present")]
    api_token: Option<String>,
    #[serde(rename = "AGENT_POST_TOKEN", default, deserialize_with = "present")]
    post_token: Option<String>,
    #[serde(rename = "AGENT_READ_TOKEN", default, deserialize_with = "present")]
    read_token: Option<String>,
    #[serde(rename = "AGENT_MODEL_TOKEN", default, deserialize_with = "present")]
    model_token: Option<String>,
    #[serde(rename = "OPENAI_API_KEY", default, deserialize_with = "present")]
    model_key: Option<String>,
    vault: Option<VaultSection>,
}

/// Reads a member that is present, be it `null`. A missing one is `None` by default.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer).map(|text| Some(text.unwrap_or_default()))
}

/// The section as the page can use it. An address that the page cannot call is not an error, because
/// other agents may be able to call it; the page then gets no `vault`.
fn vault_for_the_page(section: &VaultSection) -> Option<Vault> {
    match Address::parse(section.address.as_ref()?) {
        Ok(address) => Some(Vault {
            address,
            secrets_path: section.secrets_path.clone()?,
        }),
        Err(error) => {
            // The error itself may quote the address, so it is not logged.
            tracing::warn!(
                code = error.code(),
                hint = error.hint(),
                "vault is not passed to the page: the page cannot call vault.address"
            );
            None
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

    /// Reads the file for the start of the server.
    ///
    /// # Errors
    /// [`StartError::AgentConfig`].
    pub fn read_for_start(file: &Path) -> Result<Self, StartError> {
        Self::read(file).map_err(|error| StartError::AgentConfig {
            file: file.to_owned(),
            error,
        })
    }

    fn parse(text: &str) -> Result<Self, AgentConfigError> {
        // Editors on Windows may write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let members: Members =
            serde_json::from_str(text).map_err(|error| AgentConfigError::Malformed {
                line: error.line(),
                column: error.column(),
            })?;
        Ok(Self {
            secrets: NamedSecrets::at(SecretPlace::AgentConfig, |name| match name {
                "AGENT_API_TOKEN" => members.api_token.clone(),
                "AGENT_POST_TOKEN" => members.post_token.clone(),
                "AGENT_READ_TOKEN" => members.read_token.clone(),
                "AGENT_MODEL_TOKEN" => members.model_token.clone(),
                MODEL_KEY => members.model_key.clone(),
                _ => None,
            }),
            vault: members.vault.as_ref().and_then(vault_for_the_page),
            vault_section: members.vault,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a secret in a file with this text.
    fn value(text: &str, name: &str) -> Option<String> {
        let config = AgentConfig::parse(text).unwrap();
        config.secrets.get(name).map(|it| it.reveal().to_owned())
    }

    #[test]
    fn every_secret_is_read_under_its_name() {
        for name in NamedSecrets::names() {
            let text = format!("{{\"{name}\":\"a,b\"}}");
            assert_eq!(value(&text, name).as_deref(), Some("a,b"), "{name}");
            let others = NamedSecrets::names().filter(|other| *other != name);
            for other in others {
                assert_eq!(value(&text, other), None, "{name} {other}");
            }
        }
    }

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
        let list = config.secrets.get("AGENT_API_TOKEN").unwrap();
        assert_eq!(list.reveal(), "a,b");
        assert!(config.vault_section.is_some());
        assert_eq!(config.vault.unwrap().secrets_path, "secret/agent");
    }

    #[test]
    fn an_empty_token_is_told_from_a_missing_one() {
        for (text, token) in [
            (r#"{"AGENT_API_TOKEN":null}"#, Some("")),
            (r#"{"AGENT_API_TOKEN":""}"#, Some("")),
            ("{}", None),
        ] {
            assert_eq!(value(text, "AGENT_API_TOKEN").as_deref(), token, "{text}");
        }
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
