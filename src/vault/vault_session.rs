//! Signing in to a Vault, reading secrets there, and caring for the token.

use zeroize::Zeroizing;

use super::token_life::TokenLife;
use super::vault_error::VaultError;
use super::vault_reply::{VaultReply, shown_path};
use super::vault_request;
use super::wanted_secret::WantedSecret;
use crate::http::{HttpRequest, PreparedRequest};
use crate::secrets::{Keyring, Secret, SecretError, SecretSlot};
use crate::settings::{KvVersion, VaultMethod, VaultSource};

/// How requests reach a Vault.
pub trait VaultWire {
    /// Sends a request. Returns the status (0 for a redirect) and the body, or a message if there was no
    /// response that may be read.
    fn send(
        &self,
        request: &PreparedRequest,
    ) -> impl Future<Output = Result<(u16, Zeroizing<Vec<u8>>), String>>;

    /// The time in milliseconds since 1970.
    fn now(&self) -> u64;

    /// The origin of the page, for the CORS rule.
    fn origin(&self) -> String;
}

/// What the operator signs in with. Each secret belongs to the Vault.
#[derive(Debug)]
pub enum VaultCredential {
    /// A Vault token.
    Token(Secret),
    /// A wrapping token, behind which is a Vault token.
    Wrapped(Secret),
    /// A user name and a password.
    Password {
        /// The method that knows them.
        method: VaultMethod,
        /// The user name.
        user_name: String,
        /// The password.
        password: Secret,
    },
}

/// A Vault token that is valid.
#[derive(Debug)]
pub struct SignedIn {
    /// The token.
    pub token: Secret,
    /// How long it lives.
    pub life: TokenLife,
}

/// What was read from a Vault.
#[derive(Debug, Default)]
pub struct VaultSecrets {
    /// The secrets, each in its slot.
    pub secrets: Vec<(SecretSlot, Secret)>,
    /// Why others were not found.
    pub missing: Vec<(SecretSlot, VaultError)>,
}

/// Signs in. A wrapping token is used once, whatever becomes of it.
///
/// # Errors
/// [`VaultError`].
pub async fn sign_in(
    wire: &impl VaultWire,
    source: &VaultSource,
    credential: VaultCredential,
) -> Result<SignedIn, VaultError> {
    let now = wire.now();
    let (request, slot, secret) = match credential {
        VaultCredential::Token(token) => {
            let life = look_up(wire, source, &token).await?;
            return Ok(SignedIn { token, life });
        }
        VaultCredential::Wrapped(token) => (
            vault_request::unwrap(source),
            SecretSlot::VAULT_TOKEN,
            token,
        ),
        VaultCredential::Password {
            method,
            user_name,
            password,
        } => (
            vault_request::log_in(source, method, &user_name),
            SecretSlot::VAULT_PASSWORD,
            password,
        ),
    };
    let is_wrapped = slot == SecretSlot::VAULT_TOKEN;
    let mut keyring = Keyring::default();
    keyring.add(vec![(slot, secret)]);
    let reply = exchange(wire, source, request, &keyring).await?;
    let (token, life) = reply
        .token(now, &keyring.redactor())
        .map_err(|error| rejected(error, is_wrapped))?;
    let token = secret_of(&token, source)?;
    Ok(SignedIn { token, life })
}

/// A rejection of what was signed in with. Vault uses 400 and 403 for it.
fn rejected(error: VaultError, is_wrapped: bool) -> VaultError {
    match error {
        VaultError::Denied { message }
        | VaultError::Failed {
            status: 400,
            message,
        } => match is_wrapped {
            true => VaultError::WrappingToken { message },
            false => VaultError::SignInRejected { message },
        },
        other => other,
    }
}

/// Reads the secrets that are wanted. A secret that the Vault does not have is reported by itself. If the
/// Vault denies the reading, it is asked whether the token is still valid.
///
/// # Errors
/// [`VaultError`] if nothing can be read.
pub async fn read_secrets(
    wire: &impl VaultWire,
    source: &VaultSource,
    token: &Secret,
    wanted: &[WantedSecret],
) -> Result<VaultSecrets, VaultError> {
    match read_wanted(wire, source, token, wanted).await {
        Err(VaultError::Denied { message }) => Err(match look_up(wire, source, token).await {
            Err(denied @ VaultError::Denied { .. }) => denied,
            // Valid, or not known to be invalid: it may be allowed to read something else.
            _ => VaultError::NotPermitted {
                path: shown_path(source),
                message,
            },
        }),
        read => read,
    }
}

async fn read_wanted(
    wire: &impl VaultWire,
    source: &VaultSource,
    token: &Secret,
    wanted: &[WantedSecret],
) -> Result<VaultSecrets, VaultError> {
    let keyring = holding(token, source)?;
    let redactor = keyring.redactor();
    let version = match source.kv_version {
        Some(version) => version,
        None => kv_version(wire, source, &keyring).await?,
    };
    let request = vault_request::read(source, version);
    let reply = exchange(wire, source, request, &keyring).await?;
    let fields = match reply.fields(source, version, &redactor) {
        // A mount of another version says the same as one without the secret.
        Err(error @ VaultError::Absent { .. }) if source.kv_version.is_some() => {
            return Err(match kv_version(wire, source, &keyring).await {
                Ok(actual) if actual != version => VaultError::WrongKvVersion {
                    mount: source.mount_and_path().0.to_owned(),
                    actual,
                },
                _ => error,
            });
        }
        read => read?,
    };
    let mut found = VaultSecrets::default();
    for WantedSecret {
        slot,
        address,
        field,
    } in wanted
    {
        let text = fields.get(field).and_then(|field| field.0.as_ref());
        match text.map(|text| Secret::new(text, address)) {
            Some(Ok(secret)) => found.secrets.push((slot.clone(), secret)),
            Some(Err(error)) => found.missing.push((
                slot.clone(),
                VaultError::NotASecret {
                    field: field.clone(),
                    slot: slot.clone(),
                    error,
                },
            )),
            None => found.missing.push((
                slot.clone(),
                VaultError::FieldMissing {
                    field: field.clone(),
                    slot: slot.clone(),
                },
            )),
        }
    }
    Ok(found)
}

async fn kv_version(
    wire: &impl VaultWire,
    source: &VaultSource,
    keyring: &Keyring,
) -> Result<KvVersion, VaultError> {
    let request = vault_request::mount(source);
    let reply = exchange(wire, source, request, keyring).await?;
    reply.kv_version(source, &keyring.redactor())
}

/// Asks how long a token lives.
async fn look_up(
    wire: &impl VaultWire,
    source: &VaultSource,
    token: &Secret,
) -> Result<TokenLife, VaultError> {
    let now = wire.now();
    let keyring = holding(token, source)?;
    let request = vault_request::look_up_token(source);
    let reply = exchange(wire, source, request, &keyring).await?;
    reply.life(now, &keyring.redactor())
}

/// Renews a token. The new life is as much the page's own as the one before.
///
/// # Errors
/// [`VaultError`].
pub async fn renew(
    wire: &impl VaultWire,
    source: &VaultSource,
    token: &Secret,
    before: &TokenLife,
) -> Result<TokenLife, VaultError> {
    let now = wire.now();
    let keyring = holding(token, source)?;
    let request = vault_request::renew_token(source);
    let reply = exchange(wire, source, request, &keyring).await?;
    let (_, life) = reply.token(now, &keyring.redactor())?;
    Ok(TokenLife {
        is_own: before.is_own,
        ..life
    })
}

/// Revokes a token.
///
/// # Errors
/// [`VaultError`].
pub async fn revoke(
    wire: &impl VaultWire,
    source: &VaultSource,
    token: &Secret,
) -> Result<(), VaultError> {
    let keyring = holding(token, source)?;
    let request = vault_request::revoke_token(source);
    let reply = exchange(wire, source, request, &keyring).await?;
    reply.done(&keyring.redactor())
}

/// A keyring with the token alone, for the requests of one action.
fn holding(token: &Secret, source: &VaultSource) -> Result<Keyring, VaultError> {
    let mut keyring = Keyring::default();
    let copy = token.copy_for(&source.address).map_err(prepare_error)?;
    keyring.add(vec![(SecretSlot::VAULT_TOKEN, copy)]);
    Ok(keyring)
}

fn secret_of(token: &str, source: &VaultSource) -> Result<Secret, VaultError> {
    Secret::new(token, &source.address).map_err(prepare_error)
}

fn prepare_error(error: SecretError) -> VaultError {
    VaultError::Prepare(error.into())
}

async fn exchange(
    wire: &impl VaultWire,
    source: &VaultSource,
    request: HttpRequest,
    keyring: &Keyring,
) -> Result<VaultReply, VaultError> {
    let request = request.prepare(keyring)?;
    match wire.send(&request).await {
        Ok((status, body)) => Ok(VaultReply { status, body }),
        // The browser's message says nothing more: it hides why.
        Err(_) => Err(VaultError::NoResponse {
            host: source.address.host_and_port(),
            address: source.address.to_string(),
            origin: wire.origin(),
        }),
    }
}

#[cfg(test)]
mod tests;
