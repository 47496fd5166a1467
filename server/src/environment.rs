//! The secrets of the environment. They are read once, at the start, and never by clap, because its
//! help would print their values.

use std::ffi::OsString;

use crate::named_secrets::NamedSecrets;
use crate::secret_text::SecretText;
use crate::vault::vault_settings::VaultCredentials;

/// The variables that the server reads itself.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The lists of agent tokens and the key of the model endpoint.
    pub secrets: NamedSecrets,
    /// How to sign in to Vault.
    pub vault: VaultCredentials,
}

impl Environment {
    /// The environment in which `variable` returns the values.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let credential = |name: &str| {
            let value = variable(name)?.to_string_lossy().trim().to_owned();
            (!value.is_empty()).then(|| SecretText::new(value))
        };
        Self {
            secrets: NamedSecrets::of_environment(&variable),
            vault: VaultCredentials {
                token: credential("VAULT_TOKEN"),
                role_id: credential("VAULT_ROLE_ID"),
                secret_id: credential("VAULT_SECRET_ID"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_contains_no_value() {
        let environment = Environment::of(|_| Some("s3cret".into()));
        assert!(environment.vault.token.is_some());
        assert!(!format!("{environment:?}").contains("s3cret"));
    }
}
