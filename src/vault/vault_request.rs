//! The requests to a Vault. The token is the slot of a header, and a password that of a body.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::{BodySecret, HeaderValue, HttpRequest, RedirectPolicy};
use crate::secrets::SecretSlot;
use crate::settings::{KvVersion, VaultMethod, VaultSource};

/// The header that carries the Vault token.
const TOKEN_HEADER: &str = "X-Vault-Token";

/// Maximum size of a response to read: 1 MiB.
const MAX_BYTES: usize = 1 << 20;

/// Characters of a part of a path that are percent-encoded: all but the unreserved ones (RFC 3986,
/// section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Asks for the state of the Vault. Needs no token.
#[must_use]
pub fn health(source: &VaultSource) -> HttpRequest {
    HttpRequest::get(source.address.join("/v1/sys/health"), MAX_BYTES)
}

/// Asks which KV engine the secret is in.
pub(super) fn mount(source: &VaultSource) -> HttpRequest {
    let (mount, path) = source.mount_and_path();
    let path = format!(
        "sys/internal/ui/mounts/{}/{}",
        encoded(mount),
        encoded(path)
    );
    with_token(get(source, &path))
}

/// Reads the secret.
pub(super) fn read(source: &VaultSource, version: KvVersion) -> HttpRequest {
    let (mount, path) = source.mount_and_path();
    let (mount, path) = (encoded(mount), encoded(path));
    with_token(match (version, source.version) {
        (KvVersion::One, _) => get(source, &format!("{mount}/{path}")),
        (KvVersion::Two, None) => get(source, &format!("{mount}/data/{path}")),
        (KvVersion::Two, Some(version)) => {
            get(source, &format!("{mount}/data/{path}?version={version}"))
        }
    })
}

/// Signs in by user name and password.
pub(super) fn log_in(source: &VaultSource, method: VaultMethod, user_name: &str) -> HttpRequest {
    let mount = encoded(source.method_mount(method));
    let user_name = utf8_percent_encode(user_name, ENCODED);
    let url = url(source, &format!("auth/{mount}/login/{user_name}"));
    bounded(HttpRequest::post_secret(
        url,
        BodySecret {
            member: "password",
            slot: SecretSlot::VAULT_PASSWORD,
        },
    ))
}

/// Asks how long the token lives, and what it may do.
#[must_use]
pub fn look_up_token(source: &VaultSource) -> HttpRequest {
    with_token(get(source, "auth/token/lookup-self"))
}

/// Renews the token.
pub(super) fn renew_token(source: &VaultSource) -> HttpRequest {
    with_token(post(source, "auth/token/renew-self"))
}

/// Revokes the token.
pub(super) fn revoke_token(source: &VaultSource) -> HttpRequest {
    with_token(post(source, "auth/token/revoke-self"))
}

/// Unwraps what is behind a wrapping token, which works once. The wrapping token is the client token, and
/// never in the body as well: that would destroy it.
pub(super) fn unwrap(source: &VaultSource) -> HttpRequest {
    with_token(post(source, "sys/wrapping/unwrap"))
}

fn get(source: &VaultSource, path: &str) -> HttpRequest {
    HttpRequest {
        redirects: RedirectPolicy::Report,
        ..HttpRequest::get(url(source, path), MAX_BYTES)
    }
}

fn post(source: &VaultSource, path: &str) -> HttpRequest {
    bounded(HttpRequest::post_json(url(source, path), "{}"))
}

fn bounded(request: HttpRequest) -> HttpRequest {
    HttpRequest {
        redirects: RedirectPolicy::Report,
        max_response_bytes: Some(MAX_BYTES),
        ..request
    }
}

fn with_token(request: HttpRequest) -> HttpRequest {
    request.header(
        TOKEN_HEADER,
        HeaderValue::Secret {
            prefix: "".into(),
            slot: SecretSlot::VAULT_TOKEN,
        },
    )
}

/// The URL of a path of the API. The namespace is a part of the path: a CORS rule of Vault does not
/// allow its header by default.
fn url(source: &VaultSource, path: &str) -> String {
    match &source.namespace {
        None => source.address.join(&format!("/v1/{path}")),
        Some(namespace) => source
            .address
            .join(&format!("/v1/{}/{path}", encoded(namespace))),
    }
}

/// A path with its parts percent-encoded.
fn encoded(path: &str) -> String {
    let parts = path.trim_matches('/').split('/');
    parts
        .map(|part| utf8_percent_encode(part, ENCODED).to_string())
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;
    use crate::settings::Address;

    fn source() -> VaultSource {
        let address = Address::parse("https://vault.example:8200").unwrap();
        VaultSource::at(address, "secret/team a/agent")
    }

    #[test]
    fn each_request_has_its_path_and_slots() {
        let versioned = VaultSource {
            version: Some(3),
            namespace: Some("ns1/ns2/".to_owned()),
            ..source()
        };
        let ldap = VaultSource {
            sign_in: VaultMethod::Ldap,
            sign_in_mount: Some("corp".to_owned()),
            ..source()
        };
        let token = || vec![SecretSlot::VAULT_TOKEN];
        for (request, method, path, slots) in [
            (health(&versioned), Method::Get, "sys/health", vec![]),
            (
                mount(&source()),
                Method::Get,
                "sys/internal/ui/mounts/secret/team%20a/agent",
                token(),
            ),
            (
                read(&source(), KvVersion::One),
                Method::Get,
                "secret/team%20a/agent",
                token(),
            ),
            (
                read(&source(), KvVersion::Two),
                Method::Get,
                "secret/data/team%20a/agent",
                token(),
            ),
            (
                read(&versioned, KvVersion::Two),
                Method::Get,
                "ns1/ns2/secret/data/team%20a/agent?version=3",
                token(),
            ),
            (
                log_in(&source(), VaultMethod::Userpass, "ann/../x"),
                Method::Post,
                "auth/userpass/login/ann%2F..%2Fx",
                vec![],
            ),
            (
                log_in(&ldap, VaultMethod::Ldap, "ann@example.com"),
                Method::Post,
                "auth/corp/login/ann%40example.com",
                vec![],
            ),
            (
                look_up_token(&versioned),
                Method::Get,
                "ns1/ns2/auth/token/lookup-self",
                token(),
            ),
            (
                renew_token(&source()),
                Method::Post,
                "auth/token/renew-self",
                token(),
            ),
            (
                revoke_token(&source()),
                Method::Post,
                "auth/token/revoke-self",
                token(),
            ),
            (
                unwrap(&source()),
                Method::Post,
                "sys/wrapping/unwrap",
                token(),
            ),
        ] {
            assert_eq!(request.method, method, "{path}");
            assert_eq!(request.url, format!("https://vault.example:8200/v1/{path}"));
            assert_eq!(request.secret_slots(), slots, "{path}");
            assert!(request.max_response_bytes.is_some(), "{path}");
            // In the path, and in no header that a CORS rule would have to allow.
            assert!(!request.header_lines().contains("Namespace"), "{path}");
        }
    }

    #[test]
    fn a_password_is_in_the_body_and_a_wrapping_token_is_not() {
        let request = log_in(&source(), VaultMethod::Userpass, "ann");
        let secret = request.body_secret.unwrap();
        assert_eq!(
            (secret.member, secret.slot),
            ("password", SecretSlot::VAULT_PASSWORD)
        );
        let request = unwrap(&source());
        assert_eq!(request.body.as_deref(), Some("{}"));
        assert_eq!(request.body_secret, None);
    }
}
