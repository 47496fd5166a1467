//! Errors that keep the server from starting.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::agent_config::AgentConfigError;
use crate::enforced_schema::EnforcedSchemaError;
use crate::gateway::gateway_error::GatewayError;
use crate::store::StoreError;
use crate::tls::TlsError;
use crate::tokens::TokenError;
use crate::vault::vault_error::VaultError;

/// Exit code for a port in use (98 is also `EADDRINUSE` on Linux).
pub const EXIT_PORT_TAKEN: u8 = 98;
/// Exit code for a Vault that cannot be reached or is sealed (`EX_UNAVAILABLE` of sysexits).
pub const EXIT_UNAVAILABLE: u8 = 69;
/// Exit code for an invalid configuration (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIGURATION: u8 = 78;
/// Exit code for a failure while running.
pub const EXIT_FAILURE: u8 = 1;

/// Why the server does not start. `Display` describes the error, [`StartError::hint`] the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program listens on the address.
    #[error("port {} on {} is already in use", .address.port(), .address.ip())]
    PortTaken {
        /// The address.
        address: SocketAddr,
    },
    /// Listening on the address failed.
    #[error("cannot listen on {host} port {port}: {error}")]
    Listen {
        /// `--host`.
        host: String,
        /// `--port`.
        port: u16,
        /// The system's error.
        #[source]
        error: std::io::Error,
    },
    /// The default token is accepted, but the host is not loopback.
    #[error("the token \"changeme\" is accepted on loopback addresses only, and {host} is not one")]
    DefaultToken {
        /// `--host`.
        host: String,
    },
    /// The tokens cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The `--config` file cannot be used.
    #[error("{}: {error}", .file.display())]
    AgentConfig {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        error: AgentConfigError,
    },
    /// The schema cannot be used.
    #[error("{}: {error}", .file.as_ref().map_or("the built-in schema".to_owned(), |file| file.display().to_string()))]
    Schema {
        /// The file; `None` for the built-in schema.
        file: Option<PathBuf>,
        /// The cause.
        #[source]
        error: EnforcedSchemaError,
    },
    /// `--static-dir` contains no `index.html`, or the `--page-config` file does not exist.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The secrets cannot be read from Vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The gateway cannot be set up.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The store cannot be opened.
    #[error("{}: {error}", .folder.display())]
    Store {
        /// The data folder.
        folder: PathBuf,
        /// The cause.
        #[source]
        error: StoreError,
    },
}

impl StartError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "port_taken",
            Self::Listen { .. } => "cannot_listen",
            Self::DefaultToken { .. } => "default_token",
            Self::Token(error) => error.code(),
            Self::AgentConfig { .. } => "agent_config",
            Self::Schema { .. } => "schema",
            Self::Missing(_) => "missing_file",
            Self::Tls(_) => "tls",
            Self::Vault(error) => error.code(),
            Self::Gateway(error) => error.code(),
            Self::Store { .. } => "store",
        }
    }

    /// Whether starting again may succeed without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::PortTaken { .. } => true,
            Self::Vault(error) => error.is_temporary(),
            _ => false,
        }
    }

    /// How the operator can resolve the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => {
                "Choose another port with --port; --port 0 selects any free port."
            }
            Self::Listen { .. } => "Choose an address of this machine with --host.",
            Self::DefaultToken { .. } => {
                "Set AGENT_API_TOKEN to your own secret, or listen on 127.0.0.1."
            }
            Self::Token(error) => error.hint(),
            Self::AgentConfig { .. } => {
                "The file is a JSON object: {\"AGENT_API_TOKEN\": \"…\"}, and optionally \"vault\": {\"address\": \"…\", \"secrets_path\": \"…\"}."
            }
            Self::Schema { .. } => {
                "Choose a JSON Schema with --schema; all its references must be to the same file."
            }
            Self::Missing(_) => {
                "--static-dir expects a folder with index.html, --page-config a file."
            }
            Self::Tls(_) => "Choose matching PEM files with --tls-cert and --tls-key.",
            Self::Vault(error) => error.hint(),
            Self::Gateway(error) => error.hint(),
            Self::Store { error, .. } => error.hint(),
        }
    }

    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::PortTaken { .. } => EXIT_PORT_TAKEN,
            Self::Vault(error) if error.is_temporary() => EXIT_UNAVAILABLE,
            _ => EXIT_CONFIGURATION,
        }
    }
}
