//! The secrets that one place names, each under the name of its variable.

use std::ffi::OsString;

use crate::scope::Scopes;
use crate::secret_text::SecretText;

/// The names of the lists of agent tokens, and the scopes that each gives to its tokens. The same
/// token in several lists has the scopes of all of them.
pub const TOKEN_LISTS: [(&str, Scopes); 4] = [
    ("AGENT_API_TOKEN", Scopes::TASKS),
    ("AGENT_POST_TOKEN", Scopes::POST),
    ("AGENT_READ_TOKEN", Scopes::READ),
    ("AGENT_MODEL_TOKEN", Scopes::MODEL),
];

/// The name of the key of the model endpoint.
pub const MODEL_KEY: &str = "OPENAI_API_KEY";

/// A place that may name secrets. The first of these that names a secret decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace {
    /// The environment of the server.
    Environment,
    /// The `--config` file.
    AgentConfig,
    /// The secret in Vault.
    Vault,
}

impl SecretPlace {
    /// The place in messages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Environment => "the environment",
            Self::AgentConfig => "the --config file",
            Self::Vault => "Vault",
        }
    }
}

/// The secrets that a place names. A secret may be named and empty.
#[derive(Debug, Clone)]
pub struct NamedSecrets {
    place: SecretPlace,
    values: Vec<(&'static str, SecretText)>,
}

impl NamedSecrets {
    /// The names that a place may have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TOKEN_LISTS.iter().map(|(name, _)| *name).chain([MODEL_KEY])
    }

    /// The secrets of `place`, each as `value_of` returns it for its name; `None` if the place does not
    /// name it.
    #[must_use]
    pub fn at(place: SecretPlace, mut value_of: impl FnMut(&str) -> Option<String>) -> Self {
        let values = Self::names()
            .filter_map(|name| Some((name, SecretText::new(value_of(name)?))))
            .collect();
        Self { place, values }
    }

    /// The secrets in the environment variables. Text that is not Unicode stays recognisably wrong.
    #[must_use]
    pub fn of_environment(mut variable: impl FnMut(&str) -> Option<OsString>) -> Self {
        Self::at(SecretPlace::Environment, |name| {
            variable(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// Where the secrets are from.
    #[must_use]
    pub fn place(&self) -> SecretPlace {
        self.place
    }

    /// The secret with a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretText> {
        self.values
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Whether a list of tokens is named.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        TOKEN_LISTS.iter().any(|(name, _)| self.get(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_secrets_it_names_and_shows_none_of_them() {
        let secrets = NamedSecrets::of_environment(|name| match name {
            "AGENT_READ_TOKEN" => Some("s3cret".into()),
            "AGENT_API_TOKEN" => Some(OsString::new()),
            _ => None,
        });
        assert_eq!(secrets.get("AGENT_READ_TOKEN").unwrap().reveal(), "s3cret");
        assert_eq!(secrets.get("AGENT_API_TOKEN").unwrap().reveal(), "");
        assert!(secrets.get("AGENT_MODEL_TOKEN").is_none());
        assert!(secrets.has_tokens());
        assert!(!format!("{secrets:?}").contains("s3cret"));
        let none = NamedSecrets::of_environment(|_| None);
        assert!(!none.has_tokens());
    }
}
