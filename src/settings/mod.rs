//! What can be configured: connections, where settings come from, and what is refused.
//!
//! `address` says which endpoints may be called at all; `config` reads the `config.json` of a
//! deployment; `link` reads the flags of the page's own address. From weakest to strongest:
//! built in, `config.json`, saved in the browser, the link.

pub mod address;
pub mod config;
pub mod form;
mod limits;
pub mod link;
mod prices;
pub mod template;

use serde::{Deserialize, Serialize};

pub use address::{Address, AddressError};
pub use limits::{Bounded, CallSeconds, IdleSeconds, Limits, OutOfBounds, TasksPerRequest};
pub use prices::{Amount, NotAnAmount, Prices};
pub use template::{BodyTemplate, TemplateError};

/// Which of OpenAI's two interfaces an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST {base}/chat/completions`.
    #[default]
    ChatCompletions,
    /// `POST {base}/responses`.
    Responses,
}

/// Where the model is asked. Holds no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEndpoint {
    /// The base address, such as `https://api.openai.com/v1`.
    pub base_url: Address,
    /// The model's name as the endpoint knows it.
    pub model: String,
    /// The interface it speaks.
    #[serde(default)]
    pub api: Api,
    /// A limit on the tokens of one answer; none is sent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Whether it wants a key; where nothing is said, loopback does not and all else does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_key: Option<bool>,
    /// How long it is waited for, how much is asked of it at once, and what a run may cost.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub limits: Limits,
    /// What its tokens cost, where the operator says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
}

fn is_usual(limits: &Limits) -> bool {
    *limits == Limits::default()
}

impl ModelEndpoint {
    /// An endpoint of which nothing more is said.
    #[must_use]
    pub fn at(base_url: Address, model: impl Into<String>) -> ModelEndpoint {
        ModelEndpoint {
            base_url,
            model: model.into(),
            api: Api::default(),
            max_output_tokens: None,
            needs_key: None,
            limits: Limits::default(),
            prices: None,
        }
    }

    /// Whether a key must be there before a request is made.
    #[must_use]
    pub fn wants_key(&self) -> bool {
        self.needs_key
            .unwrap_or_else(|| !self.base_url.is_loopback())
    }
}

/// Where tasks are posted. Holds no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskServer {
    /// The server's address, such as `http://localhost:8080`.
    pub url: Address,
    /// What is appended for the `POST`.
    #[serde(default = "default_path")]
    pub path: String,
    /// The header that carries the token.
    #[serde(default = "default_token_header")]
    pub token_header: String,
    /// Whether it is *known* to honour `Idempotency-Key`: its OpenAPI document declares the
    /// header, or the operator says so. Only then the header is sent and a task that may have
    /// arrived is sent again.
    #[serde(default)]
    pub honours_idempotency_keys: bool,
    /// For how many hours after a task was sent the server surely still knows its key. What may
    /// have arrived is sent again within that time only.
    #[serde(default = "default_keys_kept_hours")]
    pub keys_kept_hours: u32,
    /// How many tasks may be on their way at a time, 1 to [`MOST_CONCURRENT`].
    #[serde(default = "default_concurrency")]
    pub concurrency: u8,
    /// What stands around a task in the body of its request; none where the task is the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_template: Option<BodyTemplate>,
}

/// The path of the contract.
pub const DEFAULT_PATH: &str = "/tasks";
/// The header of the contract.
pub const DEFAULT_TOKEN_HEADER: &str = "X-AGENT-TOKEN";
/// The token that a server on loopback has when nobody chose one.
pub const DEFAULT_LOOPBACK_TOKEN: &str = "changeme";

/// For so long a server that honours keys is taken to keep them where nothing else is said: the
/// shortest time that services which honour them commonly name.
pub const DEFAULT_KEYS_KEPT_HOURS: u32 = 24;
/// The longest time that can be said, in hours: a year.
pub const MOST_KEYS_KEPT_HOURS: u32 = 24 * 365;
/// So many tasks are on their way at a time where nothing else is said.
pub const DEFAULT_CONCURRENCY: u8 = 4;
/// The most tasks that can be on their way at a time.
pub const MOST_CONCURRENT: u8 = 16;

fn default_keys_kept_hours() -> u32 {
    DEFAULT_KEYS_KEPT_HOURS
}

fn default_concurrency() -> u8 {
    DEFAULT_CONCURRENCY
}

fn default_path() -> String {
    DEFAULT_PATH.to_owned()
}

fn default_token_header() -> String {
    DEFAULT_TOKEN_HEADER.to_owned()
}

impl TaskServer {
    /// The server the original script posted to when it was told nothing else.
    #[must_use]
    pub fn at(url: Address) -> TaskServer {
        TaskServer {
            url,
            path: default_path(),
            token_header: default_token_header(),
            honours_idempotency_keys: false,
            keys_kept_hours: default_keys_kept_hours(),
            concurrency: default_concurrency(),
            body_template: None,
        }
    }

    /// For how long after a task was sent the server surely still knows its key, in milliseconds.
    #[must_use]
    pub fn keys_kept_milliseconds(&self) -> u64 {
        u64::from(self.keys_kept_hours) * 3_600_000
    }

    /// The exact address of the `POST`.
    #[must_use]
    pub fn tasks_url(&self) -> String {
        self.url.join(&self.path)
    }

    /// Checks what an address alone does not say.
    ///
    /// # Errors
    /// [`SettingsError`] for a path that is not one, and for a header name that a request cannot
    /// carry or that belongs to the browser.
    pub fn check(&self) -> Result<(), SettingsError> {
        let path_is_plain = self.path.starts_with('/')
            && self
                .path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'));
        // What the request is made for is read from the whole address once more.
        let can_be_called = Address::parse(&self.tasks_url()).is_ok();
        if !path_is_plain || !can_be_called || self.path.len() > 512 {
            return Err(SettingsError::Path {
                path: self.path.clone(),
            });
        }
        let name = self.token_header.as_str();
        let is_token = !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        const TAKEN: [&str; 8] = [
            "content-type",
            "content-length",
            "host",
            "origin",
            "cookie",
            "referer",
            "idempotency-key",
            "connection",
        ];
        if !is_token || TAKEN.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(SettingsError::TokenHeader {
                name: name.to_owned(),
            });
        }
        if !(1..=MOST_CONCURRENT).contains(&self.concurrency) {
            return Err(SettingsError::Concurrency {
                given: self.concurrency,
            });
        }
        if !(1..=MOST_KEYS_KEPT_HOURS).contains(&self.keys_kept_hours) {
            return Err(SettingsError::KeysKept {
                given: self.keys_kept_hours,
            });
        }
        Ok(())
    }
}

/// A named set of endpoints. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// What the operator calls it.
    pub name: String,
    /// The model endpoint, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelEndpoint>,
    /// The task server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_server: Option<TaskServer>,
    /// The task schema as text; none for the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_schema: Option<String>,
}

impl Connection {
    /// What there is when nothing is configured: no model, and the task server of the original
    /// script, `http://localhost:8080`.
    #[must_use]
    pub fn built_in() -> Connection {
        Connection {
            name: "Local".to_owned(),
            model: None,
            task_server: Address::parse("http://localhost:8080")
                .ok()
                .map(TaskServer::at),
            task_schema: None,
        }
    }
}

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address is not one that may be called.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The host is not among those that the deployment allows.
    #[error("{host} is not among the hosts that this deployment allows")]
    HostNotAllowed {
        /// Host and port.
        host: String,
    },
    /// The path is not a path.
    #[error("{path:?} is not a path: it begins with / and holds no ? # % or ..")]
    Path {
        /// As given.
        path: String,
    },
    /// The header name cannot be used.
    #[error("{name:?} cannot be the header of the token")]
    TokenHeader {
        /// As given.
        name: String,
    },
    /// So many tasks cannot be on their way at a time.
    #[error("{given} tasks at a time is not between 1 and {MOST_CONCURRENT}")]
    Concurrency {
        /// As given.
        given: u8,
    },
    /// The body template is none.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Keys are not kept for so long.
    #[error("{given} hours is not between 1 and {MOST_KEYS_KEPT_HOURS}")]
    KeysKept {
        /// As given.
        given: u32,
    },
}

impl SettingsError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SettingsError::Address(error) => error.code(),
            SettingsError::HostNotAllowed { .. } => "host_not_allowed",
            SettingsError::Path { .. } => "path_invalid",
            SettingsError::TokenHeader { .. } => "token_header_invalid",
            SettingsError::Concurrency { .. } => "concurrency_invalid",
            SettingsError::KeysKept { .. } => "keys_kept_invalid",
            SettingsError::Template(_) => "body_template_invalid",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SettingsError::Address(error) => error.hint(),
            SettingsError::HostNotAllowed { .. } => {
                "Ask whoever deployed this page to add it to allowed_hosts in config.json."
            }
            SettingsError::Path { .. } => "Give the path of the POST, such as /tasks.",
            SettingsError::TokenHeader { .. } => {
                "Use letters, digits and hyphens, such as X-AGENT-TOKEN."
            }
            SettingsError::Concurrency { .. } => "Give a whole number from 1 to 16.",
            SettingsError::KeysKept { .. } => "Give a whole number of hours from 1 to 8760.",
            SettingsError::Template(_) => {
                "Write the JSON that the server wants, with $task where the task stands, such as {\"type\": \"work\", \"payload\": $task}."
            }
        }
    }
}

/// The hosts that a deployment allows; none given means every host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPolicy {
    allowed: Option<Vec<String>>,
}

impl HostPolicy {
    /// Allows these hosts only, each as `host` (any port) or `host:port`.
    #[must_use]
    pub fn only(hosts: Vec<String>) -> HostPolicy {
        HostPolicy {
            allowed: Some(hosts.iter().map(|host| host.to_ascii_lowercase()).collect()),
        }
    }

    /// Whether requests to this address may be made.
    ///
    /// # Errors
    /// [`SettingsError::HostNotAllowed`].
    pub fn check(&self, address: &Address) -> Result<(), SettingsError> {
        let Some(allowed) = &self.allowed else {
            return Ok(());
        };
        let with_port = address.host_and_port();
        if allowed
            .iter()
            .any(|host| *host == with_port || host == address.host())
        {
            Ok(())
        } else {
            Err(SettingsError::HostNotAllowed { host: with_port })
        }
    }
}
