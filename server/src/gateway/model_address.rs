//! The address of the model endpoint behind the gateway.

use axum::http::Uri;
use axum::http::uri::Authority;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything in a query but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A base URL such as `https://api.openai.com/v1`: a scheme, a host and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAddress {
    /// Without a slash at the end.
    base: String,
    is_private: bool,
}

/// Why a text is no base URL of a model endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelAddressError {
    /// It is not a URL with the scheme `https` or `http`, a host and a path.
    #[error("expected a URL such as https://api.openai.com/v1, without a query")]
    NotABaseUrl,
    /// It contains a user or a password, which would end up in process lists.
    #[error("a URL must not contain a user or a password")]
    UserInformation,
}

impl ModelAddress {
    /// Parses a base URL. A slash at its end is ignored.
    ///
    /// # Errors
    /// [`ModelAddressError`].
    pub fn parse(text: &str) -> Result<Self, ModelAddressError> {
        let uri: Uri = text.parse().map_err(|_| ModelAddressError::NotABaseUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ModelAddressError::NotABaseUrl);
        };
        if authority.as_str().contains('@') {
            return Err(ModelAddressError::UserInformation);
        }
        if !matches!(scheme, "https" | "http")
            || authority.host().is_empty()
            || uri.query().is_some()
            || text.contains('#')
        {
            return Err(ModelAddressError::NotABaseUrl);
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            base: format!("{scheme}://{authority}{path}"),
            is_private: scheme == "https" || is_loopback(authority),
        })
    }

    /// The URL of `path` at the endpoint, with these parameters; `None` if that is no URL.
    #[must_use]
    pub fn at(&self, path: &str, query: &[(String, String)]) -> Option<Uri> {
        let mut url = format!("{}{path}", self.base);
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, RESERVED));
            url.push('=');
            url.extend(utf8_percent_encode(value, RESERVED));
        }
        url.parse().ok()
    }

    /// Whether nobody on the way can read a request: it is encrypted or stays on this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.is_private
    }
}

fn is_loopback(authority: &Authority) -> bool {
    crate::app::is_loopback_name(authority.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_appended_to_the_base_url() {
        for (base, url) in [
            (
                "https://api.openai.com/v1",
                "https://api.openai.com/v1/models",
            ),
            (
                "https://api.openai.com/v1/",
                "https://api.openai.com/v1/models",
            ),
            ("http://localhost:11434", "http://localhost:11434/models"),
            (
                "https://r.openai.azure.com/openai/deployments/d",
                "https://r.openai.azure.com/openai/deployments/d/models",
            ),
        ] {
            let address = ModelAddress::parse(base).unwrap();
            assert_eq!(address.at("/models", &[]).unwrap(), url);
        }
    }

    #[test]
    fn the_query_is_encoded() {
        let address = ModelAddress::parse("https://a.example/v1").unwrap();
        let query = [
            ("api-version".to_owned(), "2024-10-21".to_owned()),
            ("a b".to_owned(), "c&d=é".to_owned()),
        ];
        assert_eq!(
            address.at("/models", &query).unwrap(),
            "https://a.example/v1/models?api-version=2024-10-21&a%20b=c%26d%3D%C3%A9"
        );
    }

    #[test]
    fn anything_but_a_base_url_is_refused() {
        for text in [
            "",
            "api.openai.com/v1",
            "ftp://a.example",
            "https://",
            "https://a.example/v1?x=1",
            "https://a.example/v1#x",
            "/v1",
        ] {
            let error = ModelAddress::parse(text).err();
            assert_eq!(error, Some(ModelAddressError::NotABaseUrl), "{text}");
        }
        let error = ModelAddress::parse("https://me:s3cret@a.example").unwrap_err();
        assert_eq!(error, ModelAddressError::UserInformation);
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn plain_http_to_another_machine_is_not_private() {
        for (base, private) in [
            ("https://a.example/v1", true),
            ("http://localhost:1234/v1", true),
            ("http://127.0.0.1/v1", true),
            ("http://[::1]:80/v1", true),
            ("http://litellm:4000/v1", false),
        ] {
            let address = ModelAddress::parse(base).unwrap();
            assert_eq!(address.is_private(), private, "{base}");
        }
    }
}
