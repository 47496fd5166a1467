//! Reads the secrets from Vault, again and again, and keeps the server signed in.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::vault_client::{VaultClient, VaultLease};
use super::vault_error::VaultError;
use super::vault_settings::{KvVersion, SignIn, VaultSettings};
use crate::named_secrets::{NamedSecrets, SecretPlace};

/// Shortest time between two readings.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Reads one secret of Vault.
pub struct VaultReader {
    client: VaultClient,
    settings: VaultSettings,
    sign_in: SignIn,
    session: Option<Session>,
    place: Option<(String, String, KvVersion)>,
}

/// A token that the server uses at present.
struct Session {
    lease: VaultLease,
    /// When half of its life is over; `None` if it has no end.
    renew_at: Option<Instant>,
}

impl Session {
    fn new(lease: VaultLease, now: Instant) -> Self {
        let renew_at = lease
            .time_to_live
            .and_then(|life| now.checked_add(life / 2));
        Self { lease, renew_at }
    }
}

impl VaultReader {
    /// A reader that has not signed in yet.
    #[must_use]
    pub fn new(client: VaultClient, settings: VaultSettings, sign_in: SignIn) -> Self {
        Self {
            client,
            settings,
            sign_in,
            session: None,
            place: None,
        }
    }

    /// Reads the secrets. Signs in and renews the token where that is due. If Vault no longer accepts a
    /// token of AppRole, signs in once more.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn read(&mut self) -> Result<NamedSecrets, VaultError> {
        let was_signed_in = self.session.is_some();
        let can_sign_in = matches!(self.sign_in, SignIn::AppRole { .. });
        let read = match self.keep_signed_in().await {
            Ok(()) => self.fetch().await,
            Err(error) => Err(error),
        };
        let members = match read {
            Err(VaultError::Denied(_)) if was_signed_in && can_sign_in => {
                self.session = None;
                self.keep_signed_in().await?;
                self.fetch().await?
            }
            other => other?,
        };
        secrets(&members)
    }

    /// The time until the next reading is due: the configured interval, or sooner if the token has to be
    /// renewed.
    #[must_use]
    pub fn pause(&self, now: Instant) -> Duration {
        let renewal = self.session.as_ref().and_then(|session| session.renew_at);
        renewal
            .map(|at| at.saturating_duration_since(now))
            .map_or(self.settings.refresh, |left| {
                left.min(self.settings.refresh)
            })
            .max(MIN_PAUSE)
    }

    async fn keep_signed_in(&mut self) -> Result<(), VaultError> {
        let now = Instant::now();
        let lease = match &self.session {
            Some(session) if session.renew_at.is_none_or(|at| now < at) => return Ok(()),
            Some(session) if session.lease.is_renewable => {
                self.client.renew(&session.lease.token).await?
            }
            Some(_) | None => match &self.sign_in {
                SignIn::AppRole {
                    mount,
                    role_id,
                    secret_id,
                } => self.client.sign_in(mount, role_id, secret_id).await?,
                SignIn::Token(token) => match self.client.look_up(token).await {
                    // Its policy may allow the secret and not the look-up.
                    Err(VaultError::Denied(_)) => VaultLease {
                        token: token.clone(),
                        time_to_live: None,
                        is_renewable: false,
                    },
                    other => other?,
                },
            },
        };
        self.session = Some(Session::new(lease, now));
        Ok(())
    }

    async fn fetch(&mut self) -> Result<Value, VaultError> {
        let Some(session) = &self.session else {
            return Err(VaultError::NoSignIn);
        };
        let token = &session.lease.token;
        let (mount, path, version) = match &self.place {
            Some(place) => place.clone(),
            None => {
                let place = find_place(&self.client, &self.settings, token).await?;
                self.place.insert(place).clone()
            }
        };
        let read = self.client.read(token, &mount, &path, version).await;
        if read.is_err() {
            // The engine may have been moved or upgraded.
            self.place = None;
        }
        read
    }
}

/// The mount and the path of the secret, and the version of the engine.
async fn find_place(
    client: &VaultClient,
    settings: &VaultSettings,
    token: &crate::secret_text::SecretText,
) -> Result<(String, String, KvVersion), VaultError> {
    if let (Some((mount, path)), Some(version)) = (settings.known_place(), settings.kv_version) {
        return Ok((mount.to_owned(), path.to_owned(), version));
    }
    let whole = match &settings.mount {
        Some(mount) => format!("{mount}/{}", settings.secrets_path),
        None => settings.secrets_path.clone(),
    };
    let (mount, version) = client.find_mount(token, &whole).await?;
    let version = settings.kv_version.unwrap_or(version);
    let path = whole
        .strip_prefix(&mount)
        .and_then(|rest| rest.strip_prefix('/'))
        .ok_or(VaultError::MountUnknown)?;
    // A path copied from the HTTP API has this part; the command-line tools leave it out.
    let path = match (version, path.strip_prefix("data/")) {
        (KvVersion::Two, Some(rest)) if settings.mount.is_none() => rest,
        _ => path,
    };
    Ok((mount, path.to_owned(), version))
}

fn secrets(members: &Value) -> Result<NamedSecrets, VaultError> {
    for name in NamedSecrets::names() {
        if !matches!(
            members.get(name),
            None | Some(Value::Null | Value::String(_))
        ) {
            return Err(VaultError::NotText(name));
        }
    }
    Ok(NamedSecrets::at(SecretPlace::Vault, |name| {
        // A member that is there and null is an empty secret.
        let member = members.get(name)?;
        Some(member.as_str().unwrap_or_default().to_owned())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_texts_are_secrets_and_null_is_an_empty_one() {
        let read = secrets(&json!({"AGENT_API_TOKEN": "a,b", "OPENAI_API_KEY": null, "x": 1}));
        let read = read.unwrap();
        assert_eq!(read.get("AGENT_API_TOKEN").unwrap().reveal(), "a,b");
        assert_eq!(read.get("OPENAI_API_KEY").unwrap().reveal(), "");
        assert!(read.get("AGENT_READ_TOKEN").is_none());
        let error = secrets(&json!({"AGENT_API_TOKEN": ["s3cret"]})).unwrap_err();
        assert_eq!(error, VaultError::NotText("AGENT_API_TOKEN"));
    }
}
