//! The requests to Vault (HTTP API version 1, which OpenBao shares).

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use serde_json::{Value, json};

use super::vault_error::VaultError;
use super::vault_settings::{KvVersion, encoded};
use crate::outbound::OutboundClient;
use crate::secret_text::SecretText;

/// Longest time for a response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response, in bytes.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Some servers require it, against requests that a page was made to send.
const VAULT_REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A client of one Vault.
#[derive(Clone)]
pub struct VaultClient {
    http: OutboundClient,
    address: String,
    namespace: Option<String>,
}

/// A token of Vault, as long as it lives.
#[derive(Debug, Clone)]
pub struct VaultLease {
    /// The token.
    pub token: SecretText,
    /// How long it lives from now; `None` for ever.
    pub time_to_live: Option<Duration>,
    /// Whether that can be extended.
    pub is_renewable: bool,
}

/// A response of Vault.
struct Reply {
    status: u16,
    body: Value,
}

impl VaultClient {
    /// A client for the Vault at a base URL.
    #[must_use]
    pub fn new(http: OutboundClient, address: &str, namespace: Option<&str>) -> Self {
        Self {
            http,
            address: address.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
        }
    }

    /// Signs in by AppRole.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn sign_in(
        &self,
        mount: &str,
        role_id: &SecretText,
        secret_id: &SecretText,
    ) -> Result<VaultLease, VaultError> {
        let path = format!("auth/{}/login", encoded(mount));
        let body = json!({ "role_id": role_id.reveal(), "secret_id": secret_id.reveal() });
        let reply = self.call(Method::POST, &path, None, Some(&body)).await?;
        match reply.status {
            200 => lease(&reply.body, "the sign-in", None),
            400 | 403 | 404 => Err(VaultError::SignInRefused(reply.status)),
            _ => Err(reply.unexpected("the sign-in")),
        }
    }

    /// Asks how long a token lives.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn look_up(&self, token: &SecretText) -> Result<VaultLease, VaultError> {
        let step = "the look-up of the token";
        let reply = self
            .call(Method::GET, "auth/token/lookup-self", Some(token), None)
            .await?;
        match reply.status {
            200 => {
                let (life, renewable) = (member(&reply.body, "/data/ttl"), "/data/renewable");
                Ok(VaultLease {
                    token: token.clone(),
                    time_to_live: life.as_u64().and_then(seconds),
                    is_renewable: member(&reply.body, renewable).as_bool().unwrap_or_default(),
                })
            }
            403 => Err(VaultError::Denied(step)),
            _ => Err(reply.unexpected(step)),
        }
    }

    /// Extends the life of a token.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn renew(&self, token: &SecretText) -> Result<VaultLease, VaultError> {
        let step = "the renewal of the token";
        let reply = self
            .call(
                Method::POST,
                "auth/token/renew-self",
                Some(token),
                Some(&json!({})),
            )
            .await?;
        match reply.status {
            200 => lease(&reply.body, step, Some(token)),
            400 | 403 => Err(VaultError::Denied(step)),
            _ => Err(reply.unexpected(step)),
        }
    }

    /// Finds the mount of a path, and the version of its KV engine. Every token with access to the path
    /// may ask that.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn find_mount(
        &self,
        token: &SecretText,
        path: &str,
    ) -> Result<(String, KvVersion), VaultError> {
        let url = format!("sys/internal/ui/mounts/{}", encoded(path));
        let reply = self.call(Method::GET, &url, Some(token), None).await?;
        match reply.status {
            200 => {}
            403 => return Err(VaultError::Denied("access to the mount of the secret")),
            404 => return Err(VaultError::MountUnknown),
            _ => return Err(reply.unexpected("the question for the mount")),
        }
        let mount = member(&reply.body, "/data/path");
        let mount = mount.as_str().ok_or(VaultError::MountUnknown)?;
        let version = match member(&reply.body, "/data/options/version").as_str() {
            Some("2") => KvVersion::Two,
            _ => KvVersion::One,
        };
        Ok((mount.trim_end_matches('/').to_owned(), version))
    }

    /// Reads the members of a secret.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn read(
        &self,
        token: &SecretText,
        mount: &str,
        path: &str,
        version: KvVersion,
    ) -> Result<Value, VaultError> {
        let (mount, path) = (encoded(mount), encoded(path));
        let url = match version {
            KvVersion::One => format!("{mount}/{path}"),
            KvVersion::Two => format!("{mount}/data/{path}"),
        };
        let mut reply = self.call(Method::GET, &url, Some(token), None).await?;
        let members = match version {
            KvVersion::One => "/data",
            KvVersion::Two => "/data/data",
        };
        match reply.status {
            200 => match reply.body.pointer_mut(members).map(Value::take) {
                Some(members @ Value::Object(_)) => Ok(members),
                _ => Err(reply.unexpected("the reading of the secret")),
            },
            403 => Err(VaultError::Denied("access to the secret")),
            // A deleted version is 404 with its metadata.
            404 if member(&reply.body, "/data/metadata").is_object() => Err(VaultError::Deleted),
            404 => Err(VaultError::Absent),
            _ => Err(reply.unexpected("the reading of the secret")),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretText>,
        body: Option<&Value>,
    ) -> Result<Reply, VaultError> {
        let unusable = |setting, reason| VaultError::Setting { setting, reason };
        let url: Uri = format!("{}/v1/{path}", self.address)
            .parse()
            .map_err(|_| unusable("vault.secrets_path", "it is not part of a URL"))?;
        let text = body.map(ToString::to_string).unwrap_or_default();
        let mut request = Request::new(Full::new(Bytes::from(text)));
        *request.method_mut() = method;
        *request.uri_mut() = url;
        let headers = request.headers_mut();
        headers.insert(VAULT_REQUEST, HeaderValue::from_static("true"));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(namespace) = &self.namespace {
            let value = HeaderValue::try_from(namespace)
                .map_err(|_| unusable("vault.namespace", "it cannot be sent in a header"))?;
            headers.insert(NAMESPACE, value);
        }
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(token.reveal())
                .map_err(|_| unusable("the token of Vault", "it cannot be sent in a header"))?;
            value.set_sensitive(true);
            headers.insert(TOKEN, value);
        }
        let reply = async {
            let response = self
                .http
                .request(request)
                .await
                .map_err(|error| VaultError::Unreachable(reason(&error)))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES)
                .collect()
                .await
                .map_err(|_| VaultError::Unreachable("its response broke off or was too large"))?
                .to_bytes();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            Ok::<_, VaultError>(Reply { status, body })
        };
        let reply = tokio::time::timeout(TIMEOUT, reply)
            .await
            .map_err(|_| VaultError::Unreachable("it did not respond in time"))??;
        match reply.status {
            300..=399 => Err(VaultError::Redirect),
            429 | 472 | 473 | 501 | 503 => Err(VaultError::NotReady(reply.status)),
            _ => Ok(reply),
        }
    }
}

impl Reply {
    fn unexpected(&self, step: &'static str) -> VaultError {
        VaultError::Unexpected {
            step,
            status: self.status,
        }
    }
}

/// What failed, without the address.
fn reason(error: &hyper_util::client::legacy::Error) -> &'static str {
    if error.is_connect() {
        "no connection, or its certificate is not trusted"
    } else {
        "it broke the connection off"
    }
}

/// The member at a JSON Pointer, or null.
fn member<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    static NULL: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NULL)
}

/// The token of a sign-in or a renewal.
fn lease(
    reply: &Value,
    step: &'static str,
    renewed: Option<&SecretText>,
) -> Result<VaultLease, VaultError> {
    let token = member(reply, "/auth/client_token").as_str();
    let token = token.map(|token| SecretText::new(token.to_owned()));
    let token = token.or_else(|| renewed.cloned());
    Ok(VaultLease {
        token: token.ok_or(VaultError::Unexpected { step, status: 200 })?,
        time_to_live: member(reply, "/auth/lease_duration")
            .as_u64()
            .and_then(seconds),
        is_renewable: member(reply, "/auth/renewable")
            .as_bool()
            .unwrap_or_default(),
    })
}

/// A time to live; 0 means that there is no end.
fn seconds(count: u64) -> Option<Duration> {
    (count > 0).then(|| Duration::from_secs(count))
}
