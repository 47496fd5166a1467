//! Settings: connections, their sources, and their validation.
//!
//! `address` decides which addresses may be called at all; `config` reads the `config.json` of a
//! deployment; `link` reads the flags in the page's URL. The sources from lowest to highest
//! precedence: built in, `config.json`, saved in the browser, the link.

pub mod address;
pub mod config;
mod connection;
pub mod connections;
pub mod form;
mod header;
mod limits;
pub mod link;
mod parameters;
mod prices;
mod query;
mod schema_source;
pub(crate) mod secret_like;
mod task_server;
pub mod template;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use address::{Address, AddressError};
pub use connection::{Connection, ConnectionColor, ConnectionId};
pub use limits::{
    Bounded, FIRST_TOKEN_SECONDS, FirstTokenTimeout, IdleTimeout, LOOPBACK_FIRST_TOKEN_SECONDS,
    Limits, OutOfBounds, RequestTimeout, TasksPerRequest,
};
pub use parameters::RESERVED_MEMBERS;
pub use prices::{Amount, InvalidAmount, Prices};
pub use schema_source::SchemaSource;
pub use task_server::{
    DEFAULT_CONCURRENCY, DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS, DEFAULT_LOOPBACK_TOKEN,
    DEFAULT_PATH, DEFAULT_TOKEN_HEADER, MAX_CONCURRENCY, MAX_IDEMPOTENCY_KEY_RETENTION_HOURS,
    TaskServer,
};
pub use template::{BodyTemplate, TaskPlace, TemplateError, TemplateValues};

/// The OpenAI API that an endpoint implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST {base}/chat/completions`.
    #[default]
    ChatCompletions,
    /// `POST {base}/responses`.
    Responses,
}

/// A model endpoint. Contains no API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEndpoint {
    /// The base URL, such as `https://api.openai.com/v1`.
    pub base_url: Address,
    /// The name of the model at the endpoint.
    pub model: String,
    /// The API that the endpoint implements.
    #[serde(default)]
    pub api: Api,
    /// Maximum number of output tokens per response. If `None`, no limit is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Whether an API key is required. If `None`, all endpoints except loopback require one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_key: Option<bool>,
    /// Members to add to the body of each request, such as `temperature`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_body: Map<String, Value>,
    /// Parameters to add to the URL of each request, such as `api-version`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_query: BTreeMap<String, String>,
    /// Headers to add to each request. They hold no secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_headers: BTreeMap<String, String>,
    /// The name of the header that carries the API key, such as `api-key`. If `None`, it is sent as
    /// `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_header: Option<String>,
    /// Timeouts, request size, and token and cost limits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// Token prices, if the operator entered them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
}

fn is_default(limits: &Limits) -> bool {
    *limits == Limits::default()
}

impl ModelEndpoint {
    /// An endpoint with default settings.
    #[must_use]
    pub fn at(base_url: Address, model: impl Into<String>) -> ModelEndpoint {
        ModelEndpoint {
            base_url,
            model: model.into(),
            api: Api::default(),
            max_output_tokens: None,
            needs_key: None,
            extra_body: Map::new(),
            extra_query: BTreeMap::new(),
            extra_headers: BTreeMap::new(),
            key_header: None,
            limits: Limits::default(),
            prices: None,
        }
    }

    /// Whether requests require an API key.
    #[must_use]
    pub fn requires_api_key(&self) -> bool {
        self.needs_key
            .unwrap_or_else(|| !self.base_url.is_loopback())
    }
}

impl ModelEndpoint {
    /// The first-token timeout in milliseconds.
    #[must_use]
    pub fn first_token_timeout_ms(&self) -> u32 {
        let default = match self.base_url.is_loopback() {
            true => LOOPBACK_FIRST_TOKEN_SECONDS,
            false => FIRST_TOKEN_SECONDS,
        };
        let set = self.limits.first_token_timeout_seconds;
        set.map_or(default, Bounded::get) * 1000
    }
}

/// The part of `text` before the first of these characters, with an ellipsis if there is one.
fn before(text: &str, ends: &[char]) -> String {
    match text.split_once(ends) {
        None => text.to_owned(),
        Some((before, _)) => format!("{before}…"),
    }
}

/// Why a setting is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address must not be called.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The deployment does not allow the host.
    #[error("this deployment does not allow requests to {host}")]
    HostNotAllowed {
        /// The host and port.
        host: String,
    },
    /// `config.json` could not be read, so the hosts that the deployment allows are unknown.
    #[error("no request to {host} is made, because config.json could not be read")]
    HostsUnknown {
        /// The host and port.
        host: String,
    },
    /// The path is invalid.
    #[error(
        "“{path}” is not a valid path: it must start with / and must not contain ?, #, % or .."
    )]
    Path {
        /// The path as given, without its query.
        path: String,
    },
    /// The header name cannot be used.
    #[error("“{name}” cannot be used as the token header: {reason}")]
    TokenHeader {
        /// The name as given, without what follows it.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The concurrency is out of range.
    #[error("the concurrency {given} is out of range: 1 to {MAX_CONCURRENCY}")]
    Concurrency {
        /// The number as given.
        given: u8,
    },
    /// The body template is invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The idempotency key retention is out of range.
    #[error(
        "an idempotency key retention of {given} hours is out of range: 1 to {MAX_IDEMPOTENCY_KEY_RETENTION_HOURS}"
    )]
    IdempotencyKeyRetention {
        /// The hours as given.
        given: u32,
    },
    /// An extra member of the body is one that the reader of the response depends on.
    #[error("the extra parameter “{name}” is reserved: it is set by the page")]
    ReservedParameter {
        /// Its name.
        name: String,
    },
    /// A parameter of the extra query cannot be used.
    #[error("the query parameter “{name}” cannot be used: {reason}")]
    Query {
        /// Its name, without what follows it.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The header name of the API key cannot be used.
    #[error("“{name}” cannot be used as the API key header: {reason}")]
    KeyHeader {
        /// The name as given, without what follows it.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A header for the model endpoint cannot be used.
    #[error("the header “{name}” cannot be sent to the model endpoint: {reason}")]
    ModelHeader {
        /// Its name, without what follows it.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A header for the task server cannot be used.
    #[error("the header “{name}” cannot be sent to the task server: {reason}")]
    ServerHeader {
        /// Its name, without what follows it.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The scheme before the agent token is not one word.
    #[error("the token scheme is not one word of at most 32 letters, digits and hyphens")]
    TokenScheme,
    /// The place of the server's identifier is not a JSON Pointer.
    #[error("the place of the server's ID is not a JSON Pointer")]
    IdPointer,
    /// There are too many extra parameters or headers.
    #[error("there are more than 64 extra parameters or headers")]
    TooManyParameters,
}

impl SettingsError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SettingsError::Address(error) => error.code(),
            SettingsError::HostNotAllowed { .. } => "host_not_allowed",
            SettingsError::HostsUnknown { .. } => "hosts_unknown",
            SettingsError::Path { .. } => "path_invalid",
            SettingsError::TokenHeader { .. } => "token_header_invalid",
            SettingsError::Concurrency { .. } => "concurrency_invalid",
            SettingsError::IdempotencyKeyRetention { .. } => "idempotency_key_retention_invalid",
            SettingsError::Template(_) => "body_template_invalid",
            SettingsError::ReservedParameter { .. } => "parameter_reserved",
            SettingsError::Query { .. } => "query_invalid",
            SettingsError::KeyHeader { .. } => "key_header_invalid",
            SettingsError::ModelHeader { .. } => "model_header_invalid",
            SettingsError::ServerHeader { .. } => "server_header_invalid",
            SettingsError::TokenScheme => "token_scheme_invalid",
            SettingsError::IdPointer => "id_pointer_invalid",
            SettingsError::TooManyParameters => "too_many_parameters",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SettingsError::Address(error) => error.hint(),
            SettingsError::HostNotAllowed { .. } => {
                "Ask whoever deployed this page to add the host to allowed_hosts in config.json."
            }
            SettingsError::HostsUnknown { .. } => {
                "The file may restrict the hosts. Reload the page; if it happens again, tell whoever deployed it. A dry run works."
            }
            SettingsError::Path { .. } => {
                "Enter the path to post tasks to, such as /tasks. A query has a field of its own."
            }
            SettingsError::TokenHeader { .. } | SettingsError::KeyHeader { .. } => {
                "Use letters, digits and hyphens, such as X-Api-Key. Headers that the browser controls are not allowed."
            }
            SettingsError::Concurrency { .. } | SettingsError::IdempotencyKeyRetention { .. } => {
                "Enter a whole number in that range."
            }
            SettingsError::ReservedParameter { .. } => {
                "Remove it from the extra parameters. The model, the API, the max output tokens and the number of tasks have settings of their own."
            }
            SettingsError::Query { .. } | SettingsError::ModelHeader { .. } => {
                "Remove or correct it. The page asks for keys and tokens when it needs them, and sends them in the headers that are set for them."
            }
            SettingsError::ServerHeader { .. } => {
                "Remove or correct it. If its value is a secret, enter only its name under Secret headers: the page asks for the value before it posts."
            }
            SettingsError::TokenScheme => {
                "Enter the word that the server expects before the token, such as Bearer, or leave the field empty."
            }
            SettingsError::IdPointer => {
                "Enter the names from the outside in, each after a slash, such as /data/id, or leave the field empty."
            }
            SettingsError::TooManyParameters => "Remove the ones that you do not need.",
            SettingsError::Template(_) => {
                "Enter the JSON that the server expects, with $task in place of the task, such as {\"type\": \"work\", \"payload\": $task}."
            }
        }
    }
}

/// The hosts that a deployment allows; by default, all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPolicy(Policy);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Policy {
    #[default]
    AllowAll,
    AllowOnly(Vec<AllowedHost>),
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AllowedHost {
    host: String,
    /// `None` allows any port.
    port: Option<u16>,
}

impl HostPolicy {
    /// Allows only these hosts, each given as `host` (any port) or `host:port`. They are normalized
    /// like addresses. What is not a host allows nothing.
    #[must_use]
    pub fn only(hosts: Vec<String>) -> HostPolicy {
        let parse = |text: &String| {
            let (host, port) = address::parse_host_and_port(text)?;
            Some(AllowedHost { host, port })
        };
        HostPolicy(Policy::AllowOnly(hosts.iter().filter_map(parse).collect()))
    }

    /// Allows no host, because `config.json` could not be read: it may restrict the hosts.
    #[must_use]
    pub fn unknown() -> HostPolicy {
        HostPolicy(Policy::Unknown)
    }

    /// Checks whether requests to this address are allowed.
    ///
    /// # Errors
    /// [`SettingsError::HostNotAllowed`], or [`SettingsError::HostsUnknown`].
    pub fn check(&self, address: &Address) -> Result<(), SettingsError> {
        let host = address.host_and_port();
        let allowed = match &self.0 {
            Policy::AllowAll => return Ok(()),
            Policy::AllowOnly(allowed) => allowed,
            Policy::Unknown => return Err(SettingsError::HostsUnknown { host }),
        };
        let is_same = |it: &AllowedHost| {
            it.host == address.host() && it.port.is_none_or(|port| port == address.port())
        };
        if allowed.iter().any(is_same) {
            Ok(())
        } else {
            Err(SettingsError::HostNotAllowed { host })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_hosts_are_normalized_like_addresses() {
        for (allowed, address, expected) in [
            ("a.example", "https://a.example", true),
            ("A.Example", "https://a.example:8443", true),
            ("a.example:443", "https://a.example", true),
            ("a.example:443", "https://a.example:8443", false),
            ("a.example:8443", "https://a.example:8443", true),
            ("localhost:80", "http://localhost", true),
            ("localhost:80", "https://localhost", false),
            ("[2001:DB8:0:0::1]", "https://[2001:db8::1]", true),
            ("[2001:db8::1]:443", "https://[2001:db8:0::1]", true),
            ("2001:db8::1", "https://[2001:db8::1]:9000", true),
            ("[2001:db8::2]", "https://[2001:db8::1]", false),
            (" a.example ", "https://a.example", true),
            ("a.example:0", "https://a.example", false),
            ("a.example:x", "https://a.example", false),
            ("https://a.example", "https://a.example", false),
            ("*", "https://a.example", false),
            ("", "https://a.example", false),
        ] {
            let policy = HostPolicy::only(vec![allowed.to_owned()]);
            let checked = policy.check(&Address::parse(address).unwrap());
            assert_eq!(checked.is_ok(), expected, "{allowed} {address}");
        }
    }

    #[test]
    fn no_host_is_allowed_while_the_policy_of_the_deployment_is_unknown() {
        for address in ["https://a.example", "http://localhost"] {
            let address = Address::parse(address).unwrap();
            assert_eq!(HostPolicy::default().check(&address), Ok(()));
            let error = HostPolicy::unknown().check(&address).unwrap_err();
            assert_eq!(error.code(), "hosts_unknown");
        }
    }

    #[test]
    fn a_header_that_a_page_cannot_send_is_refused_with_a_reason() {
        let server = |header: &str| TaskServer {
            token_header: header.to_owned(),
            ..TaskServer::at(Address::parse("http://localhost").unwrap())
        };
        for name in ["X-AGENT-TOKEN", "Authorization", "X-Api-Key", "secret"] {
            assert_eq!(server(name).check(), Ok(()), "{name}");
        }
        for (name, expected) in [
            ("Sec-Token", "browsers"),
            ("sec-fetch-site", "browsers"),
            ("Proxy-Authorization", "browsers"),
            ("Date", "browsers"),
            ("Via", "browsers"),
            ("TE", "browsers"),
            ("Cookie2", "browsers"),
            ("DNT", "browsers"),
            ("Accept-Encoding", "browsers"),
            ("Transfer-Encoding", "browsers"),
            ("Idempotency-Key", "something else"),
            ("Content-Type", "something else"),
            ("", "not a header name"),
            ("X Token", "not a header name"),
        ] {
            let error = server(name).check().unwrap_err();
            assert_eq!(error.code(), "token_header_invalid", "{name}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
