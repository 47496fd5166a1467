//! `config.json` beside `index.html`: what a deployment presets. It never holds a secret.

use serde::Deserialize;
use serde_json::Value;

use super::{Connection, HostPolicy, ModelEndpoint, SettingsError, TaskServer};

/// A `config.json` longer than this is refused: 64 KiB.
pub const MAX_CONFIG_BYTES: usize = 64 << 10;

/// What a deployment says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The connection it presets.
    pub connection: Option<Connection>,
    /// The hosts that may be called at all.
    pub hosts: HostPolicy,
    /// A line that the page shows as it is.
    pub notice: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    connection: Option<String>,
    model: Option<ModelEndpoint>,
    task_server: Option<TaskServer>,
    task_schema: Option<Value>,
    allowed_hosts: Option<Vec<String>>,
    notice: Option<String>,
}

/// Why a `config.json` is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read as what it should be.
    #[error("config.json cannot be used: {reason}")]
    Malformed {
        /// What is wrong, with line and column where they are known.
        reason: String,
    },
    /// It holds what looks like a secret. The value is never repeated.
    #[error("config.json holds a secret, at {pointer}: everyone who opens this page could read it")]
    Secret {
        /// Where, as a JSON Pointer.
        pointer: String,
    },
    /// One of its settings is refused.
    #[error("config.json: {0}")]
    Setting(#[from] SettingsError),
    /// It could not be fetched.
    #[error("config.json could not be read: {reason}")]
    Unreadable {
        /// The status or what the browser said.
        reason: String,
    },
}

impl ConfigError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ConfigError::Malformed { .. } => "config_malformed",
            ConfigError::Secret { .. } => "config_holds_secret",
            ConfigError::Setting(error) => error.code(),
            ConfigError::Unreadable { .. } => "config_unreadable",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ConfigError::Malformed { .. } => {
                "Correct the file beside index.html. Until then the page goes on without it."
            }
            ConfigError::Secret { .. } => {
                "Take it out of the file and change that secret, for it has been public. Keys and tokens are typed where they are asked for."
            }
            ConfigError::Setting(error) => error.hint(),
            ConfigError::Unreadable { .. } => "Reload the page; the page goes on without the file.",
        }
    }
}

impl Config {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`]; nothing of a file that is refused is used.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let malformed = |reason: String| ConfigError::Malformed { reason };
        if text.len() > MAX_CONFIG_BYTES {
            return Err(malformed(format!(
                "it is longer than {MAX_CONFIG_BYTES} bytes"
            )));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if let Some(pointer) = find_secret(&value, "") {
            return Err(ConfigError::Secret { pointer });
        }
        let file: File =
            serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
        let hosts = file.allowed_hosts.map(HostPolicy::only).unwrap_or_default();
        if let Some(model) = &file.model {
            hosts.check(&model.base_url)?;
        }
        if let Some(server) = &file.task_server {
            server.check()?;
            hosts.check(&server.url)?;
        }
        let says_nothing =
            file.model.is_none() && file.task_server.is_none() && file.task_schema.is_none();
        let connection = (!says_nothing).then(|| Connection {
            name: file.connection.unwrap_or_else(|| "Preset".to_owned()),
            model: file.model,
            task_server: file.task_server,
            task_schema: file.task_schema.map(|schema| schema.to_string()),
        });
        Ok(Config {
            connection,
            hosts,
            notice: file.notice,
        })
    }
}

/// Where a value looks like a secret: by the name of its member, or by its form.
fn find_secret(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let here = crate::document::push_token(pointer, name);
            // A schema describes members; it does not hold their values.
            if pointer.is_empty() && name == "task_schema" {
                return None;
            }
            if is_secret_name(name) && !value.is_null() {
                return Some(here);
            }
            find_secret(value, &here)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| find_secret(item, &format!("{pointer}/{index}"))),
        Value::String(text) => is_secret_value(text).then(|| pointer.to_owned()),
        _ => None,
    }
}

/// Whether a setting of this name would hold a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // What says something about a secret without being one.
    const NOT_ONE: [&str; 6] = [
        "tokenheader",
        "needskey",
        "honoursidempotencykeys",
        "maxoutputtokens",
        "tokenlimit",
        "secretspath",
    ];
    !NOT_ONE.contains(&name.as_str())
        && [
            "token",
            "secret",
            "password",
            "apikey",
            "authorization",
            "credential",
        ]
        .iter()
        .any(|word| name.contains(word))
        || name == "key"
}

fn is_secret_value(text: &str) -> bool {
    let begins = ["sk-", "hvs.", "hvb.", "s.", "Bearer "]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    begins && text.len() >= 20 && !text.contains(' ') || text.starts_with("Bearer ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_presets_a_connection() {
        let config = Config::parse(
            r#"{"connection":"Team","model":{"base_url":"https://api.example.com/v1","model":"m",
                    "limits":{"idle_timeout_seconds":90,"token_limit":200000},
                    "prices":{"input":1.25,"output":10}},
                "task_server":{"url":"https://tasks.example.com","honours_idempotency_keys":true},
                "allowed_hosts":["api.example.com","tasks.example.com"],"notice":"Hello"}"#,
        )
        .unwrap();
        let connection = config.connection.unwrap();
        assert_eq!(connection.name, "Team");
        let server = connection.task_server.unwrap();
        assert_eq!(server.tasks_url(), "https://tasks.example.com/tasks");
        assert_eq!(server.token_header, "X-AGENT-TOKEN");
        let model = connection.model.unwrap();
        assert!(model.requires_api_key());
        assert_eq!(model.limits.idle_timeout_ms(), 90_000);
        assert_eq!(model.prices.unwrap().output.to_string(), "10.00");
        assert_eq!(config.notice.as_deref(), Some("Hello"));
        assert_eq!(Config::parse("{}").unwrap(), Config::default());
    }

    #[test]
    fn a_broken_file_says_what_is_wrong() {
        for (text, code) in [
            ("", "config_malformed"),
            ("{\"task_server\":", "config_malformed"),
            ("[]", "config_malformed"),
            (r#"{"tsk_server":{}}"#, "config_malformed"),
            (
                r#"{"task_server":{"url":"http://example.com"}}"#,
                "config_malformed",
            ),
            (
                r#"{"task_server":{"url":"https://a.example","path":"tasks"}}"#,
                "path_invalid",
            ),
            (
                r#"{"task_server":{"url":"https://a.example","token_header":"Cookie"}}"#,
                "token_header_invalid",
            ),
            (
                r#"{"task_server":{"url":"https://a.example"},"allowed_hosts":["b.example"]}"#,
                "host_not_allowed",
            ),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert_eq!(error.code(), code, "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_repeated() {
        for (text, pointer) in [
            (r#"{"AGENT_API_TOKEN":"hunter2"}"#, "/AGENT_API_TOKEN"),
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","api_key":"hunter2"}}"#,
                "/model/api_key",
            ),
            (r#"{"notice":"sk-hunter2-0123456789abcdef"}"#, "/notice"),
            (r#"{"x":[{"password":"hunter2"}]}"#, "/x/0/password"),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert_eq!(
                error,
                ConfigError::Secret {
                    pointer: pointer.to_owned()
                },
                "{text}"
            );
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
