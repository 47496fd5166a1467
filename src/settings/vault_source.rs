//! A Vault that holds the secrets of a connection: HashiCorp Vault or OpenBao.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Address, SettingsError};
use crate::text::is_hidden;

/// The version of a KV engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum KvVersion {
    /// A secret has one version.
    One,
    /// A secret has versions, which can be deleted and destroyed.
    Two,
}

impl TryFrom<u8> for KvVersion {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<KvVersion, Self::Error> {
        match number {
            1 => Ok(KvVersion::One),
            2 => Ok(KvVersion::Two),
            _ => Err("the KV version is 1 or 2"),
        }
    }
}

impl From<KvVersion> for u8 {
    fn from(version: KvVersion) -> u8 {
        match version {
            KvVersion::One => 1,
            KvVersion::Two => 2,
        }
    }
}

/// How the operator signs in to a Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultMethod {
    /// By a token.
    #[default]
    Token,
    /// By user name and password, which the Vault knows.
    Userpass,
    /// By user name and password, which an LDAP server knows.
    Ldap,
}

impl VaultMethod {
    /// Every method, in the order of the dialog.
    pub const ALL: [VaultMethod; 3] =
        [VaultMethod::Token, VaultMethod::Userpass, VaultMethod::Ldap];

    /// The name in settings, and the usual mount of the method.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            VaultMethod::Token => "token",
            VaultMethod::Userpass => "userpass",
            VaultMethod::Ldap => "ldap",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<VaultMethod> {
        let mut methods = VaultMethod::ALL.into_iter();
        methods.find(|method| method.name() == name)
    }
}

/// Where the secrets of a connection are in a Vault, and how to sign in there. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VaultSource {
    /// The base URL of the Vault.
    pub address: Address,
    /// The path of the secret. It begins with the mount of the KV engine, unless `mount` is set.
    pub secrets_path: String,
    /// The mount of the KV engine, if it is not the first part of `secrets_path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    /// The namespace; it becomes part of the path, because CORS rules seldom allow its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The version of the KV engine. If `None`, the Vault is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_version: Option<KvVersion>,
    /// The version of the secret to read; the latest by default. Only KV version 2 has versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// How to sign in.
    #[serde(skip_serializing_if = "is_default_method")]
    pub sign_in: VaultMethod,
    /// The mount of the sign-in method; its name by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in_mount: Option<String>,
    /// The user name to suggest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The field with the API key; `OPENAI_API_KEY` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_field: Option<String>,
    /// The field with the agent token; `AGENT_API_TOKEN` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_token_field: Option<String>,
    /// The fields with the values of secret headers, by the name of the header. By default a field has
    /// the header's name in capital letters, with underscores.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header_fields: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for VaultSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<VaultSource, D::Error> {
        let members = Map::deserialize(deserializer)?;
        VaultSource::of_members(&members).map_err(serde::de::Error::custom)
    }
}

/// Reads the members of an object, and keeps the first error. Errors are worded like serde's.
struct Members<'m> {
    object: &'m Map<String, Value>,
    /// The number of members that were read.
    read: usize,
    error: Option<&'static str>,
}

impl<'m> Members<'m> {
    fn get(&mut self, name: &str) -> Option<&'m Value> {
        let value = self.object.get(name);
        self.read += usize::from(value.is_some());
        value.filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let text = self.get(name)?.as_str();
        if text.is_none() {
            self.error = Some("invalid type, expected a string");
        }
        text.map(ToOwned::to_owned)
    }

    fn number(&mut self, name: &str) -> Option<u32> {
        let number = self.get(name)?.as_u64();
        let number = number.and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            self.error = Some("invalid type, expected u32");
        }
        number
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_default_method(method: &VaultMethod) -> bool {
    *method == VaultMethod::default()
}

/// The mount of the KV engine of a new Vault.
const USUAL_MOUNT: &str = "secret";

/// Maximum length of a path, in bytes.
const MAX_PATH: usize = 512;

impl VaultSource {
    /// The secret at a path of the Vault at `address`, with defaults for everything else.
    #[must_use]
    pub fn at(address: Address, secrets_path: impl Into<String>) -> VaultSource {
        VaultSource {
            address,
            secrets_path: secrets_path.into(),
            mount: None,
            namespace: None,
            kv_version: None,
            version: None,
            sign_in: VaultMethod::default(),
            sign_in_mount: None,
            user_name: None,
            api_key_field: None,
            agent_token_field: None,
            header_fields: BTreeMap::new(),
        }
    }

    /// Reads the members. Not derived: the code that serde derives is several times as large, and the
    /// page loads it before it answers.
    fn of_members(object: &Map<String, Value>) -> Result<VaultSource, &'static str> {
        let mut members = Members {
            object,
            read: 0,
            error: None,
        };
        let address = members.text("address").unwrap_or_default();
        let Ok(address) = Address::parse(&address) else {
            return Err(match object.contains_key("address") {
                true => "invalid value, expected an address",
                false => "missing field `address`",
            });
        };
        let mut source = VaultSource::at(address, "");
        if let Some(path) = members.text("secrets_path") {
            source.secrets_path = path;
        } else {
            members.error = Some("missing field `secrets_path`");
        }
        source.mount = members.text("mount");
        source.namespace = members.text("namespace");
        source.version = members.number("version");
        source.sign_in_mount = members.text("sign_in_mount");
        source.user_name = members.text("user_name");
        source.api_key_field = members.text("api_key_field");
        source.agent_token_field = members.text("agent_token_field");
        if let Some(number) = members.number("kv_version") {
            source.kv_version = u8::try_from(number).ok().and_then(|it| it.try_into().ok());
            if source.kv_version.is_none() {
                members.error = Some("invalid value, expected 1 or 2");
            }
        }
        if let Some(name) = members.text("sign_in") {
            match VaultMethod::named(&name) {
                Some(method) => source.sign_in = method,
                None => members.error = Some("unknown variant, expected token, userpass or ldap"),
            }
        }
        let header_fields = members.get("header_fields");
        let fields = header_fields.and_then(Value::as_object);
        if header_fields.is_some() && fields.is_none() {
            members.error = Some("invalid type, expected a map");
        }
        for (name, field) in fields.into_iter().flatten() {
            match field.as_str() {
                Some(field) => {
                    source.header_fields.insert(name.clone(), field.to_owned());
                }
                None => members.error = Some("invalid type, expected a string"),
            }
        }
        if members.read < object.len() {
            members.error = Some("unknown field");
        }
        members.error.map_or(Ok(source), Err)
    }

    /// The mount of the KV engine and the path of the secret in it. Without a mount of its own, the
    /// first part of the path is the mount, or `secret` if the path has one part; `data/` after it, as
    /// in an address of the API, is left out.
    #[must_use]
    pub fn mount_and_path(&self) -> (&str, &str) {
        let path = self.secrets_path.trim_matches('/');
        if let Some(mount) = &self.mount {
            return (mount.trim_matches('/'), path);
        }
        let (mount, path) = path.split_once('/').unwrap_or((USUAL_MOUNT, path));
        let path = match self.kv_version {
            Some(KvVersion::One) => path,
            _ => path.strip_prefix("data/").unwrap_or(path),
        };
        (mount, path)
    }

    /// The mount of a sign-in method.
    #[must_use]
    pub fn method_mount(&self, method: VaultMethod) -> &str {
        match &self.sign_in_mount {
            Some(mount) if method == self.sign_in => mount.trim_matches('/'),
            _ => method.name(),
        }
    }

    /// Checks everything but the address, which [`super::HostPolicy`] checks. The form checks it, and
    /// whoever calls the Vault.
    ///
    /// # Errors
    /// [`SettingsError::Vault`], which names the member.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |member, reason| Err(SettingsError::Vault { member, reason });
        for (member, path) in [
            ("secrets_path", Some(&self.secrets_path)),
            ("mount", self.mount.as_ref()),
            ("namespace", self.namespace.as_ref()),
            ("sign_in_mount", self.sign_in_mount.as_ref()),
        ] {
            if let Some(path) = path
                && !is_path(path)
            {
                return wrong(
                    member,
                    "it is not a path, such as secret/agent, without empty parts, .. and ?",
                );
            }
        }
        if self.version == Some(0) {
            return wrong("version", "versions are numbered from 1");
        }
        if self.version.is_some() && self.kv_version == Some(KvVersion::One) {
            return wrong("version", "KV version 1 has no versions of a secret");
        }
        let fields = [
            ("user_name", self.user_name.as_ref()),
            ("api_key_field", self.api_key_field.as_ref()),
            ("agent_token_field", self.agent_token_field.as_ref()),
        ];
        let of_headers = self
            .header_fields
            .values()
            .map(|field| ("header_fields", Some(field)));
        for (member, name) in fields.into_iter().chain(of_headers) {
            if name.is_some_and(|name| name.is_empty() || name.chars().any(is_hidden)) {
                return wrong(member, "it is empty or has characters that are not seen");
            }
        }
        Ok(())
    }
}

/// Whether a text is a path of the API: parts that are not empty, separated by slashes.
fn is_path(path: &str) -> bool {
    let path = path.trim_matches('/');
    path.len() <= MAX_PATH
        && path.split('/').all(|part| {
            !part.is_empty()
                && !matches!(part, "." | "..")
                && !part
                    .chars()
                    .any(|c| is_hidden(c) || matches!(c, '?' | '#' | '%' | '\\'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str) -> VaultSource {
        let address = Address::parse("https://vault.example.com:8200").unwrap();
        VaultSource::at(address, path)
    }

    #[test]
    fn a_path_begins_with_the_mount_unless_there_is_one() {
        for (path, mount, version, expected) in [
            ("secret/agent", None, None, ("secret", "agent")),
            ("agent", None, None, ("secret", "agent")),
            (
                "/secret/data/team/agent/",
                None,
                None,
                ("secret", "team/agent"),
            ),
            (
                "secret/data/agent",
                None,
                Some(KvVersion::One),
                ("secret", "data/agent"),
            ),
            (
                "team/agent",
                Some("kv/blue/"),
                None,
                ("kv/blue", "team/agent"),
            ),
            ("data/agent", Some("kv"), None, ("kv", "data/agent")),
        ] {
            let source = VaultSource {
                mount: mount.map(str::to_owned),
                kv_version: version,
                ..source(path)
            };
            assert_eq!(source.mount_and_path(), expected, "{path}");
            assert_eq!(source.check(), Ok(()), "{path}");
        }
    }

    #[test]
    fn members_of_the_wrong_type_are_refused() {
        let read = |member: &str| {
            let text = format!(r#"{{"address":"https://a.example","secrets_path":"p"{member}}}"#);
            serde_json::from_str::<VaultSource>(&text)
        };
        let plain = VaultSource::at(Address::parse("https://a.example").unwrap(), "p");
        assert_eq!(read(r#","mount":null"#).unwrap(), plain);
        for (member, error) in [
            (r#","mount":1"#, "invalid type, expected a string"),
            (r#","version":"1""#, "invalid type, expected u32"),
            (r#","version":-1"#, "invalid type, expected u32"),
            (r#","kv_version":3"#, "invalid value, expected 1 or 2"),
            (
                r#","sign_in":"oidc""#,
                "unknown variant, expected token, userpass or ldap",
            ),
            (r#","header_fields":[]"#, "invalid type, expected a map"),
            (
                r#","header_fields":{"X":1}"#,
                "invalid type, expected a string",
            ),
            (r#","role":"r""#, "unknown field"),
        ] {
            let message = read(member).unwrap_err().to_string();
            assert!(message.starts_with(error), "{member}: {message}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_named() {
        type Change = fn(&mut VaultSource);
        let cases: [(&str, Change); 10] = [
            ("secrets_path", |it| it.secrets_path = "/".to_owned()),
            ("secrets_path", |it| it.secrets_path = "a/../b".to_owned()),
            ("secrets_path", |it| {
                it.secrets_path = "a/b?version=1".to_owned()
            }),
            ("mount", |it| it.mount = Some("a//b".to_owned())),
            ("namespace", |it| it.namespace = Some(String::new())),
            ("sign_in_mount", |it| {
                it.sign_in_mount = Some("a%2f".to_owned())
            }),
            ("version", |it| it.version = Some(0)),
            ("version", |it| {
                it.version = Some(1);
                it.kv_version = Some(KvVersion::One);
            }),
            ("api_key_field", |it| it.api_key_field = Some(String::new())),
            ("header_fields", |it| {
                it.header_fields = [("X-A".to_owned(), "a\u{202e}".to_owned())].into();
            }),
        ];
        for (expected, change) in cases {
            let mut source = source("secret/agent");
            change(&mut source);
            match source.check() {
                Err(SettingsError::Vault { member, .. }) => assert_eq!(member, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_method_has_its_own_mount_unless_another_is_set_for_it() {
        let mut source = source("secret/agent");
        assert_eq!(source.method_mount(VaultMethod::Ldap), "ldap");
        source.sign_in = VaultMethod::Ldap;
        source.sign_in_mount = Some("corp/".to_owned());
        assert_eq!(source.method_mount(VaultMethod::Ldap), "corp");
        assert_eq!(source.method_mount(VaultMethod::Userpass), "userpass");
        for method in VaultMethod::ALL {
            assert_eq!(VaultMethod::named(method.name()), Some(method));
        }
    }
}
