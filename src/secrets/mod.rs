//! Secrets have one type and one way out.
//!
//! Everyone may hold a secret's *name*; only what puts it into a request sees its value, and only
//! for the origin that it belongs to.

mod keyring;

pub use keyring::Keyring;

use crate::settings::Address;

/// Which secret is meant. Events, effects and messages carry this, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretName {
    /// The key of the model endpoint.
    ModelKey,
    /// The token of the task server.
    AgentToken,
}

impl SecretName {
    /// What the page calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SecretName::ModelKey => "key",
            SecretName::AgentToken => "token",
        }
    }
}

/// A secret and the origin it belongs to. It has no `Display`, cannot be serialized, and its
/// `Debug` shows nothing; its memory is overwritten when it goes.
pub struct Secret {
    value: String,
    origin: String,
}

/// Secrets longer than this are refused, in bytes.
pub const MAX_SECRET_BYTES: usize = 8192;

/// Why a text cannot be a secret, or is not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing was given.
    #[error("nothing was given")]
    Empty,
    /// It holds what a header cannot carry.
    #[error("it holds a line break or another character that a request header cannot carry")]
    NotAHeaderValue,
    /// Too long.
    #[error("it is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// It was asked for by a request to another origin.
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
            SecretError::TooLong => "secret_too_long",
            SecretError::OtherOrigin => "secret_of_another_origin",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            SecretError::Empty => "Type or paste it.",
            SecretError::NotAHeaderValue | SecretError::TooLong => {
                "Copy it again, on its own, without what stands around it."
            }
            SecretError::OtherOrigin => "Give the one that belongs to this server.",
        }
    }
}

/// So many characters of a secret's beginning, where a text breaks off, are taken for it.
const LEAST_TELLING: usize = 3;

impl Secret {
    /// A secret for one origin. Space around it is taken away.
    ///
    /// # Errors
    /// [`SecretError`] for what no header can carry (RFC 9110, section 5.5; ASCII only here).
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
        Ok(Secret {
            value: value.to_owned(),
            origin: belongs_to.origin(),
        })
    }

    /// A copy for a request to `address`, so that it can be sent while others are given.
    ///
    /// # Errors
    /// As [`Secret::reveal_to`].
    pub fn copy_for(&self, address: &Address) -> Result<Secret, SecretError> {
        Ok(Secret {
            value: self.reveal_to(address)?.to_owned(),
            origin: self.origin.clone(),
        })
    }

    /// A text of someone else's without this secret: where it stands in there, `[secret]` does
    /// instead, also where a text that was cut (it ends with `…`) ends in the middle of it. Servers
    /// repeat in an error what they were sent.
    #[must_use]
    pub fn taken_out_of(&self, text: &str) -> String {
        let text = text.replace(&self.value, "[secret]");
        let begins = (LEAST_TELLING..self.value.len()).filter_map(|end| self.value.get(..end));
        let Some(stem) = text.strip_suffix('…') else {
            return text;
        };
        // The longest first: a shorter one may be the end of it.
        match begins.rev().find_map(|begin| stem.strip_suffix(begin)) {
            Some(before) => format!("{before}[secret]…"),
            None => text,
        }
    }

    /// The one way out: the value, for a request to `address`.
    ///
    /// # Errors
    /// [`SecretError::OtherOrigin`] where the address has another origin.
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

impl Drop for Secret {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.value).into_bytes();
        bytes.fill(0);
        // Keeps the compiler from leaving the write away as one that nobody reads.
        std::hint::black_box(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_leaves_only_to_its_own_origin_and_never_by_debug() {
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
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_that_a_server_repeats_is_taken_out_of_its_words() {
        let home = Address::parse("https://tasks.example.com").unwrap();
        let secret = Secret::new("s3cret", &home).unwrap();
        assert_eq!(
            secret.taken_out_of("s3cret is not a token (got \"s3cret\")"),
            "[secret] is not a token (got \"[secret]\")"
        );
        assert_eq!(secret.taken_out_of("Forbidden"), "Forbidden");
        // A text that was cut may end in the middle of it.
        assert_eq!(secret.taken_out_of("got s3cre…"), "got [secret]…");
        assert_eq!(secret.taken_out_of("got s3c…"), "got [secret]…");
        assert_eq!(secret.taken_out_of("it is…"), "it is…");
    }

    #[test]
    fn what_a_header_cannot_carry_is_refused() {
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
