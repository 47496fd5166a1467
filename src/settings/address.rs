//! Which addresses may be called: `https`, or `http` on loopback.
//!
//! The rules are narrower than the URL standard's, so that what is read here and what the browser
//! calls can never differ: the address that is called is put together from the parts read here.

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

/// Addresses longer than this are refused, in bytes.
const MAX_LENGTH: usize = 2048;

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`] for everything but `https://host[:port][/path]` and the same with `http`
    /// where the host is loopback.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let text = text.trim();
        let given = || text.chars().take(120).collect::<String>();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.contains('@') {
            // Said without repeating it: what stands there may be a password.
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
            Some(digits) => Some(
                digits
                    .parse::<u16>()
                    .ok()
                    .filter(|port| *port > 0 && digits.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or_else(|| AddressError::Port {
                        given: digits.chars().take(20).collect(),
                    })?,
            ),
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
        if !https && !address.may_be_plain() {
            return Err(AddressError::NotSecure {
                host: address.host_and_port(),
            });
        }
        Ok(address)
    }

    /// Host and scheme of the original script's two flags: `--host http://localhost --port 8080`.
    ///
    /// # Errors
    /// As [`Address::parse`].
    pub fn from_host_and_port(host: &str, port: Option<&str>) -> Result<Address, AddressError> {
        let host = host.trim().trim_end_matches('/');
        let with_scheme = if host.contains("://") {
            host.to_owned()
        } else {
            format!("http://{host}")
        };
        match port {
            Some(port) => Address::parse(&format!("{with_scheme}:{}", port.trim())),
            None => Address::parse(&with_scheme),
        }
    }

    /// The host, lower case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host, and the port where it is not the scheme's own.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Scheme, host and port: what a secret belongs to (the HTML standard's origin, serialized).
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.host_and_port())
    }

    /// Whether it never leaves this machine: `localhost`, `*.localhost`, `127.0.0.0/8`, `[::1]`.
    /// Not all of these may be called by plain `http`.
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

    /// Whether plain `http` may be used: for `localhost` and `127.0.0.1`. The content security
    /// policy of the page names just these (it cannot name `[::1]` or a range), and a request that
    /// the policy stops looks to the page like one whose answer was lost.
    fn may_be_plain(&self) -> bool {
        self.host == "localhost" || self.host == "127.0.0.1"
    }

    /// This address with a path appended. `path` begins with `/`.
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

/// Host and port of an authority; `None` for an unclosed bracket.
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

/// The host as the browser would write it, or `None` for forms that it would read differently
/// (numbers such as `0x7f.1`, percent signs, anything beyond ASCII).
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

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("there is no address")]
    Empty,
    /// The scheme is missing.
    #[error("{given:?} does not say https:// or http://")]
    NoScheme {
        /// As given, cut.
        given: String,
    },
    /// Neither https nor http.
    #[error("{scheme}: cannot be called from a page")]
    Scheme {
        /// As given, cut.
        scheme: String,
    },
    /// `http` beyond this machine.
    #[error("http://{host} would send secrets unencrypted over the network")]
    NotSecure {
        /// Host and port.
        host: String,
    },
    /// A user name or password in the address.
    #[error("the address holds a user name or a password")]
    Credentials,
    /// A query or fragment.
    #[error("the address holds a ? or a #")]
    QueryOrFragment,
    /// The host is not one.
    #[error("{given:?} names no host that can be called")]
    Host {
        /// As given, cut.
        given: String,
    },
    /// The port is not one.
    #[error("{given:?} is not a port: 1 to 65535")]
    Port {
        /// As given, cut.
        given: String,
    },
    /// Anything else that is not an address.
    #[error("{given:?} is not an address")]
    Malformed {
        /// As given, cut.
        given: String,
    },
}

impl AddressError {
    /// A stable name for the kind of error.
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
            AddressError::Malformed { .. } => "address_malformed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            AddressError::Empty => "Give the address, such as https://api.openai.com/v1.",
            AddressError::NoScheme { .. } | AddressError::Scheme { .. } => {
                "Begin with https://, or with http:// for a server on this machine."
            }
            AddressError::NotSecure { .. } => {
                "Use https://. Plain http:// is for servers on this machine only, as localhost or 127.0.0.1."
            }
            AddressError::Credentials => {
                "Leave user name and password out; keys and tokens have fields of their own."
            }
            AddressError::QueryOrFragment => "Give the address up to the path only.",
            AddressError::Host { .. } => {
                "Give a host name, an IPv4 address of four numbers, or an IPv6 address in brackets. Names beyond ASCII are written in their xn-- form."
            }
            AddressError::Port { .. } => "Give a port between 1 and 65535.",
            AddressError::Malformed { .. } => {
                "Give an address such as https://tasks.example.com, without spaces or percent signs."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_may_be_called_are_read_into_one_form() {
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
    fn everything_else_is_refused_with_a_reason() {
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
    fn the_scripts_flags_make_an_address() {
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
    }
}
