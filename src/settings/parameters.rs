//! What the operator adds to the requests to a model endpoint: members of the body, a query, headers,
//! and another header for the API key.

use super::header::{header_problem, name_only, plain_header_problem};
use super::query::{check_query, with_query};
use super::{ModelEndpoint, SettingsError};

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
pub(super) const MAX_PARAMETERS: usize = 64;
impl ModelEndpoint {
    /// The URL for a path of the API, with the extra query. The path must start with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        with_query(self.base_url.join(path), &self.extra_query)
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
        check_query(&self.extra_query)?;
        // The key may be sent in any header that the page can set.
        if let Some(name) = &self.key_header
            && let Some(problem) = header_problem(name)
        {
            return Err(SettingsError::KeyHeader {
                name: name_only(name),
                reason: problem.reason,
            });
        }
        let key_header = self.key_header.as_deref().unwrap_or("Authorization");
        for (name, value) in &self.extra_headers {
            if name.eq_ignore_ascii_case(key_header) {
                return Err(model_header(name, "it carries the API key"));
            }
            if let Some(problem) = plain_header_problem(name, value) {
                return Err(model_header(name, problem.reason));
            }
        }
        Ok(())
    }
}

fn model_header(name: &str, reason: &'static str) -> SettingsError {
    SettingsError::ModelHeader {
        name: name_only(name),
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
            let code = match extra.get("extra_headers") {
                Some(_) => "model_header_invalid",
                None => "key_header_invalid",
            };
            assert_eq!(error.code(), code, "{extra}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
