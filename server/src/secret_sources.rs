//! Where the server's secrets come from: the environment, the `--config` file and Vault, in this
//! order. They can be read again at any time.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::agent_config::AgentConfig;
use crate::environment::Environment;
use crate::gateway::gateway_error::GatewayError;
use crate::named_secrets::{MODEL_KEY, NamedSecrets};
use crate::options::Options;
use crate::outbound;
use crate::scope::Scope;
use crate::secret_text::SecretText;
use crate::start_error::StartError;
use crate::tokens::{TokenError, Tokens};
use crate::vault::vault_client::VaultClient;
use crate::vault::vault_error::VaultError;
use crate::vault::vault_reader::VaultReader;
use crate::vault::vault_settings::VaultSettings;

/// The list whose tokens may call the model endpoint.
const MODEL_TOKENS: &str = "AGENT_MODEL_TOKEN";

/// Longest pause after a failed reading.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(60);

/// What the server needs besides tokens for tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GatewayNeeds {
    /// There is no gateway.
    Nothing,
    /// A token with the scope `model`.
    Token,
    /// That, and a key.
    TokenAndKey,
}

/// The secrets as they were last read.
#[derive(Debug)]
pub struct HeldSecrets {
    /// The accepted tokens.
    pub tokens: Tokens,
    /// The key of the model endpoint, if it needs one.
    pub model_key: Option<SecretText>,
}

/// The places of the secrets.
pub struct SecretSources {
    environment: NamedSecrets,
    config_file: Option<PathBuf>,
    /// The file as it was read at the start, for the first reading.
    first_config: Option<AgentConfig>,
    vault: Option<VaultReader>,
    needs: GatewayNeeds,
}

impl SecretSources {
    /// The places that the options name. Vault is one of them only if another place leaves out what the
    /// server needs: a list of tokens, or for the gateway its tokens or its key.
    ///
    /// # Errors
    /// [`StartError::Vault`].
    pub fn open(
        options: &Options,
        environment: &Environment,
        config: Option<&AgentConfig>,
    ) -> Result<Self, StartError> {
        let needs = match (&options.model_endpoint, options.model_needs_no_key) {
            (None, _) => GatewayNeeds::Nothing,
            (Some(_), true) => GatewayNeeds::Token,
            (Some(_), false) => GatewayNeeds::TokenAndKey,
        };
        let is_named = |name: &str| {
            environment.secrets.get(name).is_some()
                || config.is_some_and(|config| config.secrets.get(name).is_some())
        };
        let has_tokens = environment.secrets.has_tokens()
            || config.is_some_and(|config| config.secrets.has_tokens());
        let lacks_something = !has_tokens
            || (needs != GatewayNeeds::Nothing && !is_named(MODEL_TOKENS))
            || (needs == GatewayNeeds::TokenAndKey && !is_named(MODEL_KEY));
        let mut vault = None;
        if lacks_something {
            let section = config.and_then(|config| config.vault_section.as_ref());
            let settings =
                VaultSettings::from(&options.vault_options(), section, &environment.vault)?;
            vault = match settings {
                Some(mut settings) => match settings.sign_in.take() {
                    Some(sign_in) => {
                        let http = outbound::client().map_err(VaultError::Tls)?;
                        let namespace = settings.namespace.as_deref();
                        let client = VaultClient::new(http, &settings.address, namespace);
                        Some(VaultReader::new(client, settings, sign_in))
                    }
                    // What is missing for the gateway is reported by its own error.
                    None if has_tokens => None,
                    None => return Err(VaultError::NoSignIn.into()),
                },
                None => None,
            };
        }
        Ok(Self {
            environment: environment.secrets.clone(),
            config_file: options.config.clone(),
            first_config: config.cloned(),
            vault,
            needs,
        })
    }

    /// Whether reading again may bring other secrets.
    #[must_use]
    pub fn can_change(&self) -> bool {
        self.vault.is_some() || self.config_file.is_some()
    }

    /// Reads the secrets.
    ///
    /// # Errors
    /// [`StartError::AgentConfig`], [`StartError::Vault`], [`StartError::Token`],
    /// [`StartError::Gateway`].
    pub async fn read(&mut self) -> Result<HeldSecrets, StartError> {
        let config = match (self.first_config.take(), &self.config_file) {
            (Some(config), _) => Some(config),
            (None, Some(file)) => Some(AgentConfig::read_for_start(file)?),
            (None, None) => None,
        };
        let vault = match &mut self.vault {
            Some(vault) => Some(vault.read().await?),
            None => None,
        };
        let file = config.as_ref().map(|config| &config.secrets);
        let places: Vec<&NamedSecrets> = [Some(&self.environment), file, vault.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        // The default token is for a server without any configuration only.
        if !places.iter().any(|place| place.has_tokens()) {
            if vault.is_some() {
                return Err(TokenError::NotInVault.into());
            }
            if config.is_some() {
                return Err(TokenError::NotInConfig.into());
            }
        }
        let tokens = Tokens::from_places(&places)?;
        if self.needs != GatewayNeeds::Nothing && !tokens.include_scope(Scope::Model) {
            return Err(GatewayError::NoToken.into());
        }
        let model_key = match self.needs {
            GatewayNeeds::TokenAndKey => Some(model_key(&places)?),
            GatewayNeeds::Nothing | GatewayNeeds::Token => None,
        };
        Ok(HeldSecrets { tokens, model_key })
    }

    /// The time until the secrets should be read again; `None` if only a signal changes them. After
    /// `failures` without a success it is short, and grows.
    #[must_use]
    pub fn pause(&self, failures: u32, now: Instant) -> Option<Duration> {
        let pause = self.vault.as_ref()?.pause(now);
        match failures.checked_sub(1) {
            None => Some(pause),
            Some(doublings) => {
                let retry = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(doublings));
                Some(retry.min(MAX_RETRY_PAUSE))
            }
        }
    }
}

/// The key in the first of `places` that names it.
fn model_key(places: &[&NamedSecrets]) -> Result<SecretText, GatewayError> {
    let (place, key) = places
        .iter()
        .find_map(|place| Some((place.place(), place.get(MODEL_KEY)?)))
        .ok_or(GatewayError::NoKey)?;
    if key.reveal().trim().is_empty() {
        return Err(GatewayError::EmptyKey(place));
    }
    Ok(key.clone())
}
