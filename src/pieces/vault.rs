//! The calls of a Vault. Few runs make any, so they are in the piece with the dialogs, one of which asks
//! for the sign-in.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use zeroize::Zeroizing;

use super::piece_entry;
use crate::browser::clock::PageClock;
use crate::browser::{fetch, page_origin};
use crate::connection_test::{TestStep, secrets_readable};
use crate::http::PreparedRequest;
use crate::ports::Clock;
use crate::secrets::Secret;
use crate::settings::VaultSource;
use crate::text::sentences;
use crate::vault::{
    self, SignedIn, TokenLife, VaultCredential, VaultError, VaultSecrets, VaultWire, WantedSecret,
};

/// A call that waits for the Vault.
pub type VaultCall<T> = LocalBoxFuture<'static, Result<T, VaultError>>;

/// The calls of a Vault, and what their results mean. A trait object, because what is called through it
/// stays in its piece.
pub trait VaultAccess {
    /// Signs in.
    fn sign_in(&self, source: VaultSource, credential: VaultCredential) -> VaultCall<SignedIn>;

    /// Reads secrets.
    fn read(
        &self,
        source: VaultSource,
        token: Secret,
        wanted: Vec<WantedSecret>,
    ) -> VaultCall<VaultSecrets>;

    /// Renews a token.
    fn renew(&self, source: VaultSource, token: Secret, before: TokenLife) -> VaultCall<TokenLife>;

    /// Revokes a token.
    fn revoke(&self, source: VaultSource, token: Secret) -> VaultCall<()>;

    /// What an error means and what to do about it, in sentences.
    fn message(&self, error: &VaultError) -> String;

    /// The step of the connection test that reads secrets; `None` if there is no token.
    fn test_step(&self, read: Option<&Result<VaultSecrets, VaultError>>) -> TestStep;
}

piece_entry! {
    /// The calls of a Vault.
    ///
    /// # Errors
    /// `NotLoaded` if the piece could not be loaded.
    work(load): pub fn access() -> Rc<dyn VaultAccess> {
        Rc::new(PageAccess)
    }
}

/// The calls of a Vault from the page.
struct PageAccess;

impl VaultAccess for PageAccess {
    fn sign_in(&self, source: VaultSource, credential: VaultCredential) -> VaultCall<SignedIn> {
        Box::pin(async move { vault::sign_in(&PageWire, &source, credential).await })
    }

    fn read(
        &self,
        source: VaultSource,
        token: Secret,
        wanted: Vec<WantedSecret>,
    ) -> VaultCall<VaultSecrets> {
        Box::pin(async move { vault::read_secrets(&PageWire, &source, &token, &wanted).await })
    }

    fn renew(&self, source: VaultSource, token: Secret, before: TokenLife) -> VaultCall<TokenLife> {
        Box::pin(async move { vault::renew(&PageWire, &source, &token, &before).await })
    }

    fn revoke(&self, source: VaultSource, token: Secret) -> VaultCall<()> {
        Box::pin(async move { vault::revoke(&PageWire, &source, &token).await })
    }

    fn message(&self, error: &VaultError) -> String {
        sentences(&error.to_string(), &error.hint())
    }

    fn test_step(&self, read: Option<&Result<VaultSecrets, VaultError>>) -> TestStep {
        secrets_readable(read)
    }
}

/// The page's access to the network.
struct PageWire;

impl VaultWire for PageWire {
    async fn send(&self, request: &PreparedRequest) -> Result<(u16, Zeroizing<Vec<u8>>), String> {
        let (status, body) = fetch::get_bounded(request).await?;
        Ok((status, Zeroizing::new(body)))
    }

    fn now(&self) -> u64 {
        PageClock.now()
    }

    fn origin(&self) -> String {
        page_origin()
    }
}
