//! `config.json` next to `index.html`: the presets of a deployment. It never contains a secret.
//!
//! [`ConfigFile`] is its format. Tools serialize it to write the file; the page reads the file with
//! [`Config::parse`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secret_like::{is_secret_name, is_secret_value};
use super::{
    Address, Connection, ConnectionColor, HostPolicy, ModelEndpoint, SettingsError, TaskServer,
};
use crate::schema::Roles;

/// Maximum size of a `config.json`: 64 KiB.
pub const MAX_CONFIG_BYTES: usize = 64 << 10;

/// The checked settings of a deployment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The preset connection.
    pub connection: Option<Connection>,
    /// The hosts the page may call.
    pub hosts: HostPolicy,
    /// Text the page shows unchanged.
    pub notice: Option<String>,
    /// Reserved: the page does not use it yet.
    pub vault: Option<Vault>,
}

/// The members of a `config.json`. All are optional; unknown members are refused.
///
/// Tools that write the file serialize this type, so that the page can read it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The name of the preset connection; "Preset" by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The color that marks the preset connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<ConnectionColor>,
    /// Whether the preset connection is marked as production.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<bool>,
    /// The model endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelEndpoint>,
    /// The task server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_server: Option<TaskServer>,
    /// The task schema, a JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_schema: Option<Value>,
    /// The members of a task that are its key, its title and its dependencies; guessed by default.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// The only hosts the page may call, each as `host` (any port) or `host:port`; every host by
    /// default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_hosts: Option<Vec<String>>,
    /// Text the page shows unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Reserved: the page does not use it yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<Vault>,
}

/// A HashiCorp Vault with the deployment's secrets. This section itself contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// The base URL of the Vault.
    pub address: Address,
    /// The path of the secrets in the Vault.
    pub secrets_path: String,
}

/// Why a `config.json` is ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is too long, not JSON, or not a [`ConfigFile`].
    #[error("config.json cannot be used: {reason}")]
    Malformed {
        /// What is wrong, and where. Never repeats a value of the file.
        reason: String,
    },
    /// It contains what looks like a secret. The message never repeats the value.
    #[error("config.json contains a secret at {pointer}: everyone who opens this page can read it")]
    Secret {
        /// Where, as a JSON Pointer.
        pointer: String,
    },
    /// One of its settings is invalid.
    #[error("config.json: {0}")]
    Setting(#[from] SettingsError),
    /// It could not be fetched.
    #[error("config.json could not be read: {reason}")]
    Unreadable {
        /// The HTTP status or the browser's error.
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
                "Correct the file next to index.html. Until then only a dry run works."
            }
            ConfigError::Secret { .. } => {
                "Remove the secret from the file and replace it, because it has been public. The page asks for keys and tokens when it needs them."
            }
            ConfigError::Setting(error) => error.hint(),
            ConfigError::Unreadable { .. } => "Reload the page. Until then only a dry run works.",
        }
    }
}

impl Config {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`]; then the entire file has no effect.
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
        let file: ConfigFile = serde_json::from_value(value.clone())
            .map_err(|error| malformed(what_is_wrong(&value, &error)))?;
        let hosts = file.allowed_hosts.map(HostPolicy::only).unwrap_or_default();
        if let Some(model) = &file.model {
            model.check()?;
            hosts.check(&model.base_url)?;
        }
        if let Some(server) = &file.task_server {
            server.check()?;
            hosts.check(&server.url)?;
        }
        if let Some(vault) = &file.vault {
            hosts.check(&vault.address)?;
        }
        let presets_connection =
            file.model.is_some() || file.task_server.is_some() || file.task_schema.is_some();
        let connection = presets_connection.then(|| Connection {
            color: file.color.unwrap_or_default(),
            is_production: file.production.unwrap_or_default(),
            model: file.model,
            task_server: file.task_server,
            task_schema: file.task_schema.map(|schema| schema.to_string()),
            roles: file.roles,
            ..Connection::named(file.connection.unwrap_or_else(|| "Preset".to_owned()))
        });
        Ok(Config {
            connection,
            hosts,
            notice: file.notice,
            vault: file.vault,
        })
    }
}

/// Finds a value that looks like a secret, by its member's name or its form. Returns its JSON
/// Pointer.
fn find_secret(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let here = crate::document::push_token(pointer, name);
            // A schema describes members and contains no values.
            if pointer.is_empty() && name == "task_schema" {
                return None;
            }
            // A number of tokens is no secret.
            let is_parameter = pointer.starts_with("/model/extra_body");
            if is_parameter && (value.is_number() || value.is_boolean()) {
                return None;
            }
            // The name of a task's key, not a key.
            let is_role = pointer == "/roles";
            if is_secret_name(name) && !value.is_null() && !is_role {
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

/// Why a value is no [`ConfigFile`]: the place of the first member that is wrong, and what is wrong with
/// it. Never repeats a value, which may be a secret.
fn what_is_wrong(file: &Value, error: &serde_json::Error) -> String {
    let Some(members) = file.as_object() else {
        return "it is not an object".to_owned();
    };
    let culprit = members.iter().find_map(|(name, value)| {
        let alone = single(name, value.clone());
        let error = serde_json::from_value::<ConfigFile>(alone).err()?;
        Some((name, value, error))
    });
    let Some((name, value, error)) = culprit else {
        return expectation(error);
    };
    // Without the member that is wrong, the error is another one, or there is none.
    let without = |inner: &str| {
        let mut rest = value.clone();
        rest.as_object_mut()?.shift_remove(inner);
        let error = serde_json::from_value::<ConfigFile>(single(name, rest)).err();
        Some(error.map(|error| error.to_string()))
    };
    let place = crate::document::push_token("", name);
    let given = Some(error.to_string());
    let is_wrong = |inner: &&String| without(inner).is_some_and(|other| other != given);
    let inner = value
        .as_object()
        .and_then(|members| members.keys().find(is_wrong))
        // A member that is missing is not one of those that are there.
        .filter(|_| !error.to_string().starts_with(MISSING));
    let place = match inner {
        Some(inner) => crate::document::push_token(&place, inner),
        None => place,
    };
    format!("{place}: {}", expectation(&error))
}

/// An object with one member.
fn single(name: &str, value: Value) -> Value {
    Value::Object([(name.to_owned(), value)].into_iter().collect())
}

/// How serde's message about a missing member starts. It contains no value.
const MISSING: &str = "missing field `";

/// What was expected, in serde's words, without what was found.
fn expectation(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.starts_with(MISSING) {
        return message;
    }
    if message.starts_with("unknown field") {
        return "unknown member".to_owned();
    }
    // In serde's own messages, what was expected comes last. Other messages may quote the value.
    let is_own = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ]
    .iter()
    .any(|start| message.starts_with(start));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if is_own => format!("expected {expected}"),
        _ => "not a valid value".to_owned(),
    }
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
    fn a_serialized_file_is_read_back_unchanged() {
        let text = r#"{"connection":"Team",
            "model":{"base_url":"https://api.example.com/v1","model":"m","api":"responses",
                "max_output_tokens":4000,"needs_key":true,
                "extra_body":{"temperature":0.2,"max_tokens":50},"extra_query":{"api-version":"2026-01-01"},
                "extra_headers":{"X-Title":"Plans"},"key_header":"api-key",
                "limits":{"tasks_per_request":10,"first_token_timeout_seconds":30,"idle_timeout_seconds":90,"request_timeout_seconds":900,
                    "token_limit":200000,"cost_limit":12.5},
                "prices":{"input":1.25,"cached_input":0.000001,"output":10.5}},
            "task_server":{"url":"https://tasks.example.com","path":"/v2/tasks",
                "token_header":"X-Token","honours_idempotency_keys":true,"idempotency_key_retention_hours":48,
                "concurrency":2,"body_template":"{\"payload\": $task}","id_pointer":"/data/id"},
            "task_schema":{"type":"object","properties":{"token":{"type":"string"}}},
            "roles":{"key":"token","title":null,"depends_on":null},
            "allowed_hosts":["api.example.com","tasks.example.com","vault.example.com:8200"],
            "notice":"Hello",
            "vault":{"address":"https://vault.example.com:8200","secrets_path":"secret/agent"}}"#;
        let file: ConfigFile = serde_json::from_str(text).unwrap();
        let serialized = serde_json::to_string(&file).unwrap();
        let members = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        // No member was lost.
        assert_eq!(members(&serialized), members(text));
        let config = Config::parse(&serialized).unwrap();
        assert_eq!(config, Config::parse(text).unwrap());
        assert_eq!(config.vault, file.vault);
        let connection = config.connection.unwrap();
        assert_eq!(connection.model, file.model);
        assert_eq!(connection.task_server, file.task_server);

        let empty = serde_json::to_string(&ConfigFile::default()).unwrap();
        assert_eq!(empty, "{}");
        // Members with default values are accepted, too.
        let address = Address::parse("http://localhost:8080").unwrap();
        let plain = ConfigFile {
            model: Some(ModelEndpoint::at(address.clone(), "m")),
            task_server: Some(TaskServer::at(address)),
            ..ConfigFile::default()
        };
        let read = Config::parse(&serde_json::to_string(&plain).unwrap()).unwrap();
        let connection = read.connection.unwrap();
        assert_eq!(connection.model, plain.model);
        assert_eq!(connection.task_server, plain.task_server);
    }

    #[test]
    fn errors_name_what_is_wrong_with_the_file() {
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
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","extra_body":{"stream":false}}}"#,
                "parameter_reserved",
            ),
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","extra_headers":{"Cookie":"a"}}}"#,
                "config_holds_secret",
            ),
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","key_header":"Sec-Key"}}"#,
                "key_header_invalid",
            ),
            (
                r#"{"vault":{"address":"https://a.example","secrets_path":"p"},"allowed_hosts":["b.example"]}"#,
                "host_not_allowed",
            ),
            (
                r#"{"vault":{"address":"https://a.example"}}"#,
                "config_malformed",
            ),
            (
                r#"{"vault":{"address":"https://a.example","secrets_path":"p","role":"r"}}"#,
                "config_malformed",
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
            (
                r#"{"vault":{"address":"https://a.example","secrets_path":"p","token":"hunter2"}}"#,
                "/vault/token",
            ),
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

    #[test]
    fn an_error_names_the_place_and_never_repeats_a_value() {
        for (text, place) in [
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","needs_key":"hunter2"}}"#,
                "/model/needs_key: expected a boolean",
            ),
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","api":"hunter2"}}"#,
                "/model/api: expected",
            ),
            (
                r#"{"model":{"base_url":"https://a.example","model":"m","api":"x, expected hunter2"}}"#,
                "/model/api: expected",
            ),
            (
                r#"{"model":{"base_url":"hunter2","model":"m"}}"#,
                "/model/base_url: not a valid value",
            ),
            (
                r#"{"task_server":{"url":"https://a.example:hunter2"}}"#,
                "/task_server/url: not a valid value",
            ),
            (
                r#"{"task_server":{"url":"https://a.example","concurrency":"hunter2"}}"#,
                "/task_server/concurrency: expected u8",
            ),
            (
                r#"{"task_server":{"url":"https://a.example","body_template":"hunter2"}}"#,
                "/task_server/body_template",
            ),
            (r#"{"task_server":"hunter2"}"#, "/task_server: expected"),
            (
                r#"{"allowed_hosts":"hunter2"}"#,
                "/allowed_hosts: expected a sequence",
            ),
            (r#"{"notice":["hunter2"]}"#, "/notice: expected a string"),
            (
                r#"{"task_server":{"path":"/hunter2"}}"#,
                "/task_server: missing field `url`",
            ),
            (
                r#"{"task_server":{"url":"https://a.example","colour":"hunter2"}}"#,
                "/task_server/colour: unknown member",
            ),
            (r#"{"tsk_server":"hunter2"}"#, "/tsk_server: unknown member"),
            (r#""hunter2""#, "it is not an object"),
            (r#"{"notice":hunter2}"#, "line 1"),
            (
                r#"{"task_server":{"url":"https://a.example","path":"/tasks?code=hunter2"}}"#,
                "“/tasks…”",
            ),
            (
                r#"{"task_server":{"url":"https://a.example","token_header":"X-Agent: hunter2"}}"#,
                "“X-Agent…”",
            ),
        ] {
            let error = Config::parse(text).expect_err(text);
            let message = format!("{error} {error:?}");
            assert!(message.contains(place), "{message} does not name {place}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
