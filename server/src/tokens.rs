//! The agent tokens that the server accepts, with their scopes.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::named_secrets::{NamedSecrets, SecretPlace, TOKEN_LISTS};
use crate::rate_limit::Meter;
use crate::scope::{Scope, Scopes};

/// The publicly known default token; accepted on loopback addresses only.
pub const DEFAULT_TOKEN: &str = "changeme";

/// Where the tokens came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// No place names a token: [`DEFAULT_TOKEN`].
    Default,
    /// The lists that were used, each with the place that names it.
    Lists(Vec<(&'static str, SecretPlace)>),
}

/// The accepted tokens, as digests only.
#[derive(Debug)]
pub struct Tokens {
    accepted: Vec<Arc<AcceptedToken>>,
    source: TokenSource,
    include_default: bool,
}

/// A token that the server accepts, without its text.
#[derive(Debug)]
pub struct AcceptedToken {
    digest: TokenDigest,
    scopes: Scopes,
    meters: Arc<TokenMeters>,
}

/// What was used with a token in the last minute.
#[derive(Debug, Default)]
struct TokenMeters {
    requests: Meter,
    model_requests: Meter,
    model_tokens: Meter,
}

impl AcceptedToken {
    /// What the token may be used for.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// The requests about tasks with this token.
    #[must_use]
    pub fn requests(&self) -> &Meter {
        &self.meters.requests
    }

    /// The requests to the model with this token.
    #[must_use]
    pub fn model_requests(&self) -> &Meter {
        &self.meters.model_requests
    }

    /// The tokens of the model that were used with this token.
    #[must_use]
    pub fn model_tokens(&self) -> &Meter {
        &self.meters.model_tokens
    }
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
    /// A list is set, but empty. This is probably a failed injection, so the server must not fall back
    /// to a token that everyone knows.
    #[error("{name} is set in {}, but names no token", .place.label())]
    Empty {
        /// The name of the list.
        name: &'static str,
        /// Where.
        place: SecretPlace,
    },
    /// There is a `--config` file, but neither it nor the environment names a token.
    #[error("neither the environment nor the --config file has AGENT_API_TOKEN")]
    NotInConfig,
    /// No place names a token, and the secret in Vault does not either.
    #[error("the secret in Vault has no AGENT_API_TOKEN, and no other place has")]
    NotInVault,
    /// A token cannot be sent in a header field (RFC 9110, section 5.5).
    #[error(
        "a token in {name} contains a character that is not allowed in an HTTP header; use printable ASCII without spaces or commas"
    )]
    NotSendable {
        /// The name of the list.
        name: &'static str,
    },
}

impl TokenError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty_token",
            Self::NotInConfig => "no_token_in_config",
            Self::NotInVault => "no_token_in_vault",
            Self::NotSendable { .. } => "token_not_sendable",
        }
    }

    /// How the operator can resolve the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty { .. } => {
                "Set AGENT_API_TOKEN to a secret of your own, and unset the other lists of tokens that you do not need. To use the default token on this machine, unset them all."
            }
            Self::NotInConfig => {
                "Set AGENT_API_TOKEN to a secret of your own, in the environment or in the --config file."
            }
            Self::NotInVault => "Write AGENT_API_TOKEN into the secret at vault.secrets_path.",
            Self::NotSendable { .. } => {
                "Check the list in the environment and in the --config file."
            }
        }
    }
}

impl Tokens {
    /// Uses each list of tokens from the first of `places` that names it. A list is separated by
    /// commas. If no place names any list, only the default token is accepted, for posting and
    /// reading.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn from_places(places: &[&NamedSecrets]) -> Result<Self, TokenError> {
        let mut tokens = Vec::new();
        let mut lists = Vec::new();
        for (name, scopes) in TOKEN_LISTS {
            let found = places
                .iter()
                .find_map(|place| Some((place.place(), place.get(name)?)));
            let Some((place, list)) = found else {
                continue;
            };
            let list = split(list.reveal());
            if list.is_empty() {
                return Err(TokenError::Empty { name, place });
            }
            if list
                .iter()
                .any(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
            {
                return Err(TokenError::NotSendable { name });
            }
            lists.push((name, place));
            tokens.extend(list.into_iter().map(|token| (token, scopes)));
        }
        let source = if lists.is_empty() {
            tokens.push((DEFAULT_TOKEN, Scopes::TASKS));
            TokenSource::Default
        } else {
            TokenSource::Lists(lists)
        };
        let mut accepted: Vec<AcceptedToken> = Vec::new();
        for (token, scopes) in &tokens {
            let digest = TokenDigest::of(token.as_bytes());
            match accepted
                .iter_mut()
                .find(|known| known.digest.is_same(&digest))
            {
                Some(known) => known.scopes = known.scopes.and(*scopes),
                None => accepted.push(AcceptedToken {
                    digest,
                    scopes: *scopes,
                    meters: Arc::default(),
                }),
            }
        }
        Ok(Self {
            accepted: accepted.into_iter().map(Arc::new).collect(),
            source,
            include_default: tokens.iter().any(|(token, _)| DEFAULT_TOKEN.eq(*token)),
        })
    }

    /// The presented token and its number, from 1, if it is accepted. Compares in constant time:
    /// digests have a fixed length, and all of them are compared.
    #[must_use]
    pub fn find(&self, presented: &[u8]) -> Option<(usize, &Arc<AcceptedToken>)> {
        let presented = TokenDigest::of(presented);
        self.last(|accepted| accepted.is_same(&presented))
    }

    /// The last token for whose digest `is_same` returns true. Calls it for every digest.
    fn last(
        &self,
        mut is_same: impl FnMut(&TokenDigest) -> bool,
    ) -> Option<(usize, &Arc<AcceptedToken>)> {
        self.accepted
            .iter()
            .zip(1..)
            .fold(None, |found, (accepted, number)| {
                if is_same(&accepted.digest) {
                    Some((number, accepted))
                } else {
                    found
                }
            })
    }

    /// These tokens as the successors of `before`: a token that stays accepted keeps what it has used of
    /// its limits. Also returns whether they differ in a token, a scope or the order.
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> (Self, bool) {
        let same = |one: &AcceptedToken, other: &AcceptedToken| {
            one.digest.is_same(&other.digest) && one.scopes.eq(&other.scopes)
        };
        let is_same = self.accepted.len().eq(&before.accepted.len())
            && self
                .accepted
                .iter()
                .zip(&before.accepted)
                .all(|(one, other)| same(one, other));
        for accepted in &mut self.accepted {
            let known = before.accepted.iter();
            let mut known = known.filter(|known| known.digest.is_same(&accepted.digest));
            if let Some(known) = known.next() {
                *accepted = Arc::new(AcceptedToken {
                    digest: TokenDigest(accepted.digest.0),
                    scopes: accepted.scopes,
                    meters: Arc::clone(&known.meters),
                });
            }
        }
        (self, !is_same)
    }

    /// Whether a token has the scope.
    #[must_use]
    pub fn include_scope(&self, scope: Scope) -> bool {
        self.accepted
            .iter()
            .any(|token| token.scopes.include(scope))
    }

    /// Where the tokens came from.
    #[must_use]
    pub fn source(&self) -> &TokenSource {
        &self.source
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

    /// A place with these lists.
    fn place(place: SecretPlace, lists: &[(&str, &str)]) -> NamedSecrets {
        NamedSecrets::at(place, |name| {
            let list = lists.iter().find(|(known, _)| *known == name);
            list.map(|(_, value)| (*value).to_owned())
        })
    }

    fn environment(lists: &[(&str, &str)]) -> NamedSecrets {
        place(SecretPlace::Environment, lists)
    }

    fn of_list(list: &str) -> Result<Tokens, TokenError> {
        Tokens::from_places(&[&environment(&[("AGENT_API_TOKEN", list)])])
    }

    fn scopes(tokens: &Tokens, token: &str) -> Option<Scopes> {
        tokens.find(token.as_bytes()).map(|(_, it)| it.scopes())
    }

    #[test]
    fn each_list_comes_from_the_first_place_that_names_it() {
        let first = environment(&[("AGENT_API_TOKEN", "a")]);
        let second = place(
            SecretPlace::AgentConfig,
            &[("AGENT_API_TOKEN", "b"), ("AGENT_MODEL_TOKEN", "m")],
        );
        let tokens = Tokens::from_places(&[&first, &second]).unwrap();
        assert_eq!(scopes(&tokens, "a"), Some(Scopes::TASKS));
        assert_eq!(scopes(&tokens, "b"), None);
        assert_eq!(scopes(&tokens, "m"), Some(Scopes::MODEL));
        assert_eq!(scopes(&tokens, DEFAULT_TOKEN), None);
        assert_eq!(
            *tokens.source(),
            TokenSource::Lists(vec![
                ("AGENT_API_TOKEN", SecretPlace::Environment),
                ("AGENT_MODEL_TOKEN", SecretPlace::AgentConfig),
            ])
        );
    }

    #[test]
    fn without_any_list_only_the_default_token_is_accepted_for_tasks() {
        for places in [&[][..], &[&environment(&[])]] {
            let tokens = Tokens::from_places(places).unwrap();
            assert_eq!(*tokens.source(), TokenSource::Default);
            assert!(tokens.include_default());
            assert_eq!(scopes(&tokens, DEFAULT_TOKEN), Some(Scopes::TASKS));
            assert!(!tokens.include_scope(Scope::Model));
        }
        // A list of one scope replaces it, too.
        let tokens = Tokens::from_places(&[&environment(&[("AGENT_MODEL_TOKEN", "m")])]).unwrap();
        assert_eq!(scopes(&tokens, DEFAULT_TOKEN), None);
        assert!(!tokens.include_scope(Scope::Post));
    }

    #[test]
    fn a_token_has_the_scopes_of_every_list_that_names_it() {
        let lists = environment(&[
            ("AGENT_API_TOKEN", "tasks"),
            ("AGENT_POST_TOKEN", "post, both"),
            ("AGENT_READ_TOKEN", "read"),
            ("AGENT_MODEL_TOKEN", "model,tasks,both"),
        ]);
        let tokens = Tokens::from_places(&[&lists]).unwrap();
        for (token, expected) in [
            ("tasks", Scopes::TASKS.and(Scopes::MODEL)),
            ("post", Scopes::POST),
            ("both", Scopes::POST.and(Scopes::MODEL)),
            ("read", Scopes::READ),
            ("model", Scopes::MODEL),
        ] {
            assert_eq!(scopes(&tokens, token), Some(expected), "{token}");
        }
    }

    #[test]
    fn a_list_without_a_token_is_an_error_and_never_means_the_default_token() {
        let file = place(SecretPlace::AgentConfig, &[("AGENT_API_TOKEN", "b")]);
        for (name, _) in TOKEN_LISTS {
            for list in ["", " ", ",", " , ,"] {
                for place in [SecretPlace::Environment, SecretPlace::AgentConfig] {
                    let empty =
                        NamedSecrets::at(place, |named| (named == name).then(|| list.to_owned()));
                    let error = Tokens::from_places(&[&empty, &file]).err();
                    assert_eq!(error, Some(TokenError::Empty { name, place }), "{list:?}");
                }
            }
        }
    }

    #[test]
    fn several_tokens_are_accepted_for_a_rotation() {
        let tokens = of_list("new, old").unwrap();
        let number = |token: &str| tokens.find(token.as_bytes()).map(|(number, _)| number);
        assert_eq!(number("new"), Some(1));
        assert_eq!(number("old"), Some(2));
        assert_eq!(number("new, old"), None);
        assert!(!tokens.include_default());
        assert!(of_list("new,changeme").unwrap().include_default());
    }

    #[test]
    fn a_presented_token_is_compared_with_every_accepted_token() {
        let tokens = of_list("a, b, c, d").unwrap();
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
                of_list(token).err(),
                Some(TokenError::NotSendable {
                    name: "AGENT_API_TOKEN"
                })
            );
        }
    }

    #[test]
    fn a_token_that_stays_accepted_keeps_what_it_has_used() {
        let now = std::time::Instant::now();
        let used = |tokens: &Tokens, token: &str| {
            let (_, token) = tokens.find(token.as_bytes()).unwrap();
            token.requests().take(1, 1, now).is_err()
        };
        let before = of_list("old,both").unwrap();
        assert!(!used(&before, "both"));
        let (after, changed) = of_list("both,new").unwrap().succeeding(&before);
        assert!(changed);
        assert!(used(&after, "both") && !used(&after, "new"));
        assert!(after.find(b"old").is_none());
        let (_, changed) = of_list("both,new").unwrap().succeeding(&after);
        assert!(!changed);
        let wider = environment(&[
            ("AGENT_API_TOKEN", "both,new"),
            ("AGENT_MODEL_TOKEN", "new"),
        ]);
        let (_, changed) = Tokens::from_places(&[&wider]).unwrap().succeeding(&after);
        assert!(changed);
    }

    #[test]
    fn debug_output_contains_no_token() {
        let tokens = of_list("s3cret").unwrap();
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }
}
