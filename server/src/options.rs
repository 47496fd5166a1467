//! The command line of the server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderName;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING,
    UPGRADE,
};

use crate::cors::Origin;
use crate::gateway::GatewayOptions;
use crate::gateway::model_address::ModelAddress;
use crate::store::StoreOptions;
use crate::vault::vault_settings::VaultOptions;

const EXAMPLES: &str = "\
Examples:
  taskwright-server
      Run the task server on http://127.0.0.1:8080, with the page if this program has one inside. The
      agent token is AGENT_API_TOKEN if set, otherwise \"changeme\".
  taskwright-server --static-dir .
      Also serve the page from this checkout.
  taskwright-server --port 0 --data-dir /tmp/tasks --schema my-task.schema.json
      Use any free port (the server prints it), another data folder and your own task schema.
  AGENT_API_TOKEN=new,old taskwright-server --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
      Serve other machines over TLS. Both tokens are accepted, for example during a rotation.
  AGENT_API_TOKEN=a AGENT_MODEL_TOKEN=b OPENAI_API_KEY=sk-… taskwright-server --static-dir . \
    --model-endpoint https://api.openai.com/v1 --model-name gpt-5-mini
      Also pass requests to the model on, so that the key stays on this machine.

Environment:
  AGENT_API_TOKEN     Agent tokens that may post and read tasks, comma-separated
  AGENT_POST_TOKEN    Agent tokens that may post tasks only
  AGENT_READ_TOKEN    Agent tokens that may read tasks only
  AGENT_MODEL_TOKEN   Agent tokens that may call the model endpoint only
                      A token in several of these lists may do what any of them allows. Each variable
                      overrides the member of --config with its name. Without any of them, the server
                      accepts \"changeme\", on loopback addresses only. Set but empty, it is an error.
  OPENAI_API_KEY      Key of the model endpoint; overrides the member of --config with its name
  VAULT_TOKEN         Token for Vault
  VAULT_ROLE_ID, VAULT_SECRET_ID
                      Sign-in to Vault by AppRole, instead of VAULT_TOKEN
  SSL_CERT_FILE       Root certificates for requests to the model endpoint and to Vault [default: the
                      system's]

Exit codes:
  0 stopped on request       1 failed while running    2 invalid command line
  69 Vault not available     78 invalid configuration   98 port in use";

/// Headers that cannot carry a key: the connection and the body need them.
const NOT_FOR_KEYS: [HeaderName; 8] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The command-line options. Tokens are not among them, because every user of the machine can read
/// a command line.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "taskwright-server",
    version,
    about = "A task server: accepts tasks at POST /tasks, validates them against a JSON Schema and stores them durably.",
    after_help = EXAMPLES
)]
pub struct Options {
    /// Address or host name to listen on
    #[arg(
        long,
        default_value = "127.0.0.1",
        value_name = "HOST",
        help_heading = "Address"
    )]
    pub host: String,

    /// Port to listen on; 0 selects any free port, which the server prints
    #[arg(
        long,
        default_value_t = 8080,
        value_name = "PORT",
        help_heading = "Address"
    )]
    pub port: u16,

    /// PEM file with the certificate chain; the server then accepts https only
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Address"
    )]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Address"
    )]
    pub tls_key: Option<PathBuf>,

    /// Folder for the task store [default: taskwright-server in the user's data folder]
    #[arg(long, value_name = "DIR", help_heading = "Tasks")]
    pub data_dir: Option<PathBuf>,

    /// JSON Schema every task must satisfy [default: the built-in agent-task]
    #[arg(long, value_name = "FILE", help_heading = "Tasks")]
    pub schema: Option<PathBuf>,

    /// Maximum size of the store in MiB, including SQLite's log; when it is full, posts get 503
    /// store_unavailable [default: no limit]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Tasks")]
    pub max_store_size: Option<u32>,

    /// Configuration file with the tokens: {"AGENT_API_TOKEN": "…"}, read again on SIGHUP. Its section
    /// "vault" is passed on to the page, and says where the server finds what no other place names
    #[arg(long, value_name = "FILE", help_heading = "Tasks")]
    pub config: Option<PathBuf>,

    /// Base URL of a HashiCorp Vault or OpenBao with the secrets that neither the environment nor
    /// --config names [default: vault.address in --config]
    #[arg(
        long,
        env = "VAULT_ADDR",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Vault"
    )]
    pub vault_address: Option<String>,

    /// Path of the secret, such as secret/taskwright [default: vault.secrets_path in --config]
    #[arg(long, value_name = "PATH", help_heading = "Vault")]
    pub vault_secrets_path: Option<String>,

    /// Namespace in Vault [default: vault.namespace in --config]
    #[arg(
        long,
        env = "VAULT_NAMESPACE",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Vault"
    )]
    pub vault_namespace: Option<String>,

    /// How often the secret is read again; also on SIGHUP
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = parse_seconds, help_heading = "Vault")]
    pub vault_refresh: Duration,

    /// Serve the page from this folder: a checkout after `cargo xtask build`, or the files of `cargo
    /// xtask dist` [default: the page inside this program, if it was built with one]
    #[arg(long, value_name = "DIR", help_heading = "Page")]
    pub static_dir: Option<PathBuf>,

    /// Do not serve the page inside this program
    #[arg(long, conflicts_with_all = ["static_dir", "page_config"], help_heading = "Page")]
    pub no_page: bool,

    /// File to serve as /config.json [default: config.json in the folder of the page, otherwise one
    /// generated for this server]
    #[arg(long, value_name = "FILE", help_heading = "Page")]
    pub page_config: Option<PathBuf>,

    /// Another origin whose pages may call this server; repeatable. The server's own port on
    /// localhost, 127.0.0.1 and ::1 is always allowed
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = parse_origin, help_heading = "Page")]
    pub allow_origins: Vec<Origin>,

    /// Base URL of a model endpoint. The server then passes /v1/chat/completions, /v1/responses and
    /// /v1/models on to it, for tokens with the scope model
    #[arg(long, value_name = "URL", value_parser = parse_model_address, help_heading = "Model")]
    pub model_endpoint: Option<ModelAddress>,

    /// Name of a model at the endpoint. The configuration that the server generates for the page then
    /// has the gateway as its model endpoint
    #[arg(
        long,
        value_name = "NAME",
        requires = "model_endpoint",
        help_heading = "Model"
    )]
    pub model_name: Option<String>,

    /// The endpoint needs no key; none is sent, even if OPENAI_API_KEY is set
    #[arg(long, requires = "model_endpoint", help_heading = "Model")]
    pub model_needs_no_key: bool,

    /// Header that carries the key as it is, such as api-key [default: Authorization: Bearer]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = parse_header_name,
        requires = "model_endpoint",
        help_heading = "Model"
    )]
    pub model_key_header: Option<HeaderName>,

    /// Parameter for the query of every request to the endpoint, such as api-version=2024-10-21;
    /// repeatable
    #[arg(
        long = "model-query",
        value_name = "NAME=VALUE",
        value_parser = parse_parameter,
        requires = "model_endpoint",
        help_heading = "Model"
    )]
    pub model_query: Vec<(String, String)>,

    /// Maximum requests to the model per minute for each token [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "model_endpoint", help_heading = "Model")]
    pub model_rate_limit: Option<u32>,

    /// Maximum tokens of the model per minute for each token [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "model_endpoint", help_heading = "Model")]
    pub model_token_limit: Option<u32>,

    /// Timeout for the beginning of the endpoint's response
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = parse_seconds, help_heading = "Model")]
    pub model_first_byte_timeout: Duration,

    /// Timeout for a pause within the endpoint's response, whose length has no limit
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = parse_seconds, help_heading = "Model")]
    pub model_idle_timeout: Duration,

    /// Maximum requests per minute for each token, those to the model not included [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub rate_limit: Option<u32>,

    /// Maximum concurrent connections; others wait
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_535), help_heading = "Limits")]
    pub max_connections: u32,

    /// Maximum concurrent connections from one address (IPv6: from one /64); others are refused. Does
    /// not apply to trusted proxies
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_535), help_heading = "Limits")]
    pub max_connections_per_address: u32,

    /// Address of a reverse proxy whose X-Forwarded-For or Forwarded header is believed; repeatable
    #[arg(
        long = "trusted-proxy",
        value_name = "ADDRESS",
        help_heading = "Limits"
    )]
    pub trusted_proxies: Vec<IpAddr>,

    /// Timeout for the headers of a request, and for an idle connection
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds, help_heading = "Limits")]
    pub header_timeout: Duration,

    /// Timeout for the body of a request, and for a client that stops reading a response
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds, help_heading = "Limits")]
    pub body_timeout: Duration,

    /// Timeout for a client to read a whole response
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = parse_seconds, help_heading = "Limits")]
    pub response_timeout: Duration,

    /// Timeout for the check of a large task against the schema: it waits this long for its turn, and
    /// may take as long again
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds, help_heading = "Limits")]
    pub check_timeout: Duration,

    /// Timeout for the store: a post waits this long for its turn, and as long again once the server
    /// has begun to store it
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds, help_heading = "Limits")]
    pub store_timeout: Duration,

    /// Timeout for requests in progress when the server is asked to stop
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds, help_heading = "Limits")]
    pub drain_timeout: Duration,

    /// Log level on standard error: off, error, warn, info (a line per request) or debug
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        help_heading = "Log"
    )]
    pub log_level: tracing::level_filters::LevelFilter,
}

impl Options {
    /// The folder of the store: `--data-dir`, otherwise `taskwright-server` in the platform's folder
    /// for user data (`$XDG_DATA_HOME` or `~/.local/share`; `~/Library/Application Support` on macOS;
    /// `%LOCALAPPDATA%` on Windows), otherwise `taskwright-data` in the working directory.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| {
            user_data_directory().map_or_else(
                || PathBuf::from("taskwright-data"),
                |folder| folder.join("taskwright-server"),
            )
        })
    }

    /// What the command line says about Vault. Empty values of the environment count as none.
    #[must_use]
    pub fn vault_options(&self) -> VaultOptions {
        let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
        VaultOptions {
            address: given(&self.vault_address),
            secrets_path: given(&self.vault_secrets_path),
            namespace: given(&self.vault_namespace),
            refresh: self.vault_refresh,
        }
    }

    /// How the gateway calls the model endpoint, if there is one.
    #[must_use]
    pub fn gateway_options(&self) -> Option<GatewayOptions> {
        Some(GatewayOptions {
            address: self.model_endpoint.clone()?,
            key_header: self.model_key_header.clone(),
            query: self.model_query.clone(),
            requests_per_minute: self.model_rate_limit,
            tokens_per_minute: self.model_token_limit,
            first_byte_timeout: self.model_first_byte_timeout,
            idle_timeout: self.model_idle_timeout,
        })
    }

    /// How the store is opened.
    #[must_use]
    pub fn store_options(&self) -> StoreOptions {
        StoreOptions {
            max_mebibytes: self.max_store_size,
            timeout: self.store_timeout,
        }
    }
}

fn user_data_directory() -> Option<PathBuf> {
    let folder = |variable: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        folder("XDG_DATA_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
    }
}

fn parse_origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text).map_err(|error| error.to_string())
}

fn parse_model_address(text: &str) -> Result<ModelAddress, String> {
    ModelAddress::parse(text).map_err(|error| error.to_string())
}

fn parse_header_name(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text
        .parse()
        .map_err(|_| "expected the name of a header".to_owned())?;
    if NOT_FOR_KEYS.contains(&name) {
        return Err("this header has another purpose".to_owned());
    }
    Ok(name)
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Parses whole or fractional seconds, more than 0 and at most a day.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("expected more than 0 and at most 86400 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_definition_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let options = Options::try_parse_from(["taskwright-server"]).unwrap();
        assert_eq!(options.host, "127.0.0.1");
        assert_eq!(options.port, 8080);
        assert_eq!(options.max_connections, 512);
        assert_eq!(options.max_connections_per_address, 128);
        assert!(options.trusted_proxies.is_empty());
        assert_eq!(options.rate_limit, None);
    }

    #[test]
    fn invalid_arguments_are_refused() {
        for arguments in [
            &["--tls-cert", "cert.pem"] as &[&str],
            &["--allow-origin", "*"],
            &["--allow-origin", "https://example.org/path"],
            &["--body-timeout", "0"],
            &["--body-timeout", "NaN"],
            &["--rate-limit", "0"],
            &["--max-connections", "0"],
            &["--max-connections-per-address", "0"],
            &["--trusted-proxy", "proxy.example.org"],
            &["--port", "65536"],
            &["--model-endpoint", "api.openai.com"],
            &["--model-endpoint", "https://a.example?x=1"],
            &["--model-name", "m"],
            &["--model-needs-no-key"],
            &["--no-page", "--static-dir", "."],
            &[
                "--model-endpoint",
                "https://a.example",
                "--model-query",
                "=1",
            ],
            &[
                "--model-endpoint",
                "https://a.example",
                "--model-key-header",
                "a b",
            ],
            &[
                "--model-endpoint",
                "https://a.example",
                "--model-key-header",
                "host",
            ],
            &[
                "--model-endpoint",
                "https://a.example",
                "--model-token-limit",
                "0",
            ],
        ] {
            let all = ["taskwright-server"].iter().chain(arguments.iter());
            assert!(Options::try_parse_from(all).is_err(), "{arguments:?}");
        }
    }
}
