//! The secrets of a pasted text: where each belongs in a request, and its value if the text has it.

use super::notice::Notices;
use super::word::Word;
use crate::secrets::{Secret, SecretError};
use crate::settings::Address;
use crate::text::truncate_chars;

/// Where a request carries a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// In the header of this name.
    Header(String),
    /// In the query parameter of this name.
    Query(String),
}

impl TokenPlace {
    /// The name of the header or query parameter.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            TokenPlace::Header(name) | TokenPlace::Query(name) => name,
        }
    }

    /// The place in words: `header X-AGENT-TOKEN`.
    pub(super) fn described(&self) -> String {
        match self {
            TokenPlace::Header(name) => format!("header {name}"),
            TokenPlace::Query(name) => format!("query parameter {name}"),
        }
    }
}

/// How a request carries a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenForm {
    /// The header or query parameter.
    pub place: TokenPlace,
    /// The word before the secret, such as `Bearer` (RFC 9110, section 11.4). A space follows it.
    pub scheme: Option<String>,
}

/// The value of a pasted secret.
#[derive(Debug)]
pub enum TokenValue {
    /// The value. It belongs to the address of the request.
    Given(Secret),
    /// The text has no value, or a variable or a placeholder such as `<token>` in its place.
    Missing {
        /// The variable as written, such as `$TOKEN`.
        variable: Option<String>,
    },
    /// The value was dropped: without a valid address there is no server that it belongs to.
    WithoutAddress,
    /// The value was dropped: a header cannot carry it.
    Invalid(SecretError),
}

/// A secret of a pasted text.
#[derive(Debug)]
pub struct PastedToken {
    /// How requests carry it.
    pub form: TokenForm,
    /// Its value.
    pub value: TokenValue,
}

/// Maximum length of a scheme, in bytes. Longer first words are part of the secret.
const MAX_SCHEME_BYTES: usize = 20;

impl PastedToken {
    /// Reads a secret. A scheme such as `Bearer` is split off.
    pub(super) fn read(
        place: TokenPlace,
        value: &Word,
        address: Option<&Address>,
        notices: &mut Notices,
    ) -> PastedToken {
        let (scheme, value) = split_scheme(&place, &value.trimmed());
        let form = TokenForm { place, scheme };
        let described = form.place.described();
        let value = match address {
            _ if value.is_empty() => {
                notices.missing(format!("The {described} has no value. Enter the token."));
                TokenValue::Missing { variable: None }
            }
            _ if value.variable().is_some() => {
                let variable = value.variable().map(|it| truncate_chars(it, 60));
                notices.missing(format!(
                    "The value of the {described} is the variable {}. Enter the token.",
                    variable.as_deref().unwrap_or_default()
                ));
                TokenValue::Missing { variable }
            }
            _ if value.is_placeholder() => {
                notices.missing(format!(
                    "The value of the {described} is a placeholder. Enter the token."
                ));
                TokenValue::Missing { variable: None }
            }
            None => {
                notices.left_out(format!(
                    "The value of the {described} was not taken over, because a token belongs to an address. Enter it once the address is complete."
                ));
                TokenValue::WithoutAddress
            }
            Some(address) => match Secret::new(value.text(), address) {
                Ok(secret) => {
                    notices.recognized(format!("The {described} carries a token."));
                    TokenValue::Given(secret)
                }
                Err(error) => {
                    notices.left_out(format!(
                        "The value of the {described} was not taken over: {error}."
                    ));
                    TokenValue::Invalid(error)
                }
            },
        };
        PastedToken { form, value }
    }
}

/// Splits `Bearer abc` into scheme and secret. Only `Authorization` has schemes of any name.
fn split_scheme(place: &TokenPlace, value: &Word) -> (Option<String>, Word) {
    const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "apikey", "api-key", "key"];
    let TokenPlace::Header(name) = place else {
        return (None, value.clone());
    };
    let Some((scheme, rest)) = value.split_once(' ') else {
        // `Authorization: Bearer` without a token.
        let is_scheme = SCHEMES.contains(&value.text().to_ascii_lowercase().as_str());
        return match is_scheme {
            true => (Some(value.text().to_owned()), Word::default()),
            false => (None, value.clone()),
        };
    };
    let text = scheme.text();
    let is_word = !text.is_empty()
        && text.len() <= MAX_SCHEME_BYTES
        && scheme.variable().is_none()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let is_known = SCHEMES.contains(&text.to_ascii_lowercase().as_str());
    if is_word && (is_known || name.eq_ignore_ascii_case("authorization")) {
        (Some(text.to_owned()), rest.trimmed())
    } else {
        (None, value.clone())
    }
}

/// `user:password` in base64, as `Authorization: Basic` carries it (RFC 7617).
pub(super) fn basic_credentials(user: &Word) -> Word {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if user.variable().is_some() || user.is_placeholder() {
        return user.clone();
    }
    let mut text = String::new();
    for chunk in user.text().as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) & 63;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            text.push(if at > chunk.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    Word::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_encoded_in_base64() {
        for (user, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(basic_credentials(&Word::new(user)).text(), encoded);
        }
    }
}
