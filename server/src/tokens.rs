//! The agent tokens accepted in `X-AGENT-TOKEN`.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The publicly known default token; accepted on loopback addresses only.
pub const DEFAULT_TOKEN: &str = "changeme";

/// Where the tokens came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSource {
    /// No token was configured: [`DEFAULT_TOKEN`].
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
    /// A token cannot be sent in a header field (RFC 9110, section 5.5).
    #[error(
        "a token contains a character that is not allowed in an HTTP header; use printable ASCII without spaces or commas"
    )]
    NotSendable,
}

impl Tokens {
    /// Uses the tokens of the environment, otherwise those of the configuration file, otherwise the
    /// default. Each source is a comma-separated list; a list without a token counts as absent.
    ///
    /// # Errors
    /// [`TokenError::NotSendable`].
    pub fn from_sources(
        environment: Option<&str>,
        agent_config: Option<&str>,
    ) -> Result<Self, TokenError> {
        let sources = [
            (environment, TokenSource::Environment),
            (agent_config, TokenSource::AgentConfig),
            (Some(DEFAULT_TOKEN), TokenSource::Default),
        ];
        let (tokens, source) = sources
            .into_iter()
            .map(|(list, source)| (split(list.unwrap_or_default()), source))
            .find(|(tokens, _)| !tokens.is_empty())
            .unwrap_or((Vec::new(), TokenSource::Default));
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

    #[test]
    fn the_environment_overrides_the_file_and_the_file_overrides_the_default() {
        for (environment, file, source, accepted, refused) in [
            (Some("a"), Some("b"), TokenSource::Environment, "a", "b"),
            (None, Some("b"), TokenSource::AgentConfig, "b", "changeme"),
            (Some(" , "), Some("b"), TokenSource::AgentConfig, "b", ""),
            (None, None, TokenSource::Default, "changeme", ""),
            (Some(""), Some(""), TokenSource::Default, "changeme", ""),
        ] {
            let tokens = Tokens::from_sources(environment, file).unwrap();
            assert_eq!(tokens.source(), source);
            assert!(tokens.find(accepted.as_bytes()).is_some());
            assert!(tokens.find(refused.as_bytes()).is_none());
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
