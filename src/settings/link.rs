//! Flags in the page's URL. They mirror the command line of the original script:
//! `?dry-run&count=2&host=http://localhost&port=8080`.
//!
//! Links can be shared, so they must not contain secrets, and the operator must accept a host from a
//! link before it can receive any secret.

use percent_encoding::percent_decode_str;

use super::config::is_secret_name;
use super::{Address, AddressError};

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
    /// Parses the query of the page's URL, with or without its `?`.
    #[must_use]
    pub fn parse(query: &str) -> Link {
        let mut link = Link::default();
        let mut host = None;
        let mut port = None;
        for flag in query.trim_start_matches('?').split('&') {
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            let (name, value) = (decode(name), decode(value));
            match name.trim_start_matches('-') {
                "" => {}
                "dry-run" | "dry_run" => {
                    link.dry_run = !matches!(value.as_str(), "false" | "0" | "no");
                }
                "count" => link.count = Some(value),
                "host" => host = Some(value),
                "port" => port = Some(value),
                other => {
                    let name: String = other.chars().take(40).collect();
                    link.problems.push(if is_secret_name(&name) {
                        LinkError::Secret { name }
                    } else {
                        LinkError::Unknown { name }
                    });
                }
            }
        }
        if host.is_some() || port.is_some() {
            let host = host.unwrap_or_else(|| "http://localhost".to_owned());
            match Address::from_host_and_port(&host, port.as_deref()) {
                Ok(address) => link.task_server = Some(address),
                Err(error) => link.problems.push(error.into()),
            }
        }
        link
    }
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
        let link = Link::parse("?dry-run&count=2&host=http://localhost&port=8080");
        assert!(link.dry_run && link.problems.is_empty());
        assert_eq!(link.count.as_deref(), Some("2"));
        assert_eq!(
            link.task_server.unwrap().to_string(),
            "http://localhost:8080"
        );
        let link = Link::parse("host=https%3A%2F%2Ftasks.example.com&dry-run=false");
        assert!(!link.dry_run);
        assert_eq!(
            link.task_server.unwrap().to_string(),
            "https://tasks.example.com"
        );
        assert_eq!(Link::parse(""), Link::default());
    }

    #[test]
    fn invalid_flags_are_reported_and_the_others_apply() {
        let link =
            Link::parse("?count=ten&AGENT_API_TOKEN=hunter2&host=http://evil.example&x=1&%ff=%zz");
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
}
