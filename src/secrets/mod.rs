//! Secrets: one type, revealed by one function.
//!
//! Any module may hold the slot of a secret. Only the code that inserts a secret into a request sees
//! its value, and only for the origin that it belongs to. The other way round, a [`Redactor`] removes
//! every held secret from what was received, and a [`Keyring`] makes the check that keeps secrets out
//! of tasks.

mod entered;
mod escapes;
mod forms;
pub mod idle;
mod key_like;
mod keyring;
mod redactor;
mod task_check;

pub use entered::{Correction, SecretUse, Surplus, correct};
pub use key_like::key_like_texts;
pub use keyring::Keyring;
pub use redactor::{REDACTED, Redactor, StreamRedactor};
pub use task_check::HELD_SECRET;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::settings::Address;

/// Names a secret of a connection. Events, effects and messages carry the slot, never the value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretSlot(Cow<'static, str>);

impl SecretSlot {
    /// The API key of the model endpoint.
    pub const API_KEY: SecretSlot = SecretSlot(Cow::Borrowed("api_key"));
    /// The agent token of the task server.
    pub const AGENT_TOKEN: SecretSlot = SecretSlot(Cow::Borrowed("agent_token"));
    /// The token of the Vault that the others are read from.
    pub const VAULT_TOKEN: SecretSlot = SecretSlot(Cow::Borrowed("vault_token"));
    /// The password for signing in to the Vault. It is held for one request.
    pub const VAULT_PASSWORD: SecretSlot = SecretSlot(Cow::Borrowed("vault_password"));

    /// The secret value of a further header of the task server.
    #[must_use]
    pub fn header(name: &str) -> SecretSlot {
        SecretSlot(format!("{HEADER_PREFIX}{name}").into())
    }

    /// Whether the secret is for the task server of one connection. Two connections can lead to the same
    /// server, such as two tenants, each with its own token. The others are shared by all connections to an
    /// origin.
    #[must_use]
    pub fn is_of_connection(&self) -> bool {
        *self == SecretSlot::AGENT_TOKEN || self.header_name().is_some()
    }

    /// Returns the slot's name, as it is stored.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Returns the name of the header, if the secret is the value of a further header.
    #[must_use]
    pub fn header_name(&self) -> Option<&str> {
        self.0.strip_prefix(HEADER_PREFIX)
    }

    /// Returns the name of the secret on the page: `API key`, `agent token`, or the name of its header.
    #[must_use]
    pub fn label(&self) -> &str {
        match self.name() {
            "api_key" => "API key",
            "agent_token" => "agent token",
            "vault_token" => "Vault token",
            "vault_password" => "Vault password",
            name => self.header_name().unwrap_or(name),
        }
    }

    /// Returns the environment variable that replaces the secret in a shell command.
    #[must_use]
    pub fn variable(&self) -> String {
        match self.name() {
            "api_key" => "OPENAI_API_KEY".to_owned(),
            "agent_token" => "AGENT_API_TOKEN".to_owned(),
            "vault_token" => "VAULT_TOKEN".to_owned(),
            "vault_password" => "VAULT_PASSWORD".to_owned(),
            name => self
                .header_name()
                .unwrap_or(name)
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() {
                        c.to_ascii_uppercase()
                    } else {
                        '_'
                    }
                })
                .collect(),
        }
    }
}

/// What the names of slots of further headers start with.
const HEADER_PREFIX: &str = "header:";

/// A secret and the origin it belongs to. It has no `Display`, cannot be serialized, and its `Debug`
/// output omits the value. Its memory is overwritten when it is dropped; copies made by JavaScript or
/// the browser cannot be erased. In this module, a [`Redactor`] compares text with it.
pub struct Secret {
    value: Zeroizing<String>,
    origin: String,
}

/// Maximum length of a secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 8192;

/// Why a text cannot be a secret, or a secret is not revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// It contains a character that a header cannot carry.
    #[error("it contains a line break or another character that a request header cannot carry")]
    NotAHeaderValue,
    /// It contains a character that is not typed.
    #[error("it contains a line break or another control character")]
    NotTyped,
    /// It names a variable with a secret, such as `$AGENT_API_TOKEN`.
    #[error("it is the name of a variable and not its value")]
    VariableName,
    /// It is too long.
    #[error("it is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// The request goes to another origin.
    #[error("it belongs to another server")]
    OtherOrigin,
}

impl SecretError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            SecretError::Empty => "secret_empty",
            SecretError::NotAHeaderValue => "secret_not_a_header_value",
            SecretError::NotTyped => "secret_not_typed",
            SecretError::VariableName => "secret_is_a_variable_name",
            SecretError::TooLong => "secret_too_long",
            SecretError::OtherOrigin => "secret_of_another_origin",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            SecretError::Empty => "Type or paste it.",
            SecretError::NotAHeaderValue | SecretError::NotTyped | SecretError::TooLong => {
                "Copy it again, without any surrounding text."
            }
            SecretError::VariableName => "Paste the value of the variable.",
            SecretError::OtherOrigin => "Enter the secret of this server.",
        }
    }
}

impl Secret {
    /// Creates a secret for one origin. Surrounding whitespace is removed.
    ///
    /// # Errors
    /// [`SecretError`] if a header cannot carry the value (RFC 9110, section 5.5; ASCII only here).
    pub fn new(value: &str, belongs_to: &Address) -> Result<Secret, SecretError> {
        let value = value.trim();
        if value.is_empty() {
            return Err(SecretError::Empty);
        }
        if value.len() > MAX_SECRET_BYTES {
            return Err(SecretError::TooLong);
        }
        if !value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            return Err(SecretError::NotAHeaderValue);
        }
        if entered::is_variable_reference(value) {
            return Err(SecretError::VariableName);
        }
        Ok(Secret {
            value: Zeroizing::new(value.to_owned()),
            origin: belongs_to.origin(),
        })
    }

    /// Creates a secret that is sent in the body of a request, such as a password. Spaces around it are
    /// part of it.
    ///
    /// # Errors
    /// [`SecretError`] if it is empty, too long, or has control characters.
    pub fn for_body(value: &str, belongs_to: &Address) -> Result<Secret, SecretError> {
        if value.is_empty() {
            return Err(SecretError::Empty);
        }
        if value.len() > MAX_SECRET_BYTES {
            return Err(SecretError::TooLong);
        }
        if value.chars().any(char::is_control) {
            return Err(SecretError::NotTyped);
        }
        Ok(Secret {
            value: Zeroizing::new(value.to_owned()),
            origin: belongs_to.origin(),
        })
    }

    /// Whether the other secret has the same value and belongs to the same origin.
    #[must_use]
    pub fn is_same_as(&self, other: &Secret) -> bool {
        self.origin == other.origin && *self.value == *other.value
    }

    /// Returns a copy for a request to `address`.
    ///
    /// # Errors
    /// As [`Secret::reveal_to`].
    pub fn copy_for(&self, address: &Address) -> Result<Secret, SecretError> {
        Ok(Secret {
            value: Zeroizing::new(self.reveal_to(address)?.to_owned()),
            origin: self.origin.clone(),
        })
    }

    /// Reveals the value for a request to `address`. No other function reveals it.
    ///
    /// # Errors
    /// [`SecretError::OtherOrigin`] if the address has another origin.
    pub fn reveal_to(&self, address: &Address) -> Result<&str, SecretError> {
        if address.origin() == self.origin {
            Ok(&self.value)
        } else {
            Err(SecretError::OtherOrigin)
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(for {})", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_revealed_to_its_own_origin_only_and_never_by_debug() {
        let home = Address::parse("https://tasks.example.com/a").unwrap();
        let secret = Secret::new(" hunter2\n", &home).unwrap();
        let elsewhere = Address::parse("https://tasks.example.com/b").unwrap();
        assert_eq!(secret.reveal_to(&elsewhere), Ok("hunter2"));
        for other in [
            "https://evil.example",
            "https://tasks.example.com:8443",
            "http://localhost",
        ] {
            let other = Address::parse(other).unwrap();
            assert_eq!(secret.reveal_to(&other), Err(SecretError::OtherOrigin));
        }
        assert_eq!(
            format!("{secret:?}"),
            "Secret(for https://tasks.example.com)"
        );
    }

    #[test]
    fn a_password_is_any_text_that_can_be_typed() {
        let home = Address::parse("https://vault.example.com").unwrap();
        let password = Secret::for_body(" schlüssel ", &home).unwrap();
        assert_eq!(password.reveal_to(&home), Ok(" schlüssel "));
        for (value, error) in [("", SecretError::Empty), ("a\nb", SecretError::NotTyped)] {
            assert_eq!(Secret::for_body(value, &home).unwrap_err(), error);
        }
        assert!(Secret::for_body(&"x".repeat(9000), &home).is_err());
    }

    #[test]
    fn secrets_are_compared_by_value_and_origin() {
        let home = Address::parse("https://a.example").unwrap();
        let other = Address::parse("https://b.example").unwrap();
        let secret = |value, at| Secret::new(value, at).unwrap();
        assert!(secret("x", &home).is_same_as(&secret("x", &home)));
        assert!(!secret("x", &home).is_same_as(&secret("y", &home)));
        assert!(!secret("x", &home).is_same_as(&secret("x", &other)));
    }

    #[test]
    fn an_error_has_a_code_and_says_what_to_do() {
        for (error, code, hint) in [
            (SecretError::Empty, "secret_empty", "paste it"),
            (
                SecretError::NotAHeaderValue,
                "secret_not_a_header_value",
                "Copy it again",
            ),
            (SecretError::TooLong, "secret_too_long", "Copy it again"),
            (SecretError::NotTyped, "secret_not_typed", "Copy it again"),
            (
                SecretError::VariableName,
                "secret_is_a_variable_name",
                "value of the variable",
            ),
            (
                SecretError::OtherOrigin,
                "secret_of_another_origin",
                "secret of this server",
            ),
        ] {
            assert_eq!(error.code(), code);
            assert!(error.hint().contains(hint), "{error:?}");
        }
    }

    #[test]
    fn a_value_that_a_header_cannot_carry_is_refused() {
        let home = Address::parse("http://localhost").unwrap();
        for (value, error) in [
            ("", SecretError::Empty),
            ("  ", SecretError::Empty),
            ("a\nb", SecretError::NotAHeaderValue),
            ("schlüssel", SecretError::NotAHeaderValue),
        ] {
            assert_eq!(Secret::new(value, &home).unwrap_err(), error);
        }
        assert_eq!(
            Secret::new(&"x".repeat(9000), &home).unwrap_err(),
            SecretError::TooLong
        );
    }
}
