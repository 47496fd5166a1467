//! The faults that the proxy can inject.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A fault of one `POST`. The order of the variants is that in which a plan adds up its shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Fault {
    /// The request is lost: it does not reach the upstream, and the connection is closed.
    DropBefore,
    /// The response is lost: the upstream handles the request, and the connection is closed.
    DropAfter,
    /// The response is delayed by the time in the plan.
    Delay,
    /// The head and half of the body are sent, then the connection is closed. A response without a
    /// body lacks the end of its head instead.
    Truncate,
    /// 429 with a `Retry-After` that a page can read; the upstream gets no request.
    Status429,
    /// 503 with a `Retry-After` that a page can read; the upstream gets no request.
    Status503,
    /// The upstream handles the request, and its response is replaced by a 500 that no page can read.
    Status500Bare,
    /// 503 without a `Retry-After`, which a page can read; the upstream gets no request.
    Status503Bare,
    /// The connection is reset; the upstream gets no request.
    Reset,
}

/// Every fault and its name.
const NAMES: [(Fault, &str); 9] = [
    (Fault::DropBefore, "drop_before"),
    (Fault::DropAfter, "drop_after"),
    (Fault::Delay, "delay"),
    (Fault::Truncate, "truncate"),
    (Fault::Status429, "status_429"),
    (Fault::Status503, "status_503"),
    (Fault::Status500Bare, "status_500_bare"),
    (Fault::Status503Bare, "status_503_bare"),
    (Fault::Reset, "reset"),
];

/// The name of a fault that does not exist.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("there is no fault `{0}`; the faults are {list}", list = list())]
pub struct UnknownFault(pub String);

fn list() -> String {
    let names: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
    names.join(", ")
}

impl Fault {
    /// Every fault.
    pub fn all() -> impl Iterator<Item = Fault> {
        NAMES.iter().map(|(fault, _)| *fault)
    }

    /// The name in plans and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(fault, _)| *fault == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether the upstream gets the request.
    #[must_use]
    pub fn is_forwarded(self) -> bool {
        match self {
            Self::DropAfter | Self::Delay | Self::Truncate | Self::Status500Bare => true,
            Self::DropBefore
            | Self::Status429
            | Self::Status503
            | Self::Status503Bare
            | Self::Reset => false,
        }
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(fault, _)| *fault)
            .ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl TryFrom<String> for Fault {
    type Error = UnknownFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fault> for &'static str {
    fn from(fault: Fault) -> Self {
        fault.name()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_that_parses_back() {
        for fault in Fault::all() {
            assert!(!fault.name().is_empty());
            assert_eq!(fault.name().parse(), Ok(fault));
        }
        let unknown = "drop".parse::<Fault>().unwrap_err().to_string();
        assert!(unknown.contains("`drop`") && unknown.contains("drop_before"));
    }
}
