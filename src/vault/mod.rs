//! Vault as a source of secrets: HashiCorp Vault and OpenBao, by their HTTP API.
//!
//! `vault_request` makes the requests and `vault_reply` reads what comes back; `vault_session` joins them
//! into signing in, reading, renewing and revoking, over a [`VaultWire`]; `taken_secrets` decides what
//! replaces a secret that is held. Nothing here opens a
//! connection or asks the operator. A value that was read becomes a [`crate::secrets::Secret`] at once,
//! and belongs to the origin of the endpoint that uses it.

mod taken_secrets;
mod token_life;
mod vault_error;
mod vault_reply;
mod vault_request;
mod vault_session;
mod wanted_secret;

pub use taken_secrets::TakenSecrets;
pub use token_life::TokenLife;
pub use vault_error::VaultError;
pub use vault_request::{health, look_up_token};
pub use vault_session::{
    SignedIn, VaultCredential, VaultSecrets, VaultWire, read_secrets, renew, revoke, sign_in,
};
pub use wanted_secret::{WantedSecret, wanted_secrets};
