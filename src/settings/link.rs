//! Flags in the page's URL. They mirror the command line of the original script:
//! `?dry-run&count=2&host=http://localhost&port=8080`.
//!
//! Links can be shared, so they must not contain secrets, and the operator must accept a host from a
//! link before it can receive any secret.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::secret_like::{is_secret_name, is_secret_value, looks_random};
use super::{Address, AddressError, TaskServer};
use crate::digest::sha256_hex;

/// The flags of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Whether to start in dry-run mode.
    pub dry_run: bool,
    /// The number of tasks as written; validated together with the brief.
    pub count: Option<String>,
    /// The task server.
    pub task_server: Option<Address>,
    /// The invalid flags. The others apply.
    pub problems: Vec<LinkError>,
    /// The flags of the link that are known, as a query. `None` if the link contains a secret: then
    /// nothing of it may be kept.
    pub known_flags: Option<String>,
    /// The query without the parts that may be a secret; `None` if it has no such part.
    pub cleaned_query: Option<String>,
}

/// Why a flag is ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The flag contains a secret. Its value is never repeated.
    #[error("the link contains a secret ({name}), which was ignored")]
    Secret {
        /// The flag's name.
        name: String,
    },
    /// The flag is unknown.
    #[error("the link has an unknown flag: {name}")]
    Unknown {
        /// The flag's name, truncated.
        name: String,
    },
    /// The host or port is invalid.
    #[error("the link's task server was ignored: {0}")]
    Address(#[from] AddressError),
}

impl LinkError {
    /// A secret under this name. A name that looks like a secret itself is not repeated.
    fn secret(name: &str) -> LinkError {
        LinkError::Secret {
            name: if name.is_empty() || is_secret_value(name) {
                "without a name".to_owned()
            } else {
                shortened(name)
            },
        }
    }

    /// Whether the link contains a secret by this error.
    fn is_about_secret(&self) -> bool {
        matches!(
            self,
            LinkError::Secret { .. } | LinkError::Address(AddressError::Credentials)
        )
    }

    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            LinkError::Secret { .. } => "link_holds_secret",
            LinkError::Unknown { .. } => "link_flag_unknown",
            LinkError::Address(error) => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            LinkError::Secret { .. } => {
                "Links end up in histories and logs. Replace the secret, and enter the new one when the page asks for it."
            }
            LinkError::Unknown { .. } => "Use the flags dry-run, count, host and port.",
            LinkError::Address(error) => error.hint(),
        }
    }
}

impl Link {
    /// Parses query and fragment of the page's URL, each with or without its `?` or `#`. The page has no
    /// use for a fragment, but it may contain a secret, as after a sign-in elsewhere.
    #[must_use]
    pub fn parse(query: &str, fragment: &str) -> Link {
        let mut link = Link::default();
        let mut host = None;
        let mut port = None;
        let mut known_flags: Vec<&str> = Vec::new();
        let mut harmless: Vec<&str> = Vec::new();
        let query = query.trim_start_matches('?');
        for flag in query.split('&') {
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            let (name, value) = (decode(name), decode(value));
            let name = name.trim_start_matches('-');
            if is_secret_name(name) || is_secret_value(&value) || is_secret_value(name) {
                link.problems.push(LinkError::secret(name));
                continue;
            }
            match name {
                "" => {}
                "dry-run" | "dry_run" => {
                    link.dry_run = !matches!(value.as_str(), "false" | "0" | "no");
                }
                "count" => link.count = Some(value),
                "host" => host = Some(value),
                "port" => port = Some(value),
                other => {
                    link.problems.push(LinkError::Unknown {
                        name: shortened(other),
                    });
                    // Nobody can tell what an unknown flag is for, so a random value may be a secret.
                    if !(value.len() >= MIN_RANDOM_LENGTH && looks_random(&value)) {
                        harmless.push(flag);
                    }
                    continue;
                }
            }
            harmless.push(flag);
            if !name.is_empty() {
                known_flags.push(flag);
            }
        }
        let secret_in_fragment = fragment
            .trim_start_matches('#')
            .split(['&', '?', '/'])
            .find_map(|part| {
                let (name, value) = part.split_once('=').unwrap_or(("", part));
                let (name, value) = (decode(name), decode(value));
                let is_secret = is_secret_name(&name) || is_secret_value(&value);
                is_secret.then(|| LinkError::secret(&name))
            });
        link.problems.extend(secret_in_fragment);
        if host.is_some() || port.is_some() {
            let host = host.unwrap_or_else(|| "http://localhost".to_owned());
            match Address::from_host_and_port(&host, port.as_deref()) {
                Ok(address) => link.task_server = Some(address),
                Err(error) => link.problems.push(error.into()),
            }
        }
        let holds_secret = link.problems.iter().any(LinkError::is_about_secret);
        link.known_flags = (!holds_secret).then(|| known_flags.join("&"));
        let cleaned = if holds_secret {
            String::new()
        } else {
            harmless.join("&")
        };
        link.cleaned_query = (holds_secret || cleaned != query).then_some(cleaned);
        link
    }
}

/// What to do about the task server of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkServer {
    /// It is the server of the connection, whose settings all stay.
    Known,
    /// The operator accepted it before.
    Accepted,
    /// The operator rejected it before.
    Rejected,
    /// Ask the operator. Until then nothing is sent there, and no secret can be entered for it.
    Ask,
}

/// Decides what to do about the task server of a link. An address that differs from the known one in
/// any way, such as in its path, is another server: two paths may belong to two tenants of one host.
#[must_use]
pub fn decide_server(
    known: Option<&TaskServer>,
    address: &Address,
    decisions: &LinkServerDecisions,
) -> LinkServer {
    if known.is_some_and(|server| server.url == *address) {
        return LinkServer::Known;
    }
    match decisions.of(address) {
        Some(true) => LinkServer::Accepted,
        Some(false) => LinkServer::Rejected,
        None => LinkServer::Ask,
    }
}

/// What the operator decided about the servers of links. Holds SHA-256 digests of the addresses, so
/// that what is stored does not tell where a link led.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkServerDecisions {
    /// Digest and whether the server was accepted, oldest first.
    decisions: Vec<(String, bool)>,
}

/// Maximum number of decisions to remember. Above it the oldest one is forgotten, and asked again.
const MAX_DECISIONS: usize = 100;

impl LinkServerDecisions {
    /// Remembers the decision about an address.
    pub fn remember(&mut self, address: &Address, accepted: bool) {
        let digest = digest_of(address);
        self.decisions.retain(|(other, _)| *other != digest);
        self.decisions.push((digest, accepted));
        let excess = self.decisions.len().saturating_sub(MAX_DECISIONS);
        self.decisions.drain(..excess);
    }

    /// Whether the address was accepted; `None` if it was never asked about.
    fn of(&self, address: &Address) -> Option<bool> {
        let digest = digest_of(address);
        let mut decisions = self.decisions.iter();
        decisions
            .find(|(other, _)| *other == digest)
            .map(|(_, accepted)| *accepted)
    }
}

fn digest_of(address: &Address) -> String {
    sha256_hex(address.to_string().as_bytes())
}

/// From which length on a random value of an unknown flag may be a secret.
const MIN_RANDOM_LENGTH: usize = 16;

/// The first characters of a name.
fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Decodes a part of the query: percent-encoding and `+` for a space. Invalid UTF-8 is replaced.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_the_original_script_are_understood() {
        let link = Link::parse("?dry-run&count=2&host=http://localhost&port=8080", "");
        assert!(link.dry_run && link.problems.is_empty());
        assert_eq!(link.count.as_deref(), Some("2"));
        assert_eq!(
            link.task_server.unwrap().to_string(),
            "http://localhost:8080"
        );
        let link = Link::parse("host=https%3A%2F%2Ftasks.example.com&dry-run=false", "#top");
        assert!(!link.dry_run);
        assert_eq!(
            link.task_server.unwrap().to_string(),
            "https://tasks.example.com"
        );
        let nothing = Link::parse("", "");
        assert!(nothing.problems.is_empty() && nothing.cleaned_query.is_none());
    }

    #[test]
    fn a_server_is_asked_about_once_unless_its_address_is_exactly_the_known_one() {
        let address = |text: &str| Address::parse(text).unwrap();
        let known = TaskServer::at(address("https://tasks.example/a"));
        let mut decisions = LinkServerDecisions::default();
        assert_eq!(
            decide_server(Some(&known), &known.url, &decisions),
            LinkServer::Known
        );
        for other in [
            "https://tasks.example/b",
            "https://tasks.example",
            "https://tasks.example:8443/a",
            "https://other.example/a",
        ] {
            let other = address(other);
            let decide =
                |decisions: &LinkServerDecisions| decide_server(Some(&known), &other, decisions);
            assert_eq!(decide(&decisions), LinkServer::Ask, "{other}");
            decisions.remember(&other, true);
            assert_eq!(decide(&decisions), LinkServer::Accepted, "{other}");
            decisions.remember(&other, false);
            assert_eq!(decide(&decisions), LinkServer::Rejected, "{other}");
        }
        assert_eq!(decide_server(None, &known.url, &decisions), LinkServer::Ask);
    }

    #[test]
    fn decisions_are_stored_without_the_addresses() {
        let address = |port: usize| Address::parse(&format!("http://localhost:{port}")).unwrap();
        let mut decisions = LinkServerDecisions::default();
        for port in 1_000..1_200 {
            decisions.remember(&address(port), true);
        }
        let text = serde_json::to_string(&decisions).unwrap();
        assert!(!text.contains("localhost"));
        let restored: LinkServerDecisions = serde_json::from_str(&text).unwrap();
        assert_eq!(restored.of(&address(1_199)), Some(true));
        assert_eq!(
            restored.of(&address(1_000)),
            None,
            "the oldest is forgotten"
        );
    }

    #[test]
    fn invalid_flags_are_reported_and_the_others_apply() {
        let query = "?count=ten&AGENT_API_TOKEN=hunter2&host=http://evil.example&x=1&%ff=%zz";
        let link = Link::parse(query, "");
        assert_eq!(link.count.as_deref(), Some("ten"));
        assert_eq!(link.task_server, None);
        let codes: Vec<_> = link.problems.iter().map(LinkError::code).collect();
        assert_eq!(
            codes,
            [
                "link_holds_secret",
                "link_flag_unknown",
                "link_flag_unknown",
                "address_not_secure"
            ]
        );
        assert!(!format!("{link:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_of_a_link_with_a_secret_is_kept() {
        for (query, fragment) in [
            ("?count=2&AGENT_API_TOKEN=hunter2", ""),
            ("?count=2&pass=hunter2", ""),
            ("?count=2&x=ghp_hunter20123456789", ""),
            ("?count=ghp_hunter20123456789", ""),
            ("?ghp_hunter20123456789", ""),
            ("?host=https://user:hunter2@tasks.example.com", ""),
            ("?count=2", "#access_token=hunter2&state=x"),
            ("?count=2", "#/start?jwt=hunter2"),
            ("?count=2", "#Bearer%20hunter2hunter2"),
        ] {
            let link = Link::parse(query, fragment);
            assert_eq!(link.known_flags, None, "{query}{fragment}");
            assert_eq!(link.cleaned_query.as_deref(), Some(""), "{query}{fragment}");
            let shown: String = link.problems.iter().map(ToString::to_string).collect();
            assert!(!shown.is_empty(), "{query}{fragment}");
            assert!(
                !format!("{shown}{:?}", link.problems).contains("hunter2"),
                "{shown}"
            );
        }
    }

    #[test]
    fn an_unknown_flag_with_a_random_value_does_not_stay_in_the_address_bar() {
        let link = Link::parse("?count=2&x=4f9Kq0-zX81bTn72w&dry-run&page=5", "#top");
        assert_eq!(
            link.cleaned_query.as_deref(),
            Some("count=2&dry-run&page=5")
        );
        assert_eq!(link.known_flags.as_deref(), Some("count=2&dry-run"));
        let harmless = Link::parse("?count=2&page=5", "#top");
        assert_eq!(harmless.cleaned_query, None);
        assert_eq!(harmless.known_flags.as_deref(), Some("count=2"));
    }
}
