//! Why secrets cannot be read from Vault.

use tokio_rustls::rustls;

/// An error of Vault. `Display` names no secret and nothing that Vault has sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VaultError {
    /// A Vault is configured, but not how to sign in.
    #[error(
        "a Vault is configured, no place names a list of tokens, and there is no sign-in: the environment has neither VAULT_TOKEN, nor VAULT_ROLE_ID and VAULT_SECRET_ID"
    )]
    NoSignIn,
    /// A setting cannot be used.
    #[error("{setting} cannot be used: {reason}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// TLS for requests cannot be set up.
    #[error("TLS for requests cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Vault does not respond.
    #[error("Vault cannot be reached: {0}")]
    Unreachable(&'static str),
    /// Vault is sealed, not initialized, or not active.
    #[error("Vault is not ready: it is sealed, not initialized or a standby (status {0})")]
    NotReady(u16),
    /// Vault redirects; a token belongs to one address.
    #[error("Vault redirects to another address, which is not followed")]
    Redirect,
    /// The role or the secret of the sign-in is wrong or has expired.
    #[error("Vault refused the sign-in by AppRole (status {0})")]
    SignInRefused(u16),
    /// The token has no permission or has expired.
    #[error("Vault denied {0}")]
    Denied(&'static str),
    /// The mount of the secret cannot be found out.
    #[error("Vault does not say which mount the secrets are in")]
    MountUnknown,
    /// There is no secret at the path.
    #[error("Vault has no secret at vault.secrets_path")]
    Absent,
    /// The latest version of the secret is deleted or destroyed.
    #[error("the latest version of the secret at vault.secrets_path is deleted")]
    Deleted,
    /// A member of the secret is not a text.
    #[error("{0} in Vault is not a text")]
    NotText(&'static str),
    /// Another response.
    #[error("Vault responded to {step} in an unexpected way (status {status})")]
    Unexpected {
        /// What was asked.
        step: &'static str,
        /// The HTTP status.
        status: u16,
    },
}

impl VaultError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSignIn => "vault_no_sign_in",
            Self::Setting { .. } => "vault_setting",
            Self::Tls(_) => "outbound_tls",
            Self::Unreachable(_) => "vault_unreachable",
            Self::NotReady(_) => "vault_not_ready",
            Self::Redirect => "vault_redirect",
            Self::SignInRefused(_) => "vault_sign_in_refused",
            Self::Denied(_) => "vault_denied",
            Self::MountUnknown => "vault_mount_unknown",
            Self::Absent => "vault_absent",
            Self::Deleted => "vault_deleted",
            Self::NotText(_) => "vault_not_text",
            Self::Unexpected { .. } => "vault_unexpected",
        }
    }

    /// How the operator can resolve the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSignIn => {
                "Set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID. Without Vault, set AGENT_API_TOKEN to a secret of your own, in the environment or in the --config file."
            }
            Self::Setting { .. } => "Correct it in the --config file or on the command line.",
            Self::Tls(_) => "This is a fault of the program; report it.",
            Self::Unreachable(_) => {
                "Check the address (vault.address, VAULT_ADDR or --vault-address) and the network. SSL_CERT_FILE names a file with the root certificates of your organisation."
            }
            Self::NotReady(_) => "Unseal Vault, or choose the address of an active server.",
            Self::Redirect => "Choose the address that Vault redirects to.",
            Self::SignInRefused(_) => {
                "Check VAULT_ROLE_ID, VAULT_SECRET_ID and vault.auth.mount. A secret id may have expired or been used up."
            }
            Self::Denied(_) => {
                "The token may have expired. It needs a policy with read on the secret; in KV version 2, its path has data/ after the mount."
            }
            Self::MountUnknown => "Set vault.mount and vault.kv_version in the --config file.",
            Self::Absent => {
                "Check vault.secrets_path, vault.mount and vault.kv_version. The path begins with the mount, unless vault.mount is set."
            }
            Self::Deleted => "Undelete the version, or write a new one.",
            Self::NotText(_) => "Write each secret as one text; lists are separated by commas.",
            Self::Unexpected { .. } => "Check that the address is that of a Vault.",
        }
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::NotReady(_))
    }
}
