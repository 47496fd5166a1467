//! Why secrets cannot be read from a Vault.

use std::borrow::Cow;

use crate::http::PrepareError;
use crate::secrets::{SecretError, SecretSlot};
use crate::settings::KvVersion;

/// An error of a Vault. No message contains a secret; what the Vault wrote is redacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It cannot be used before it is unsealed.
    #[error("the Vault is sealed")]
    Sealed,
    /// The server is not the active one of its cluster, or redirects.
    #[error("this server of the Vault is not the active one")]
    Standby,
    /// The token is not valid.
    #[error("the Vault denied the request: {message}")]
    Denied {
        /// What the Vault wrote.
        message: String,
    },
    /// The token is valid, as far as is known, but may not read this path.
    #[error("the Vault token may not read {path}: {message}")]
    NotPermitted {
        /// Mount and path.
        path: String,
        /// What the Vault wrote.
        message: String,
    },
    /// The user name or the password is wrong.
    #[error("the Vault rejected the sign-in: {message}")]
    SignInRejected {
        /// What the Vault wrote.
        message: String,
    },
    /// The wrapping token was used before, or has expired.
    #[error("the wrapping token is not valid: {message}")]
    WrappingToken {
        /// What the Vault wrote.
        message: String,
    },
    /// What was wrapped is something else than a token.
    #[error("the wrapping token does not wrap a Vault token")]
    NoTokenInside,
    /// No secret is at the path, or not in this version.
    #[error("the Vault has no secret at {path}")]
    Absent {
        /// Mount and path.
        path: String,
    },
    /// The version was deleted or destroyed.
    #[error(
        "version {version} of the secret at {path} is {}",
        if *.is_destroyed { "destroyed" } else { "deleted" }
    )]
    DeletedVersion {
        /// Mount and path.
        path: String,
        /// The version.
        version: u64,
        /// Whether it cannot be restored.
        is_destroyed: bool,
    },
    /// The mount is a KV engine of another version than the one in the settings.
    #[error("{mount} is a KV engine of version {}", u8::from(*.actual))]
    WrongKvVersion {
        /// The mount.
        mount: String,
        /// Its version.
        actual: KvVersion,
    },
    /// Nothing is mounted there.
    #[error("the Vault has no mount {mount}")]
    NoMount {
        /// The mount.
        mount: String,
    },
    /// The secret has no field of this name, or its value is not a text.
    #[error("the secret in the Vault has no text in the field {field} for the {}", .slot.label())]
    FieldMissing {
        /// The field.
        field: String,
        /// The slot that it is for.
        slot: SecretSlot,
    },
    /// The value of a field cannot be a secret.
    #[error("the value of the field {field} in the Vault cannot be the {}: {error}", .slot.label())]
    NotASecret {
        /// The field.
        field: String,
        /// The slot that it is for.
        slot: SecretSlot,
        /// Why not.
        error: SecretError,
    },
    /// There was no response that the page may read.
    #[error(
        "{host} sent no response that this page can read: either it cannot be reached, or its CORS rule does not allow {origin}"
    )]
    NoResponse {
        /// The host and port of the Vault.
        host: String,
        /// The base URL of the Vault.
        address: String,
        /// The origin of the page.
        origin: String,
    },
    /// Something else answers at the address.
    #[error("what answers at the address is not a Vault (status {status})")]
    NotAVault {
        /// The status of the response.
        status: u16,
    },
    /// Another failure.
    #[error("the Vault responded with {status}: {message}")]
    Failed {
        /// The status.
        status: u16,
        /// What the Vault wrote.
        message: String,
    },
    /// The request cannot be sent.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

impl VaultError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            VaultError::Sealed => "vault_sealed",
            VaultError::Standby => "vault_standby",
            VaultError::Denied { .. } => "vault_denied",
            VaultError::NotPermitted { .. } => "vault_not_permitted",
            VaultError::SignInRejected { .. } => "vault_sign_in_rejected",
            VaultError::WrappingToken { .. } => "vault_wrapping_token",
            VaultError::NoTokenInside => "vault_no_token_inside",
            VaultError::Absent { .. } => "vault_absent",
            VaultError::DeletedVersion { .. } => "vault_deleted_version",
            VaultError::WrongKvVersion { .. } => "vault_wrong_kv_version",
            VaultError::NoMount { .. } => "vault_no_mount",
            VaultError::FieldMissing { .. } => "vault_field_missing",
            VaultError::NotASecret { .. } => "vault_not_a_secret",
            VaultError::NoResponse { .. } => "vault_no_response",
            VaultError::NotAVault { .. } => "vault_not_a_vault",
            VaultError::Failed { .. } => "vault_failed",
            VaultError::Prepare(error) => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            VaultError::Sealed => "Unseal it, then try again.",
            VaultError::Standby => {
                "Enter the address of the active server, or of the load balancer, in the settings."
            }
            VaultError::Denied { .. } => {
                "Sign in again: the token may have expired. If it is valid, it needs a policy that allows reading this path."
            }
            VaultError::NotPermitted { .. } => {
                "Sign in with a token whose policy allows to read this path, or correct the path in the settings. The token that is held stays for other paths."
            }
            VaultError::SignInRejected { .. } => {
                "Check user name, password and method, and the mount of the method in the settings."
            }
            VaultError::WrappingToken { .. } => {
                "It works once and for a short time. If you have not used it, somebody else may have: report that, and ask for a new one."
            }
            VaultError::NoTokenInside => "Ask for a wrapped token, and not for a wrapped secret.",
            VaultError::Absent { .. } => {
                "Check the path, its mount and the version in the settings."
            }
            VaultError::DeletedVersion {
                is_destroyed: false,
                ..
            } => "Undelete it, or write a new version.",
            VaultError::DeletedVersion { .. } => {
                "Write a new version, or choose another one in the settings."
            }
            VaultError::WrongKvVersion { .. } => {
                "Enter that KV version in the settings, or leave the field empty."
            }
            VaultError::NoMount { .. } => "Check the mount in the settings.",
            VaultError::FieldMissing { .. } => {
                "Write the field, or enter the name of another one in the settings."
            }
            VaultError::NotASecret { .. } => "Write the value again, without any surrounding text.",
            VaultError::NoResponse {
                address, origin, ..
            } => {
                return Cow::Owned(format!(
                    "Open {address} in a tab of its own to see whether it can be reached. If it can, somebody with sudo rights allows this page by POST /v1/sys/config/cors with the body {{\"allowed_origins\":[\"{origin}\"]}}. That list replaces the one before."
                ));
            }
            VaultError::NotAVault { .. } => {
                "Check the address in the settings. It is the one before /v1, such as https://vault.example.com:8200."
            }
            VaultError::Failed { .. } => "Try again later, or see the log of the Vault.",
            VaultError::Prepare(error) => error.hint(),
        })
    }

    /// Whether the token itself is not valid, or no longer.
    #[must_use]
    pub fn ends_token(&self) -> bool {
        matches!(self, VaultError::Denied { .. })
    }

    /// Whether another token may help.
    #[must_use]
    pub fn is_about_token(&self) -> bool {
        matches!(
            self,
            VaultError::Denied { .. }
                | VaultError::NotPermitted { .. }
                | VaultError::SignInRejected { .. }
                | VaultError::WrappingToken { .. }
                | VaultError::NoTokenInside
        )
    }
}
