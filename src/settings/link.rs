//! The flags of the page's own address: those of the original script, so that
//! `?dry-run&count=2&host=http://localhost&port=8080` does what its command line did.
//!
//! A link can be shared, so it never holds a secret, and a host that came from one is shown and
//! accepted before any secret can be given to it.

use super::config::is_secret_name;
use super::{Address, AddressError};

/// What a link asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Start in dry run.
    pub dry_run: bool,
    /// How many tasks, as written: the brief's own check says what is wrong with it.
    pub count: Option<String>,
    /// The task server.
    pub task_server: Option<Address>,
    /// What was wrong with the link; the rest of it is used.
    pub problems: Vec<LinkError>,
}

/// What is wrong with a flag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A flag that holds a secret. Its value is never repeated.
    #[error("the link holds a secret ({name}): it was not used")]
    Secret {
        /// The flag's name.
        name: String,
    },
    /// A flag that is not known.
    #[error("the link has a flag that is not known: {name}")]
    Unknown {
        /// The flag's name, cut.
        name: String,
    },
    /// The host or port is refused.
    #[error("the link's task server is refused: {0}")]
    Address(#[from] AddressError),
}

impl LinkError {
    /// A stable name for the kind of error.
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
                "Links are kept in histories and logs: change that secret, and type the new one where it is asked for."
            }
            LinkError::Unknown { .. } => "The flags are dry-run, count, host and port.",
            LinkError::Address(error) => error.hint(),
        }
    }
}

impl Link {
    /// Reads the query of the page's address, with or without its `?`.
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

/// Percent-decoding of a query part; `+` is a space. What is not UTF-8 is replaced.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let digits = [ahead.next(), ahead.next()]
                    .map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                match digits {
                    [Some(high), Some(low)] => {
                        out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                        bytes = ahead;
                    }
                    _ => out.push(b'%'),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_flags_are_understood() {
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
    fn what_is_wrong_with_a_link_is_said_and_the_rest_is_used() {
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
