//! What the operator adds to the requests to a model endpoint: members of the body, a query, headers,
//! and another header for the API key.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::secret_like::{is_secret_name, is_secret_value};
use super::{HeaderProblem, ModelEndpoint, SettingsError, before, header_problem};

/// Members of the body that the reader of the response depends on.
pub const RESERVED_MEMBERS: [&str; 8] = [
    "model",
    "messages",
    "input",
    "stream",
    "n",
    "response_format",
    "text",
    "tools",
];

/// Maximum number of extra members, query parameters and headers, each.
const MAX_PARAMETERS: usize = 64;
/// Longest name or value of a query parameter or header, in bytes.
const MAX_BYTES: usize = 2048;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl ModelEndpoint {
    /// The URL for a path of the API, with the extra query. The path must start with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let mut url = self.base_url.join(path);
        for (index, (name, value)) in self.extra_query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, RESERVED));
            url.push('=');
            url.extend(utf8_percent_encode(value, RESERVED));
        }
        url
    }

    /// Validates the extra parameters. The other members are valid by construction.
    ///
    /// # Errors
    /// [`SettingsError`] if a name is reserved, cannot be sent, or looks like that of a secret.
    pub fn check(&self) -> Result<(), SettingsError> {
        let counts = [
            self.extra_body.len(),
            self.extra_query.len(),
            self.extra_headers.len(),
        ];
        if counts.iter().any(|count| *count > MAX_PARAMETERS) {
            return Err(SettingsError::TooManyParameters);
        }
        if let Some(name) = self
            .extra_body
            .keys()
            .find(|name| RESERVED_MEMBERS.contains(&name.as_str()))
        {
            return Err(SettingsError::ReservedParameter { name: name.clone() });
        }
        for (name, value) in &self.extra_query {
            let reason = if name.is_empty() || name.len() > MAX_BYTES || value.len() > MAX_BYTES {
                "it is empty or too long"
            } else if is_secret_name(name) || is_secret_value(value) {
                "it looks like a secret, which belongs in the header of the API key"
            } else {
                continue;
            };
            return Err(SettingsError::Query {
                name: before(name, &['=', '&']),
                reason,
            });
        }
        if let Some(name) = &self.key_header {
            check_header(name, None)?;
        }
        let key_header = self.key_header.as_deref().unwrap_or("Authorization");
        for (name, value) in &self.extra_headers {
            if name.eq_ignore_ascii_case(key_header) {
                return Err(model_header(name, "it carries the API key"));
            }
            check_header(name, Some(value))?;
        }
        Ok(())
    }
}

/// Checks whether a page can send a header. Without a value, it is the one of the API key.
fn check_header(name: &str, value: Option<&String>) -> Result<(), SettingsError> {
    if let Some(HeaderProblem { reason }) = header_problem(name) {
        return Err(model_header(name, reason));
    }
    // The key may be sent in any header that the page can set.
    let Some(value) = value else { return Ok(()) };
    let is_sendable = value.len() <= MAX_BYTES
        && value
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    if !is_sendable {
        return Err(model_header(
            name,
            "its value has characters that a header cannot have",
        ));
    }
    if is_secret_name(name) || is_secret_value(value) {
        return Err(model_header(
            name,
            "it looks like a secret, which is not stored in settings",
        ));
    }
    Ok(())
}

fn model_header(name: &str, reason: &'static str) -> SettingsError {
    SettingsError::ModelHeader {
        // The value of the header may have been entered with its name.
        name: before(name, &[':', '=', ' ']),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;
    use serde_json::json;

    fn endpoint(extra: &serde_json::Value) -> ModelEndpoint {
        let mut members = json!({"base_url": "https://a.example/v1", "model": "m"});
        for (name, value) in extra.as_object().unwrap() {
            members[name] = value.clone();
        }
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn members_that_the_reader_depends_on_are_refused_by_name() {
        for name in RESERVED_MEMBERS {
            let error = endpoint(&json!({"extra_body": {"top_p": 1, name: 1}})).check();
            let error = error.expect_err(name);
            assert_eq!(error.code(), "parameter_reserved");
            assert!(error.to_string().contains(&format!("“{name}”")), "{error}");
        }
        for body in [
            json!({"temperature": 0.2, "reasoning_effort": "low", "seed": 7}),
            json!({"provider": {"order": ["a"], "stream": true}, "store": true}),
            json!({"max_tokens": 50, "metadata": null}),
        ] {
            assert_eq!(
                endpoint(&json!({"extra_body": body})).check(),
                Ok(()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_query_is_encoded_and_holds_no_secret() {
        let address = Address::parse("https://a.example/v1").unwrap();
        let mut endpoint = ModelEndpoint::at(address, "m");
        assert_eq!(endpoint.url("/models"), "https://a.example/v1/models");
        endpoint.extra_query = [("api-version", "2026-01-01"), ("a b", "é&=?#")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(
            endpoint.url("/models"),
            "https://a.example/v1/models?a%20b=%C3%A9%26%3D%3F%23&api-version=2026-01-01"
        );
        assert_eq!(endpoint.check(), Ok(()));
        for (name, value) in [("key", "x"), ("", "x"), ("v", "sk-0123456789abcdef0123")] {
            endpoint.extra_query = [(name.to_owned(), value.to_owned())].into();
            let error = endpoint.check().unwrap_err();
            assert_eq!(error.code(), "query_invalid", "{name}");
            assert!(!error.to_string().contains("sk-"), "{error}");
        }
    }

    #[test]
    fn headers_are_those_that_a_page_can_send_and_hold_no_secret() {
        for extra in [
            json!({"key_header": "api-key"}),
            json!({"key_header": "X-Api-Key", "extra_headers": {"X-Title": "Plans"}}),
            json!({"key_header": "Authorization"}),
            json!({"extra_headers": {"HTTP-Referer": "https://a.example", "OpenAI-Organization": "org"}}),
        ] {
            assert_eq!(endpoint(&extra).check(), Ok(()), "{extra}");
        }
        for (extra, reason) in [
            (json!({"key_header": "Cookie"}), "browsers"),
            (json!({"key_header": "a b"}), "not a header name"),
            (json!({"key_header": "Content-Type"}), "something else"),
            (json!({"extra_headers": {"Authorization": "x"}}), "API key"),
            (json!({"extra_headers": {"X-Api-Key": "x"}}), "secret"),
            (
                json!({"extra_headers": {"X-Plain": "Bearer 0123456789abcdef"}}),
                "secret",
            ),
            (json!({"extra_headers": {"X-Plain": "a\nb"}}), "characters"),
            (
                json!({"extra_headers": {"Sec-Fetch-Mode": "x"}}),
                "browsers",
            ),
            (
                json!({"key_header": "X-Team", "extra_headers": {"x-team": "a"}}),
                "API key",
            ),
        ] {
            let error = endpoint(&extra).check().unwrap_err();
            assert_eq!(error.code(), "model_header_invalid", "{extra}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
