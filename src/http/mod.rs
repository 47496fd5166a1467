//! HTTP requests as data, and the one place where a secret is inserted into a request.
//!
//! A request is built without secrets: a header may name a [`SecretSlot`] instead. It can safely be
//! displayed, logged and compared in tests. [`HttpRequest::prepare`] looks the secrets up, and
//! [`PreparedRequest::headers`] reveals them, for the origin of the request's own URL only. A body that
//! contains a secret is not sent at all.

mod curl;

use std::borrow::Cow;
use std::sync::Arc;

use zeroize::Zeroizing;

pub use curl::as_curl;

use crate::secrets::{Keyring, Redactor, Secret, SecretError, SecretSlot};
use crate::settings::{Address, AddressError};

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

impl Method {
    /// Returns the method's name in HTTP.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// What happens on a redirect. Redirects are never followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectPolicy {
    /// The request fails as if there were no response.
    Fail,
    /// The caller is told that the server redirects.
    Report,
}

/// The value of a header, or the secret that takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// The value itself.
    Plain(Cow<'static, str>),
    /// A secret behind a fixed prefix.
    Secret {
        /// Text before the secret, such as `Bearer `; may be empty.
        prefix: Cow<'static, str>,
        /// The slot of the secret.
        slot: SecretSlot,
    },
}

impl HeaderValue {
    /// Returns the value with a placeholder for a secret: `Bearer $OPENAI_API_KEY`.
    #[must_use]
    pub fn with_placeholder(&self) -> String {
        match self {
            HeaderValue::Plain(value) => value.to_string(),
            HeaderValue::Secret { prefix, slot } => format!("{prefix}${}", slot.variable()),
        }
    }
}

/// A secret that is the only member of a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodySecret {
    /// The name of the member.
    pub member: &'static str,
    /// The slot of the secret.
    pub slot: SecretSlot,
}

/// A request without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The URL, query included.
    pub url: String,
    /// Names and values of the headers, in order.
    pub headers: Vec<(Cow<'static, str>, HeaderValue)>,
    /// The exact body; `None` for a `GET`.
    pub body: Option<Arc<str>>,
    /// The secret that the body consists of; `body` is `None` then.
    pub body_secret: Option<BodySecret>,
    /// What happens on a redirect.
    pub redirects: RedirectPolicy,
    /// Maximum number of bytes of the response body to read; the rest is discarded. `None` for a
    /// stream, whose reader has its own limits.
    pub max_response_bytes: Option<usize>,
}

impl HttpRequest {
    /// Creates a `GET` request that reads at most `max_response_bytes` of the response.
    #[must_use]
    pub fn get(url: impl Into<String>, max_response_bytes: usize) -> HttpRequest {
        HttpRequest {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: None,
            body_secret: None,
            redirects: RedirectPolicy::Fail,
            max_response_bytes: Some(max_response_bytes),
        }
    }

    /// Creates a `POST` request whose JSON body is one secret, such as a password.
    #[must_use]
    pub fn post_secret(url: impl Into<String>, secret: BodySecret) -> HttpRequest {
        HttpRequest {
            body: None,
            body_secret: Some(secret),
            ..HttpRequest::post_json(url, "")
        }
    }

    /// Creates a `POST` request with a JSON body.
    #[must_use]
    pub fn post_json(url: impl Into<String>, body: impl Into<Arc<str>>) -> HttpRequest {
        HttpRequest {
            method: Method::Post,
            url: url.into(),
            headers: vec![(
                "Content-Type".into(),
                HeaderValue::Plain("application/json".into()),
            )],
            body: Some(body.into()),
            body_secret: None,
            redirects: RedirectPolicy::Fail,
            max_response_bytes: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: HeaderValue) -> HttpRequest {
        self.headers.push((name.into(), value));
        self
    }

    /// The headers as lines, with placeholders for secrets.
    #[must_use]
    pub fn header_lines(&self) -> String {
        let lines = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.with_placeholder()));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The slots of the secrets that the headers name, in order.
    #[must_use]
    pub fn secret_slots(&self) -> Vec<SecretSlot> {
        let slots = self.headers.iter().filter_map(|(_, value)| match value {
            HeaderValue::Secret { slot, .. } => Some(slot.clone()),
            HeaderValue::Plain(_) => None,
        });
        slots.collect()
    }

    /// Looks up the secrets that the headers name.
    ///
    /// # Errors
    /// [`PrepareError`] if a secret is not held for the origin of the URL, or if the body contains one
    /// of the held secrets.
    pub fn prepare(self, secrets: &Keyring) -> Result<PreparedRequest, PrepareError> {
        self.prepare_body(secrets, false)
    }

    /// As [`HttpRequest::prepare`], for a prompt. The body may contain a held secret if the operator
    /// agreed.
    ///
    /// # Errors
    /// As [`HttpRequest::prepare`].
    pub fn prepare_prompt(self, secrets: &Keyring) -> Result<PreparedRequest, PrepareError> {
        self.prepare_body(secrets, secrets.allows_in_prompts())
    }

    fn prepare_body(
        self,
        secrets: &Keyring,
        may_repeat_secrets: bool,
    ) -> Result<PreparedRequest, PrepareError> {
        let mut found = Vec::new();
        for (_, value) in &self.headers {
            if let HeaderValue::Secret { slot, .. } = value {
                let address = address_of(&self.url)?;
                let secret = secrets
                    .get(slot, &address)
                    .ok_or_else(|| PrepareError::Missing { slot: slot.clone() })?;
                found.push(secret.copy_for(&address)?);
            }
        }
        let body_secret = match &self.body_secret {
            None => None,
            Some(BodySecret { slot, .. }) => {
                let address = address_of(&self.url)?;
                let secret = secrets
                    .get(slot, &address)
                    .ok_or_else(|| PrepareError::Missing { slot: slot.clone() })?;
                Some(secret.copy_for(&address)?)
            }
        };
        let redactor = secrets.redactor();
        if !may_repeat_secrets
            && let Some(body) = &self.body
            && let Some(slot) = redactor.find_in_request(body)
        {
            return Err(PrepareError::InBody { slot: slot.clone() });
        }
        Ok(PreparedRequest {
            request: self,
            secrets: found,
            body_secret,
            redactor,
        })
    }
}

/// Parses the URL of a request, so that a secret is inserted only for the origin that the request is
/// really sent to. Path and query are irrelevant for that.
fn address_of(url: &str) -> Result<Address, AddressError> {
    let before = url.split_once('?').map_or(url, |(before, _)| before);
    let path = before
        .split_once("://")
        .and_then(|(scheme, rest)| Some(scheme.len() + 3 + rest.find('/')?));
    let origin = path.and_then(|path| before.get(..path));
    Address::parse(origin.unwrap_or(before))
}

/// A request with its secrets, ready to be sent. `Debug` shows no secret.
#[derive(Debug)]
pub struct PreparedRequest {
    request: HttpRequest,
    /// The secrets of the headers that name one, in the order of the headers.
    secrets: Vec<Secret>,
    /// The secret of the body.
    body_secret: Option<Secret>,
    /// For all secrets that were held when the request was prepared.
    redactor: Arc<Redactor>,
}

impl PreparedRequest {
    /// Returns the request without its secrets.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Returns names and values of the headers, with the secrets inserted. The values are erased when
    /// dropped.
    ///
    /// # Errors
    /// [`PrepareError`] if a secret belongs to another origin than the URL's.
    pub fn headers(&self) -> Result<Vec<(&str, Zeroizing<String>)>, PrepareError> {
        let mut secrets = self.secrets.iter();
        self.request
            .headers
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    HeaderValue::Plain(value) => value.to_string(),
                    HeaderValue::Secret { prefix, slot } => {
                        let secret = secrets
                            .next()
                            .ok_or_else(|| PrepareError::Missing { slot: slot.clone() })?;
                        let revealed = secret.reveal_to(&address_of(&self.request.url)?)?;
                        [prefix, revealed].concat()
                    }
                };
                Ok((name.as_ref(), Zeroizing::new(value)))
            })
            .collect()
    }

    /// Returns the body, with the secret inserted. It is erased when dropped.
    ///
    /// # Errors
    /// [`PrepareError`] if the secret belongs to another origin than the URL's.
    pub fn body(&self) -> Result<Option<Zeroizing<String>>, PrepareError> {
        let Some(BodySecret { member, slot }) = &self.request.body_secret else {
            let body = self.request.body.as_deref();
            return Ok(body.map(|body| Zeroizing::new(body.to_owned())));
        };
        let secret = self
            .body_secret
            .as_ref()
            .ok_or_else(|| PrepareError::Missing { slot: slot.clone() })?;
        let revealed = secret.reveal_to(&address_of(&self.request.url)?)?;
        // Writing a text as JSON cannot fail.
        let text = Zeroizing::new(serde_json::to_string(revealed).unwrap_or_default());
        let name = serde_json::Value::from(*member);
        Ok(Some(Zeroizing::new(format!("{{{name}:{}}}", *text))))
    }

    /// Returns what removes the secrets of this request, and all others that were held when it was
    /// prepared, from its response: a server may repeat them.
    #[must_use]
    pub fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }
}

/// Why a request cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// No secret is held for this slot and origin.
    #[error("no {} is held for this server", slot.label())]
    Missing {
        /// The slot.
        slot: SecretSlot,
    },
    /// The body contains a secret.
    #[error("the request would repeat the {} in its body", slot.label())]
    InBody {
        /// The slot.
        slot: SecretSlot,
    },
    /// A secret cannot be inserted.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A secret must not be sent to this URL.
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl PrepareError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            PrepareError::Missing { .. } => "secret_missing",
            PrepareError::InBody { .. } => "secret_in_body",
            PrepareError::Secret(error) => error.code(),
            PrepareError::Address(error) => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            PrepareError::Missing { .. } => "Enter the secret, then try again.",
            PrepareError::InBody { .. } => "Remove the secret from the brief and from the tasks.",
            PrepareError::Secret(error) => error.hint(),
            PrepareError::Address(error) => error.hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(origin: &str) -> Keyring {
        let mut keyring = Keyring::default();
        let address = Address::parse(origin).unwrap();
        keyring.give(SecretSlot::API_KEY, &address, "sk-1").unwrap();
        keyring
    }

    fn request(url: &str) -> HttpRequest {
        HttpRequest::get(url, 10).header(
            "Authorization",
            HeaderValue::Secret {
                prefix: "Bearer ".into(),
                slot: SecretSlot::API_KEY,
            },
        )
    }

    #[test]
    fn a_secret_is_inserted_for_the_origin_of_the_url_only() {
        let keyring = keyring("https://api.example.com/v1");
        for url in [
            "https://api.example.com/v1/models",
            "https://api.example.com/v2?limit=1&next=https://evil.example",
        ] {
            let prepared = request(url).prepare(&keyring).unwrap();
            let headers = prepared.headers().unwrap();
            let [(name, value)] = headers.as_slice() else {
                panic!("{} headers", headers.len())
            };
            assert_eq!((*name, value.as_str()), ("Authorization", "Bearer sk-1"));
        }
        for url in [
            "https://evil.example/v1",
            "https://api.example.com:8443/v1",
            "http://localhost/v1",
        ] {
            let missing = PrepareError::Missing {
                slot: SecretSlot::API_KEY,
            };
            assert_eq!(
                request(url).prepare(&keyring).unwrap_err(),
                missing,
                "{url}"
            );
        }
        for url in [
            "models",
            "ftp://api.example.com",
            "https://a@api.example.com/",
        ] {
            let error = request(url).prepare(&keyring).unwrap_err();
            assert!(
                matches!(error, PrepareError::Address(_)),
                "{url}: {error:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_inserted_in_the_body_for_its_own_origin_only() {
        let mut keyring = Keyring::default();
        let vault = Address::parse("https://vault.example.com").unwrap();
        let password = Secret::for_body("p\"ä", &vault).unwrap();
        keyring.add(vec![(SecretSlot::VAULT_PASSWORD, password)]);
        let request = |url: &str| {
            let secret = BodySecret {
                member: "password",
                slot: SecretSlot::VAULT_PASSWORD,
            };
            HttpRequest::post_secret(url, secret).prepare(&keyring)
        };
        // A user name may be an e-mail address.
        let prepared = request("https://vault.example.com/v1/login/a%40b").unwrap();
        let body = prepared.body().unwrap().unwrap();
        assert_eq!(*body, "{\"password\":\"p\\\"ä\"}");
        assert!(!format!("{prepared:?}").contains("p\\\"ä"));
        let missing = PrepareError::Missing {
            slot: SecretSlot::VAULT_PASSWORD,
        };
        for url in [
            "https://evil.example/v1/login/a",
            "https://evil.example/https://vault.example.com/",
        ] {
            assert_eq!(request(url).unwrap_err(), missing, "{url}");
        }
        for url in [
            "https://a@vault.example.com/",
            "https://vault.example.com%2f/",
            "https://vault.example.com\\evil/",
        ] {
            let error = request(url).unwrap_err();
            assert!(
                matches!(error, PrepareError::Address(_)),
                "{url}: {error:?}"
            );
        }
    }

    #[test]
    fn a_request_without_secrets_needs_none_and_may_have_a_relative_url() {
        let prepared = HttpRequest::get("config.json", 10).prepare(&Keyring::default());
        assert!(prepared.unwrap().headers().unwrap().is_empty());
    }

    #[test]
    fn debug_and_placeholder_show_no_secret_and_an_echoed_one_is_redacted() {
        let prepared = request("https://api.example.com/v1")
            .prepare(&keyring("https://api.example.com"))
            .unwrap();
        assert!(!format!("{prepared:?}").contains("sk-1"));
        assert_eq!(
            prepared.redactor().redact("sk-1 is not valid"),
            "[secret] is not valid"
        );
        let (_, value) = &prepared.request().headers[0];
        assert_eq!(value.with_placeholder(), "Bearer $OPENAI_API_KEY");
    }

    #[test]
    fn a_body_that_contains_a_held_secret_is_not_sent() {
        let mut keyring = Keyring::default();
        let elsewhere = Address::parse("https://tasks.example.com").unwrap();
        keyring
            .give(SecretSlot::AGENT_TOKEN, &elsewhere, "hunter2-hunter2")
            .unwrap();
        for body in [
            r#"{"content":"post it with hunter2-hunter2"}"#,
            r#"{"content":"post it with hunter2\u002dhunter2"}"#,
        ] {
            let request = HttpRequest::post_json("https://api.example.com/v1", body);
            let expected = PrepareError::InBody {
                slot: SecretSlot::AGENT_TOKEN,
            };
            assert_eq!(request.prepare(&keyring).unwrap_err(), expected, "{body}");
        }
        let request = HttpRequest::post_json("https://api.example.com/v1", "{}");
        assert!(request.prepare(&keyring).is_ok());
    }

    #[test]
    fn a_prompt_may_contain_a_held_secret_after_consent_until_another_secret_is_held() {
        let mut keyring = Keyring::default();
        let server = Address::parse("https://tasks.example.com").unwrap();
        let word = SecretSlot::AGENT_TOKEN;
        keyring.give(word, &server, "changeme").unwrap();
        let prompt = || HttpRequest::post_json("https://api.example.com/v1", r#"["changeme"]"#);
        assert!(prompt().prepare_prompt(&keyring).is_err());
        keyring.allow_in_prompts(true);
        assert!(prompt().prepare_prompt(&keyring).is_ok());
        assert!(prompt().prepare(&keyring).is_err(), "a task is no prompt");
        let other = SecretSlot::header("X-A");
        keyring.give(other, &server, "hunter2-hunter2").unwrap();
        assert!(prompt().prepare_prompt(&keyring).is_err());
    }
}
