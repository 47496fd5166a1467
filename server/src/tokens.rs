//! The agent tokens accepted in `X-AGENT-TOKEN`.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::agent_config::AgentConfig;

/// The publicly known default token; accepted on loopback addresses only.
pub const DEFAULT_TOKEN: &str = "changeme";

/// Where the tokens came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSource {
    /// Neither the environment nor a file was configured: [`DEFAULT_TOKEN`].
    Default,
    /// The environment variable `AGENT_API_TOKEN`.
    Environment,
    /// The `--config` file.
    AgentConfig,
}

/// The accepted tokens, as digests only.
#[derive(Debug)]
pub struct Tokens {
    digests: Vec<TokenDigest>,
    source: TokenSource,
    include_default: bool,
}

/// The SHA-256 of a token. It has no `PartialEq`: `==` stops at the first byte that differs, so its time
/// would tell how much of a guess is right.
#[derive(Debug)]
struct TokenDigest([u8; 32]);

impl TokenDigest {
    fn of(token: &[u8]) -> TokenDigest {
        TokenDigest(Sha256::digest(token).into())
    }

    /// Compares in constant time.
    fn is_same(&self, other: &TokenDigest) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Why the tokens cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// `AGENT_API_TOKEN` is set, but empty. This is probably a failed injection, so the server must
    /// not fall back to a token that everyone knows.
    #[error("AGENT_API_TOKEN is set in {place}, but names no token")]
    Empty {
        /// Where.
        place: &'static str,
    },
    /// There is a `--config` file, but neither it nor the environment names a token.
    #[error("neither the environment nor the --config file has AGENT_API_TOKEN")]
    NotInConfig,
    /// The `--config` file names a Vault and no token, and the environment names none either.
    #[error(
        "the server does not read tokens from Vault yet, and neither the environment nor the --config file has AGENT_API_TOKEN"
    )]
    OnlyVault,
    /// A token cannot be sent in a header field (RFC 9110, section 5.5).
    #[error(
        "a token contains a character that is not allowed in an HTTP header; use printable ASCII without spaces or commas"
    )]
    NotSendable,
}

impl TokenError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty_token",
            Self::NotInConfig => "no_token_in_config",
            Self::OnlyVault => "only_vault",
            Self::NotSendable => "token_not_sendable",
        }
    }

    /// How the operator can resolve the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty { .. } => {
                "Set AGENT_API_TOKEN to a secret of your own. To use the default token on this machine, unset it."
            }
            Self::NotInConfig | Self::OnlyVault => {
                "Set AGENT_API_TOKEN to a secret of your own, in the environment or in the --config file."
            }
            Self::NotSendable => {
                "Check AGENT_API_TOKEN in the environment or in the --config file."
            }
        }
    }
}

impl Tokens {
    /// Uses the tokens of the environment, otherwise those of the configuration file, otherwise the
    /// default. Each source is a comma-separated list. Only if there is no source at all does the
    /// server accept the default token.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn from_sources(
        environment: Option<&str>,
        agent_config: Option<&AgentConfig>,
    ) -> Result<Self, TokenError> {
        let (list, source) = match (environment, agent_config) {
            (Some(list), _) => (list, TokenSource::Environment),
            (None, None) => (DEFAULT_TOKEN, TokenSource::Default),
            (None, Some(config)) => match &config.agent_api_token {
                Some(list) => (list.as_str(), TokenSource::AgentConfig),
                None if config.has_vault => return Err(TokenError::OnlyVault),
                None => return Err(TokenError::NotInConfig),
            },
        };
        let tokens = split(list);
        if tokens.is_empty() {
            let place = match source {
                TokenSource::AgentConfig => "the --config file",
                _ => "the environment",
            };
            return Err(TokenError::Empty { place });
        }
        if tokens
            .iter()
            .any(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(TokenError::NotSendable);
        }
        Ok(Self {
            include_default: tokens.contains(&DEFAULT_TOKEN),
            digests: tokens
                .iter()
                .map(|token| TokenDigest::of(token.as_bytes()))
                .collect(),
            source,
        })
    }

    /// The index of the presented token, if it is accepted. Compares in constant time: digests have a
    /// fixed length, and all of them are compared.
    #[must_use]
    pub fn find(&self, presented: &[u8]) -> Option<usize> {
        let presented = TokenDigest::of(presented);
        self.last(|accepted| accepted.is_same(&presented))
    }

    /// The index of the last digest for which `is_same` returns true. Calls it for every digest.
    fn last(&self, mut is_same: impl FnMut(&TokenDigest) -> bool) -> Option<usize> {
        self.digests
            .iter()
            .enumerate()
            .fold(None, |found, (index, accepted)| {
                if is_same(accepted) {
                    Some(index)
                } else {
                    found
                }
            })
    }

    /// The number of accepted tokens.
    #[must_use]
    pub fn count(&self) -> usize {
        self.digests.len()
    }

    /// Where the tokens came from.
    #[must_use]
    pub fn source(&self) -> TokenSource {
        self.source
    }

    /// Whether [`DEFAULT_TOKEN`] is among the accepted tokens.
    #[must_use]
    pub fn include_default(&self) -> bool {
        self.include_default
    }
}

fn split(list: &str) -> Vec<&str> {
    list.split(',')
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(token: Option<&str>, has_vault: bool) -> AgentConfig {
        AgentConfig {
            agent_api_token: token.map(str::to_owned),
            has_vault,
            vault: None,
        }
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_file_overrides_the_default() {
        let (file, empty_file) = (config(Some("b"), true), config(None, true));
        for (environment, file, source, accepted, refused) in [
            (Some("a"), Some(&file), TokenSource::Environment, "a", "b"),
            (
                Some("a"),
                Some(&empty_file),
                TokenSource::Environment,
                "a",
                "",
            ),
            (None, Some(&file), TokenSource::AgentConfig, "b", "changeme"),
            (None, None, TokenSource::Default, "changeme", ""),
        ] {
            let tokens = Tokens::from_sources(environment, file).unwrap();
            assert_eq!(tokens.source(), source);
            assert!(tokens.find(accepted.as_bytes()).is_some());
            assert!(tokens.find(refused.as_bytes()).is_none());
        }
    }

    #[test]
    fn a_source_without_a_token_is_an_error_and_never_means_the_default_token() {
        let file = config(Some("b"), false);
        for list in ["", " ", ",", " , ,"] {
            for file in [None, Some(&file)] {
                let error = Tokens::from_sources(Some(list), file).err();
                assert_eq!(error.unwrap().code(), "empty_token", "{list:?}");
            }
            let error = Tokens::from_sources(None, Some(&config(Some(list), true))).err();
            assert_eq!(error.unwrap().code(), "empty_token", "{list:?}");
        }
        for (has_vault, code) in [(true, "only_vault"), (false, "no_token_in_config")] {
            let error = Tokens::from_sources(None, Some(&config(None, has_vault))).err();
            assert_eq!(error.unwrap().code(), code);
        }
    }

    #[test]
    fn several_tokens_are_accepted_for_a_rotation() {
        let tokens = Tokens::from_sources(Some("new, old"), None).unwrap();
        assert_eq!(tokens.find(b"new"), Some(0));
        assert_eq!(tokens.find(b"old"), Some(1));
        assert_eq!(tokens.find(b"new, old"), None);
        assert!(!tokens.include_default());
        assert!(
            Tokens::from_sources(Some("new,changeme"), None)
                .unwrap()
                .include_default()
        );
    }

    #[test]
    fn a_presented_token_is_compared_with_every_accepted_token() {
        let tokens = Tokens::from_sources(Some("a, b, c, d"), None).unwrap();
        for presented in [&b"a"[..], b"d", b"x", b""] {
            let presented = TokenDigest::of(presented);
            let mut compared = 0;
            tokens.last(|accepted| {
                compared += 1;
                accepted.is_same(&presented)
            });
            assert_eq!(
                compared, 4,
                "the position of a match takes no part in the time"
            );
        }
        let (token, other) = (TokenDigest::of(b"a"), TokenDigest::of(b"b"));
        assert!(token.is_same(&TokenDigest::of(b"a")) && !token.is_same(&other));
    }

    #[test]
    fn nothing_is_compared_by_an_operator_whose_time_tells_how_much_is_equal() {
        let code = include_str!("tokens.rs");
        let (code, _tests) = code.split_once("#[cfg(test)]").unwrap();
        let mut code = code.lines().filter(|line| !line.trim().starts_with("//"));
        assert!(code.all(|line| !line.contains("==") && !line.contains("!=")));
    }

    #[test]
    fn a_token_that_cannot_be_sent_in_a_header_is_refused() {
        for token in ["a b", "schlüssel", "a\nb"] {
            assert_eq!(
                Tokens::from_sources(Some(token), None).err(),
                Some(TokenError::NotSendable)
            );
        }
    }

    #[test]
    fn debug_output_contains_no_token() {
        let tokens = Tokens::from_sources(Some("s3cret"), None).unwrap();
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }
}
