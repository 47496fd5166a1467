//! Where Vault is, what the server reads there, and how it signs in.

use std::time::Duration;

use axum::http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;

use super::vault_error::VaultError;
use crate::app::is_loopback_name;
use crate::secret_text::SecretText;

/// Characters of a path segment that are percent-encoded (RFC 3986, section 3.3).
const NOT_IN_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The section `vault` of an `agent_config.json`. It contains no secret.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct VaultSection {
    /// The base URL.
    pub address: Option<String>,
    /// The path of the secret. It begins with the mount, unless `mount` is set.
    pub secrets_path: Option<String>,
    /// The mount of the KV engine.
    pub mount: Option<String>,
    /// The version of the KV engine: 1 or 2. Vault is asked if it is not set.
    pub kv_version: Option<u8>,
    /// The namespace.
    pub namespace: Option<String>,
    /// How to sign in.
    #[serde(default)]
    pub auth: VaultSignInSection,
}

/// The member `auth` of the section.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct VaultSignInSection {
    /// `token` or `approle`; by default the one that the environment has the credentials of.
    pub method: Option<String>,
    /// The mount of the AppRole method; `approle` by default.
    pub mount: Option<String>,
}

/// What the environment has for signing in.
#[derive(Debug, Clone, Default)]
pub struct VaultCredentials {
    /// `VAULT_TOKEN`.
    pub token: Option<SecretText>,
    /// `VAULT_ROLE_ID`.
    pub role_id: Option<SecretText>,
    /// `VAULT_SECRET_ID`.
    pub secret_id: Option<SecretText>,
}

/// How the server signs in.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// By a token.
    Token(SecretText),
    /// By AppRole.
    AppRole {
        /// The mount of the method.
        mount: String,
        /// The role.
        role_id: SecretText,
        /// Its secret.
        secret_id: SecretText,
    },
}

/// The version of a KV engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvVersion {
    /// Without versions of secrets.
    One,
    /// With versions of secrets.
    Two,
}

/// Everything that is needed to read the secret.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// The base URL, without a slash at the end.
    pub address: String,
    /// The path of the secret; see [`VaultSection::secrets_path`].
    pub secrets_path: String,
    /// The mount of the KV engine, if it is set.
    pub mount: Option<String>,
    /// The version of the KV engine, if it is set.
    pub kv_version: Option<KvVersion>,
    /// The namespace, if there is one.
    pub namespace: Option<String>,
    /// How to sign in; `None` if the environment has no credentials.
    pub sign_in: Option<SignIn>,
    /// How often the secret is read again.
    pub refresh: Duration,
}

/// Settings from the command line, which override those of the section.
#[derive(Debug, Clone, Default)]
pub struct VaultOptions {
    /// `--vault-address` or `VAULT_ADDR`.
    pub address: Option<String>,
    /// `--vault-secrets-path`.
    pub secrets_path: Option<String>,
    /// `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// `--vault-refresh`.
    pub refresh: Duration,
}

impl VaultSettings {
    /// The settings of the command line, the section and the environment; `None` if they name no
    /// secret.
    ///
    /// # Errors
    /// [`VaultError::Setting`].
    pub fn from(
        options: &VaultOptions,
        section: Option<&VaultSection>,
        credentials: &VaultCredentials,
    ) -> Result<Option<Self>, VaultError> {
        let section = section.cloned().unwrap_or_default();
        let path = options.secrets_path.clone().or(section.secrets_path);
        let Some(path) = path else {
            return Ok(None);
        };
        let address = options.address.clone().or(section.address);
        let address = address.ok_or(VaultError::Setting {
            setting: "vault.secrets_path",
            reason: "there is no vault.address, VAULT_ADDR or --vault-address",
        })?;
        let kv_version = match section.kv_version {
            None => None,
            Some(1) => Some(KvVersion::One),
            Some(2) => Some(KvVersion::Two),
            Some(_) => {
                return Err(VaultError::Setting {
                    setting: "vault.kv_version",
                    reason: "it is 1 or 2",
                });
            }
        };
        let mount = section
            .mount
            .map(|mount| check_path("vault.mount", &mount).map(ToOwned::to_owned));
        Ok(Some(Self {
            address: check_address(&address)?,
            secrets_path: check_path("vault.secrets_path", &path)?.to_owned(),
            mount: mount.transpose()?,
            kv_version,
            namespace: options.namespace.clone().or(section.namespace),
            sign_in: sign_in(&section.auth, credentials)?,
            refresh: options.refresh,
        }))
    }

    /// The mount and the rest of the path, if Vault need not be asked for them.
    #[must_use]
    pub fn known_place(&self) -> Option<(&str, &str)> {
        match &self.mount {
            Some(mount) => Some((mount, &self.secrets_path)),
            None => self.secrets_path.split_once('/'),
        }
    }
}

fn check_address(text: &str) -> Result<String, VaultError> {
    let wrong = |reason| VaultError::Setting {
        setting: "vault.address",
        reason,
    };
    let uri: Uri = text
        .parse()
        .map_err(|_| wrong("expected a URL such as https://vault.example.org:8200"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong(
            "expected a URL such as https://vault.example.org:8200",
        ));
    };
    if !matches!(scheme, "https" | "http") || authority.as_str().contains('@') {
        return Err(wrong("expected https or http, and no user"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(wrong("expected no query"));
    }
    if scheme == "http" && !is_loopback_name(authority.host()) {
        tracing::warn!(
            "vault.address is not https: whoever is on the way can read the tokens and the secrets"
        );
    }
    let path = uri.path().trim_end_matches('/');
    Ok(format!("{scheme}://{authority}{path}"))
}

/// A path without slashes around it.
fn check_path<'p>(setting: &'static str, text: &'p str) -> Result<&'p str, VaultError> {
    let path = text.trim_matches('/');
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..");
    if path.split('/').all(is_segment) {
        Ok(path)
    } else {
        Err(VaultError::Setting {
            setting,
            reason: "expected a path such as secret/taskwright",
        })
    }
}

fn sign_in(
    section: &VaultSignInSection,
    credentials: &VaultCredentials,
) -> Result<Option<SignIn>, VaultError> {
    let by_token = || credentials.token.clone().map(SignIn::Token);
    let mount = section.mount.as_deref().unwrap_or("approle");
    let mount = check_path("vault.auth.mount", mount)?.to_owned();
    let by_role = || {
        Some(SignIn::AppRole {
            mount,
            role_id: credentials.role_id.clone()?,
            secret_id: credentials.secret_id.clone()?,
        })
    };
    match section.method.as_deref() {
        None => Ok(by_role().or_else(by_token)),
        Some("approle") => Ok(by_role()),
        Some("token") => Ok(by_token()),
        Some(_) => Err(VaultError::Setting {
            setting: "vault.auth.method",
            reason: "it is token or approle",
        }),
    }
}

/// A path for a URL.
#[must_use]
pub fn encoded(path: &str) -> String {
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| utf8_percent_encode(segment, NOT_IN_SEGMENT).to_string())
        .collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(
        section: &str,
        options: &VaultOptions,
    ) -> Result<Option<VaultSettings>, VaultError> {
        let section: VaultSection = serde_json::from_str(section).unwrap();
        let credentials = VaultCredentials {
            token: Some(SecretText::new("s3cret".to_owned())),
            ..VaultCredentials::default()
        };
        VaultSettings::from(options, Some(&section), &credentials)
    }

    #[test]
    fn the_command_line_overrides_the_section() {
        let section = r#"{"address":"https://a.example/","secrets_path":"/secret/a/","mount":"kv","kv_version":1}"#;
        let of_section = settings(section, &VaultOptions::default())
            .unwrap()
            .unwrap();
        assert_eq!(of_section.address, "https://a.example");
        assert_eq!(of_section.known_place(), Some(("kv", "secret/a")));
        assert_eq!(of_section.kv_version, Some(KvVersion::One));
        let options = VaultOptions {
            address: Some("http://127.0.0.1:8200".to_owned()),
            secrets_path: Some("secret/b".to_owned()),
            ..VaultOptions::default()
        };
        let both = settings("{}", &options).unwrap().unwrap();
        assert_eq!(both.address, "http://127.0.0.1:8200");
        assert_eq!(both.known_place(), Some(("secret", "b")));
        assert!(!format!("{both:?}").contains("s3cret"));
        let none = settings(
            r#"{"address":"https://a.example"}"#,
            &VaultOptions::default(),
        );
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        for (section, name) in [
            (r#"{"secrets_path":"a/b"}"#, "vault.secrets_path"),
            (
                r#"{"address":"https://a.example","secrets_path":"a/../b"}"#,
                "vault.secrets_path",
            ),
            (
                r#"{"address":"https://a.example","secrets_path":""}"#,
                "vault.secrets_path",
            ),
            (
                r#"{"address":"a.example","secrets_path":"a/b"}"#,
                "vault.address",
            ),
            (
                r#"{"address":"https://u:s3cret@a.example","secrets_path":"a/b"}"#,
                "vault.address",
            ),
            (
                r#"{"address":"https://a.example","secrets_path":"a/b","kv_version":3}"#,
                "vault.kv_version",
            ),
            (
                r#"{"address":"https://a.example","secrets_path":"a/b","mount":"a//b"}"#,
                "vault.mount",
            ),
            (
                r#"{"address":"https://a.example","secrets_path":"a/b","auth":{"method":"ldap"}}"#,
                "vault.auth.method",
            ),
        ] {
            let error = settings(section, &VaultOptions::default()).unwrap_err();
            assert_eq!(error.code(), "vault_setting", "{section}");
            assert!(error.to_string().starts_with(name), "{error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_sign_in_follows_the_method_or_the_credentials() {
        let secret = |text: &str| Some(SecretText::new(text.to_owned()));
        let token = VaultCredentials {
            token: secret("t"),
            ..VaultCredentials::default()
        };
        let role = VaultCredentials {
            role_id: secret("r"),
            secret_id: secret("s"),
            ..VaultCredentials::default()
        };
        let both = VaultCredentials {
            token: secret("t"),
            ..role.clone()
        };
        for (method, credentials, expected) in [
            (None, &token, "Token"),
            (None, &role, "AppRole"),
            (None, &both, "AppRole"),
            (Some("token"), &both, "Token"),
            (Some("token"), &role, "None"),
            (Some("approle"), &token, "None"),
            (None, &VaultCredentials::default(), "None"),
        ] {
            let section = VaultSignInSection {
                method: method.map(ToOwned::to_owned),
                mount: None,
            };
            let found = sign_in(&section, credentials).unwrap();
            let found = found.map_or("None".to_owned(), |found| format!("{found:?}"));
            assert!(found.starts_with(expected), "{method:?} {found}");
        }
    }

    #[test]
    fn paths_are_encoded_by_segment() {
        assert_eq!(encoded("a b/c?d#e/ä%"), "a%20b/c%3Fd%23e/%C3%A4%25");
    }
}
