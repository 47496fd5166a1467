//! Addresses that may be called: `https`, or `http` on loopback.
//!
//! The rules are stricter than the URL standard so that the browser cannot interpret an address
//! differently: requests use an address assembled from the parts parsed here.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// An endpoint's address: scheme, host, port and a path without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    https: bool,
    host: String,
    port: Option<u16>,
    path: String,
}

/// Maximum length of an address, in bytes.
const MAX_LENGTH: usize = 2048;

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// [`AddressError`] unless the address has the form `https://host[:port][/path]`, or the same
    /// with `http` for `localhost` and `127.0.0.1`.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let text = text.trim();
        let given = || text.chars().take(120).collect::<String>();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.contains('@') {
            // The error does not repeat the address, which may contain a password.
            return Err(AddressError::Credentials);
        }
        if text.len() > MAX_LENGTH || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(AddressError::Malformed { given: given() });
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| AddressError::NoScheme { given: given() })?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            other => {
                return Err(AddressError::Scheme {
                    scheme: other.chars().take(20).collect(),
                });
            }
        };
        if rest.contains(['?', '#']) {
            return Err(AddressError::QueryOrFragment);
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        let (host, port) =
            split_port(authority).ok_or_else(|| AddressError::Malformed { given: given() })?;
        let host = canonical_host(host).ok_or_else(|| AddressError::Host { given: given() })?;
        let port = match port {
            None | Some("") => None,
            Some(digits) => Some(parse_port(digits).ok_or_else(|| AddressError::Port {
                given: digits.chars().take(20).collect(),
            })?),
        };
        let port = port.filter(|port| *port != if https { 443 } else { 80 });
        if path.split('/').any(|part| matches!(part, "." | "..")) || path.contains('%') {
            return Err(AddressError::Malformed { given: given() });
        }
        let address = Address {
            https,
            host,
            port,
            path: path.trim_end_matches('/').to_owned(),
        };
        if !https && !address.allows_http() {
            return Err(AddressError::NotSecure {
                host: address.host_and_port(),
            });
        }
        Ok(address)
    }

    /// Builds an address from the original script's two flags: `--host http://localhost --port 8080`.
    ///
    /// # Errors
    /// As [`Address::parse`], and [`AddressError::PathBeforePort`].
    pub fn from_host_and_port(host: &str, port: Option<&str>) -> Result<Address, AddressError> {
        let host = host.trim().trim_end_matches('/');
        let with_scheme = if host.contains("://") {
            host.to_owned()
        } else {
            format!("http://{host}")
        };
        let without_port = Address::parse(&with_scheme)?;
        match port {
            // What is appended to a path is not a port.
            Some(_) if !without_port.path.is_empty() => Err(AddressError::PathBeforePort {
                given: host.chars().take(120).collect(),
            }),
            Some(port) => Address::parse(&format!("{with_scheme}:{}", port.trim())),
            None => Ok(without_port),
        }
    }

    /// The host in lower case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host, and the port unless it is the scheme's default.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The port, also if it is the scheme's default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.https { 443 } else { 80 })
    }

    /// Scheme, host and port: the serialized origin (HTML standard) that a secret belongs to.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.host_and_port())
    }

    /// Whether requests stay on this machine: `localhost`, `*.localhost`, `127.0.0.0/8`, `[::1]`.
    /// Not all of these may be called with plain `http`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self
                .host
                .parse::<Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
            || self.host == "[::1]"
    }

    /// Whether plain `http` is allowed: for `localhost` and `127.0.0.1` only. The page's content
    /// security policy lists just these (it cannot express `[::1]` or a range), and the page cannot
    /// distinguish a request that the policy blocks from one whose response was lost.
    fn allows_http(&self) -> bool {
        self.host == "localhost" || self.host == "127.0.0.1"
    }

    /// Appends a path, which must start with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Address::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Parses `host` or `host:port`. The host is as in [`Address::host`]; an IPv6 address needs brackets
/// only with a port. `None` if it is neither.
pub(super) fn parse_host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim();
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some((format!("[{address}]"), None));
    }
    let (host, port) = split_port(text)?;
    let port = match port {
        None => None,
        Some(digits) => Some(parse_port(digits)?),
    };
    Some((canonical_host(host)?, port))
}

/// Parses a port, 1 to 65535.
fn parse_port(digits: &str) -> Option<u16> {
    let port = digits.parse::<u16>().ok()?;
    (port > 0 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(port)
}

/// Splits an authority into host and port; `None` if a bracket is not closed.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (host, rest) = authority.split_at_checked(end)?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

/// The host as the browser serializes it, or `None` for forms that the browser would interpret
/// differently (numbers such as `0x7f.1`, percent signs, non-ASCII characters).
fn canonical_host(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inner
            .parse::<Ipv6Addr>()
            .ok()
            .map(|address| format!("[{address}]"));
    }
    let labels: Vec<&str> = host.split('.').collect();
    let plain = !host.is_empty()
        && host.len() <= 253
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
    if !plain {
        return None;
    }
    // "A host that ends in a number" is an IPv4 address to the browser (URL standard, 3.5).
    let last = labels.last().copied().unwrap_or_default();
    let ends_in_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    if ends_in_number {
        return host
            .parse::<Ipv4Addr>()
            .ok()
            .map(|address| address.to_string());
    }
    Some(host)
}

/// Why an address is refused. Texts as given are truncated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The address is empty.
    #[error("the address is empty")]
    Empty,
    /// The scheme is missing.
    #[error("“{given}” does not start with https:// or http://")]
    NoScheme {
        /// The address as given.
        given: String,
    },
    /// The scheme is neither https nor http.
    #[error("a page cannot call {scheme}: addresses")]
    Scheme {
        /// The scheme as given.
        scheme: String,
    },
    /// The scheme is `http`, but the host is not on this machine.
    #[error("http://{host} would send secrets unencrypted over the network")]
    NotSecure {
        /// The host and port.
        host: String,
    },
    /// The address contains a user name or password.
    #[error("the address contains a user name or password")]
    Credentials,
    /// The address contains a query or fragment.
    #[error("the address contains a ? or #")]
    QueryOrFragment,
    /// The host is invalid.
    #[error("“{given}” does not contain a valid host")]
    Host {
        /// The address as given.
        given: String,
    },
    /// The port is invalid.
    #[error("“{given}” is not a valid port")]
    Port {
        /// The port as given.
        given: String,
    },
    /// A port was given beside an address that has a path.
    #[error("the port cannot be added to “{given}”, which has a path")]
    PathBeforePort {
        /// The address as given.
        given: String,
    },
    /// The address is invalid for another reason.
    #[error("“{given}” is not a valid address")]
    Malformed {
        /// The address as given.
        given: String,
    },
}

impl AddressError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            AddressError::Empty => "address_empty",
            AddressError::NoScheme { .. } => "address_no_scheme",
            AddressError::Scheme { .. } => "address_scheme",
            AddressError::NotSecure { .. } => "address_not_secure",
            AddressError::Credentials => "address_credentials",
            AddressError::QueryOrFragment => "address_query",
            AddressError::Host { .. } => "address_host",
            AddressError::Port { .. } => "address_port",
            AddressError::PathBeforePort { .. } => "address_path_before_port",
            AddressError::Malformed { .. } => "address_malformed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            AddressError::Empty => "Enter an address such as https://api.openai.com/v1.",
            AddressError::NoScheme { .. } | AddressError::Scheme { .. } => {
                "Start with https://, or with http:// for a server on this machine."
            }
            AddressError::NotSecure { .. } => {
                "Use https://. Plain http:// is allowed only for localhost and 127.0.0.1."
            }
            AddressError::Credentials => {
                "Remove the user name and password. Keys and tokens are entered separately."
            }
            AddressError::QueryOrFragment => "Enter the address without a query or fragment.",
            AddressError::Host { .. } => {
                "Enter a host name, an IPv4 address of four numbers, or an IPv6 address in brackets. Enter international names in their xn-- form."
            }
            AddressError::Port { .. } => "Use a port from 1 to 65535.",
            AddressError::PathBeforePort { .. } => {
                "Put the port into the address, as in http://localhost:8080/api."
            }
            AddressError::Malformed { .. } => {
                "Enter an address such as https://tasks.example.com, without spaces or percent signs."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_addresses_are_normalized() {
        for (given, read) in [
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("HTTPS://API.Example.COM:443", "https://api.example.com"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
            ("https://[2001:DB8:0:0::1]/a", "https://[2001:db8::1]/a"),
            (" http://localhost ", "http://localhost"),
            ("https://[::1]:9000", "https://[::1]:9000"),
        ] {
            let address = Address::parse(given).unwrap();
            assert_eq!(address.to_string(), read);
            assert_eq!(Address::parse(read).unwrap(), address);
        }
    }

    #[test]
    fn other_addresses_are_refused_with_a_reason() {
        for (given, code) in [
            ("", "address_empty"),
            ("api.openai.com/v1", "address_no_scheme"),
            ("ftp://example.com", "address_scheme"),
            ("javascript://x", "address_scheme"),
            ("http://example.com", "address_not_secure"),
            ("http://192.168.1.5:8080", "address_not_secure"),
            ("http://127.0.0.1.example.com", "address_not_secure"),
            ("http://[::1]:9000", "address_not_secure"),
            ("http://127.0.0.2", "address_not_secure"),
            ("http://app.localhost", "address_not_secure"),
            ("me:hunter2@example.com", "address_credentials"),
            ("http://localhost.example.com", "address_not_secure"),
            ("https://user:pw@example.com", "address_credentials"),
            ("http://localhost@evil.example", "address_credentials"),
            ("https://example.com?key=1", "address_query"),
            ("https://example.com#a", "address_query"),
            ("https://", "address_host"),
            ("http://0x7f.1", "address_host"),
            ("http://2130706433", "address_host"),
            ("http://127.1", "address_host"),
            ("https://exa%6dple.com", "address_host"),
            ("https://a..b", "address_host"),
            ("https://example.com:0", "address_port"),
            ("https://example.com:99999", "address_port"),
            ("https://example.com:+1", "address_port"),
            ("https://exämple.com", "address_malformed"),
            ("https:\\\\example.com", "address_malformed"),
            ("https://example.com/a b", "address_malformed"),
            ("https://example.com/../x", "address_malformed"),
        ] {
            let error = Address::parse(given).expect_err(given);
            assert_eq!(error.code(), code, "{given}");
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let error = Address::parse("https://me:hunter2@example.com").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn an_address_is_built_from_host_and_port() {
        let read = |host, port| Address::from_host_and_port(host, port).map(|a| a.to_string());
        assert_eq!(
            read("http://localhost", Some("8080")).unwrap(),
            "http://localhost:8080"
        );
        assert_eq!(
            read("localhost", Some("8080")).unwrap(),
            "http://localhost:8080"
        );
        assert_eq!(
            read("https://tasks.example.com/", None).unwrap(),
            "https://tasks.example.com"
        );
        assert!(read("http://localhost", Some("80a")).is_err());
        assert!(read("tasks.example.com", None).is_err());
        let code = |host| read(host, Some("8080")).unwrap_err().code();
        assert_eq!(code("http://localhost/api"), "address_path_before_port");
        assert_eq!(code("localhost/api/"), "address_path_before_port");
        assert_eq!(code("http://localhost:9000"), "address_port");
        assert_eq!(code("http://localhost?a"), "address_query");
        assert_eq!(code("me:hunter2@localhost/api"), "address_credentials");
        assert_eq!(
            read("http://localhost/", Some("8080")).unwrap(),
            "http://localhost:8080"
        );
    }
}
