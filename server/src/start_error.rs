//! Why the server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::agent_config::AgentConfigError;
use crate::enforced_schema::EnforcedSchemaError;
use crate::store::StoreError;
use crate::tls::TlsError;
use crate::tokens::TokenError;

/// Exit code for a port that is taken (Linux calls the error 98, `EADDRINUSE`, too).
pub const EXIT_PORT_TAKEN: u8 = 98;
/// Exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIGURATION: u8 = 78;
/// Exit code for everything that failed while running.
pub const EXIT_FAILURE: u8 = 1;

/// Why the server does not start. `Display` says what happened, [`StartError::hint`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program listens there.
    #[error("port {} is taken on {}", .address.port(), .address.ip())]
    PortTaken {
        /// Where.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {host} port {port}: {error}")]
    Listen {
        /// `--host`.
        host: String,
        /// `--port`.
        port: u16,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The token everybody knows, where others could use it.
    #[error("the token \"changeme\" is accepted on loopback addresses only, and {host} is not one")]
    DefaultToken {
        /// `--host`.
        host: String,
    },
    /// A token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// `--config` cannot be used.
    #[error("{}: {error}", .file.display())]
    AgentConfig {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: AgentConfigError,
    },
    /// `--schema` cannot be used.
    #[error("{}: {error}", .file.as_ref().map_or("the built-in schema".to_owned(), |file| file.display().to_string()))]
    Schema {
        /// The file; none for the built-in schema.
        file: Option<PathBuf>,
        /// Why.
        #[source]
        error: EnforcedSchemaError,
    },
    /// `--static-dir` holds no page, or `--page-config` is not there.
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
    /// TLS cannot be offered.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store cannot be opened.
    #[error("{}: {error}", .folder.display())]
    Store {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        #[source]
        error: StoreError,
    },
}

impl StartError {
    /// The stable name of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "port_taken",
            Self::Listen { .. } => "cannot_listen",
            Self::DefaultToken { .. } => "default_token",
            Self::Token(_) => "token",
            Self::AgentConfig { .. } => "agent_config",
            Self::Schema { .. } => "schema",
            Self::Missing(_) => "missing_file",
            Self::Tls(_) => "tls",
            Self::Store { .. } => "store",
        }
    }

    /// Whether starting again may succeed without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::PortTaken { .. })
    }

    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => {
                "Name another one with --port; --port 0 takes any that is free."
            }
            Self::Listen { .. } => "Name an address of this machine with --host.",
            Self::DefaultToken { .. } => {
                "Set AGENT_API_TOKEN to a secret of your own, or listen on 127.0.0.1."
            }
            Self::Token(_) => {
                "Look at AGENT_API_TOKEN, in the environment or in the --config file."
            }
            Self::AgentConfig { .. } => {
                "It is a JSON object: {\"AGENT_API_TOKEN\": \"…\", \"vault\": {\"address\": \"…\", \"secrets_path\": \"…\"}}."
            }
            Self::Schema { .. } => {
                "Name a JSON Schema with --schema; what it refers to must stand in the same file."
            }
            Self::Missing(_) => {
                "--static-dir wants a folder with index.html, --page-config a file."
            }
            Self::Tls(_) => "Name PEM files that belong together with --tls-cert and --tls-key.",
            Self::Store { error, .. } => error.hint(),
        }
    }

    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::PortTaken { .. } => EXIT_PORT_TAKEN,
            _ => EXIT_CONFIGURATION,
        }
    }
}
