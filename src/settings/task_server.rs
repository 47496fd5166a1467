//! A task server, and the requests that it wants.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::header::{header_problem, name_only, plain_header_problem};
use super::parameters::MAX_PARAMETERS;
use super::query::{check_query, with_query};
use super::{Address, BodyTemplate, SettingsError, before, template};
use crate::digest::sha256_hex;

/// A task server. Contains no agent token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskServer {
    /// The server's address, such as `http://localhost:8080`.
    pub url: Address,
    /// The path to post tasks to, appended to the address.
    #[serde(default = "default_path")]
    pub path: String,
    /// The name of the header that carries the agent token.
    #[serde(default = "default_token_header")]
    pub token_header: String,
    /// The word before the token in its header, such as `Bearer`. If `None`, the header's value is the
    /// token alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_scheme: Option<String>,
    /// Headers to add to each request. They hold no secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_headers: BTreeMap<String, String>,
    /// The names of further headers whose values are secrets. The operator enters the values.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secret_headers: BTreeSet<String>,
    /// Parameters to add to the URL of each request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_query: BTreeMap<String, String>,
    /// Whether the server is *known* to honour `Idempotency-Key`: its OpenAPI document declares the
    /// header, or the operator says so. Only then is the header sent, and only then is a task that
    /// may have arrived sent again.
    #[serde(default)]
    pub honours_idempotency_keys: bool,
    /// How long the server is guaranteed to remember an idempotency key, in hours after the post: 1
    /// to [`MAX_IDEMPOTENCY_KEY_RETENTION_HOURS`]. A task that may have arrived is sent again within
    /// this time only.
    #[serde(default = "default_idempotency_key_retention_hours")]
    pub idempotency_key_retention_hours: u32,
    /// Maximum number of concurrent posts, 1 to [`MAX_CONCURRENCY`].
    #[serde(default = "default_concurrency")]
    pub concurrency: u8,
    /// The JSON wrapped around each task in a request. If `None`, the task is the request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_template: Option<BodyTemplate>,
    /// Where the server's identifier of a task is in its response, as a JSON Pointer (RFC 6901) such
    /// as `/data/id`. If `None`, it is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_pointer: Option<String>,
}

/// Default path to post tasks to.
pub const DEFAULT_PATH: &str = "/tasks";
/// Default name of the header that carries the agent token.
pub const DEFAULT_TOKEN_HEADER: &str = "X-AGENT-TOKEN";
/// Default agent token of a server on loopback.
pub const DEFAULT_LOOPBACK_TOKEN: &str = "changeme";

/// Default idempotency key retention assumed for servers that honour idempotency keys: the shortest
/// time that such services commonly document.
pub const DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS: u32 = 24;
/// Maximum idempotency key retention in hours: one year.
pub const MAX_IDEMPOTENCY_KEY_RETENTION_HOURS: u32 = 24 * 365;
/// Default number of concurrent posts.
pub const DEFAULT_CONCURRENCY: u8 = 4;
/// Maximum number of concurrent posts.
pub const MAX_CONCURRENCY: u8 = 16;

fn default_idempotency_key_retention_hours() -> u32 {
    DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS
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
    /// A server with default settings.
    #[must_use]
    pub fn at(url: Address) -> TaskServer {
        TaskServer {
            url,
            path: default_path(),
            token_header: default_token_header(),
            token_scheme: None,
            extra_headers: BTreeMap::new(),
            secret_headers: BTreeSet::new(),
            extra_query: BTreeMap::new(),
            honours_idempotency_keys: false,
            idempotency_key_retention_hours: default_idempotency_key_retention_hours(),
            concurrency: default_concurrency(),
            body_template: None,
            id_pointer: None,
        }
    }

    /// Returns the default token of taskwright-server, if this may be one: page and server run on this
    /// machine, and the token is sent in the default header without a scheme.
    #[must_use]
    pub fn local_default_token(&self, page_origin: &str) -> Option<&'static str> {
        let page = Address::parse(page_origin).ok()?;
        let is_local = page.is_loopback() && self.url.is_loopback();
        let is_default = self.token_header == DEFAULT_TOKEN_HEADER && self.token_scheme.is_none();
        (is_local && is_default).then_some(DEFAULT_LOOPBACK_TOKEN)
    }

    /// The idempotency key retention in milliseconds.
    #[must_use]
    pub fn idempotency_key_retention_ms(&self) -> u64 {
        u64::from(self.idempotency_key_retention_hours) * 3_600_000
    }

    /// The exact URL to post tasks to, with the extra query.
    #[must_use]
    pub fn tasks_url(&self) -> String {
        with_query(self.url.join(&self.path), &self.extra_query)
    }

    /// Identifies where tasks go and in which form: the SHA-256, in hexadecimal, of URL, headers and
    /// body template. If it differs, it is another server, and what was approved and confirmed for this
    /// one does not count there: on one origin, two paths or two headers may belong to two tenants.
    #[must_use]
    pub fn destination(&self) -> String {
        let lower = |name: &String| name.to_ascii_lowercase();
        let mut lines = vec![
            self.tasks_url(),
            lower(&self.token_header),
            self.body_form(),
        ];
        lines.extend(self.token_scheme.iter().map(|it| format!("scheme {it}")));
        let headers = self.extra_headers.iter();
        lines.extend(headers.map(|(name, value)| format!("header {}: {value}", lower(name))));
        let secrets = self.secret_headers.iter();
        lines.extend(secrets.map(|name| format!("secret {}", lower(name))));
        sha256_hex(lines.join("\n").as_bytes())
    }

    /// The body with the placeholder in place of the task.
    #[must_use]
    pub fn body_form(&self) -> String {
        let template = self.body_template.as_ref();
        template.map_or_else(
            || template::PLACEHOLDER.to_owned(),
            |template| template.text().to_owned(),
        )
    }

    /// Validates everything except the address, which is valid by construction.
    ///
    /// # Errors
    /// [`SettingsError`] if the path or the query is invalid, a header cannot be sent, is controlled by
    /// the browser or has a value that looks like a secret, or a number is out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let path_is_plain = self.path.starts_with('/')
            && self
                .path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'));
        let is_url_valid = Address::parse(&self.url.join(&self.path)).is_ok();
        if !path_is_plain || !is_url_valid || self.path.len() > 512 {
            // A query may hold a token.
            return Err(SettingsError::Path {
                path: before(&self.path, &['?', '#']),
            });
        }
        self.check_headers()?;
        check_query(&self.extra_query)?;
        if !(1..=MAX_CONCURRENCY).contains(&self.concurrency) {
            return Err(SettingsError::Concurrency {
                given: self.concurrency,
            });
        }
        if !(1..=MAX_IDEMPOTENCY_KEY_RETENTION_HOURS)
            .contains(&self.idempotency_key_retention_hours)
        {
            return Err(SettingsError::IdempotencyKeyRetention {
                given: self.idempotency_key_retention_hours,
            });
        }
        let is_pointer = |text: &String| {
            text.starts_with('/') && text.len() <= 512 && !text.chars().any(char::is_control)
        };
        if !self.id_pointer.iter().all(is_pointer) {
            return Err(SettingsError::IdPointer);
        }
        Ok(())
    }

    fn check_headers(&self) -> Result<(), SettingsError> {
        let token_header = &self.token_header;
        if let Some(problem) = header_problem(token_header) {
            return Err(SettingsError::TokenHeader {
                name: name_only(token_header),
                reason: problem.reason,
            });
        }
        let is_scheme = |scheme: &String| {
            (1..=32).contains(&scheme.len())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !self.token_scheme.iter().all(is_scheme) {
            return Err(SettingsError::TokenScheme);
        }
        let counts = [
            self.extra_headers.len(),
            self.secret_headers.len(),
            self.extra_query.len(),
        ];
        if counts.iter().any(|count| *count > MAX_PARAMETERS) {
            return Err(SettingsError::TooManyParameters);
        }
        let plain = self
            .extra_headers
            .iter()
            .map(|(name, value)| (name, plain_header_problem(name, value)));
        let secret = self
            .secret_headers
            .iter()
            .map(|name| (name, header_problem(name)));
        let mut seen = BTreeSet::from([token_header.to_ascii_lowercase()]);
        for (name, problem) in plain.chain(secret) {
            let reason = match problem {
                Some(problem) => problem.reason,
                None if !seen.insert(name.to_ascii_lowercase()) => "it would be sent twice",
                None => continue,
            };
            return Err(SettingsError::ServerHeader {
                name: name_only(name),
                reason,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server(members: serde_json::Value) -> TaskServer {
        let mut all = json!({"url": "https://tasks.example/api"});
        for (name, value) in members.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_default_token_is_offered_for_a_local_server_with_the_default_header_only() {
        let server = |url| TaskServer::at(Address::parse(url).unwrap());
        let local = server("http://localhost:8080");
        let offered = |server: &TaskServer| server.local_default_token("http://127.0.0.1:8080");
        assert_eq!(offered(&local), Some("changeme"));
        assert_eq!(offered(&server("https://tasks.example.com")), None);
        assert_eq!(local.local_default_token("https://tasks.example.com"), None);
        let other_header = TaskServer {
            token_header: "X-API-KEY".to_owned(),
            ..local.clone()
        };
        assert_eq!(offered(&other_header), None);
        let bearer = TaskServer {
            token_scheme: Some("Bearer".to_owned()),
            ..local
        };
        assert_eq!(offered(&bearer), None);
    }

    #[test]
    fn the_url_has_the_query_of_the_connection() {
        let server = server(json!({"path": "/queue", "extra_query": {"to": "blue & red"}}));
        assert_eq!(server.check(), Ok(()));
        assert_eq!(
            server.tasks_url(),
            "https://tasks.example/api/queue?to=blue%20%26%20red"
        );
    }

    #[test]
    fn headers_are_those_that_a_page_can_send_once_and_hold_no_secret() {
        for members in [
            json!({"token_header": "Authorization", "token_scheme": "Bearer"}),
            json!({"extra_headers": {"X-Tenant": "north", "X-Team": "a b"}}),
            json!({"secret_headers": ["X-Api-Key", "X-Signature"]}),
        ] {
            assert_eq!(server(members.clone()).check(), Ok(()), "{members}");
        }
        for (members, code, reason) in [
            (
                json!({"token_scheme": ""}),
                "token_scheme_invalid",
                "one word",
            ),
            (
                json!({"token_scheme": "Bearer abc"}),
                "token_scheme_invalid",
                "one word",
            ),
            (
                json!({"token_header": "X-Agent", "extra_headers": {"x-agent": "a"}}),
                "server_header_invalid",
                "twice",
            ),
            (
                json!({"extra_headers": {"X-A": "a"}, "secret_headers": ["x-a"]}),
                "server_header_invalid",
                "twice",
            ),
            (
                json!({"extra_headers": {"X-Api-Key": "a"}}),
                "server_header_invalid",
                "secret",
            ),
            (
                json!({"extra_headers": {"X-Plain": "a\nb"}}),
                "server_header_invalid",
                "characters",
            ),
            (
                json!({"secret_headers": ["Cookie"]}),
                "server_header_invalid",
                "browsers",
            ),
            (
                json!({"extra_query": {"api_key": "a"}}),
                "query_invalid",
                "secret",
            ),
        ] {
            let error = server(members.clone()).check().unwrap_err();
            assert_eq!(error.code(), code, "{members}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn every_change_of_what_is_sent_is_another_destination() {
        let base = server(json!({}));
        let same = server(json!({"token_header": "x-agent-token", "concurrency": 1}));
        assert_eq!(base.destination(), same.destination());
        let mut seen = BTreeSet::from([base.destination()]);
        for members in [
            json!({"path": "/other"}),
            json!({"extra_query": {"a": "1"}}),
            json!({"extra_query": {"a": "2"}}),
            json!({"token_header": "X-Other"}),
            json!({"token_scheme": "Bearer"}),
            json!({"extra_headers": {"X-A": "1"}}),
            json!({"extra_headers": {"X-A": "2"}}),
            json!({"secret_headers": ["X-A"]}),
            json!({"body_template": "{\"task\": $task}"}),
        ] {
            assert!(
                seen.insert(server(members.clone()).destination()),
                "{members}"
            );
        }
    }
}
