//! What a Vault responds: the secret, a token, a mount, or an error.

use std::collections::BTreeMap;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use zeroize::Zeroizing;

use super::token_life::TokenLife;
use super::vault_error::VaultError;
use crate::secrets::Redactor;
use crate::settings::{KvVersion, VaultSource};
use crate::text::{tail_on_one_line, truncate_chars};

/// Maximum length of a message of a Vault, in characters.
const MAX_MESSAGE: usize = 300;

/// A response of a Vault. Its body may contain secrets and is overwritten when it is dropped.
pub(super) struct VaultReply {
    /// The status; 0 for a redirect, whose status browsers hide (Fetch standard, 2.2.6).
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// A text that is overwritten when it is dropped; `None` for a value of another type.
#[derive(Default)]
pub(super) struct FieldText(pub Option<Zeroizing<String>>);

/// The parts of a body that are read. Others are ignored.
#[derive(Deserialize)]
struct Body<T> {
    data: Option<T>,
    auth: Option<Auth>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: FieldText,
    #[serde(default)]
    policies: Option<Vec<String>>,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct Versioned {
    data: Option<BTreeMap<String, FieldText>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    #[serde(default)]
    destroyed: bool,
}

#[derive(Deserialize)]
struct Mount {
    path: Option<String>,
    options: Option<MountOptions>,
}

#[derive(Deserialize)]
struct MountOptions {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Looked {
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    creation_ttl: u64,
    #[serde(default)]
    renewable: bool,
    #[serde(default)]
    policies: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// The fields of a secret.
pub(super) type Fields = BTreeMap<String, FieldText>;

impl VaultReply {
    fn parse<T: for<'de> Deserialize<'de>>(&self) -> Result<Body<T>, VaultError> {
        serde_json::from_slice(&self.body).map_err(|_| VaultError::NotAVault {
            status: self.status,
        })
    }

    fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The fields of the secret that was read.
    pub fn fields(
        &self,
        source: &VaultSource,
        version: KvVersion,
        redactor: &Redactor,
    ) -> Result<Fields, VaultError> {
        if !self.is_ok() {
            return Err(self.no_secret(source, redactor));
        }
        let fields = match version {
            KvVersion::One => self.parse::<Fields>()?.data,
            KvVersion::Two => self.parse::<Versioned>()?.data.and_then(|it| it.data),
        };
        fields.ok_or_else(|| absent(source))
    }

    /// Why a secret was not read.
    fn no_secret(&self, source: &VaultSource, redactor: &Redactor) -> VaultError {
        if self.status != 404 {
            return self.error(redactor);
        }
        let (mount, _) = source.mount_and_path();
        let mount = mount.to_owned();
        if let Some(errors) = self.errors() {
            let is_unmounted = errors
                .iter()
                .any(|it| it.starts_with("no handler for route"));
            return match is_unmounted {
                true => VaultError::NoMount { mount },
                false => absent(source),
            };
        }
        let Ok(body) = self.parse::<Versioned>() else {
            return VaultError::NotAVault { status: 404 };
        };
        let warnings = body.warnings.unwrap_or_default();
        if warnings.iter().any(|it| it.contains("versioned")) {
            return VaultError::WrongKvVersion {
                mount,
                actual: KvVersion::Two,
            };
        }
        match body.data.and_then(|data| data.metadata) {
            Some(metadata) => VaultError::DeletedVersion {
                path: shown_path(source),
                version: metadata.version,
                is_destroyed: metadata.destroyed,
            },
            None => absent(source),
        }
    }

    /// The version of the KV engine that a path is in.
    pub fn kv_version(
        &self,
        source: &VaultSource,
        redactor: &Redactor,
    ) -> Result<KvVersion, VaultError> {
        if !self.is_ok() {
            return Err(self.no_secret(source, redactor));
        }
        let mount = self.parse::<Mount>()?.data;
        let mount = mount.filter(|mount| mount.path.is_some());
        let mount = mount.ok_or(VaultError::NotAVault {
            status: self.status,
        })?;
        let version = mount.options.and_then(|options| options.version);
        Ok(match version.as_deref() {
            Some("2") => KvVersion::Two,
            _ => KvVersion::One,
        })
    }

    /// The token that a sign-in, an unwrapping or a renewal returned, and its life. `now` is the time
    /// before the request was sent.
    pub fn token(
        &self,
        now: u64,
        redactor: &Redactor,
    ) -> Result<(Zeroizing<String>, TokenLife), VaultError> {
        if !self.is_ok() {
            return Err(self.error(redactor));
        }
        let auth = self.parse::<IgnoredAny>()?.auth;
        let auth = auth.ok_or(VaultError::NoTokenInside)?;
        let token = auth.client_token.0.ok_or(VaultError::NoTokenInside)?;
        let granted = auth.lease_duration.saturating_mul(1_000);
        let life = TokenLife {
            policies: auth.policies.unwrap_or_default(),
            is_renewable: auth.renewable,
            ends_at: (granted > 0).then(|| now.saturating_add(granted)),
            granted,
            is_own: true,
        };
        Ok((token, life))
    }

    /// The life of a token that was looked up. `now` is the time before the request was sent.
    pub fn life(&self, now: u64, redactor: &Redactor) -> Result<TokenLife, VaultError> {
        if !self.is_ok() {
            return Err(self.error(redactor));
        }
        let looked = self.parse::<Looked>()?.data.ok_or(VaultError::NotAVault {
            status: self.status,
        })?;
        let left = looked.ttl.saturating_mul(1_000);
        Ok(TokenLife {
            policies: looked.policies.unwrap_or_default(),
            is_renewable: looked.renewable,
            ends_at: (left > 0).then(|| now.saturating_add(left)),
            granted: looked.creation_ttl.max(looked.ttl).saturating_mul(1_000),
            is_own: false,
        })
    }

    /// Whether something was done that has no content.
    pub fn done(&self, redactor: &Redactor) -> Result<(), VaultError> {
        match self.is_ok() {
            true => Ok(()),
            false => Err(self.error(redactor)),
        }
    }

    /// The error that is in the body.
    pub fn error(&self, redactor: &Redactor) -> VaultError {
        let status = self.status;
        if status == 0 || (300..400).contains(&status) {
            return VaultError::Standby;
        }
        let Some(errors) = self.errors() else {
            return VaultError::NotAVault { status };
        };
        let text = redactor.redact(&errors.join("; "));
        let message = truncate_chars(&tail_on_one_line(&text, usize::MAX), MAX_MESSAGE);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let says = |part: &str| message.to_ascii_lowercase().contains(part);
        if status == 503 && says("sealed") {
            VaultError::Sealed
        } else if says("standby") || says("not active") {
            VaultError::Standby
        } else if status == 403 {
            VaultError::Denied { message }
        } else {
            let message = match message.is_empty() {
                true => "no reason is given".to_owned(),
                false => message,
            };
            VaultError::Failed { status, message }
        }
    }

    /// The texts of an error; `None` if the body is not an error.
    fn errors(&self) -> Option<Vec<String>> {
        let body: Errors = serde_json::from_slice(&self.body).ok()?;
        Some(body.errors)
    }
}

fn absent(source: &VaultSource) -> VaultError {
    VaultError::Absent {
        path: shown_path(source),
    }
}

/// Mount and path of the secret.
pub(super) fn shown_path(source: &VaultSource) -> String {
    let (mount, path) = source.mount_and_path();
    format!("{mount}/{path}")
}

impl<'de> Deserialize<'de> for FieldText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldText, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

/// Copies a text once, into memory that is overwritten, and skips everything else.
struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = FieldText;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FieldText, E> {
        Ok(FieldText(Some(Zeroizing::new(text.to_owned()))))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<FieldText, E> {
        Ok(FieldText(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<FieldText, E> {
        Ok(FieldText(None))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<FieldText, E> {
        Ok(FieldText(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<FieldText, E> {
        Ok(FieldText(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<FieldText, E> {
        Ok(FieldText(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FieldText, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(FieldText(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FieldText, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(FieldText(None))
    }
}

#[cfg(test)]
mod tests;
